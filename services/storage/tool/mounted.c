/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/tool/mounted.h"

#include <dirent.h>
#include <errno.h>
#include <mntent.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/file.h"

enum { HOLDERS = 16, NAME_MAX_BYTES = 256 };

struct holders {
	char name[HOLDERS][128]; /* of mappings */
	size_t count;
};

static void add_holder(struct holders *h, const char *sys, const char *dm)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/dm/name", sys, dm);
	if (h->count == HOLDERS || hpl_file_read(&b, path, NAME_MAX_BYTES, NULL) < 0 || !b.data)
		return;
	snprintf(h->name[h->count++], sizeof(h->name[0]), "%.*s", (int)strcspn(b.data, "\n"), b.data);
}

static void holders_of(struct holders *h, const char *sys, const char *device)
{
	char path[PATH_MAX];
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s/holders", sys, device);
	d = opendir(path);
	for (const struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.')
			add_holder(h, sys, e->d_name);
	if (d)
		closedir(d);
}

/* Those of the disk itself and of its partitions, which are folders in its own. */
static void all_holders(struct holders *h, const char *sys, const char *disk)
{
	char path[PATH_MAX];
	DIR *d;

	holders_of(h, sys, disk);
	snprintf(path, sizeof(path), "%s/%s", sys, disk);
	d = opendir(path);
	for (const struct dirent *e; d && (e = readdir(d));)
		if (strncmp(e->d_name, disk, strlen(disk)) == 0) {
			snprintf(path, sizeof(path), "%s/%s", disk, e->d_name);
			holders_of(h, sys, path);
		}
	if (d)
		closedir(d);
}

static const char *mapping_of(const struct holders *h, const char *source)
{
	static const char prefix[] = "/dev/mapper/";

	for (size_t i = 0; i < h->count; i++)
		if (strncmp(source, prefix, sizeof(prefix) - 1) == 0 &&
			strcmp(source + sizeof(prefix) - 1, h->name[i]) == 0)
			return h->name[i];
	return NULL;
}

int hpl_mounted_of(struct hpl_mounted *ret, const char *name, const char *mount, const char *sys,
	const char *mounts, struct hpl_err *err)
{
	struct holders h = {.count = 0};
	FILE *f = setmntent(mounts, "re");

	*ret = (struct hpl_mounted){0};
	if (!f)
		return HPL_FAIL(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, errno, "cannot tell what is mounted");
	all_holders(&h, sys, name);
	for (const struct mntent *m; h.count && (m = getmntent(f));) {
		const char *mapping = mapping_of(&h, m->mnt_fsname);

		if (!mapping || (ret->mapping[0] && !hpl_streq(m->mnt_dir, mount)))
			continue;
		snprintf(ret->mapping, sizeof(ret->mapping), "%s", mapping);
		snprintf(ret->mount, sizeof(ret->mount), "%s", m->mnt_dir);
		snprintf(ret->filesystem, sizeof(ret->filesystem), "%s", m->mnt_type);
	}
	endmntent(f);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/filesystem.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/proc.h"

/* mkfs of ext4 with lazy tables takes a second; btrfs and xfs about as long. Minutes mean a stuck
 * disk. A check reads all metadata of a volume that was never used. */
enum { MKFS_MS = 300000, FSCK_MS = 600000, PROGRAM_PATH = 256 };

struct kind {
	const char *type;
	const char *force;      /* overwrite what is there: the caller decided that */
	const char *label;
	const char *block[2];   /* block size of 4096: LUKS sectors may be that large */
};

static const struct kind kinds[] = {
	{"ext4", "-F", "-L", {"-b", "4096"}},
	{"xfs", "-f", "-L", {"-s", "size=4096"}},
	{"btrfs", "-f", "-L", {"-s", "4096"}},
};

static const struct kind *kind_of(const char *type)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(kinds); i++)
		if (hpl_streq(kinds[i].type, type))
			return &kinds[i];
	return NULL;
}

bool hpl_filesystem_known(const char *type)
{
	return kind_of(type) != NULL;
}

static void probe_free(blkid_probe *pr)
{
	blkid_free_probe(*pr);
}

int hpl_filesystem_probe(char *type, size_t size, int fd, struct hpl_err *err)
{
	HPL_CLEANUP(probe_free) blkid_probe pr = blkid_new_probe();
	const char *v = NULL;
	int r;

	if (!pr || blkid_probe_set_device(pr, fd, 0, 0) || blkid_probe_enable_superblocks(pr, 1) ||
		blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE))
		return HPL_FAIL(err, 0, 0, "libblkid cannot be set up");
	errno = 0;
	r = blkid_do_safeprobe(pr);
	if (r < 0 && r != -2) /* -1, or -errno of a read that failed */
		return HPL_FAIL(err, 0, errno, "looking for a filesystem failed");
	if (r == -2)
		return HPL_FAIL(err, 0, 0, "signatures of several filesystems are found");
	if (r == 0)
		(void)blkid_probe_lookup_value(pr, "TYPE", &v, NULL);
	snprintf(type, size, "%s", v ? v : "");
	return 0;
}

bool hpl_filesystem_tool(const char *dir, const char *type, struct hpl_err *err)
{
	char path[PROGRAM_PATH];

	if (!kind_of(type)) {
		HPL_FAIL(err, HPL_MSG_STORAGE_FS_TOOL_MISSING, 0, "filesystem '%s' is not known", type);
		return false;
	}
	snprintf(path, sizeof path, "%s/mkfs.%s", dir, type);
	if (access(path, X_OK) == 0)
		return true;
	HPL_FAIL(err, HPL_MSG_STORAGE_FS_TOOL_MISSING, errno, "%s", path);
	hpl_err_cure(err, "use filesystem: ext4, or an image with that program");
	return false;
}

int hpl_filesystem_make(const char *dir, const char *type, const char *device, const char *label,
	struct hpl_err *err)
{
	const struct kind *k = kind_of(type);
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	char path[PROGRAM_PATH];
	int status = -1;

	if (!hpl_filesystem_tool(dir, type, err))
		return -1;
	snprintf(path, sizeof path, "%s/mkfs.%s", dir, type);
	/* with a label: ... -L label device; without: ... device */
	const char *const argv[] = {path, "-q", k->force, k->block[0], k->block[1],
		label ? k->label : device, label, label ? device : NULL, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = MKFS_MS, .out = &out, .out_limit = 4096};
	if (hpl_proc_run(&p, &status, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_CREATE_FS_FAILED, "%s", path);
	if (status)
		return HPL_FAIL(err, HPL_MSG_LUKS_CREATE_FS_FAILED, 0, "%s ended with %d: %.400s",
			path, status, out.data ? out.data : "");
	return 0;
}

bool hpl_filesystem_sound(const char *dir, const char *type, const char *device)
{
	char path[PROGRAM_PATH];
	const char *const argv[] = {path, "-f", "-n", device, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = FSCK_MS};
	int status = -1;

	if (!hpl_streq(type, "ext4"))
		return false;
	snprintf(path, sizeof path, "%s/fsck.ext4", dir);
	return hpl_proc_run(&p, &status, NULL) == 0 && status == 0;
}

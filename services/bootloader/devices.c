// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/devices.h"

#include <blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>

#include "runtime/base/file.h"

int hpl_device_order(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	return la != lb ? (la < lb ? -1 : 1) : strcmp(a, b);
}

static int compare(const void *pa, const void *pb)
{
	const struct hpl_device *a = pa, *b = pb;

	if (!a->number != !b->number)
		return a->number ? 1 : -1;
	return hpl_device_order(a->name, b->name);
}

static bool is_virtual(const char *name)
{
	static const char *const prefixes[] = {"loop", "ram", "zram", "dm-", "md", "nbd", "fd"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* "KEY=value" lines; false: no such key, or a value that does not fit */
static bool uevent_value(char *out, size_t size, const char *text, const char *key)
{
	size_t klen = strlen(key);

	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		if (strncmp(p, key, klen) != 0 || p[klen] != '=')
			continue;
		p += klen + 1;
		size_t n = strcspn(p, "\n");
		if (n >= size)
			return false;
		memcpy(out, p, n);
		out[n] = 0;
		return true;
	}
	return false;
}

/* 1: no disk and no partition, or it is gone by now */
static int describe(struct hpl_device *d, const char *sys_block, const char *name)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char path[PATH_MAX], real[PATH_MAX], value[64];

	*d = (struct hpl_device){0};
	if (strlen(name) >= sizeof(d->name) || is_virtual(name))
		return 1;
	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s", sys_block, name);
	if (!realpath(path, real))
		return 1;
	snprintf(path, sizeof(path), "%s/%s/uevent", sys_block, name);
	if (hpl_file_read(&b, path, 16 << 10, NULL) < 0 || !b.data ||
		!uevent_value(value, sizeof(value), b.data, "DEVTYPE"))
		return 1;
	if (strcmp(value, "partition") != 0)
		return strcmp(value, "disk") == 0 ? 0 : 1;
	if (uevent_value(value, sizeof(value), b.data, "PARTN"))
		d->number = atoi(value);
	uevent_value(d->partname, sizeof(d->partname), b.data, "PARTNAME");
	/* .../block/vda/vda1 */
	char *slash = strrchr(real, '/');
	if (slash)
		*slash = 0;
	slash = strrchr(real, '/');
	if (!slash || strlen(slash + 1) >= sizeof(d->parent) || d->number <= 0)
		return 1;
	snprintf(d->parent, sizeof(d->parent), "%s", slash + 1);
	return 0;
}

int hpl_devices_list(struct hpl_devices *ret, const char *sys_block, struct hpl_err *err)
{
	DIR *dir = opendir(sys_block);

	ret->count = 0;
	if (!dir)
		return HPL_FAIL(err, 0, errno, "cannot read %s", sys_block);
	for (struct dirent *e; (e = readdir(dir)) && ret->count < HPL_DEVICES_MAX;)
		if (e->d_name[0] != '.' && describe(&ret->list[ret->count], sys_block, e->d_name) == 0)
			ret->count++;
	closedir(dir);
	qsort(ret->list, ret->count, sizeof(ret->list[0]), compare);
	return 0;
}

int hpl_devices_boot(const struct hpl_device **ret, const struct hpl_devices *d,
	struct hpl_err *err)
{
	const struct hpl_device *found = NULL;

	for (size_t i = 0; i < d->count; i++) {
		if (strcmp(d->list[i].partname, "hpl-boot") != 0)
			continue;
		if (found) {
			HPL_FAIL(err, 0, 0, "%s and %s are both named hpl-boot", found->name,
				d->list[i].name);
			hpl_err_cure(err, "attach one boot disk only");
			return -1;
		}
		found = &d->list[i];
	}
	if (!found)
		return 1;
	*ret = found;
	return 0;
}

enum hpl_cidata_type hpl_device_probe(const char *path)
{
	char *types[] = {(char[]){"iso9660"}, (char[]){"vfat"}, NULL};
	enum hpl_cidata_type r = HPL_CIDATA_NONE;
	const char *label = NULL, *type = NULL;
	/* O_NONBLOCK: an optical drive without a medium answers at once */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return r;
	blkid_probe p = blkid_new_probe();
	if (!p || blkid_probe_set_device(p, fd, 0, 0) != 0)
		goto out;
	blkid_probe_enable_superblocks(p, 1);
	blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_TYPE);
	blkid_probe_filter_superblocks_type(p, BLKID_FLTR_ONLYIN, types);
	if (blkid_do_safeprobe(p) == 0 && blkid_probe_lookup_value(p, "LABEL", &label, NULL) == 0 &&
		blkid_probe_lookup_value(p, "TYPE", &type, NULL) == 0) {
		if (strcmp(type, "iso9660") == 0 && strcmp(label, "cidata") == 0)
			r = HPL_CIDATA_ISO9660;
		else if (strcmp(type, "iso9660") == 0 && strcmp(label, "CIDATA") == 0)
			r = HPL_CIDATA_ISO9660;
		else if (strcmp(type, "vfat") == 0 && strcasecmp(label, "cidata") == 0)
			r = HPL_CIDATA_VFAT;
	}
out:
	blkid_free_probe(p);
	return r;
}

const struct hpl_device *hpl_devices_cidata(const struct hpl_devices *d,
	const enum hpl_cidata_type *types, size_t *ret_extra)
{
	size_t best = d->count, extra = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (types[i] == HPL_CIDATA_NONE)
			continue;
		if (best == d->count) {
			best = i;
			continue;
		}
		extra++;
		/* the list is in order: only a better file system of the same kind of device wins */
		if (!d->list[best].number == !d->list[i].number && types[i] < types[best])
			best = i;
	}
	*ret_extra = extra;
	return best < d->count ? &d->list[best] : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "proto/messages.h"
#include "runtime/base/file.h"

enum { ATTRIBUTE_MAX = 4096, MOUNTINFO_MAX = 1 << 20 };

static void dir_close(DIR **d)
{
	if (*d)
		closedir(*d);
}
#define _cleanup_dir_ HPL_CLEANUP(dir_close)

/* The first line of a text, without white space at its ends. The host wrote it: no control characters. */
static void trimmed(char *out, size_t size, const char *text, size_t len)
{
	size_t from = 0, to = 0;

	while (to < len && (uint8_t)text[to] >= ' ' && text[to] != 0x7f)
		to++;
	while (from < to && text[from] == ' ')
		from++;
	while (to > from && text[to - 1] == ' ')
		to--;
	snprintf(out, size, "%.*s", (int)(to - from), text + from);
}

/* One line of a sysfs file without white space at its ends; "" when it is not there. */
static void attribute(char *out, size_t size, const char *sys, const char *name, const char *file)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char path[512];

	out[0] = 0;
	snprintf(path, sizeof path, "%s/%s/%s", sys, name, file);
	if (hpl_file_read(&b, path, ATTRIBUTE_MAX, NULL) == 0 && b.data)
		trimmed(out, size, b.data, b.len);
}

/* A SCSI disk says its serial in a page of vital product data: 4 bytes of head, then text between spaces
 * (SPC-5, 7.7.17: unit serial number, page 80h). */
static void scsi_serial(char *out, size_t size, const char *sys, const char *name)
{
	enum { HEAD = 4, PAGE = 0x80 };
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char path[512];
	size_t len;

	snprintf(path, sizeof path, "%s/%s/device/vpd_pg80", sys, name);
	if (hpl_file_read(&b, path, ATTRIBUTE_MAX, NULL) < 0 || b.len < HEAD || (uint8_t)b.data[1] != PAGE)
		return;
	len = (size_t)(uint8_t)b.data[2] << 8 | (uint8_t)b.data[3];
	trimmed(out, size, b.data + HEAD, len < b.len - HEAD ? len : b.len - HEAD);
}

/* Of virtio; of NVMe; of SCSI; of a DASD, whose uid names vendor, serial, control unit and address. */
static void read_serial(struct hpl_disk *d, const struct hpl_disk_paths *p)
{
	attribute(d->serial, sizeof d->serial, p->sys, d->name, "serial");
	if (!d->serial[0])
		attribute(d->serial, sizeof d->serial, p->sys, d->name, "device/serial");
	if (!d->serial[0])
		scsi_serial(d->serial, sizeof d->serial, p->sys, d->name);
	if (!d->serial[0])
		attribute(d->serial, sizeof d->serial, p->sys, d->name, "device/uid");
}

static uint64_t attribute_u64(const char *sys, const char *name, const char *file)
{
	char text[64];

	attribute(text, sizeof text, sys, name, file);
	return strtoull(text, NULL, 10);
}

static bool has_entry(const char *sys, const char *name, const char *entry)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s/%s", sys, name, entry);
	return access(path, F_OK) == 0;
}

static bool dir_empty(const char *sys, const char *name, const char *entry)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	char path[512];

	snprintf(path, sizeof path, "%s/%s/%s", sys, name, entry);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			return false;
	return true;
}

/* mountinfo's third field of any line is "major:minor" */
static bool is_mounted(const char *mountinfo, const char *number)
{
	char want[64];

	if (!number[0])
		return false;
	snprintf(want, sizeof want, " %s ", number);
	return mountinfo && strstr(mountinfo, want);
}

static int part_number(const struct hpl_disk_paths *p, const char *disk, const char *part)
{
	char rel[512];

	snprintf(rel, sizeof rel, "%s/%s", disk, part);
	return (int)attribute_u64(p->sys, rel, "partition");
}

/* The partitions the kernel shows, in the order of their numbers; excluded when one is in use. */
static void read_parts(struct hpl_disk *d, const struct hpl_disk_paths *p, const char *mountinfo)
{
	_cleanup_dir_ DIR *dir = NULL;
	const struct dirent *e;
	char path[512], number[48];
	int numbers[HPL_DISK_PARTS];

	snprintf(path, sizeof path, "%s/%s", p->sys, d->name);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		int n = e->d_name[0] == '.' ? 0 : part_number(p, d->name, e->d_name);
		unsigned at = d->part_count;
		char rel[256];

		if (n <= 0)
			continue;
		snprintf(rel, sizeof rel, "%.63s/%.128s", d->name, e->d_name);
		attribute(number, sizeof number, p->sys, rel, "dev");
		if (is_mounted(mountinfo, number) || !dir_empty(p->sys, rel, "holders"))
			snprintf(d->excluded, sizeof d->excluded, "its partition %d is in use", n);
		if (at == HPL_DISK_PARTS) {
			snprintf(d->excluded, sizeof d->excluded, "it has too many partitions");
			return;
		}
		for (; at > 0 && numbers[at - 1] > n; at--) {
			numbers[at] = numbers[at - 1];
			d->parts[at] = d->parts[at - 1];
		}
		numbers[at] = n;
		d->parts[at] = (struct hpl_disk_part){
			.start = attribute_u64(p->sys, rel, "start") * 512,
			.size = attribute_u64(p->sys, rel, "size") * 512,
		};
		snprintf(d->parts[at].path, sizeof d->parts[at].path, "%.60s/%.60s", p->dev, e->d_name);
		d->part_count++;
	}
}

static void read_identity(struct hpl_disk *d, const struct hpl_disk_paths *p, const char *mountinfo)
{
	char number[48];
	bool drive;

	snprintf(d->path, sizeof d->path, "%.60s/%.60s", p->dev, d->name);
	d->size = attribute_u64(p->sys, d->name, "size") * 512;
	attribute(number, sizeof number, p->sys, d->name, "dev");
	(void)sscanf(number, "%u:%u", &d->major, &d->minor);
	d->sequence = attribute_u64(p->sys, d->name, "diskseq");
	read_serial(d, p);
	read_parts(d, p, mountinfo);
	drive = strncmp(d->name, "sr", 2) == 0 || strncmp(d->name, "fd", 2) == 0;
	d->read_only = !drive && attribute_u64(p->sys, d->name, "ro");
	if (!drive && d->size == 0 && !attribute_u64(p->sys, d->name, "removable"))
		d->kind = HPL_DISK_UNREADABLE;
	if (drive)
		snprintf(d->excluded, sizeof d->excluded, "it is a CD or floppy drive");
	else if (d->kind == HPL_DISK_UNREADABLE)
		snprintf(d->excluded, sizeof d->excluded, "it does not tell its size");
	else if (d->read_only)
		snprintf(d->excluded, sizeof d->excluded, "it is read-only");
	else if (is_mounted(mountinfo, number) || !dir_empty(p->sys, d->name, "holders"))
		snprintf(d->excluded, sizeof d->excluded, "it is in use");
	else if (d->size < HPL_DISK_MIN_BYTES)
		snprintf(d->excluded, sizeof d->excluded, "it is smaller than 128 MiB");
}

int hpl_disk_check_same(const struct hpl_disk *d, int fd, struct hpl_err *err)
{
	uint64_t now = 0;
	struct stat st;

	if (fstat(fd, &st) == 0 && !S_ISBLK(st.st_mode))
		return 0; /* only block devices have a number and a sequence */
	if (major(st.st_rdev) == d->major && minor(st.st_rdev) == d->minor &&
		(!d->sequence || (ioctl(fd, BLKGETDISKSEQ, &now) == 0 && now == d->sequence)))
		return 0;
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, 0, "%s is another disk than it was a moment ago", d->path);
	hpl_err_cure(err, "attach the disks of the guest before it starts, and leave them attached");
	return -1;
}

/* A disk that was just plugged in stands in sysfs before it has a node, before the node can be opened, and
 * before the kernel has looked for its partitions; opening waits for the latter, so they are listed again. */
static void read_contents(struct hpl_disk *d, const struct hpl_disk_paths *p, const char *mountinfo)
{
	_cleanup_close_ int fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENXIO)) {
		d->kind = HPL_DISK_UNREADABLE;
		snprintf(d->excluded, sizeof d->excluded, "it cannot be opened yet: %s", strerror(errno));
		return;
	}
	if (fd < 0) {
		d->kind = HPL_DISK_UNREADABLE;
		snprintf(d->why, sizeof d->why, "cannot open %s: %s", d->path, strerror(errno));
		return;
	}
	if (hpl_disk_check_same(d, fd, NULL) < 0) {
		d->kind = HPL_DISK_UNREADABLE;
		snprintf(d->excluded, sizeof d->excluded, "it has just been exchanged");
		return;
	}
	d->part_count = 0;
	read_parts(d, p, mountinfo);
	if (!d->excluded[0] || d->read_only)
		hpl_disk_classify(d, fd);
}

/* A disk: hardware stands behind it (loop, ram, dm and md have no `device`), not a partition. */
static bool is_disk(const struct hpl_disk_paths *p, const char *name)
{
	return name[0] != '.' && strlen(name) < sizeof(((struct hpl_disk *)0)->name) &&
	       has_entry(p->sys, name, "device") && !has_entry(p->sys, name, "partition") &&
	       attribute_u64(p->sys, name, "hidden") == 0; /* a path of a multipath NVMe disk has no node */
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	size_t la = strlen((*a)->d_name), lb = strlen((*b)->d_name);

	return la != lb ? (la < lb ? -1 : 1) : strcmp((*a)->d_name, (*b)->d_name);
}

static int list_names(struct dirent ***ret, const struct hpl_disk_paths *p, struct hpl_err *err)
{
	int n = scandir(p->sys, ret, NULL, by_name);

	if (n < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, errno, "cannot list %s", p->sys);
	return n;
}

int hpl_disk_fingerprint(struct hpl_buf *out, const struct hpl_disk_paths *p, struct hpl_err *err)
{
	struct dirent **names = NULL;
	int n = list_names(&names, p, err);

	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			hpl_buf_fmt(out, "%s %llu\n", names[i]->d_name,
				(unsigned long long)attribute_u64(p->sys, names[i]->d_name, "size"));
		free(names[i]);
	}
	free(names);
	if (out->failed)
		return HPL_OOM(err);
	return n < 0 ? -1 : 0;
}

static void look(struct hpl_disk *d, const char *name, const struct hpl_disk_paths *p, const char *mountinfo)
{
	*d = (struct hpl_disk){0};
	snprintf(d->name, sizeof d->name, "%.63s", name);
	read_identity(d, p, mountinfo);
	if (!d->excluded[0] || d->read_only) /* of one that cannot be written the names count */
		read_contents(d, p, mountinfo);
}

static int read_mounts(struct hpl_buf *ret, const struct hpl_disk_paths *p, struct hpl_err *err)
{
	if (hpl_file_read(ret, p->mountinfo, MOUNTINFO_MAX, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, "cannot tell what is mounted");
	return 0;
}

int hpl_disk_look(struct hpl_disk *ret, const char *name, const struct hpl_disk_paths *p,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf mounts = HPL_BUF_NULL;

	if (read_mounts(&mounts, p, err) < 0)
		return -1;
	look(ret, name, p, mounts.data);
	return 0;
}

/* "vdb", from a link as /sys/dev/block/254:16 -> ../../devices/.../vdb */
static const char *last_name(char *link, size_t size, unsigned major, unsigned minor)
{
	char path[64];
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof path, "/sys/dev/block/%u:%u", major, minor);
	n = readlink(path, link, size - 1);
	if (n <= 0)
		return NULL;
	link[n] = 0;
	slash = strrchr(link, '/');
	return slash ? slash + 1 : link;
}

int hpl_disk_resolve(char *ret_name, size_t size, const char *path, const struct hpl_disk_paths *p,
	struct hpl_err *err)
{
	char link[256];
	const char *name;
	struct stat st;

	if (stat(path, &st) < 0) {
		HPL_FAIL(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, errno, "%s", path);
		return hpl_err_cure(err, "lsblk lists the disks"), -1;
	}
	if (!S_ISBLK(st.st_mode)) {
		HPL_FAIL(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, 0, "%s is no block device", path);
		return hpl_err_cure(err, "name a disk; an image in a file becomes one by losetup --find --show "
			"--partscan FILE"), -1;
	}
	name = last_name(link, sizeof link, major(st.st_rdev), minor(st.st_rdev));
	if (!name || strlen(name) >= size)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, 0, "%s is not known to the kernel",
			path);
	if (strncmp(name, "dm-", 3) == 0 || strncmp(name, "ram", 3) == 0 ||
		strncmp(name, "zram", 4) == 0 || strncmp(name, "md", 2) == 0) {
		HPL_FAIL(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, 0, "%s is %s, not a disk", path, name);
		return hpl_err_cure(err, "name the disk itself"), -1;
	}
	if (!has_entry(p->sys, name, "size") || has_entry(p->sys, name, "partition")) {
		HPL_FAIL(err, HPL_MSG_STORAGE_UNSUPPORTED_NUMBER_OF_PARTITIONS, 0, "%s is a partition", path);
		return hpl_err_cure(err, "name the whole disk: its partitions are made and found by this program"), -1;
	}
	snprintf(ret_name, size, "%s", name);
	return 0;
}

int hpl_disk_scan(struct hpl_disk *disks, size_t *ret_count, const struct hpl_disk_paths *p,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf mounts = HPL_BUF_NULL;
	struct dirent **names = NULL;
	size_t count = 0;
	int n;

	if (read_mounts(&mounts, p, err) < 0)
		return -1;
	n = list_names(&names, p, err);
	for (int i = 0; i < n; i++) {
		if (count < HPL_DISK_MAX && is_disk(p, names[i]->d_name))
			look(&disks[count++], names[i]->d_name, p, mounts.data);
		free(names[i]);
	}
	free(names);
	if (n < 0)
		return -1;
	*ret_count = count;
	return 0;
}

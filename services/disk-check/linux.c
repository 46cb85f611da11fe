/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "runtime/base/secret.h"

enum { MOUNTINFO_MAX = 4 << 20, ATTRIBUTE_MAX = 4096, HEADER_MS = 60000, UNIT = 512 };

static int ask_mounts(void *ud, struct hpl_buf *out, struct hpl_err *err)
{
	const struct hpl_linux_paths *p = ud;

	return hpl_file_read(out, p->mountinfo, MOUNTINFO_MAX, err);
}

static int ask_place(void *ud, struct hpl_place *ret, const char *path, struct hpl_err *err)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_MNT_ID, &st) < 0)
		return HPL_FAIL(err, 0, errno, "cannot look at %s", path);
	if (!(st.stx_mask & STATX_MNT_ID))
		return HPL_FAIL(err, 0, 0, "the kernel does not number its mounts");
	*ret = (struct hpl_place){st.stx_mnt_id, st.stx_dev_major, st.stx_dev_minor};
	return 0;
}

/* First line of an attribute, without its end. */
static int attribute(char *out, size_t size, const char *path, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	if (hpl_file_read(&b, path, ATTRIBUTE_MAX, err) < 0)
		return -1;
	snprintf(out, size, "%.*s", (int)strcspn(b.data ? b.data : "", "\n"), b.data ? b.data : "");
	return 0;
}

/* ---- filesystems over several devices ---- */

static int fsid_of(char *out, size_t size, const char *path, struct hpl_err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct btrfs_ioctl_fs_info_args a = {0};
	size_t at = 0;

	if (fd < 0 || ioctl(fd, BTRFS_IOC_FS_INFO, &a) < 0)
		return HPL_FAIL(err, 0, errno, "cannot ask which filesystem is at %s", path);
	for (size_t i = 0; i < sizeof(a.fsid); i++)
		at += (size_t)snprintf(out + at, size - at, "%s%02x",
			i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", a.fsid[i]);
	return 0;
}

static int member(dev_t *ret, const char *dir, const char *name, struct hpl_err *err)
{
	char path[1024], text[64];
	unsigned a, b;

	snprintf(path, sizeof(path), "%s/%s/dev", dir, name);
	if (attribute(text, sizeof(text), path, err) < 0)
		return -1;
	if (sscanf(text, "%u:%u", &a, &b) != 2)
		return HPL_FAIL(err, 0, 0, "%s holds no number", path);
	*ret = makedev(a, b);
	return 0;
}

static int ask_members(void *ud, dev_t *ret, size_t *count, const char *path, struct hpl_err *err)
{
	const struct hpl_linux_paths *p = ud;
	char fsid[40], dir[512];
	size_t n = 0, room = *count;
	int r = 0;
	DIR *d;

	if (fsid_of(fsid, sizeof(fsid), path, err) < 0)
		return -1;
	snprintf(dir, sizeof(dir), "%s/%s/devices", p->sys_btrfs, fsid);
	d = opendir(dir);
	if (!d)
		return HPL_FAIL(err, 0, errno, "cannot list %s", dir);
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		if (n < room)
			r = member(&ret[n], dir, e->d_name, err);
		n++;
	}
	closedir(d);
	*count = n;
	return r;
}

/* ---- the device mapper ---- */

static int ask_mapping(void *ud, struct hpl_dm *ret, dev_t device, struct hpl_err *err)
{
	const struct hpl_linux_paths *p = ud;
	_cleanup_close_ int fd = open(p->control, O_RDWR | O_CLOEXEC);
	_cleanup_free_ struct dm_ioctl *io = calloc(1, HPL_DM_ANSWER);
	int r;

	if (!io)
		return HPL_OOM(err);
	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot open %s", p->control);
	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = HPL_DM_ANSWER;
	io->data_start = sizeof(*io);
	/* secure: the kernel wipes its own copy, for the case that a key stands in the table */
	io->flags = DM_STATUS_TABLE_FLAG | DM_NOFLUSH_FLAG | DM_SECURE_DATA_FLAG;
	io->dev = device;
	if (ioctl(fd, DM_TABLE_STATUS, io) < 0)
		return errno == ENXIO ? HPL_KERNEL_NOT_DM :
			HPL_FAIL(err, 0, errno, "the device mapper does not tell its table");
	r = hpl_dm_decode(ret, io, HPL_DM_ANSWER, err);
	hpl_wipe(io, HPL_DM_ANSWER);
	return r;
}

/* ---- devices ---- */

static int ask_device(void *ud, char *ret_path, uint64_t *ret_bytes, dev_t device, struct hpl_err *err)
{
	const struct hpl_linux_paths *p = ud;
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char path[512], text[64];
	const char *name;
	unsigned long long units;

	snprintf(path, sizeof(path), "%s/%u:%u/size", p->sys_dev, major(device), minor(device));
	if (attribute(text, sizeof(text), path, err) < 0)
		return -1;
	if (sscanf(text, "%llu", &units) != 1 || units > UINT64_MAX / UNIT)
		return HPL_FAIL(err, 0, 0, "%s holds no number", path);
	snprintf(path, sizeof(path), "%s/%u:%u/uevent", p->sys_dev, major(device), minor(device));
	if (hpl_file_read(&b, path, ATTRIBUTE_MAX, err) < 0)
		return -1;
	name = b.data ? strstr(b.data, "DEVNAME=") : NULL;
	if (!name || (name != b.data && name[-1] != '\n'))
		return HPL_FAIL(err, 0, 0, "%s names no device", path);
	name += strlen("DEVNAME=");
	snprintf(ret_path, HPL_KERNEL_PATH, "/dev/%.*s", (int)strcspn(name, "\n"), name);
	*ret_bytes = units * UNIT;
	return 0;
}

static int ask_node(void *ud, dev_t *ret, const char *path, struct hpl_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return HPL_FAIL(err, 0, errno, "cannot look at %s", path);
	if (!S_ISBLK(st.st_mode))
		return HPL_FAIL(err, 0, 0, "%s is no block device", path);
	*ret = st.st_rdev;
	return 0;
}

static int ask_header(void *ud, struct hpl_luks_header *ret, const char *path, dev_t device,
	struct hpl_err *err)
{
	const struct hpl_linux_paths *p = ud;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL, why = HPL_BUF_NULL;
	char number[32];
	const char *const argv[] = {p->header, path, number, NULL};
	struct hpl_proc run = {.argv = argv, .timeout_ms = HEADER_MS, .out = &out, .errout = &why,
		.out_limit = ATTRIBUTE_MAX};
	int status = 0;

	snprintf(number, sizeof(number), "%u:%u", major(device), minor(device));
	if (hpl_proc_run(&run, &status, err) < 0)
		return -1;
	if (status == HPL_HEADER_OK)
		return hpl_luks_header_parse(ret, out.data, err);
	HPL_FAIL(err, 0, 0, "%.*s", (int)strcspn(why.data ? why.data : "", "\n"),
		why.data ? why.data : "the reader of the header gave no reason");
	return status == HPL_HEADER_NONE ? HPL_KERNEL_NO_HEADER : -1;
}

struct hpl_kernel hpl_linux(const struct hpl_linux_paths *paths)
{
	return (struct hpl_kernel){(void *)paths, ask_mounts, ask_place, ask_members, ask_mapping, ask_device,
		ask_node, ask_header};
}

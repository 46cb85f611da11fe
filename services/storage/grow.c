/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/grow.h"

#include <endian.h>
#include <errno.h>
#include <libfdisk/libfdisk.h>
#include <linux/blkpg.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "proto/messages.h"
#include "services/storage/layout.h"

/* Fields of the GPT header in LBA 1 (UEFI 2.10, 5.3.2) */
enum { GPT_ALTERNATE_LBA = 32, GPT_HEADER = 92 };
/* At each end of the disk: more than a table of 128 entries with sectors of 4 KiB, and below the record. */
enum { EDGE = 48 << 10 };

/* ioctl numbers of the kernel that its user headers do not carry on every release */
#ifndef EXT4_IOC_RESIZE_FS
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t) /* fs/ext4/ext4.h: number of blocks */
#endif
/* fs/xfs/libxfs/xfs_fs.h: xfs_fsop_geom_v1, xfs_growfs_data */
struct xfs_geometry {
	uint32_t blocksize, rtextsize, agblocks, between[4], imaxpct;
	uint64_t datablocks, rest[9];
};
enum { XFS_MIN_AG_BLOCKS = 64 }; /* a shorter last allocation group is not made */
struct xfs_growfs {
	uint64_t newblocks;
	uint32_t imaxpct;
};
#define XFS_GEOMETRY _IOR('X', 100, struct xfs_geometry)
#define XFS_GROW _IOW('X', 110, struct xfs_growfs)

static int table_failed(struct hpl_err *err, int sys, const char *path, const char *what)
{
	return HPL_FAIL(err, HPL_MSG_STORAGE_RESIZE_PARTITION_FAILED, sys, "%s: %s", path, what);
}

/* Does the second copy of the table stand before the end of the disk? */
static int has_grown(const struct hpl_disk *d, int fd, uint32_t sector, bool *ret, struct hpl_err *err)
{
	uint8_t header[GPT_HEADER];
	uint64_t alternate;

	if (pread(fd, header, sizeof(header), sector) != (ssize_t)sizeof(header))
		return table_failed(err, errno, d->path, "the partition table cannot be read");
	memcpy(&alternate, header + GPT_ALTERNATE_LBA, sizeof(alternate));
	*ret = memcmp(header, "EFI PART", 8) == 0 && le64toh(alternate) < d->size / sector - 1;
	return 0;
}

static int copy_range(int to, int from, uint64_t at, size_t len)
{
	uint8_t buf[EDGE];

	if (pread(from, buf, len, (off_t)at) != (ssize_t)len ||
		pwrite(to, buf, len, (off_t)at) != (ssize_t)len)
		return errno ? -errno : -EIO;
	return 0;
}

/* libfdisk on a sparse file in memory with both ends of the disk: keeps number, start, type, name and
 * GUID of the partition, and reads the second copy where the first is torn. */
static int change_table(int mem, const char *path, uint32_t sector, uint64_t sectors)
{
	struct fdisk_context *cxt = fdisk_new_context();
	struct fdisk_partition *change = fdisk_new_partition();
	int r = -ENOMEM;

	if (cxt && change) {
		fdisk_disable_dialogs(cxt, 1);
		r = fdisk_save_user_sector_size(cxt, sector, sector);
		if (r == 0)
			r = fdisk_assign_device_by_fd(cxt, mem, path, 0);
		if (r == 0)
			r = fdisk_partition_set_size(change, sectors);
		if (r == 0)
			r = fdisk_partition_size_explicit(change, 1);
		if (r == 0)
			r = fdisk_set_partition(cxt, HPL_LAYOUT_PARTS - 1, change);
		if (r == 0)
			r = fdisk_write_disklabel(cxt);
		fdisk_deassign_device(cxt, 1); /* 1: no sync(2) of the whole system */
	}
	fdisk_unref_partition(change);
	fdisk_unref_context(cxt);
	return r;
}

/* To the disk in an order of ours, because libfdisk flushes once: the second copy first, then the
 * entries of the first, then its header. At any cut one copy is whole. */
static int write_table(int fd, const struct hpl_disk *d, uint32_t sector, uint64_t sectors)
{
	_cleanup_close_ int mem = memfd_create("partition-table", MFD_CLOEXEC);
	const uint64_t tail = d->size - EDGE;
	int r = mem < 0 || ftruncate(mem, (off_t)d->size) < 0 ? -errno : 0;

	if (r == 0)
		r = copy_range(mem, fd, 0, EDGE);
	if (r == 0)
		r = copy_range(mem, fd, tail, EDGE);
	if (r == 0)
		r = change_table(mem, d->path, sector, sectors);
	if (r == 0)
		r = copy_range(fd, mem, tail, EDGE);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = copy_range(fd, mem, 2 * sector, EDGE - 2 * sector);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = copy_range(fd, mem, 0, 2 * sector);
	return r == 0 && fdatasync(fd) < 0 ? -errno : r;
}

static int tell_kernel(const struct hpl_disk *d, int fd, uint64_t size, struct hpl_err *err)
{
	const struct hpl_disk_part *last = &d->parts[HPL_LAYOUT_PARTS - 1];
	struct blkpg_partition p = {.start = (long long)last->start, .length = (long long)size,
		.pno = HPL_LAYOUT_PARTS};
	struct blkpg_ioctl_arg arg = {.op = BLKPG_RESIZE_PARTITION, .datalen = sizeof p, .data = &p};

	if (d->table_torn) {
		const struct hpl_layout all = {.start = {d->parts[0].start, last->start},
			.size = {d->parts[0].size, size}};
		return hpl_layout_announce(fd, &all, err);
	}
	if (ioctl(fd, BLKPG, &arg) < 0)
		return table_failed(err, errno, d->path, "the kernel does not take the new size");
	return 0;
}

/* The table is changed in its second entry, which has to be the last partition of the disk: people number and
 * place theirs in other ways, and such a volume keeps its size. */
static bool can_grow(const struct hpl_disk *d)
{
	struct hpl_disk usual = *d;

	hpl_disk_part_path(&usual, HPL_LAYOUT_PARTS - 1);
	return d->parts[0].start < d->parts[1].start && hpl_streq(usual.parts[1].path, d->parts[1].path);
}

int hpl_grow_size(uint64_t *ret_size, const struct hpl_disk *d, int fd, uint32_t sector,
	struct hpl_err *err)
{
	const struct hpl_disk_part *last = &d->parts[HPL_LAYOUT_PARTS - 1];
	struct hpl_layout plan;
	bool larger = false;

	*ret_size = last->size;
	if (d->table_torn || !can_grow(d))
		return 0;
	if (has_grown(d, fd, sector, &larger, err) < 0 ||
		(larger && hpl_layout_plan(&plan, d->size, sector, err) < 0))
		return -1;
	/* somebody's partition may reach farther than ours would */
	if (larger && plan.start[1] + plan.size[1] > last->start + last->size)
		*ret_size = plan.start[1] + plan.size[1] - last->start;
	return 0;
}

int hpl_grow_table(struct hpl_disk *d, int fd, uint32_t sector, uint64_t size, bool *ret_grown,
	struct hpl_err *err)
{
	struct hpl_disk_part *last = &d->parts[HPL_LAYOUT_PARTS - 1];
	int r;

	*ret_grown = false;
	if (!d->table_torn && size <= last->size)
		return 0;
	r = write_table(fd, d, sector, size / sector);
	if (r)
		return table_failed(err, -r, d->path, "the partition table cannot be written");
	if (tell_kernel(d, fd, size, err) < 0)
		return -1;
	*ret_grown = size > last->size;
	last->size = size;
	d->table_torn = false;
	return 0;
}

static int grow_xfs(int fd, uint64_t blocks)
{
	struct xfs_geometry g;

	if (ioctl(fd, XFS_GEOMETRY, &g) < 0)
		return -1;
	if (g.agblocks && blocks % g.agblocks < XFS_MIN_AG_BLOCKS)
		blocks -= blocks % g.agblocks; /* else the kernel would "grow" by nothing at each boot */
	struct xfs_growfs to = {.newblocks = blocks, .imaxpct = g.imaxpct};
	return to.newblocks <= g.datablocks ? 0 : ioctl(fd, XFS_GROW, &to);
}

/* The one device of the filesystem, whatever number it has; one that is at its end is left alone,
 * because the kernel refuses (EINVAL) any resize to less than 256 MiB, also to the size that it has. */
static int grow_btrfs(int fd, uint64_t size, uint32_t block)
{
	struct btrfs_ioctl_fs_info_args fs = {0};
	struct btrfs_ioctl_dev_info_args dev = {0};
	struct btrfs_ioctl_vol_args to = {0};

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &fs) < 0)
		return -1;
	dev.devid = fs.max_id;
	if (ioctl(fd, BTRFS_IOC_DEV_INFO, &dev) < 0)
		return -1;
	if (size - size % block <= dev.total_bytes)
		return 0;
	snprintf(to.name, sizeof(to.name), "%llu:max", (unsigned long long)fs.max_id);
	return ioctl(fd, BTRFS_IOC_RESIZE, &to);
}

static int grow(int fd, const char *type, uint64_t size, uint32_t block)
{
	uint64_t blocks = size / block;

	if (hpl_streq(type, "ext4"))
		return ioctl(fd, EXT4_IOC_RESIZE_FS, &blocks);
	if (hpl_streq(type, "xfs"))
		return grow_xfs(fd, blocks);
	return grow_btrfs(fd, size, block);
}

/* Does an ext4 count as many blocks as fit? The kernel refuses to be asked when the filesystem has an
 * error in its record, also when there is nothing to do. Superblock: Linux, ext4/super.rst. */
static bool ext4_is_full(int device_fd, uint64_t size)
{
	uint32_t sb[256];

	if (pread(device_fd, sb, sizeof(sb), 1024) != (ssize_t)sizeof(sb) || le32toh(sb[6]) > 6)
		return false;
	return (le32toh(sb[1]) | (uint64_t)le32toh(sb[0x150 / 4]) << 32) >= size / (1024U << le32toh(sb[6]));
}

int hpl_grow_filesystem(int dir_fd, int device_fd, const char *type, uint64_t size, bool *ret_grown,
	struct hpl_err *err)
{
	struct statfs before, after;

	*ret_grown = false;
	if (hpl_streq(type, "ext4") && ext4_is_full(device_fd, size))
		return 0;
	if (fstatfs(dir_fd, &before) < 0 || grow(dir_fd, type, size, (uint32_t)before.f_bsize) < 0 ||
		fstatfs(dir_fd, &after) < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_EXTEND_FS_FAILED, errno,
			"the %s filesystem does not grow to %llu bytes", type, (unsigned long long)size);
	*ret_grown = after.f_blocks > before.f_blocks;
	return 0;
}

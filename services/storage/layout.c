/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/layout.h"

#include <errno.h>
#include <libfdisk/libfdisk.h>
#include <linux/blkpg.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "proto/messages.h"

#define MIB (1ULL << 20)
#define METADATA_BYTES (100 * MIB)
#define DATA_MIN_BYTES (24 * MIB) /* LUKS2 header 16 MiB and the smallest useful ext4 */

const char *const hpl_layout_names[HPL_LAYOUT_PARTS] = {"metadata", "data"};

/* UEFI and Discoverable Partitions numbers: Linux filesystem data, LUKS */
static const char *const type_guids[HPL_LAYOUT_PARTS] = {
	"0FC63DAF-8483-4772-8E79-3D69D8477DE4",
	"CA7D7CCB-63ED-4C53-861C-1742536059CC",
};

int hpl_layout_plan(struct hpl_layout *ret, uint64_t size_bytes, uint32_t sector_bytes,
	struct hpl_err *err)
{
	struct hpl_layout l = {.sector = sector_bytes};
	uint64_t end = size_bytes / MIB * MIB;

	if (sector_bytes < 512 || sector_bytes > 4096 || (sector_bytes & (sector_bytes - 1)))
		return HPL_FAIL(err, HPL_MSG_STORAGE_CREATING_PARTITIONS_FAILED, 0,
			"sectors of %u bytes are not supported", sector_bytes);
	if (end < MIB + METADATA_BYTES + DATA_MIN_BYTES + MIB) {
		HPL_FAIL(err, HPL_MSG_STORAGE_CREATING_PARTITIONS_FAILED, 0,
			"the disk has %llu bytes", (unsigned long long)size_bytes);
		hpl_err_cure(err, "attach a disk of at least 128 MiB");
		return -1;
	}
	end -= MIB;
	l.start[0] = HPL_LAYOUT_START;
	l.size[0] = METADATA_BYTES;
	l.start[1] = l.start[0] + l.size[0];
	l.size[1] = end - l.start[1];
	*ret = l;
	return 0;
}

static int add_partition(struct fdisk_context *cxt, const struct hpl_layout *plan, size_t i)
{
	/* "unknown": the library's own table of types is older than the LUKS type */
	struct fdisk_parttype *type = fdisk_new_unknown_parttype(0, type_guids[i]);
	struct fdisk_partition *pa = fdisk_new_partition();
	int r = -ENOMEM;

	if (pa && type) {
		r = fdisk_partition_set_partno(pa, i);
		if (r == 0)
			r = fdisk_partition_set_start(pa, plan->start[i] / plan->sector);
		if (r == 0)
			r = fdisk_partition_set_size(pa, plan->size[i] / plan->sector);
		if (r == 0)
			r = fdisk_partition_size_explicit(pa, 1);
		if (r == 0)
			r = fdisk_partition_set_name(pa, hpl_layout_names[i]);
		if (r == 0)
			r = fdisk_partition_set_type(pa, type);
		if (r == 0)
			r = fdisk_add_partition(cxt, pa, NULL);
	}
	fdisk_unref_partition(pa);
	fdisk_unref_parttype(type);
	return r;
}

static int write_table(struct fdisk_context *cxt, int fd, const char *path,
	const struct hpl_layout *plan)
{
	int r;

	fdisk_disable_dialogs(cxt, 1);
	r = fdisk_save_user_sector_size(cxt, plan->sector, plan->sector);
	if (r == 0)
		r = fdisk_assign_device_by_fd(cxt, fd, path, 0);
	if (r == 0)
		r = fdisk_create_disklabel(cxt, "gpt");
	for (size_t i = 0; r == 0 && i < HPL_LAYOUT_PARTS; i++)
		r = add_partition(cxt, plan, i);
	if (r == 0)
		r = fdisk_write_disklabel(cxt);
	return r;
}

int hpl_layout_write(int fd, const char *path, const struct hpl_layout *plan, struct hpl_err *err)
{
	struct fdisk_context *cxt = fdisk_new_context();
	int r;

	if (!cxt)
		return HPL_OOM(err);
	r = write_table(cxt, fd, path, plan);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	fdisk_deassign_device(cxt, 1); /* 1: no sync(2) of the whole system; fd was synced */
	fdisk_unref_context(cxt);
	if (r)
		return HPL_FAIL(err, HPL_MSG_STORAGE_CREATING_PARTITIONS_FAILED, -r,
			"writing the partition table of %s", path);
	return 0;
}

int hpl_layout_announce(int fd, const struct hpl_layout *plan, struct hpl_err *err)
{
	for (int i = 0; i < HPL_LAYOUT_PARTS; i++) {
		struct blkpg_partition p = {.start = (long long)plan->start[i],
			.length = (long long)plan->size[i], .pno = i + 1};
		struct blkpg_ioctl_arg arg = {.op = BLKPG_ADD_PARTITION, .datalen = sizeof p,
			.data = &p};

		if (ioctl(fd, BLKPG, &arg) < 0 && errno != EBUSY) /* EBUSY: the kernel has it */
			return HPL_FAIL(err, HPL_MSG_STORAGE_TWO_PARTITIONS_NOT_AVAILABLE, errno,
				"the kernel does not take partition %d", i + 1);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A volume follows its disk when that has grown: partition table, partition, filesystem. (The mapping
 * is as large as its partition whenever it is set up.) Each step is whole or not there after a power
 * cut, and the next boot goes on from what it finds.
 */
#include "services/storage/disk.h"

/* *ret_size: bytes that the data partition should have, more than now when the disk has grown and the
 * partition is number 2 and the last one. Reads only. sector: bytes. -1: HPL07004E. */
int hpl_grow_size(uint64_t *ret_size, const struct hpl_disk *d, int fd, uint32_t sector,
	struct hpl_err *err);
/* Moves the second copy of the table to the end of the disk and lets the data partition have size bytes, which
 * is hpl_grow_size()'s or less; when only the second copy is whole (d->table_torn), writes the
 * first one again. d->parts and the kernel learn of it. Free space that somebody left on a disk of
 * the same size stays. fd: the disk, writable; nobody else may change it meanwhile. -1: HPL07004E. */
int hpl_grow_table(struct hpl_disk *d, int fd, uint32_t sector, uint64_t size, bool *ret_grown,
	struct hpl_err *err);

/* Grows the mounted filesystem of dir_fd to size bytes, of the device below it (device_fd, readable). type: ext4, xfs, btrfs.
 * Online, by the kernel. -1: HPL02006E. */
int hpl_grow_filesystem(int dir_fd, int device_fd, const char *type, uint64_t size, bool *ret_grown,
	struct hpl_err *err);

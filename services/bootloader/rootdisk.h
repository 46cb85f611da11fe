/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The root disk, made anew at every boot: partition hpl-root in the free space behind hpl-boot,
 * LUKS2 with a random volume key, ext4. The passphrase of its one key slot is random, lives in
 * locked memory of this process only and is forgotten: what a disk keeps of a boot, also of one
 * that failed half-way, nobody can read.
 */
#include <stdbool.h>

#include "runtime/base/secret.h"

#define HPL_ROOT_PARTITION "hpl-root"
enum { HPL_ROOT_MIN_MB = 512 }; /* less cannot hold a guest */

/* Partition number of an existing hpl-root of disk. 1: there is none. */
int hpl_rootdisk_find_old(int *ret_number, const char *disk, struct hpl_err *err);
/* Deletes all partitions named hpl-root and makes one of the largest free space; *ret_number is its
 * number (from 1). The kernel is told when disk is a block device. A disk that has grown since its
 * table was written is used whole. */
int hpl_rootdisk_partition(int *ret_number, const char *disk, struct hpl_err *err);

/*
 * LUKS2 with aes-xts-plain64, 512-bit key, one PBKDF2 key slot with the least iterations: stretching
 * adds nothing to 256 random bits. Sectors of 4096 bytes where the size allows it, else of 512. No
 * benchmark. uuid: 37 bytes.
 */
int hpl_rootdisk_format(const char *device, const struct hpl_secret *passphrase, char *ret_uuid,
	struct hpl_err *err);
int hpl_rootdisk_passphrase(struct hpl_secret *ret, struct hpl_err *err); /* 32 random bytes, hex */
/* Maps device as /dev/mapper/<name>. */
int hpl_rootdisk_open(const char *device, const char *name, const struct hpl_secret *passphrase,
	struct hpl_err *err);
/* ext4 without a journal: after a crash the whole file system is made anew anyway. */
int hpl_rootdisk_mkfs(const char *device, struct hpl_err *err);
#define HPL_ROOT_MOUNT_OPTIONS "noinit_itable,nobarrier"

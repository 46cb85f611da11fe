/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which block devices the guest boots from.
 *
 * Boot disk: the one disk with a partition of the name hpl-boot. Two of them is a refusal: the
 * wrong one would be repartitioned.
 * cidata: a device with an ISO 9660 file system labelled "cidata" or "CIDATA", or a FAT one with
 * that label in any case. When there are several the first counts, and only it: whole disks before
 * partitions, ISO 9660 before FAT, then the order of device names (shorter first, then by letters,
 * so vdb before vdz before vdaa). The others are neither mounted nor merged, and are named on the
 * console (HPL11004W).
 */
#include <stdbool.h>

#include "runtime/base/err.h"

enum { HPL_DEVICES_MAX = 256, HPL_DEVICE_NAME = 32 };

struct hpl_device {
	char name[HPL_DEVICE_NAME];     /* "vda1" */
	char parent[HPL_DEVICE_NAME];   /* "vda"; empty for a whole disk */
	char partname[40];              /* name in the GPT; empty */
	int number;                     /* of the partition, 0 for a whole disk */
};

struct hpl_devices {
	struct hpl_device list[HPL_DEVICES_MAX]; /* in the order above */
	size_t count;
};

/* Lists the disks and partitions below sys_block ("/sys/class/block"); virtual ones (loop, ram,
 * zram, dm, md) are left out. */
int hpl_devices_list(struct hpl_devices *ret, const char *sys_block, struct hpl_err *err);

/* Orders two device names. */
int hpl_device_order(const char *a, const char *b);

/* The partition named hpl-boot. 1: there is none. -1: there are several. */
int hpl_devices_boot(const struct hpl_device **ret, const struct hpl_devices *d,
	struct hpl_err *err);

enum hpl_cidata_type { HPL_CIDATA_NONE, HPL_CIDATA_ISO9660, HPL_CIDATA_VFAT };
/* Probes one device or image file (libblkid, these two file systems only). */
enum hpl_cidata_type hpl_device_probe(const char *path);

/* Chooses among devices of the given types (types[i] belongs to list[i]). *ret_extra counts the
 * others. NULL: there is none. */
const struct hpl_device *hpl_devices_cidata(const struct hpl_devices *d,
	const enum hpl_cidata_type *types, size_t *ret_extra);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is what is mounted at a place encrypted as it should be? Asked of the kernel and of the disk:
 *   1. the mounted device is a device-mapper device whose UUID says CRYPT-LUKS;
 *   2. its table in use is a crypt target (libcryptsetup reads it) with a real cipher;
 *   3. it stands on the device, and has the name, that storage opened (volumes);
 *   4. that device still has a LUKS header; its key slots are counted.
 */
#include "runtime/base/err.h"

struct hpl_check_paths {
	const char *mountinfo;   /* "/proc/self/mountinfo" */
	const char *sys_dev;     /* "/sys/dev/block" */
};

struct hpl_check_target {
	const char *mount;       /* "/" */
	const char *device;      /* expected device below the mapping; NULL: any (root) */
	const char *mapping;     /* expected name; NULL: any */
};

struct hpl_check_result {
	char device[256];        /* below the mapping, "/dev/vda2" */
	unsigned keyslots;
};

/* 0: encrypted. -1: HPL13005E it is not; HPL13006E it cannot be told. Blocks. */
int hpl_check_mount(struct hpl_check_result *ret, const struct hpl_check_target *target,
	const struct hpl_check_paths *paths, struct hpl_err *err);

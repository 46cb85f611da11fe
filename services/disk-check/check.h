/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is all that is mounted what was opened? For the root and each volume:
 *   1. mount: the path leads to the one mount there, of the mapping that was opened, and to nothing else;
 *   2. mapping: name, UUID, state, size, and its one crypt target, field by field (table.h); the device
 *      below is the one that its node in /dev says now;
 *   3. header: the one on the disk is still that of the mapping, with as many key slots;
 *   4. nothing of this differs from what the first check found.
 * And then: no other block device is mounted.
 */
#include <stdbool.h>

#include "services/disk-check/kernel.h"
#include "services/disk-check/table.h"

struct hpl_check_target {
	const char *mount;       /* "/" */
	/* What storage opened; all NULL and 0 for the root, whose mapping has the name of its UUID */
	const char *device;      /* "/dev/vdb2" */
	const char *mapping;     /* "luks-<uuid>" */
	const char *uuid, *cipher;
	unsigned key_bytes, keyslots;
	uint64_t data_offset;    /* bytes */
	uint32_t sector_size;
};

struct hpl_check_result {
	bool done;               /* a check went well: what follows is what it found */
	char device[HPL_KERNEL_PATH]; /* below the mapping, "/dev/vda2" */
	unsigned keyslots;
	char name[128];          /* of the mapping */
	dev_t mapped;
	uint64_t length;
	struct hpl_table table;
};

/**
 * hpl_check_all() - one check
 * @results: one for each target; what an earlier check found is compared with
 *
 * Blocks. Return: 0: everything is as it was opened, results are set. -1: the first thing that is not, by
 * HPL13005E mapping, HPL13011E mount, HPL13012E header, HPL13013E another device is mounted, HPL13006E
 * it cannot be told.
 */
int hpl_check_all(struct hpl_check_result *results, const struct hpl_check_target *targets, size_t count,
	const struct hpl_kernel *kernel, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The layout of a new data disk (facts 7.2): GPT, partition 1 `metadata` of 100 MiB, partition 2
 * `data` with the rest, both on 1 MiB borders. The last MiB stays free for the second GPT.
 */
#include "runtime/base/err.h"

enum { HPL_LAYOUT_PARTS = 2, HPL_LAYOUT_START = 1 << 20 /* of the first one, bytes */ };

struct hpl_layout {
	uint32_t sector;                   /* logical sector size, bytes */
	uint64_t start[HPL_LAYOUT_PARTS];  /* bytes */
	uint64_t size[HPL_LAYOUT_PARTS];   /* bytes */
};
extern const char *const hpl_layout_names[HPL_LAYOUT_PARTS]; /* "metadata", "data" */

/* Pure. size_bytes of the disk, sector_bytes 512..4096. -1: too small or a strange sector size. */
int hpl_layout_plan(struct hpl_layout *ret, uint64_t size_bytes, uint32_t sector_bytes,
	struct hpl_err *err);
/* Writes the table to fd (path is for messages only) and syncs. The caller has made sure that the
 * disk is blank, on this descriptor. */
int hpl_layout_write(int fd, const char *path, const struct hpl_layout *plan, struct hpl_err *err);
/* Tells the kernel of the partitions (BLKPG), so that their devices appear without udev. */
int hpl_layout_announce(int fd, const struct hpl_layout *plan, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What bringing up a volume would do, told without doing it: nothing is written, nothing is set up. The
 * decisions are those of prepare.h, which the boot takes too.
 */
#include "services/storage/volume.h"

enum { HPL_PLAN_STEPS = 8 };

struct hpl_plan_step {
	const char *what;        /* "table", "record", "metadata", "luks", "open", "change", "filesystem",
				  * "mount", "grow" */
	char text[200];          /* a sentence for people */
};

struct hpl_plan {
	size_t count;
	struct hpl_plan_step steps[HPL_PLAN_STEPS];
};

/**
 * hpl_plan() - the steps for a volume
 * @v: as for hpl_volume_open(); v->disk as hpl_disk_look() filled it. passphrase may be NULL or empty:
 *     then it is not told whether it opens anything
 * @fd: the disk, readable
 * @sector: its logical sector size, bytes
 *
 * Return: 0, or -1 with the id with which the volume would be refused.
 */
int hpl_plan(struct hpl_plan *ret, const struct hpl_volume *v, int fd, uint32_t sector,
	struct hpl_err *err);

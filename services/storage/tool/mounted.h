/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Is the volume of a disk mounted already? */
#include <limits.h>
#include <stdbool.h>

#include "runtime/base/err.h"

struct hpl_mounted {
	char mapping[128];       /* "luks-..."; "": nothing of the disk is mounted */
	char mount[PATH_MAX];    /* where */
	char filesystem[32];
};

/* The mount of a mapping that stands on the disk name ("vdb") or a partition of it; where there are
 * several, that at mount is preferred. sys: "/sys/class/block", mounts: "/proc/self/mounts". */
int hpl_mounted_of(struct hpl_mounted *ret, const char *name, const char *mount, const char *sys,
	const char *mounts, struct hpl_err *err);

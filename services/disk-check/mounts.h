/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Which device is mounted where: /proc/self/mountinfo (proc(5)). Pure. */
#include "runtime/base/err.h"

struct hpl_mount {
	unsigned major, minor;   /* major 0: no block device of its own (btrfs, tmpfs, overlay) */
	char source[256];        /* "/dev/mapper/luks-..." */
};

/**
 * hpl_mount_find() - the mount at a mount point
 * @text: contents of mountinfo
 *
 * The last line for the mount point counts: it is on top. Return: 0, or -1 when there is none.
 */
int hpl_mount_find(struct hpl_mount *ret, const char *text, const char *mount_point,
	struct hpl_err *err);

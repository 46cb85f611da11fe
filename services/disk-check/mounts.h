/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What is mounted where: /proc/self/mountinfo (proc(5)). Pure. */
#include <stdbool.h>

#include "runtime/base/err.h"

enum { HPL_MOUNT_PATH = 4096 };

struct hpl_mount {
	unsigned id;
	unsigned major, minor;   /* major 0: no block device of its own (btrfs, tmpfs, overlay) */
	char *root;              /* the part of the filesystem that is mounted, "/" */
	char *point;             /* "/mnt/data" */
	char *type;              /* "ext4" */
	char *source;            /* "/dev/mapper/luks-..." */
};
struct hpl_mounts {
	struct hpl_mount *list;
	size_t count;
};
void hpl_mounts_done(struct hpl_mounts *m);
#define _cleanup_mounts_ HPL_CLEANUP(hpl_mounts_done)

/* text: contents of mountinfo. -1: a line is not of the known form. */
int hpl_mounts_parse(struct hpl_mounts *ret, const char *text, struct hpl_err *err);

/**
 * hpl_mount_find() - the one mount at a mount point
 * @top: id of the mount that the path leads to (statx, STATX_MNT_ID)
 *
 * Return: 0, *ret is borrowed from m; -1: nothing is mounted there, something is mounted over it or over
 * a folder above it, or only a part of a filesystem is mounted.
 */
int hpl_mount_find(const struct hpl_mount **ret, const struct hpl_mounts *m, const char *point,
	uint64_t top, struct hpl_err *err);
/* Does its data stand on block devices: it has one, or is of a kind that takes an anonymous number. */
bool hpl_mount_on_disk(const struct hpl_mount *m);
/* A filesystem that takes an anonymous number though its data stand on block devices. */
bool hpl_mount_anonymous(const struct hpl_mount *m);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Filesystems of volumes: which one is there, make one, is one sound. The programs are children
 * with argument vectors; nothing of the contract but the three known names reaches them.
 *
 * dir is where mkfs.* and the checking programs are ("/sbin"); `btrfs` is in its neighbour bin.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

/* ext4, xfs, btrfs */
bool hpl_filesystem_known(const char *type);
/* type gets the name, or "" when nothing is found; a damaged or double signature and a btrfs that
 * needs more devices than this one are errors. */
int hpl_filesystem_probe(char *type, size_t size, int fd, struct hpl_err *err);

/* Is mkfs.<type> in dir? false: HPL07021E in *err. */
bool hpl_filesystem_tool(const char *dir, const char *type, struct hpl_err *err);
/* Are size bytes enough for this type? false: HPL07030E in *err; around: bytes of the disk that are
 * not the filesystem's, so that the line can say how large the disk has to be. */
bool hpl_filesystem_fits(const char *type, uint64_t size, uint64_t around, struct hpl_err *err);
/* Does the kernel have this type? It may load a module for the answer. Without the right to ask, yes.
 * false: HPL07021E in *err. */
bool hpl_filesystem_in_kernel(const char *type, struct hpl_err *err);

/* Makes it, over whatever device holds. label may be NULL. -1: HPL02005E, HPL07021E. */
int hpl_filesystem_make(const char *dir, const char *type, const char *device, const char *label,
	struct hpl_err *err);
enum hpl_sound {
	HPL_SOUND_NO,
	HPL_SOUND_YES,
	HPL_SOUND_UNKNOWN, /* the program did not run to its end, or could not read: no reason to make anything anew */
};
/* Does the checking program find no fault? Nothing is repaired. An xfs that was not unmounted has
 * changes in its log, which the check does not replay, and may be called not sound; xfs_repair and btrfs say
 * NO also when they cannot read. */
enum hpl_sound hpl_filesystem_sound(const char *dir, const char *type, const char *device);
/* The failure after HPL_SOUND_UNKNOWN. -1: HPL07017E. */
int hpl_filesystem_not_checked(const char *device, struct hpl_err *err);
/* What a failed mount of the filesystem on device means. sys: its errno; mounts: "/proc/self/mounts".
 * Always -1: HPL07031E when a filesystem with the same UUID is mounted, else HPL02007E. */
int hpl_filesystem_mount_failed(const char *device, const char *type, int sys, const char *mounts,
	struct hpl_err *err);

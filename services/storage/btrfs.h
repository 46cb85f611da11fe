/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The superblock of a btrfs that was torn by a power cut: it is 4 KiB, is written in place, and has one checksum.
 * When not all of its sectors are new, kernel and `btrfs check` refuse the filesystem, though nothing is lost:
 * which trees are valid is said in the first sector, and the trees of before are still there. The second
 * copy, at 64 MiB, is not used: an fsync writes the first one only, and what was fsynced is
 * not found from the second.
 */
#include <stdbool.h>
#include <stdint.h>

enum { HPL_BTRFS_SUPER = 4096, HPL_BTRFS_SUPER_AT = 64 << 10 /* bytes */ };

/* Is this a superblock with a CRC32C that, and as far as can be seen nothing else, is wrong? *ret: the right one.
 * Source: btrfs.readthedocs.io, "On-disk format", superblock. */
bool hpl_btrfs_torn(const uint8_t super[HPL_BTRFS_SUPER], uint32_t *ret);
/* Where that is so: writes the right checksum and has `btrfs check` (btrfs in the neighbour bin of dir) look at
 * all metadata. 0: it is sound. -1: it is not one that was torn, or not sound; the checksum is as it was, so
 * that it is not mounted. */
int hpl_btrfs_mend(const char *dir, const char *device);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The superblock of an ext4 that was torn by a power cut: it is 1024 bytes, two sectors, is written in
 * place, and its checksum is in the second. With one sector old and one new, kernel and
 * e2fsck refuse the filesystem, though nothing is lost: all that a change of its state touches is in the
 * first. A small filesystem has no second copy.
 */
#include <stdbool.h>
#include <stdint.h>

enum { HPL_EXT4_SUPER = 1024 /* bytes, and its offset */ };

/* Is this a superblock whose checksum, and as far as can be seen nothing else, is wrong? *ret: the right one.
 * Source: Linux, Documentation/filesystems/ext4/super.rst. */
bool hpl_ext4_torn(const uint8_t super[HPL_EXT4_SUPER], uint32_t *ret);
/* Where that is so: writes the right checksum and has fsck.ext4 of dir replay the journal and check all of the
 * filesystem. 0: it is sound. -1: it is not one that was torn, or not sound; the checksum is as it
 * was, so that it is not mounted. */
int hpl_ext4_mend(const char *dir, const char *device);
/* A journal whose last commit was torn: the block has a checksum, what it does not need of its 4 KiB is zero, and an
 * older block stood there. The kernel refuses it (EUCLEAN), though no fsync that waited for this commit
 * has returned. Has fsck.ext4 of dir replay what comes before it and check all of the filesystem, where the
 * superblock says that there is something to replay and the journal ends there (journal.h): one that was damaged before
 * its end is for a person, because fsck would drop what came behind. 0: it is sound; -1. */
int hpl_ext4_replay(const char *dir, const char *device);
/* Was it ever mounted? mke2fs leaves time and count of mounts at zero. */
bool hpl_ext4_was_mounted(const uint8_t super[HPL_EXT4_SUPER]);
/* All that fsck.ext4 of dir can mend without a person, also a superblock that was torn. 0: sound now; -1. */
int hpl_ext4_repair(const char *dir, const char *device);

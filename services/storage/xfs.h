/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Metadata blocks of an xfs that were torn by a power cut. The log holds all that was changed in such a block, but
 * the kernel does not write it there: a block says how new it is in its first sector, and when that sector is
 * of the new block, the changes are skipped; then the checksum is wrong and the mount fails (EBADMSG), and
 * xfs_repair asks for the log to be thrown away, with what was fsynced.
 *
 * A block that is named in the log, is what it says to be (kind, place, UUID), and has a wrong checksum,
 * is made to say that it is old. The next mount then writes all changes to it, and its checksum.
 */
#include <stddef.h>
#include <stdint.h>

enum { HPL_XFS_BLOCK_MAX = 64 << 10 };

/* device: not mounted; its log as mounts without options write it (records of at most 32 KiB). How many blocks
 * it changed, durably; 0: none was torn. -1: not an xfs of version 5, or it cannot be read or written. A
 * block that the log does not mend keeps a wrong checksum and is refused as before. */
int hpl_xfs_mend(const char *device);

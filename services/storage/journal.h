/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The journal of an ext4: where does it break off? Format: Linux, Documentation/filesystems/ext4/journal.rst; numbers
 * are big-endian, checksums CRC32C of version 2 and 3. Where it lies is said by the copy in the superblock (s_jnl_blocks).
 */
#include <stdbool.h>
#include <stdint.h>

#include "services/storage/ext4.h"

/* fd: of the filesystem. Is there a commit to be replayed whose checksum is wrong, and nothing of a later transaction?
 * That is what a power cut leaves: the next transaction is begun when a commit is on the disk. With something
 * behind it, or with no such commit, the journal was damaged in another way. Reads only; false also when a read fails. */
bool hpl_journal_ends_torn(int fd, const uint8_t super[HPL_EXT4_SUPER]);

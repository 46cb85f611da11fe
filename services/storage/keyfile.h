/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The wrapped seed in the metadata partition of a disk, for volumes with a key provider
 * (docs/key-providers.md). Both run hpl-storage-keyfile and block.
 */
#include "runtime/base/buf.h"
#include "services/storage/disk.h"

struct hpl_keyfile_tool { /* strings are borrowed */
	const char *program;     /* absolute path of hpl-storage-keyfile */
	const char *mkfs_dir;    /* "/sbin": where fsck.ext4 is */
};

/* Appends what the metadata partition of d holds: nothing, or 1 to HPL_KEY_BLOB_MAX bytes. Reads only. d was
 * classified; where there is no metadata partition, or none yet, it holds nothing. -1: HPL07008E. */
int hpl_keyfile_get(struct hpl_buf *out, const struct hpl_keyfile_tool *t, const struct hpl_disk *d,
	struct hpl_err *err);
/* Replaces it, so that after a power cut the old one or the new one is there. device: the metadata
 * partition, which nothing uses. fsck runs first where the ext4 was not left clean. -1: HPL07007E. */
int hpl_keyfile_put(const struct hpl_keyfile_tool *t, const char *device, const void *data, size_t len,
	struct hpl_err *err);

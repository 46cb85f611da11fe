/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The file "keyfile" in the root of a metadata partition (facts 7.2): a wrapped seed. The partition is an
 * ext4 that the host can write, so the kernel never mounts it: libext2fs reads and writes it, in a process
 * that has nothing else (keyfile_main.c).
 *
 * Writing is safe against a power cut: bytes and inode of the new file are flushed before a name leads to
 * them; then four bytes of one directory entry change from the old inode to the new one.
 */
#include "runtime/base/buf.h"

/* Also exit statuses of hpl-storage-keyfile: far from what a sanitizer or a shell would give. */
enum {
	HPL_KEYFILE_NONE = 10,    /* there is no such file, or it is empty */
	HPL_KEYFILE_UNCLEAN = 11, /* fsck has to run first */
	HPL_KEYFILE_NO_FS = 12,   /* there is no ext4 at all */
	HPL_KEYFILE_FAILED = 13,  /* of the program only: a line on standard error says why */
};

/* Appends the file of the ext4 that begins at offset (bytes) of fd. 0, HPL_KEYFILE_NONE, HPL_KEYFILE_NO_FS,
 * HPL_KEYFILE_UNCLEAN (its journal was not replayed, and the file may be there). Checksums do not matter: whoever can write the
 * disk can write these. -1: *err, without an id; also for more than HPL_KEY_BLOB_MAX bytes. */
int hpl_keyfile_fs_read(struct hpl_buf *out, int fd, uint64_t offset, struct hpl_err *err);
/* Makes or replaces the file: 1 to HPL_KEY_BLOB_MAX bytes; on the disk when it returns. One that holds these
 * bytes already is left alone. 0, HPL_KEYFILE_UNCLEAN (the old one or the new one is there). -1: *err, without an id. */
int hpl_keyfile_fs_write(int fd, const void *data, size_t len, struct hpl_err *err);

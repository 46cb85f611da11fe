/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files. Paths that come from outside are opened beneath a directory descriptor without following
 * links (openat2 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS). Writes are to a temporary file, fsync,
 * rename: a file is there whole or not at all.
 */
#include <sys/types.h>

#include "runtime/base/buf.h"

/* Appends the file to out; -1 also when it is larger than limit bytes. */
int hpl_file_read(struct hpl_buf *out, const char *path, size_t limit, struct hpl_err *err);
int hpl_file_read_fd(struct hpl_buf *out, int fd, size_t limit, struct hpl_err *err);
int hpl_file_write(const char *path, const void *data, size_t len, mode_t mode, struct hpl_err *err);
/* rel must stay beneath dir_fd; flags and mode as open(2). Returns the descriptor or -1. */
int hpl_open_beneath(int dir_fd, const char *rel, int flags, mode_t mode, struct hpl_err *err);
/* Makes path and its parents (mode for the last one, 0755 for parents); existing is fine. */
int hpl_mkdir_p(const char *path, mode_t mode, struct hpl_err *err);
/* Joins dir and name into a malloc'ed path, NULL on no memory. */
char *hpl_path_join(const char *dir, const char *name);
/* Writes all bytes, retrying on EINTR and short writes. */
int hpl_write_all(int fd, const void *data, size_t len, struct hpl_err *err);

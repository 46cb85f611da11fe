/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A growing byte buffer, always NUL-terminated behind its end. Appending never aborts: the first
 * failure (memory, limit) sets .failed and later calls do nothing, so it is checked once.
 */
#include "runtime/base/err.h"

struct hpl_buf {
	char *data;       /* NULL while empty */
	size_t len;
	size_t cap;
	size_t limit;     /* 0 = HPL_BUF_LIMIT */
	int failed;
	int wipe;         /* 1: holds secrets; memory is wiped when it moves and when it is freed */
};
enum { HPL_BUF_LIMIT = 64 << 20 }; /* four times the largest accepted contract (16 MiB) */

#define HPL_BUF_NULL ((struct hpl_buf){0})

void hpl_buf_add(struct hpl_buf *b, const void *data, size_t len);
void hpl_buf_str(struct hpl_buf *b, const char *text);
void hpl_buf_fmt(struct hpl_buf *b, const char *fmt, ...) HPL_PRINTF(2, 3);
void hpl_buf_clear(struct hpl_buf *b); /* len = 0, memory kept */
/* Two-character sequences \ n become line ends: a PEM that went through JSON or awk (facts 1.8). */
void hpl_buf_unescape_lines(struct hpl_buf *b);
void hpl_buf_done(struct hpl_buf *b);  /* frees the contents */
/* Hands the malloc'ed bytes over and empties b. NULL when failed. Never NULL otherwise. */
char *hpl_buf_take(struct hpl_buf *b, size_t *ret_len);
#define _cleanup_buf_ HPL_CLEANUP(hpl_buf_done)

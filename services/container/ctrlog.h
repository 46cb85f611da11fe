/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The k8s-file log format of containers: "TIME STREAM FLAG TEXT", TIME as RFC 3339 with
 * nanoseconds, STREAM stdout or stderr, FLAG F for a whole line or P for a part of one.
 * Pure: bytes in, records out. One line of a container becomes one record, whatever the chunks.
 */
#include <stdbool.h>

#include "runtime/base/buf.h"

enum { HPL_CTRLOG_LINE = 7600 }; /* longer lines become several records; rsyslog takes 8 KiB */

struct hpl_ctrlog_record {
	uint64_t wall_us;
	bool is_err;
	const char *text;
	size_t len;
};

struct hpl_ctrlog {
	struct hpl_buf raw;      /* bytes of a line of the file whose end has not come */
	struct hpl_buf part[2];  /* text of stdout and stderr gathered from P lines */
	bool raw_done, part_done[2]; /* given out by the last call; cleared by the next */
	bool overlong;           /* the rest of a line of the file that was too long is skipped */
};
#define HPL_CTRLOG_NULL ((struct hpl_ctrlog){0})
void hpl_ctrlog_done(struct hpl_ctrlog *c);

/* Takes the next bytes up to the first record. Returns how many of them were used; *ret is set
 * when *ret_has, and its text is valid until the next call. To be called until all are used. */
size_t hpl_ctrlog_feed(struct hpl_ctrlog *c, const char *data, size_t len,
	struct hpl_ctrlog_record *ret, bool *ret_has);

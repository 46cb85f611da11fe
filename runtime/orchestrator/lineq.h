/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A bounded queue of whole lines for a reader that may be slow or stuck (a serial console). When
 * it is full the oldest lines go, and a line that counts them stands in their place. A line that
 * was written in part is never dropped.
 */
#include <stdint.h>

#include "runtime/base/util.h"

enum { HPL_LINEQ_BYTES = 64 << 10 }; /* 6 s of a serial line with 115200 baud */

struct hpl_lineq {
	char data[HPL_LINEQ_BYTES];
	size_t len;
	size_t head;      /* rest of a line that was written in part */
	size_t mark;      /* length of the counting line behind it, 0: none */
	uint64_t dropped; /* what that line counts */
};

/* Adds text and LF; text longer than a quarter of the queue is cut. who: "hpld[1]". */
void hpl_lineq_add(struct hpl_lineq *q, const char *who, const char *text, size_t len);
/* n bytes from the front have been written. */
void hpl_lineq_consume(struct hpl_lineq *q, size_t n);

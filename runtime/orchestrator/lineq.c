/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/orchestrator/lineq.h"

#include <stdio.h>

enum { MARK_MAX = 128 };

static void cut(struct hpl_lineq *q, size_t at, size_t n)
{
	memmove(q->data + at, q->data + at + n, q->len - at - n);
	q->len -= n;
}

/* Takes lines out behind head and mark until need bytes and a counting line fit. */
static void make_room(struct hpl_lineq *q, const char *who, size_t need)
{
	char mark[MARK_MAX];
	size_t from = q->head + q->mark, to = from;
	int n;

	while (to < q->len && q->len - (to - from) + need + MARK_MAX > sizeof(q->data)) {
		const char *lf = memchr(q->data + to, '\n', q->len - to);

		to = lf ? (size_t)(lf - q->data) + 1 : q->len;
		q->dropped++;
	}
	cut(q, q->head, to - q->head);
	n = snprintf(mark, sizeof(mark), "%s: %llu lines were dropped here, the console is too slow\n",
		who, (unsigned long long)q->dropped);
	memmove(q->data + q->head + n, q->data + q->head, q->len - q->head);
	memcpy(q->data + q->head, mark, (size_t)n);
	q->mark = (size_t)n;
	q->len += (size_t)n;
}

void hpl_lineq_add(struct hpl_lineq *q, const char *who, const char *text, size_t len)
{
	if (len > sizeof(q->data) / 4)
		len = sizeof(q->data) / 4;
	if (q->len + len + 1 > sizeof(q->data))
		make_room(q, who, len + 1);
	if (q->len + len + 1 > sizeof(q->data))
		return; /* a quarter always fits behind one half-written line and the mark */
	memcpy(q->data + q->len, text, len);
	q->len += len;
	q->data[q->len++] = '\n';
}

void hpl_lineq_consume(struct hpl_lineq *q, size_t n)
{
	const char *lf;
	int whole;

	if (!n || n > q->len)
		return;
	whole = q->data[n - 1] == '\n';
	if (n > q->head) {
		/* the counting line has begun to leave: what comes after it is counted anew */
		q->mark = 0;
		q->dropped = 0;
	}
	q->head = n < q->head ? q->head - n : 0;
	cut(q, 0, n);
	if (!whole && !q->head && q->len) {
		lf = memchr(q->data, '\n', q->len);
		q->head = lf ? (size_t)(lf - q->data) + 1 : q->len;
	}
}

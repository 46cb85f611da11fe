/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a service writes, as lines: "<severity>@tag text" (runtime/base/log.h). Pure: bytes in,
 * lines out. Everything a service may do wrong is bounded: length, rate, tags, control characters.
 */
#include <stdbool.h>

#include "runtime/base/log.h"
#include "runtime/orchestrator/manifest.h"

struct hpl_line {
	enum hpl_severity sev;
	const char *tag;          /* one of the manifest */
	const char *text;         /* escaped, NUL-terminated */
	size_t len;
};

enum {
	HPL_LINE_RATE = 500,      /* lines a second that one service may go on with */
	HPL_LINE_BURST = 2000,    /* and at once: a service tells its start in some dozen lines */
	HPL_LINE_RING = 8,        /* last lines kept for a failure event */
	HPL_LINE_KEPT = 512,      /* bytes of each of them */
};

struct hpl_lines {
	const struct hpl_names *tags;
	char part[HPL_LOG_LINE];  /* a line whose end has not come */
	size_t part_len;
	bool skip;                /* the rest of a line that was cut */
	double tokens;
	uint64_t filled_us;
	uint64_t dropped;         /* since they were last said */
	char ring[HPL_LINE_RING][HPL_LINE_KEPT];
	unsigned ring_next;       /* counts all lines; the next goes to ring_next % HPL_LINE_RING */
};

typedef void (*hpl_line_fn)(void *ud, const struct hpl_line *line);

void hpl_lines_init(struct hpl_lines *l, const struct hpl_names *tags);
/* Splits; calls fn for each whole line that the rate allows. now_us: a monotonic clock. */
void hpl_lines_feed(struct hpl_lines *l, const char *data, size_t len, uint64_t now_us,
	hpl_line_fn fn, void *ud);
/* The process is gone: what has no end yet is a line, too. */
void hpl_lines_finish(struct hpl_lines *l, uint64_t now_us, hpl_line_fn fn, void *ud);
/* How many lines were dropped since the last call. */
uint64_t hpl_lines_take_dropped(struct hpl_lines *l);
/* The i-th of the last lines, oldest first; NULL behind the last. */
const char *hpl_lines_last(const struct hpl_lines *l, unsigned i);
/* One line without LF; it is cut where text is full. */
void hpl_line_parse(struct hpl_line *ret, char *text, size_t text_size, const char *data, size_t len,
	const struct hpl_names *tags);

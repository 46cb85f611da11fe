/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The record of a disk's writes and flushes, and the states that the disk may be in when the power goes:
 *
 *   flush point g   all up to flush g, nothing behind it (point 0: nothing at all)
 *   random          all up to flush g, and any part of what was sent between it and the next flush, up
 *                   to some write: each of them whole, not at all, or torn, by pages and by sectors
 *
 * The number of a state tells which it is: the flush points come first, each once; a random one
 * depends on its number, the seed and the record, and on nothing else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CUT_SECTOR = 512, CUT_PAGE = 4096 };
/* Where marks are written: a sector of the gap behind the partition table that nothing else uses. */
enum { CUT_MARK_AT = 32 << 10 };

struct cut_entry {
	uint64_t at, len;    /* bytes; len 0: nothing is written */
	const uint8_t *data;
	bool flush;          /* all before it is on the disk */
	int mark;            /* that it writes, 0 */
};

struct cut_log {
	uint8_t *bytes;
	struct cut_entry *list;
	size_t count;
	size_t *points;      /* entries before the end of flush g; points[0] is 0 */
	size_t point_count;
	size_t *busy;        /* points that writes follow, behind `from` */
	size_t busy_count;
};

struct cut_state {
	unsigned id;
	size_t point;
	bool random;
};

typedef int cut_apply_fn(void *ud, uint64_t at, const void *data, size_t len);

/* Text of mark n, one sector. */
void cut_mark_format(char sector[CUT_SECTOR], int n);

/* Takes bytes, a record in the format of dm-log-writes (Linux, device-mapper/log-writes) of len bytes.
 * Random states begin at the flush before mark `from` (0: at the start). NULL or what is wrong. */
const char *cut_log_parse(struct cut_log *log, uint8_t *bytes, size_t len, int from);
void cut_log_done(struct cut_log *log);

struct cut_state cut_state(const struct cut_log *log, unsigned id, uint64_t seed);
/* Calls apply for all that state s has behind its flush. Returns the newest mark that was sent before the power
 * went, or -1 when apply failed: what it stands for was flushed before. */
int cut_state_apply(const struct cut_log *log, const struct cut_state *s, uint64_t seed,
	cut_apply_fn *apply, void *ud);

/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of states of integration/powercut, on a record made here. */
#include <criterion/criterion.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "services/storage/tests/powercut_log.h"

enum { FLUSH = 1, FUA = 2, DISK = 64 << 10 };

static struct { uint8_t bytes[256 << 10]; size_t len; uint64_t count; } made;

static void put64(size_t at, uint64_t v)
{
	v = htole64(v);
	memcpy(made.bytes + at, &v, sizeof(v));
}

static void entry(uint64_t at, const void *data, uint64_t len, uint64_t flags)
{
	put64(made.len, at / 512);
	put64(made.len + 8, len / 512);
	put64(made.len + 16, flags);
	if (len)
		memcpy(made.bytes + made.len + 512, data, len);
	made.len += 512 + len;
	made.count++;
	put64(16, made.count);
}

static void start(void)
{
	memset(&made, 0, sizeof(made));
	put64(0, 0x6a736677736872ULL);
	put64(8, 1);
	put64(24, 512);
	made.len = 512;
}

static void mark(int n)
{
	char sector[CUT_SECTOR];

	cut_mark_format(sector, n);
	entry(CUT_MARK_AT, sector, sizeof(sector), 0);
}

static const char *parse(struct cut_log *log, int from)
{
	uint8_t *copy = malloc(sizeof(made.bytes));

	memcpy(copy, made.bytes, sizeof(made.bytes));
	return cut_log_parse(log, copy, sizeof(made.bytes), from);
}

/* Two writes, flush, mark 1, one write of 8 KiB, flush, mark 2 */
static void example(struct cut_log *log, int from)
{
	static uint8_t ones[8192];

	memset(ones, 1, sizeof(ones));
	start();
	entry(0, ones, 512, 0);
	entry(4096, ones, 512, 0);
	entry(0, NULL, 0, FLUSH);
	mark(1);
	entry(8192, ones, 8192, 0);
	entry(0, NULL, 0, FLUSH);
	mark(2);
	cr_assert_null(parse(log, from));
}

static uint8_t disk[DISK];

static int write_disk(void *ud, uint64_t at, const void *data, size_t len)
{
	size_t *pieces = ud;

	cr_assert(at + len <= DISK);
	memcpy(disk + at, data, len);
	++*pieces;
	return 0;
}

Test(powercut_log, each_flush_is_a_state_once_and_has_nothing_behind_it)
{
	struct cut_log log;
	size_t pieces = 0;

	example(&log, 0);
	cr_assert_eq(log.point_count, 3);
	for (unsigned id = 0; id < 3; id++) {
		struct cut_state s = cut_state(&log, id, 1);
		cr_assert(!s.random);
		cr_assert_eq(s.point, id);
		/* a mark that was sent before the next flush tells that the flush before it was done */
		cr_assert_eq(cut_state_apply(&log, &s, 1, write_disk, &pieces), (int)id);
	}
	cr_assert_eq(pieces, 0);
	cut_log_done(&log);
}

Test(powercut_log, a_random_state_is_the_same_again_and_stays_between_its_flushes)
{
	struct cut_log log;
	size_t pieces = 0, torn = 0, points[3] = {0};
	static uint8_t first[DISK];

	example(&log, 0);
	for (unsigned id = 3; id < 503; id++) {
		struct cut_state s = cut_state(&log, id, 7), again = cut_state(&log, id, 7);
		cr_assert(s.random);
		cr_assert_eq(s.point, again.point);
		points[s.point]++;
		memset(disk, 0, sizeof(disk));
		int m = cut_state_apply(&log, &s, 7, write_disk, &pieces);
		memcpy(first, disk, sizeof(disk));
		memset(disk, 0, sizeof(disk));
		cr_assert_eq(m, cut_state_apply(&log, &again, 7, write_disk, &pieces));
		cr_assert_arr_eq(first, disk, sizeof(disk));
		cr_assert(m <= (int)s.point);
		if (s.point != 1)
			cr_assert(!disk[8192] && !disk[16383]);
		if (s.point != 0)
			cr_assert(!disk[0] && !disk[4096]);
		torn += s.point == 1 && disk[8192] != disk[8192 + 4095];
	}
	cr_assert(points[0] > 50 && points[1] > 50 && points[2] > 50);
	cr_assert(torn > 5, "%zu torn within a page", torn);
	cut_log_done(&log);
}

Test(powercut_log, random_states_begin_at_a_mark)
{
	struct cut_log log;

	example(&log, 1);
	for (unsigned id = 3; id < 203; id++)
		cr_assert(cut_state(&log, id, 1).point >= 1);
	cut_log_done(&log);
}

Test(powercut_log, what_is_not_understood_is_refused)
{
	static const uint8_t data[512];
	struct cut_log log;

	start();
	cr_assert_not_null(parse(&log, 0), "empty");
	cut_log_done(&log);
	entry(0, data, 512, FUA);
	cr_assert_not_null(parse(&log, 0), "FUA");
	cut_log_done(&log);
	start();
	entry(0, data, 512, 0);
	put64(512 + 8, 1 << 20);
	cr_assert_not_null(parse(&log, 0), "longer than the record");
	cut_log_done(&log);
}

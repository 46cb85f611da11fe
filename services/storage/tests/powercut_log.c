/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/tests/powercut_log.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_FLUSH = 1, LOG_FUA = 2, LOG_DISCARD = 4, LOG_MARK = 8 };
static const uint64_t log_magic = 0x6a736677736872ULL;
static const char mark_text[] = "hpl-powercut-mark";

void cut_mark_format(char sector[CUT_SECTOR], int n)
{
	memset(sector, 0, CUT_SECTOR);
	snprintf(sector, CUT_SECTOR, "%s %d", mark_text, n);
}

static int mark_of(const struct cut_entry *e)
{
	const char *p = (const char *)e->data;

	if (e->at != CUT_MARK_AT || e->len != CUT_SECTOR || strncmp(p, mark_text, strlen(mark_text)) != 0)
		return 0;
	return atoi(p + strlen(mark_text));
}

static uint64_t le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* A write with FUA would be on the disk before the next flush: no disk here offers it, so the kernel
 * sends a flush behind such a write. */
static const char *read_entries(struct cut_log *log, size_t len, uint64_t n, uint64_t sector)
{
	uint64_t at = sector;

	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *p = log->bytes + at;
		if (at + sector > len)
			return "it ends in the middle";
		struct cut_entry e = {.at = le64(p) * sector, .len = le64(p + 8) * sector,
			.data = p + sector, .flush = le64(p + 16) & LOG_FLUSH};
		if (le64(p + 16) & (LOG_FUA | LOG_MARK) || (e.flush && e.len))
			return "it has entries of another kind";
		if (le64(p + 16) & LOG_DISCARD)
			e.len = 0; /* may do nothing on a disk */
		if (e.len > len - at - sector)
			return "it ends in the middle";
		at += sector + e.len;
		e.mark = e.len ? mark_of(&e) : 0;
		log->list[log->count++] = e;
	}
	return NULL;
}

static size_t behind(const struct cut_log *log, size_t point)
{
	return point + 1 < log->point_count ? log->points[point + 1] : log->count;
}

static bool writes_follow(const struct cut_log *log, size_t point)
{
	for (size_t i = log->points[point]; i < behind(log, point); i++)
		if (log->list[i].len)
			return true;
	return false;
}

static void find_points(struct cut_log *log, int from)
{
	bool begun = !from;

	log->point_count = 1;
	for (size_t i = 0; i < log->count; i++)
		if (log->list[i].flush)
			log->points[log->point_count++] = i + 1;
	for (size_t g = 0; g < log->point_count; g++) {
		for (size_t i = log->points[g]; i < behind(log, g); i++)
			begun = begun || log->list[i].mark == from;
		if (begun && writes_follow(log, g))
			log->busy[log->busy_count++] = g;
	}
}

const char *cut_log_parse(struct cut_log *log, uint8_t *bytes, size_t len, int from)
{
	uint64_t n, sector;
	const char *why;

	*log = (struct cut_log){.bytes = bytes};
	if (len < 4096)
		return "it is too short";
	n = le64(bytes + 16);
	sector = le64(bytes + 24) & UINT32_MAX;
	if (le64(bytes) != log_magic || sector != CUT_SECTOR || !n || n > len / sector)
		return "it has no head, or is empty";
	log->list = calloc(n, sizeof(*log->list));
	log->points = calloc(n + 1, sizeof(*log->points));
	log->busy = calloc(n + 1, sizeof(*log->busy));
	if (!log->list || !log->points || !log->busy)
		return "no memory";
	why = read_entries(log, len, n, sector);
	if (why)
		return why;
	find_points(log, from);
	return log->busy_count ? NULL : "nothing was written";
}

void cut_log_done(struct cut_log *log)
{
	free(log->list);
	free(log->points);
	free(log->busy);
	free(log->bytes);
	*log = (struct cut_log){0};
}

/* ---- states ---- */

/* splitmix64: the same numbers everywhere, from any seed */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint32_t draw(uint64_t *state, size_t below)
{
	return (uint32_t)((next(state) >> 32) % below);
}

static uint64_t begin(uint64_t seed, unsigned id)
{
	uint64_t mixed = seed;

	return next(&mixed) ^ ((uint64_t)id << 20);
}

/* Every second random state takes the flushes in turn, so that each has its share; the others take any
 * write, so that flushes with much behind them have more. */
struct cut_state cut_state(const struct cut_log *log, unsigned id, uint64_t seed)
{
	struct cut_state s = {.id = id, .point = id, .random = id >= log->point_count};
	uint64_t rng = begin(~seed, id);
	size_t nth = id - log->point_count, i;

	if (!s.random)
		return s;
	s.point = log->busy[nth / 2 % log->busy_count];
	if (nth % 2 == 0)
		return s;
	i = log->points[log->busy[0]];
	i += draw(&rng, log->count - i);
	for (size_t g = 0; g < log->busy_count; g++)
		if (log->points[log->busy[g]] <= i)
			s.point = log->busy[g];
	return s;
}

/* One page of a write: not at all, whole, its first sectors, or any of them. */
static int tear_page(const struct cut_entry *e, uint64_t done, size_t len, uint64_t *rng,
	cut_apply_fn *apply, void *ud)
{
	uint32_t how = draw(rng, 4), sectors = (uint32_t)(len / CUT_SECTOR), upto;

	if (how == 0)
		return 0;
	if (how == 1)
		return apply(ud, e->at + done, e->data + done, len);
	upto = how == 2 ? draw(rng, sectors + 1) : sectors;
	for (uint32_t i = 0; i < upto; i++)
		if ((how == 2 || draw(rng, 2)) && apply(ud, e->at + done + i * CUT_SECTOR,
			e->data + done + i * CUT_SECTOR, CUT_SECTOR) < 0)
			return -1;
	return 0;
}

/* Of eight writes two are missing, three whole and three torn. */
static int apply_part(const struct cut_entry *e, uint64_t *rng, cut_apply_fn *apply, void *ud)
{
	uint32_t how = draw(rng, 8);
	int r = 0;

	if (how < 2 || !e->len)
		return 0;
	if (how < 5)
		return apply(ud, e->at, e->data, (size_t)e->len);
	for (uint64_t done = 0, n; done < e->len && r == 0; done += n) {
		/* pages of the disk, not of the write */
		n = CUT_PAGE - (e->at + done) % CUT_PAGE;
		n = n < e->len - done ? n : e->len - done;
		r = tear_page(e, done, (size_t)n, rng, apply, ud);
	}
	return r;
}

int cut_state_apply(const struct cut_log *log, const struct cut_state *s, uint64_t seed,
	cut_apply_fn *apply, void *ud)
{
	const size_t first = log->points[s->point];
	size_t end = behind(log, s->point);
	uint64_t rng = begin(seed, s->id);
	int mark = 0;

	if (s->random)
		end = first + 1 + draw(&rng, end - first);
	for (size_t i = 0; i < end; i++)
		mark = log->list[i].mark > mark ? log->list[i].mark : mark;
	for (size_t i = first; s->random && i < end; i++)
		if (apply_part(&log->list[i], &rng, apply, ud) < 0)
			return -1;
	return mark;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks that fail for a moment: reads, writes and flushes that end with an error, a connection that is
 * lost, a disk that is slow, a disk that is taken out. See guest_faults.c for the cases.
 */
#include <string.h>

#include "services/storage/record.h"
#include "services/storage/tests/guest.h"
#include "services/storage/tests/guest_faults.h"
#include "services/storage/tests/guest_victim.h"

struct fault {
	const char *what, *kind;    /* of disk-server */
	unsigned at, many;
	uint64_t from, to;
	unsigned ms;
};

struct tally { unsigned tries, met, opened, made, refused, bad; };

static void complain(struct tally *t, const struct fault *f, const char *truth, const char *wrong,
	const struct hpl_err *err)
{
	t->bad++;
	printf("# %s: %s %s at %u, %u of them, in %llu..%llu: %s (%s %s)\n", truth, f->what, f->kind, f->at, f->many,
		(unsigned long long)f->from, (unsigned long long)f->to, wrong,
		err->msg ? hpl_msg_info(err->msg)->id : "no id", err->text);
	fflush(stdout);
}

static void arm(const struct fault *f)
{
	ask("victim fault %s %s %u %u %llu %llu %u", f->what, f->kind, f->at, f->many, (unsigned long long)f->from,
		(unsigned long long)f->to, f->ms);
}

/* The next boot, with a disk that works: what was a volume opens, what was blank is made. */
static const char *next_boot(bool blank, bool finished)
{
	static char text[HPL_ERR_TEXT + 64];
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_volume v;
	const char *wrong = NULL;

	ask("victim clear");
	drop_cache("/dev/vda", true);
	if (boot_volume(&v, "victim", &err) < 0) {
		snprintf(text, sizeof(text), "the next boot: %s %s", hpl_msg_info(err.msg)->id, err.text);
		wrong = text;
	} else if (!blank) {
		wrong = wrong_with(&v);
	} else if (finished && v.created) {
		wrong = "the next boot made it again";
	}
	end_boot(&v);
	return wrong;
}

/* One boot with a fault, and what must hold after it. False: there were not so many requests. */
static bool boot_with(const struct fault *f, const char *truth, bool again, struct tally *t)
{
	bool blank = hpl_streq(truth, "zero");
	struct hpl_err err = HPL_ERR_NULL;
	const char *wrong = NULL;
	struct hpl_volume v;
	struct counts c;
	int r;

	victim_is(truth);
	arm(f);
	r = boot_volume(&v, "victim", &err);
	c = count_all();
	t->tries++;
	t->met += c.hits != 0;
	if (r < 0) {
		t->refused++;
		if (!err.msg)
			wrong = "refused without an id";
	} else if (blank) {
		t->made++;
		if (c.unread)
			wrong = "a disk was formatted that was not read";
	} else {
		t->opened++;
		ask("victim clear"); /* what comes now is the test's own reading */
		wrong = wrong_with(&v);
	}
	end_boot(&v);
	if (!wrong && again)
		wrong = next_boot(blank, r == 0);
	if (wrong)
		complain(t, f, truth, wrong, &err);
	return c.hits != 0;
}

static void tell(const struct tally *t, bool good, const char *what)
{
	ok(good && t->bad == 0, what, NULL);
	printf("# %u boots, %u met the fault: %u opened, %u made, %u refused\n", t->tries, t->met, t->opened, t->made,
		t->refused);
	fflush(stdout);
}

/* ---- reads that fail ---- */

/* The kernel repeats a read that it did ahead: one failure alone seldom gets through to the program. */
struct sweep { unsigned many, dense, step; }; /* each of the first `dense` reads, then each step-th */

static void each_read_fails(const char *truth, const char *what, const struct sweep *sweeps, size_t n,
	unsigned again)
{
	struct tally t = {0};

	for (size_t i = 0; i < n; i++)
		for (unsigned at = 0; ; at += at < sweeps[i].dense ? 1 : sweeps[i].step) {
			struct fault f = {"eio", "read", at, sweeps[i].many, 0, VICTIM_SIZE, 0};
			if (!boot_with(&f, truth, t.tries % again == 0, &t))
				break;
		}
	tell(&t, t.met >= 25 && t.refused >= 20, what);
}

void case_reads(void)
{
	/* making takes seconds: a single failure, which the kernel hides, is tried at a few places */
	static const struct sweep blank[] = {{3, 20, 80}, {0, 0, 64}, {1, 0, 300}};
	static const struct sweep whole[] = {{3, 8, 32}, {0, 24, 24}, {1, 0, 64}};
	static const struct sweep volume[] = {{3, 40, 24}, {0, 0, 12}, {1, 0, 48}};

	each_read_fails("zero", "blank disk, reads fail: made only when all was read, else refused; then made", blank,
		HPL_ARRAY_SIZE(blank), 16);
	each_read_fails("good", "volume, reads fail: opened or refused, never formatted; then opened", volume,
		HPL_ARRAY_SIZE(volume), 10);
	each_read_fails("whole", "LUKS on a whole disk, reads fail: opened or refused; then opened", whole,
		HPL_ARRAY_SIZE(whole), 8);
}

static unsigned draw(unsigned n)
{
	static unsigned long long state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % n;
}

/* Errors, errors after a while, reads of which only the first part succeeds, lost connections: at places
 * that decide what a disk is taken for. */
static void boots_with_failing_reads(unsigned n)
{
	/* reads: how many there are of the place at least, in a boot */
	static const struct { const char *truth; uint64_t at, len; unsigned reads; } places[] = {
		{"good", DATA_AT, HDR, 3}, {"good", DATA_AT + HDR, HDR, 1}, {"good", DATA_AT + 4096, 4096, 1},
		{"good", DATA_AT + 32768, 262144, 1}, {"good", 0, 17408, 2}, {"good", 512, 512, 2},
		{"good", MIB - HPL_RECORD_ROOM, 1024, 1}, {"norecord", DATA_AT, 2 * HDR, 3},
		{"norecord", 0, VICTIM_SIZE, 16}, {"whole", 0, HDR, 2}, {"whole", HDR, HDR, 1},
		{"whole", 0, 4096, 2}, {"whole", 12288, 4096, 1},
	};
	static const unsigned many[] = {3, 0, 0, 0, 0, 0};
	struct tally t = {0};

	for (unsigned i = 0; i < n; i++) {
		unsigned p = draw(HPL_ARRAY_SIZE(places)), kind = draw(20);
		struct fault f = {kind == 0 ? "drop" : "eio", "read", draw(places[p].reads), many[draw(HPL_ARRAY_SIZE(many))],
			places[p].at, places[p].at + places[p].len, kind == 1 ? 30 : 0};
		if (kind == 0)
			f.many = 1; /* it is there again at once */
		boot_with(&f, places[p].truth, i % 100 == 0, &t);
		if (i % 100 == 99) {
			printf("# %u: %u met, %u opened, %u refused\n", i + 1, t.met, t.opened, t.refused);
			fflush(stdout);
		}
	}
	tell(&t, t.tries == n && t.met >= n * 8 / 10 && t.made == 0 && t.refused >= n * 6 / 10,
		"boots with reads that fail, at once or late, in whole or in part: never a format");
}

void case_thousand(void)
{
	boots_with_failing_reads(1000);
}

void case_hundred(void)
{
	boots_with_failing_reads(100);
}

/* ---- writes that fail ---- */

/* Once at some requests, for ever at those between. */
static void each_write_fails(const char *kind, const char *what, unsigned step)
{
	struct tally t = {0};
	struct fault f = {"eio", kind, 0, 1, 0, VICTIM_SIZE, 0};

	while (boot_with(&f, "zero", true, &t)) {
		f.at += f.at < 3 ? 1 : step;
		f.many = !f.many;
	}
	tell(&t, t.met >= 5 && t.refused >= 3, what);
}

void case_writes(void)
{
	each_write_fails("write", "making, writes fail: refused or made, and the next boot goes on", 9);
	each_write_fails("flush", "making, flushes fail: refused or made, and the next boot goes on", 6);
}

/* ---- a connection that is lost, a disk that is slow ---- */

void case_slow(void)
{
	struct tally lost = {0}, slow = {0};

	for (unsigned at = 0; at < 60; at += at < 16 ? 5 : 15) {
		struct fault f = {"drop", "read", at, 1, 0, VICTIM_SIZE, 0};

		boot_with(&f, "good", true, &lost);
	}
	tell(&lost, lost.met >= 5, "the connection to a volume is lost at a read: opened or refused, then opened");
	for (int i = 0; i < 2; i++) {
		struct fault f = {"slow", "any", 0, 60, 0, VICTIM_SIZE, 50};

		boot_with(&f, i ? "norecord" : "good", false, &slow);
	}
	tell(&slow, slow.met == 2 && slow.opened == 2, "60 requests of a volume take 50 ms more: opened");
}

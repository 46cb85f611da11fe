/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that answers a later read with something else than an earlier one, and forged headers, on a
 * real mapping. See guest_faults.c for the cases.
 */
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/storage/layout.h"
#include "services/storage/luks.h"
#include "services/storage/tests/guest.h"
#include "services/storage/tests/guest_faults.h"
#include "services/storage/tests/guest_victim.h"

enum { BOTH = 2 * HDR, TEXT = JSON, READS_MAX = 40 };

/* One change of the JSON: the first `from` becomes `to`. */
static const struct forgery { const char *name, *from, *to; } forgeries[] = {
	{"key slot in cipher_null", "\"encryption\":\"aes-xts-plain64\",\"key_size\"",
		"\"encryption\":\"cipher_null-ecb\",\"key_size\""},
	{"data in cipher_null", "\"encryption\":\"aes-xts-plain64\",\"sector_size\"",
		"\"encryption\":\"cipher_null-ecb\",\"sector_size\""},
	{"data in CBC", "\"encryption\":\"aes-xts-plain64\",\"sector_size\"",
		"\"encryption\":\"aes-cbc-essiv:sha256\",\"sector_size\""},
	{"a token", "\"tokens\":{}", "\"tokens\":{\"0\":{\"type\":\"luks2-keyring\",\"keyslots\":[\"0\"],"
		"\"key_description\":\"x\"}}"},
	{"a linear segment", "\"type\":\"crypt\"", "\"type\":\"linear\""},
	{"a key of 32 bytes", "\"key_size\":64", "\"key_size\":32"},
	{"a reencryption", "\"json_size\"",
		"\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]},\"json_size\""},
	{"discards allowed", "\"json_size\"", "\"flags\":[\"allow-discards\"],\"json_size\""},
	{"a segment that ends early", "\"size\":\"dynamic\"", "\"size\":\"1048576\""},
	{"a second segment", "\"segments\":{", "\"segments\":{\"1\":{\"type\":\"linear\",\"offset\":\"16777216\","
		"\"size\":\"dynamic\"},"},
	{"a key slot for reencryption", "\"type\":\"luks2\"", "\"type\":\"reencrypt\",\"mode\":\"encrypt\","
		"\"direction\":\"forward\""},
	{"an offset beyond the device", "\"offset\":\"16777216\"", "\"offset\":\"99999744\""},
};

/* These are well-formed, and only the record tells that they are not the header of this volume. */
static const struct forgery shifted = {"another offset", "\"offset\":\"16777216\"", "\"offset\":\"17825792\""};
static const struct forgery unopened = {"no key slot", NULL, "\"keyslots\":{}"};

static void checksum(uint8_t *copy)
{
	memset(copy + 448, 0, 64);
	SHA256(copy, HDR, copy + 448);
}

static void exchange(char *json, const char *from, size_t len, const char *to)
{
	char out[TEXT] = "";
	int n = snprintf(out, sizeof(out), "%.*s%s%s", (int)(from - json), json, to, from + len);

	if (n < 0 || n >= TEXT)
		abort();
	memcpy(json, out, TEXT);
}

/* Removes all key slots: "keyslots":{...} up to the brace that closes it */
static size_t braces(const char *from)
{
	const char *p = strchr(from, '{');
	int depth = 0;

	for (; p && *p; p++) {
		depth += (*p == '{') - (*p == '}');
		if (depth == 0)
			return (size_t)(p + 1 - from);
	}
	abort();
}

static bool forge(uint8_t *copy, const struct forgery *f, unsigned newer)
{
	char *json = (char *)copy + BIN, *at = strstr(json, f->from ? f->from : "\"keyslots\":{");

	if (!at)
		return false;
	exchange(json, at, f->from ? strlen(f->from) : braces(at), f->to);
	if (!f->from) { /* a digest names the slots that it is of */
		at = strstr(json, "\"keyslots\":[\"0\"]");
		if (!at)
			return false;
		exchange(json, at, strlen("\"keyslots\":[\"0\"]"), "\"keyslots\":[]");
	}
	copy[23] = (uint8_t)(copy[23] + newer); /* sequence number, big-endian */
	checksum(copy);
	return true;
}

/* The volume `from` with a changed header, saved as name. */
static bool save_forged(const char *name, const char *from, uint64_t at, const struct forgery *f, unsigned newer)
{
	static uint8_t area[BOTH];
	bool good;

	victim_is(from);
	victim_read(at, area, BOTH);
	good = forge(area, f, newer) && forge(area + HDR, f, newer);
	victim_write(at, area, BOTH);
	victim_saved_as(name);
	return good;
}

/* ---- forged headers on a disk that does not lie ---- */

void case_mutations(void)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(forgeries); i++) {
		const struct forgery *f = &forgeries[i];
		struct hpl_err err = HPL_ERR_NULL;
		struct counts data, all;
		struct hpl_volume v;
		char what[160];
		bool forged = save_forged("forged", "good", DATA_AT, f, i % 2);
		int r;

		victim_is("forged");
		r = boot_volume(&v, "victim", &err);
		/* libblkid looks for signatures (of RAID members) near the end of disk and partition */
		data = count(DATA_AT + HEADER_AREA, VICTIM_SIZE - 4 * MIB);
		all = count_all();
		snprintf(what, sizeof(what), "forged header, %s: HPL07016E, nothing of the data read or written", f->name);
		ok(forged && r < 0 && err.msg == HPL_MSG_STORAGE_HEADER_REFUSED && data.inside == 0 && all.writes == 0 &&
			!any_mapping(), what, &err);
		if (data.inside || all.writes)
			printf("# %u writes, data read at: %s\n", all.writes, ask("victim where read %llu %llu",
				DATA_AT + HEADER_AREA, VICTIM_SIZE - 4 * MIB));
		end_boot(&v);
	}
}

/* ---- a disk that lies ---- */

struct lie {
	const char *name;
	const char *truth, *shown;  /* saved contents */
	uint64_t from, to;          /* where the disk lies */
};

static unsigned seconds_reads;

enum expected { OPENS_LAST, REFUSED_LAST, NEVER_OPENS };

struct tally { unsigned opened, refused, bad, twice, tries, ids[3]; bool last_refused; };

static void note_id(struct tally *t, uint32_t msg)
{
	t->ids[0] += msg == HPL_MSG_STORAGE_HEADER_REFUSED;
	t->ids[1] += msg == HPL_MSG_STORAGE_HEADER_MAC;
	t->ids[2] += msg == HPL_MSG_LUKS_LUKS_OPEN_FAILED;
}

/* One boot with a disk that lies from its at-th read of the range on. False: it read less often. */
static bool tell_lie(const struct lie *l, unsigned at, struct tally *t)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_volume v;
	struct counts c;
	const char *wrong = NULL;
	int r;

	have_volume(l->shown);
	victim_is(l->truth);
	ask("victim show %s %u %llu %llu", l->shown, at, (unsigned long long)l->from, (unsigned long long)l->to);
	uncached = true;
	r = boot_volume(&v, "victim", &err);
	uncached = false;
	c = count(l->from, l->to);
	t->tries++;
	t->twice += c.twice != 0;
	t->last_refused = r < 0;
	if (r == 0) {
		wrong = wrong_with(&v);
		t->opened++;
	} else {
		note_id(t, err.msg);
		t->refused++;
		if (!err.msg)
			wrong = "no id";
		else if (c.writes)
			wrong = "refused, but something was written";
		else if (any_mapping())
			wrong = "refused, but a mapping is there";
	}
	if (wrong) {
		t->bad++;
		printf("# %s, from read %u on: %s (%s %s)\n", l->name, at, wrong, hpl_msg_info(err.msg)->id, err.text);
		printf("# written: %s\n", ask("victim where write 0 %llu", VICTIM_SIZE));
	}
	end_boot(&v);
	return c.hits != 0;
}

/* step: of the numbers of the read at which the switch comes; from the first-th on */
static void lie_at_each_read(const struct lie *l, unsigned first, unsigned step, enum expected expected)
{
	struct tally t = {0};
	char what[200];
	unsigned at = first;

	while (at < READS_MAX && tell_lie(l, at, &t))
		at += step;
	snprintf(what, sizeof(what), "%s: %s", l->name, expected == NEVER_OPENS ? "refused, nothing written" :
		"opened as judged, or refused and nothing written");
	/* when the switch comes behind the last read, the truth alone counts */
	ok(t.bad == 0 && (expected == OPENS_LAST ? t.opened > 0 && at < READS_MAX :
		expected == REFUSED_LAST ? t.last_refused && at < READS_MAX : t.opened == 0), what, NULL);
	printf("# %u switches: %u opened, %u refused (HPL07016E %u, HPL07024E %u, HPL02003E %u); blocks read twice "
		"in %u\n", t.tries, t.opened, t.refused, t.ids[0], t.ids[1], t.ids[2], t.twice);
	fflush(stdout);
	seconds_reads += t.twice;
}

static void lies_about_header(const char *name, const char *truth, const char *shown, bool each_copy)
{
	static const struct { const char *name; uint64_t from, to; } ranges[] = {
		{"first copy", 0, HDR}, {"second copy", HDR, BOTH}, {"both copies", 0, BOTH}};

	for (size_t i = each_copy ? 0 : 2; i < HPL_ARRAY_SIZE(ranges); i++) {
		char text[128];
		struct lie l = {.name = text, .truth = truth, .shown = shown,
			.from = DATA_AT + ranges[i].from, .to = DATA_AT + ranges[i].to};

		snprintf(text, sizeof(text), "lie: %s, %s", name, ranges[i].name);
		lie_at_each_read(&l, 0, 1, OPENS_LAST);
	}
}

/* The forged header is the truth, and the good one is shown later. */
static void forged_first(const char *name, const char *truth)
{
	struct lie l = {name, truth, "good", DATA_AT, DATA_AT + BOTH};

	lie_at_each_read(&l, 1, 3, REFUSED_LAST);
}

/* Tables and records that are well-formed and of another disk. */
static void save_tables(void)
{
	struct hpl_layout plan;
	struct hpl_record r;
	const struct hpl_disk *d;
	int fd;

	victim_is("zero");
	d = disk_named("victim");
	fd = open(d->path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || hpl_layout_plan(&plan, VICTIM_SIZE, 512, NULL) < 0)
		abort();
	plan.start[1] += MIB;
	plan.size[1] -= MIB;
	if (hpl_layout_write(fd, d->path, &plan, NULL) < 0)
		abort();
	victim_saved_as("table-later");
	victim_is("good");
	if (hpl_record_read(&r, fd, hpl_record_place(MIB), NULL) < 0)
		abort();
	r.state = HPL_RECORD_MAKING;
	if (hpl_record_write(&r, fd, hpl_record_place(MIB), NULL) < 0)
		abort();
	close(fd);
	victim_saved_as("record-making");
}

static void lies_about_the_rest(void)
{
	static const struct lie lies[] = {
		{"lie: another table, at the front", "good", "table-later", 0, 17408},
		{"lie: another table, at the end", "good", "table-later", VICTIM_SIZE - 16896, VICTIM_SIZE},
		{"lie: no table at the front", "good", "zero", 0, 17408},
		{"lie: no table at the end", "good", "zero", VICTIM_SIZE - 16896, VICTIM_SIZE},
		{"lie: a record that says making", "good", "record-making", MIB - HPL_RECORD_ROOM, MIB},
		{"lie: the record of another volume", "good", "other", MIB - HPL_RECORD_ROOM, MIB},
		{"lie: no record", "good", "zero", MIB - HPL_RECORD_ROOM, MIB},
	};
	/* at 0 a blank disk is shown from the beginning, and nobody can know that it is none */
	static const struct lie blank = {"lie: the disk becomes blank", "good", "zero", 0, VICTIM_SIZE};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(lies); i++)
		lie_at_each_read(&lies[i], 0, 1, OPENS_LAST);
	lie_at_each_read(&blank, 1, 3, NEVER_OPENS);
}

void case_lies(void)
{
	save_forged("slot-null", "good", DATA_AT, &forgeries[0], 0);
	lies_about_header("a key slot in cipher_null", "good", "slot-null", true);
	save_forged("data-null", "good", DATA_AT, &forgeries[1], 1);
	lies_about_header("data in cipher_null", "good", "data-null", false);
	forged_first("lie: data in cipher_null first", "data-null");
	save_forged("shifted", "good", DATA_AT, &shifted, 1);
	lies_about_header("another offset", "good", "shifted", false);
	save_forged("unopened", "good", DATA_AT, &unopened, 0);
	lies_about_header("no key slot", "good", "unopened", false);
	lies_about_header("the header of another volume", "good", "other", false);
	save_tables();
	lies_about_the_rest();
	ok(seconds_reads > 20, "the disk was asked for the same blocks again in these boots", NULL);
}

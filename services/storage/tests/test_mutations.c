/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile host can make of the header of a volume, one change after the other: every field of both
 * binary headers, every member of the JSON, key slot areas, copies that do not fit each other.
 *
 * Each change goes through the real opening (read, judge, load, unlock) and must end as one of
 *
 *   refused   with one of the ids below, before libcryptsetup is asked, or by it
 *   closed    HPL02003E: the seeds open no key slot any more
 *   mended    one copy is damaged, as by a torn write: the other one says what was there before
 *   free      opened with the same key, but something is changed that the header alone does not bind:
 *             only what `free_fields` names. With a record beside it: HPL07024E, but for two names.
 *
 * and the data area must not have been read: read(2) and pread(2) of this process are counted.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "services/storage/luks.h"
#include "services/storage/tests/files.h"

enum { DEVICE = 8 << 20, OFFSET = 1 << 20, HDR = 16 << 10, BIN = 4096, JSON = HDR - BIN, BOTH = 2 * HDR,
	RECORD_AT = 4096, NODES = 256, TEXT = 8192 };

static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static char path[64], record_path[64];
static int disk_fd = -1, record_fd = -1;
static struct hpl_secret pass;
static uint8_t original[OFFSET], now[BOTH], volume_key[HPL_LUKS_KEY_BYTES], digest[32];
static unsigned refused, closed, mended, changed, total;

/* The header alone does not bind these; the record does, but for two that decide nothing: the salt of a
 * copy and areas that no key slot has. seqid: where both copies were changed to fit each other.
 * offset and sector_size shift the data: what is decrypted then is noise, never plain text. */
static struct free_field { const char *name; unsigned seen; } free_fields[] = {
	{"label", 0}, {"subsystem", 0}, {"uuid", 0}, {"seqid", 0},
	/* differs between the copies, is drawn anew at each write, and goes into their checksums only */
	{"salt", 0},
	{"segments.0.offset", 0}, {"segments.0.sector_size", 0},
	{"config.keyslots_size", 0}, {"keyslots.0.priority", 0},
	{"config.flags", 0}, {"config.requirements", 0}, {"white space", 0},
	{"unused area", 0},
};

/* ---- reads of the data area ---- */

static unsigned data_reads;
static dev_t watched_dev;
static ino_t watched_ino;

static void note(int fd, off_t at, size_t len)
{
	struct stat st;

	if (watched_ino && fstat(fd, &st) == 0 && st.st_dev == watched_dev && st.st_ino == watched_ino &&
		at + (off_t)len > OFFSET)
		data_reads++;
}

/* In place of the C library's, for this program and the libraries it uses. Other names, since the headers
 * declare the originals inline. */
#define COUNTED_READ(name, symbol)                                                                 \
	ssize_t name(int fd, void *buf, size_t len) __asm__(symbol);                               \
	ssize_t name(int fd, void *buf, size_t len)                                                \
	{                                                                                          \
		note(fd, lseek(fd, 0, SEEK_CUR), len);                                             \
		return syscall(SYS_read, fd, buf, len);                                            \
	}
#define COUNTED_PREAD(name, symbol)                                                                \
	ssize_t name(int fd, void *buf, size_t len, off_t at) __asm__(symbol);                     \
	ssize_t name(int fd, void *buf, size_t len, off_t at)                                      \
	{                                                                                          \
		note(fd, at, len);                                                                 \
		return syscall(SYS_pread64, fd, buf, len, at);                                     \
	}
COUNTED_READ(counted_read, "read")
COUNTED_READ(counted_read_chk, "__read_chk")
COUNTED_PREAD(counted_pread, "pread")
COUNTED_PREAD(counted_pread64, "pread64")
COUNTED_PREAD(counted_pread_chk, "__pread_chk")
COUNTED_PREAD(counted_pread64_chk, "__pread64_chk")

/* ---- the volume ---- */

static struct hpl_luks device(uint64_t record_at)
{
	struct hpl_luks l = HPL_LUKS_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_luks_init(&l, path, DEVICE, &err), 0, "%s", err.text);
	l.record_fd = record_fd;
	l.record_at = record_at;
	if (record_at)
		cr_assert_geq(hpl_record_read(&l.record, record_fd, record_at, &err), 0, "%s", err.text);
	return l;
}

static void setup(void)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct stat st;

	disk_fd = make_disk(path, DEVICE);
	record_fd = make_disk(record_path, 1 << 20);
	const char *const argv[] = {"/sbin/cryptsetup", "luksFormat", "--type", "luks2", "-q", "--pbkdf",
		"argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "32", "--pbkdf-parallel",
		"1", "--luks2-metadata-size", "16k", "--luks2-keyslots-size", "768k", "--offset", "2048",
		"--sector-size", "4096", "--label", "data", "--subsystem", "hpl", "--key-file=-", path, NULL};
	cr_assert_eq(run_program(NULL, argv, text), 0);
	cr_assert_eq(hpl_secret_copy(&pass, text, 64, &err), 0);
	/* as the first opening by this runtime: the record gets its MAC */
	_cleanup_luks_ struct hpl_luks l = device(RECORD_AT);
	cr_assert_eq(hpl_luks_load(&l, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_luks_unlock(&l, &pass, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_luks_seal(&l, HPL_RECORD_READY, &err), 0, "%s", err.text);
	memcpy(volume_key, l.key.data, sizeof(volume_key));
	cr_assert_eq(hpl_luks2_digest(digest, &l.area, &err), 0);
	cr_assert_eq(l.area.header.data_offset, OFFSET);
	cr_assert_eq(l.area.hdr_size, HDR);
	cr_assert_eq(pread(disk_fd, original, OFFSET, 0), OFFSET);
	cr_assert_eq(fstat(disk_fd, &st), 0);
	watched_dev = st.st_dev;
	watched_ino = st.st_ino;
	memcpy(now, original, BOTH);
}

static void teardown(void)
{
	fprintf(stderr, "# %u changes: %u refused, %u closed, %u mended, %u free\n", total, refused, closed, mended,
		changed);
	hpl_secret_done(&pass);
	unlink(path);
	unlink(record_path);
	close(disk_fd);
	close(record_fd);
}

TestSuite(storage_mutations, .init = setup, .fini = teardown, .timeout = 100);

/* 0 opened, else the id. *same: the header is what it was. */
static uint32_t open_it(uint64_t record_at, bool *same, char *why)
{
	_cleanup_luks_ struct hpl_luks l = device(record_at);
	struct hpl_err err = HPL_ERR_NULL;
	uint8_t seen[32];
	int r = hpl_luks_load(&l, &err);

	if (r == HPL_LUKS2_NONE)
		return HPL_MSG_STORAGE_HEADER_REFUSED; /* hpl_prepare() refuses it, see prepare.c */
	if (r == 0 && hpl_luks2_digest(seen, &l.area, &err) == 0) {
		*same = memcmp(seen, digest, sizeof(seen)) == 0;
		r = hpl_luks_unlock(&l, &pass, NULL, &err);
	}
	snprintf(why, 256, "%.255s", err.text);
	if (r == 0)
		cr_assert(l.key.len == sizeof(volume_key) &&
			memcmp(l.key.data, volume_key, sizeof(volume_key)) == 0, "another volume key");
	return r == 0 ? 0 : err.msg ? err.msg : UINT32_MAX;
}

static struct free_field *free_field(const char *name)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(free_fields); i++)
		if (hpl_streq(free_fields[i].name, name))
			return &free_fields[i];
	return NULL;
}

/* Each was really found to be free: the list holds no more than it must. */
static void assert_free(const char *const *names)
{
	for (; *names; names++)
		cr_assert(free_field(*names) && free_field(*names)->seen, "%s", *names);
}
#define ASSERT_FREE(...) assert_free((const char *const[]){__VA_ARGS__, NULL})

static void restore(void)
{
	put(disk_fd, 0, original, BOTH);
	memcpy(now, original, BOTH);
}

/* Does a copy say that both are where they are? Else they are looked for, where the first says or at each
 * place where the second may be, in the first 8 MiB, which here hold data as well. */
static bool findable(void)
{
	static const uint8_t size[8] = {0, 0, 0, 0, 0, 0, HDR >> 8, HDR & 0xff};
	uint8_t first[16], second[16];

	cr_assert_eq(pread(disk_fd, first, 16, 0) + pread(disk_fd, second, 16, HDR), 32);
	if (memcmp(first, "LUKS\xba\xbe", 6) == 0)
		return memcmp(first + 8, size, 8) == 0;
	return memcmp(second, "SKUL\xba\xbe", 6) == 0 && memcmp(second + 8, size, 8) == 0;
}

/* Opens the disk as it is now. field: what was changed; how: in which way */
static void judge_disk(const char *field, const char *how)
{
	struct free_field *f = free_field(field);
	char why[256] = "";
	bool same = false;
	uint32_t msg;

	total++;
	data_reads = 0;
	msg = open_it(0, &same, why);
	cr_assert(!data_reads || !findable(), "%s, %s: the data area was read", field, how);
	if (msg == HPL_MSG_STORAGE_HEADER_REFUSED || msg == HPL_MSG_STORAGE_DEVICE_UNREADABLE) {
		refused++;
	} else if (msg == HPL_MSG_LUKS_LUKS_OPEN_FAILED) {
		closed++;
	} else if (msg == 0 && (same || f)) {
		*(same ? &mended : &changed) += 1;
		if (f)
			f->seen++;
		if (!same) /* the torn copies of the first opening are mended on the disk: again */
			put(disk_fd, 0, now, BOTH);
		msg = open_it(RECORD_AT, &same, why);
		cr_assert(same ? msg == 0 : msg == HPL_MSG_STORAGE_HEADER_MAC, "%s, %s: with a record: %u %s",
			field, how, msg, why);
	} else {
		cr_assert_fail("%s, %s: %s %s", field, how, msg ? hpl_msg_info(msg)->id : "opened", why);
	}
}

static void checksum(uint8_t *copy, size_t hdr_size)
{
	memset(copy + 448, 0, 64);
	SHA256(copy, hdr_size, copy + 448);
}

static void try_now(const char *field, const char *how)
{
	put(disk_fd, 0, now, BOTH);
	judge_disk(field, how);
	restore();
}

/* ---- binary headers ---- */

/* LUKS2 2.1 */
static const struct { const char *name; size_t at, len; } fields[] = {
	{"magic", 0, 6}, {"version", 6, 2}, {"hdr_size", 8, 8}, {"seqid", 16, 8}, {"label", 24, 48},
	{"checksum_alg", 72, 32}, {"salt", 104, 64}, {"uuid", 168, 40}, {"subsystem", 208, 48},
	{"hdr_offset", 256, 8}, {"padding", 264, 184}, {"csum", 448, 64}, {"padding4096", 512, 3584},
};

enum way { FLIP_FIRST, FLIP_LAST, ZERO, ONES, LETTERS, PLUS_ONE, WAYS };
static const char *const ways[] = {"first byte", "last byte", "zeros", "0xff", "letters", "plus one"};

static void change(uint8_t *p, size_t len, enum way w)
{
	switch (w) {
	case FLIP_FIRST: p[0] ^= 1; break;
	case FLIP_LAST: p[len - 1] ^= 1; break;
	case ZERO: memset(p, 0, len); break;
	case ONES: memset(p, 0xff, len); break;
	case LETTERS: memset(p, 'a', len - 1); p[len - 1] = 0; break;
	default:
		for (size_t i = len; i-- && ++p[i] == 0;)
			;
	}
}

Test(storage_mutations, every_field_of_the_binary_headers)
{
	for (size_t f = 0; f < HPL_ARRAY_SIZE(fields); f++)
		for (int w = 0; w < WAYS; w++)
			for (int mask = 1; mask <= 3; mask++)
				for (int sums = 0; sums < 2; sums++) {
					char how[96];

					snprintf(how, sizeof how, "%s, copies %d, checksum %s", ways[w], mask,
						sums ? "made again" : "as it was");
					for (int c = 0; c < 2; c++)
						if (mask & (1 << c)) {
							change(now + c * HDR + fields[f].at, fields[f].len, w);
							if (sums && !hpl_streq(fields[f].name, "csum"))
								checksum(now + c * HDR, HDR);
						}
					try_now(fields[f].name, how);
				}
	ASSERT_FREE("label", "subsystem", "uuid", "seqid", "salt");
}

/* ---- JSON ---- */

struct node {
	char name[96];               /* "segments.0.offset" */
	int key, key_end, val, end;  /* places in the text; key < 0: item of an array */
};
static struct node nodes[NODES];
static int node_count;

static int string_end(const char *s, int at)
{
	for (at++; s[at] != '"'; at++)
		at += s[at] == '\\';
	return at + 1;
}

/* The text of LUKS2 has no blanks behind its first character; scan() is for such. */
static int scan(const char *s, int at, const char *name)
{
	int index = 0;

	if (s[at] == '"')
		return string_end(s, at);
	if (s[at] != '{' && s[at] != '[')
		return at + (int)strcspn(s + at, ",]}");
	char close = s[at] == '{' ? '}' : ']';
	for (at++; s[at] != close; at += s[at] == ',') {
		struct node *n = &nodes[node_count++];

		cr_assert_lt(node_count, NODES);
		n->key = -1;
		if (close == '}') {
			n->key = at;
			n->key_end = at = string_end(s, at);
			snprintf(n->name, sizeof n->name, "%s%s%.*s", name, name[0] ? "." : "",
				n->key_end - n->key - 2, s + n->key + 1);
			at++;
		} else {
			snprintf(n->name, sizeof n->name, "%s.%d", name, index++);
		}
		n->val = at;
		n->end = at = scan(s, at, n->name);
	}
	return at + 1;
}

static const char *json(void)
{
	const char *s = (const char *)original + BIN;

	node_count = 0;
	cr_assert_eq(scan(s, 0, ""), (int)strlen(s), "%s", s);
	return s;
}

enum place { SAME, FIRST_NEWER, SECOND_NEWER, ONLY_FIRST, FIRST_OLDER };

static void put_json(int copy, const char *s, int seqid)
{
	uint64_t id;

	memset(now + copy * HDR + BIN, 0, JSON);
	memcpy(now + copy * HDR + BIN, s, strlen(s));
	memcpy(&id, now + copy * HDR + 16, 8);
	id = htobe64(be64toh(id) + (uint64_t)seqid);
	memcpy(now + copy * HDR + 16, &id, 8);
	checksum(now + copy * HDR, HDR);
}

/* s as the JSON of both copies, or of one that is newer, older, or of the same number */
static void try_json(const char *field, const char *s, enum place place)
{
	static const char *const names[] = {"both", "first newer", "second newer", "only first",
		"first older"};
	char how[640];

	snprintf(how, sizeof how, "%s: %.500s", names[place], s);
	cr_assert_lt(strlen(s), JSON);
	if (place != SECOND_NEWER)
		put_json(0, s, place == FIRST_NEWER);
	if (place == SAME)
		put_json(1, s, 0);
	if (place == SECOND_NEWER)
		put_json(1, s, 1);
	if (place == FIRST_OLDER)
		put_json(1, (const char *)original + BIN, 1);
	/* a newer number is a change of its own, that the record binds */
	try_now(place == SAME || place == ONLY_FIRST || free_field(field) ? field : "seqid", how);
}

static void join(char *out, const char *s, int from, int to, const char *with)
{
	cr_assert_lt(snprintf(out, TEXT, "%.*s%s%s", from, s, with, s + to), TEXT);
}

/* One change in both copies, and in one of them in turn of the other places. */
static void try_splice(const char *field, const char *s, int from, int to, const char *with)
{
	static unsigned turn;
	char out[TEXT];

	join(out, s, from, to, with);
	if (hpl_streq(out, s))
		return;
	try_json(field, out, SAME);
	/* an older copy does not count, whatever it says: each opens, which takes time */
	turn++;
	try_json(field, out, turn % 16 == 0 ? FIRST_OLDER : (enum place)(1 + turn % 3));
}

static void change_value(const char *s, const struct node *n)
{
	static const char *const others[] = {"0", "1", "-1", "null", "true", "\"\"", "\"x\"", "[]", "{}",
		"{\"0\":1}", "[\"0\"]", "18446744073709551616", "1e3", "0x40", "'x'", "x"};
	const char *v = s + n->val;
	int len = n->end - n->val;
	char with[TEXT];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(others); i++)
		try_splice(n->name, s, n->val, n->end, others[i]);
	if (v[0] == '"') {
		/* other type of the same text, other text of the same type */
		snprintf(with, sizeof with, "%.*s", len - 2, v + 1);
		try_splice(n->name, s, n->val, n->end, with);
		snprintf(with, sizeof with, "%.*sx\"", len - 1, v);
		try_splice(n->name, s, n->val, n->end, with);
		snprintf(with, sizeof with, "%.*s\\u0000\"", len - 1, v);
		try_splice(n->name, s, n->val, n->end, with);
		snprintf(with, sizeof with, "\"%c%.*s", v[1] == 'A' ? 'B' : 'A', len - 2, v + 2);
		try_splice(n->name, s, n->val, n->end, with);
		snprintf(with, sizeof with, "\"\\u%04x%.*s", v[1], len - 2, v + 2);
		try_splice(n->name, s, n->val, n->end, with);
	} else if (v[0] >= '0' && v[0] <= '9') {
		int64_t number = strtoll(v, NULL, 10);
		const int64_t numbers[] = {number + 1, number - 1, number * 2, number / 2, number + (1LL << 32)};

		for (size_t i = 0; i < HPL_ARRAY_SIZE(numbers); i++) {
			snprintf(with, sizeof with, "%lld", (long long)numbers[i]);
			try_splice(n->name, s, n->val, n->end, with);
		}
		snprintf(with, sizeof with, "\"%lld\"", (long long)number);
		try_splice(n->name, s, n->val, n->end, with);
		snprintf(with, sizeof with, "0%lld", (long long)number);
		try_splice(n->name, s, n->val, n->end, with);
	}
}

static void change_member(const char *s, const struct node *n)
{
	char with[TEXT];
	int len = n->end - n->key;

	/* removed, with the comma at one side of it */
	if (s[n->end] == ',')
		try_splice(n->name, s, n->key, n->end + 1, "");
	else
		try_splice(n->name, s, n->key - (s[n->key - 1] == ','), n->end, "");
	snprintf(with, sizeof with, "\"%.*sx\"", n->key_end - n->key - 2, s + n->key + 1);
	try_splice(n->name, s, n->key, n->key_end, with);
	try_splice(n->name, s, n->key, n->key_end, "\"\"");
	snprintf(with, sizeof with, "\"\\u%04x%.*s", s[n->key + 1], n->key_end - n->key - 2, s + n->key + 2);
	try_splice(n->name, s, n->key, n->key_end, with);
	snprintf(with, sizeof with, "%.*s", n->key_end - n->key - 2, s + n->key + 1);
	try_splice(n->name, s, n->key, n->key_end, with);
	/* twice: the same, another value before, behind; one that is not known */
	snprintf(with, sizeof with, "%.*s,", len, s + n->key);
	try_splice(n->name, s, n->key, n->key, with);
	snprintf(with, sizeof with, "%.*s:\"x\",", n->key_end - n->key, s + n->key);
	try_splice(n->name, s, n->key, n->key, with);
	snprintf(with, sizeof with, ",%.*s:\"x\"", n->key_end - n->key, s + n->key);
	try_splice(n->name, s, n->end, n->end, with);
	try_splice(n->name, s, n->key, n->key, "\"unknown\":1,");
}

Test(storage_mutations, every_member_of_the_json)
{
	const char *s = json();

	for (int i = 0; i < node_count; i++) {
		change_value(s, &nodes[i]);
		if (nodes[i].key >= 0)
			change_member(s, &nodes[i]);
	}
	cr_assert_geq(total, 1000);
	cr_assert_geq(refused, 1000);
	ASSERT_FREE("segments.0.offset", "segments.0.sector_size", "config.keyslots_size");
}

/* ---- key slot areas and what is behind the JSON ---- */

Test(storage_mutations, key_slot_areas_and_bytes_behind_the_json)
{
	_cleanup_luks_ struct hpl_luks l = device(0);
	struct hpl_err err = HPL_ERR_NULL;
	size_t len = strlen(json());

	cr_assert_eq(hpl_luks_load(&l, &err), 0, "%s", err.text);
	const uint64_t begin = l.area.header.areas[0].offset, size = l.area.header.areas[0].size;
	const uint64_t used = 4000 * HPL_LUKS_KEY_BYTES; /* stripes; the area is rounded up to blocks */
	/* one bit anywhere in a split key: the seeds open nothing */
	for (uint64_t at = 0; at < used; at += used / 20) {
		uint8_t b = original[begin + at] ^ 0x10;

		put(disk_fd, begin + at, &b, 1);
		judge_disk("key slot", "one bit");
		put(disk_fd, begin + at, &original[begin + at], 1);
	}
	cr_assert_eq(closed, total);
	/* in nobody's use: behind the stripes (under the record's MAC), between and behind areas */
	const uint64_t places[] = {begin + size, begin + size + 100000, OFFSET - 1};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(places); i++) {
		uint8_t b = original[places[i]] ^ 1;

		put(disk_fd, places[i], &b, 1);
		judge_disk("unused area", "one bit");
		put(disk_fd, places[i], &original[places[i]], 1);
	}
	for (size_t at = len + 1; at < JSON; at += at < len + 8 ? 1 : 1000)
		for (int mask = 1; mask <= 3; mask++) {
			for (int c = 0; c < 2; c++)
				if (mask & (1 << c)) {
					now[c * HDR + BIN + at] = '}';
					checksum(now + c * HDR, HDR);
				}
			try_now("behind the JSON", "one byte");
		}
	cr_assert_geq(refused, 30);
}

/* ---- the copies as a pair ---- */

static void set_seqid(int copy, uint64_t id)
{
	id = htobe64(id);
	memcpy(now + copy * HDR + 16, &id, 8);
	checksum(now + copy * HDR, HDR);
}

Test(storage_mutations, numbers_of_the_copies)
{
	static const uint64_t ids[] = {0, 1, 2, 3, 4, 5, 6, 100, 1ULL << 32, 1ULL << 40, (1ULL << 40) + 1,
		1ULL << 63, UINT64_MAX - 1, UINT64_MAX};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(ids); i++)
		for (size_t k = 0; k < HPL_ARRAY_SIZE(ids); k++) {
			uint64_t x = ids[i], y = ids[k];
			char how[64];

			/* whether both count, and are of one write or of neighbours */
			bool plausible = x && y && x <= 1ULL << 40 && y <= 1ULL << 40 &&
				(x > y ? x - y : y - x) <= 1;
			unsigned before = refused;
			set_seqid(0, x);
			set_seqid(1, y);
			snprintf(how, sizeof how, "%llx and %llx", (unsigned long long)x, (unsigned long long)y);
			try_now("seqid", how);
			cr_assert_eq(refused == before, plausible, "%s", how);
		}
}

/* A copy under another checksum counts for libcryptsetup, which reads it as well. */
Test(storage_mutations, a_newer_copy_under_another_checksum_is_not_used)
{
	static const char *const algs[] = {"sha512", "SHA256", "sha384", "sha1", "sha256 ", ""};
	const char *s = json();
	const char *at = strstr(s, "\"encryption\":\"aes-xts-plain64\"");
	char bad[TEXT];

	cr_assert(at);
	join(bad, s, (int)(at - s), (int)(at - s) + 30, "\"encryption\":\"cipher_null-ecb\"");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(algs); i++)
		for (int c = 0; c < 2; c++) {
			uint8_t *copy = now + c * HDR;

			put_json(c, bad, 1);
			memset(copy + 72, 0, 32);
			memcpy(copy + 72, algs[i], strlen(algs[i]));
			memset(copy + 448, 0, 64);
			if (i == 0)
				SHA512(copy, HDR, copy + 448);
			else if (i == 2)
				SHA384(copy, HDR, copy + 448);
			else if (i == 3)
				SHA1(copy, HDR, copy + 448);
			else
				SHA256(copy, HDR, copy + 448);
			try_now("checksum_alg", algs[i]);
		}
	cr_assert_eq(mended, total, "the other copy spoke");
}

Test(storage_mutations, copies_exchanged_missing_or_of_another_volume)
{
	uint8_t other[BOTH];
	char uuid[40];

	memcpy(now, original + HDR, HDR);
	memcpy(now + HDR, original, HDR);
	try_now("copies", "exchanged");
	memcpy(now + HDR, original, HDR);
	try_now("copies", "the first twice");
	memcpy(now, original + HDR, HDR);
	try_now("copies", "the second twice");
	for (int mask = 1; mask <= 3; mask++) {
		for (int c = 0; c < 2; c++)
			if (mask & (1 << c))
				memset(now + c * HDR, 0, HDR);
		try_now("copies", "zeros");
	}
	memcpy(other, original, BOTH);
	memcpy(uuid, "00000000-0000-4000-8000-000000000001", 37);
	for (int c = 0; c < 2; c++) {
		memcpy(now + c * HDR + 168, uuid, 37);
		checksum(now + c * HDR, HDR);
		try_now("copies", "of another volume");
	}
	for (unsigned cut = 0; cut < HDR; cut += 512) { /* torn at each sector, old and new */
		put_json(0, (const char *)original + BIN, 1);
		memcpy(now + cut, original + cut, HDR - cut);
		try_now("seqid", "torn");
	}
}

/* hdr_size, with copies that stand where it says, and where it does not */
Test(storage_mutations, sizes_of_the_header)
{
	static const uint64_t sizes[] = {0, 1, 512, 4096, 8192, 16383, 16385, 32768, 65536, 131072, 262144,
		524288, 1048576, 2097152, 4194304, 8388608, 1ULL << 40, 1ULL << 63, UINT64_MAX};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(sizes); i++)
		for (int mask = 1; mask <= 3; mask++)
			for (int sums = 0; sums < 2; sums++) {
				uint64_t n = htobe64(sizes[i]);

				for (int c = 0; c < 2; c++)
					if (mask & (1 << c)) {
						memcpy(now + c * HDR + 8, &n, 8);
						if (sums)
							checksum(now + c * HDR, c == 0 && sizes[i] == BOTH ? BOTH : HDR);
					}
				try_now("hdr_size", "another");
			}
	/* one copy of 32 KiB over the place of both */
	uint64_t n = htobe64(BOTH);
	memcpy(now + 8, &n, 8);
	memset(now + HDR, 0, HDR);
	checksum(now, BOTH);
	try_now("hdr_size", "over both");
}

Test(storage_mutations, devices_that_end_early)
{
	static const off_t ends[] = {0, 1, 511, 512, 4095, 4096, 8192, HDR - 1, HDR, HDR + 4096, BOTH - 1, BOTH,
		BOTH + 4096, 100000, OFFSET / 2, OFFSET - 4096, OFFSET - 1};
	bool same = false;
	char why[256];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(ends); i++) {
		cr_assert_eq(ftruncate(disk_fd, ends[i]), 0);
		data_reads = 0;
		/* the kernel says 8 MiB, a read comes short: never "no header", which might be formatted */
		cr_assert_eq(open_it(0, &same, why), HPL_MSG_STORAGE_DEVICE_UNREADABLE, "%lld: %s",
			(long long)ends[i], why);
		cr_assert_eq(data_reads, 0);
		cr_assert_eq(ftruncate(disk_fd, DEVICE), 0);
		put(disk_fd, 0, original, OFFSET);
	}
	/* and with a size that is as small */
	for (size_t i = 0; i < HPL_ARRAY_SIZE(ends); i++) {
		_cleanup_luks2_ struct hpl_luks2 h = HPL_LUKS2_NULL;
		struct hpl_err err = HPL_ERR_NULL;
		int r = hpl_luks2_read(&h, disk_fd, (uint64_t)ends[i], &err);

		cr_assert(r == HPL_LUKS2_NONE ? ends[i] < BOTH : r == -1 &&
			err.msg == HPL_MSG_STORAGE_HEADER_REFUSED, "%lld: %d %s", (long long)ends[i], r, err.text);
	}
	cr_assert_eq(open_it(0, &same, why), 0, "%s", why);
}

/* ---- two readers of one text ---- */

Test(storage_mutations, json_that_two_readers_could_read_in_two_ways)
{
	static const struct { const char *from, *to; } texts[] = {
		{"{\"keyslots\"", "{keyslots"}, {"{\"keyslots\"", "{'keyslots'"},
		{"{\"keyslots\"", "{\"\\u006beyslots\""}, {"{\"keyslots\"", "{\"keyslots\":{},\"keyslots\""},
		{"{\"keyslots\"", "{\"\\u006beyslots\":{},\"keyslots\""}, {"{\"keyslots\"", "# {}\n{\"keyslots\""},
		{"{\"keyslots\"", "// x\n{\"keyslots\""}, {"{\"keyslots\"", "/* x */{\"keyslots\""},
		{"{\"keyslots\"", "{/* x */\"keyslots\""}, {"{\"keyslots\"", "---\n{\"keyslots\""},
		{"{\"keyslots\"", "%YAML 1.2\n---\n{\"keyslots\""}, {"{\"keyslots\"", "\xef\xbb\xbf{\"keyslots\""},
		{"{\"keyslots\"", "{? \"keyslots\""}, {"{\"keyslots\"", "{\"<<\":{},\"keyslots\""},
		{"{\"keyslots\"", "&a {\"keyslots\""}, {"{\"keyslots\"", "!!map {\"keyslots\""},
		{"{\"keyslots\"", "[{\"keyslots\""}, {"{\"keyslots\"", "{,\"keyslots\""},
		{"{\"keyslots\"", "{\"x\",\"keyslots\""}, {"{\"keyslots\"", "{}{\"keyslots\""},
		{"\"tokens\":{}", "\"tokens\":{},"}, {"\"tokens\":{}", "\"tokens\":{},,\"x\":1"},
		{"\"tokens\":{}", "\"tokens\":"}, {"\"tokens\":{}", "\"tokens\":~"},
		{"\"tokens\":{}", "\"tokens\":{} # x\n"}, {"\"tokens\":{}", "\"tokens\":{\n# x\n}"},
		{"\"tokens\":{}", "\"tokens\":{\"\":1}"}, {"\"tokens\":{}", "\"tokens\":!!null x"},
		{"\"tokens\":{}", "\"tokens\":[[[[[[[[[[]]]]]]]]]]"},
		{"\"type\":\"crypt\"", "\"type\":crypt"}, {"\"type\":\"crypt\"", "\"type\":'crypt'"},
		{"\"type\":\"crypt\"", "\"type\":\"cry\\x70t\""}, {"\"type\":\"crypt\"", "\"type\":\"cry\\\npt\""},
		{"\"type\":\"crypt\"", "\"type\":\"linear\",\"type\":\"crypt\""},
		{"\"type\":\"crypt\"", "\"type\":\"crypt\",\"type\":\"linear\""},
		{"\"key_size\":64", "\"key_size\":0x40"}, {"\"key_size\":64", "\"key_size\":0o100"},
		{"\"key_size\":64", "\"key_size\":064"}, {"\"key_size\":64", "\"key_size\":+64"},
		{"\"key_size\":64", "\"key_size\":64.0"}, {"\"key_size\":64", "\"key_size\":6.4e1"},
		{"\"key_size\":64", "\"key_size\":4294967360"}, {"\"key_size\":64", "\"key_size\":NaN"},
		{"\"key_size\":64", "\"key_size\":18446744073709551680"},
		{"\"json_size\"", "\"flags\":[],\"json_size\""},
		{"\"json_size\"", "\"flags\":[\"allow-discards\"],\"json_size\""},
		{"\"json_size\"", "\"requirements\":{},\"json_size\""},
		{"\"json_size\"", "\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]},\"json_size\""},
		{"\"json_size\"", "\"requirements\":[\"online-reencrypt\"],\"json_size\""},
		{"\"tokens\":{}", "\"tokens\":{\"0\":{\"type\":\"luks2-keyring\",\"keyslots\":[\"0\"]}}"},
		{"\"type\":\"luks2\"", "\"type\":\"reencrypt\",\"mode\":\"encrypt\",\"direction\":\"forward\""},
		{"\"key_size\":64", "\"priority\":3,\"key_size\":64"},
		{"\"key_size\":64", "\"priority\":\"2\",\"key_size\":64"},
		{"\"key_size\":64", "\"priority\":1,\"key_size\":64"},
		{"{\"keyslots\"", " {\"keyslots\""}, {"\"tokens\":{}", "\"tokens\" : { }"},
		{"\"tokens\":{}", "\n\"tokens\":\t{}"},
	};
	const char *s = json();

	for (size_t i = 0; i < HPL_ARRAY_SIZE(texts); i++) {
		const char *at = strstr(s, texts[i].from), *to = texts[i].to;
		bool priority = strstr(to, "\"priority\":1");
		bool blank = strstr(to, " {\"keyslots") == to || strstr(to, "\"tokens\" : { }") || to[0] == '\n';
		bool empty = strstr(to, "\"flags\":[],"), none = strstr(to, "\"requirements\":{},");
		const char *name = blank ? "white space" : empty ? "config.flags" :
			none ? "config.requirements" :
			priority ? "keyslots.0.priority" : "text";
		char out[TEXT];

		cr_assert(at, "%s", texts[i].from);
		join(out, s, (int)(at - s), (int)(at - s) + (int)strlen(texts[i].from), to);
		for (int place = SAME; place <= ONLY_FIRST; place++)
			try_json(name, out, (enum place)place);
	}
	cr_assert_geq(refused, 4 * (HPL_ARRAY_SIZE(texts) - 6));
	ASSERT_FREE("white space", "config.flags", "config.requirements", "keyslots.0.priority");
}

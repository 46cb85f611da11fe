/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/table.h"

#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>

enum { UNIT = 512, WORDS_MAX = 16, OPTIONS_MAX = 10 };

/* ---- parsing ---- */

/* Decimal, no sign, no blank, no leading zero. */
static bool number(uint64_t *ret, const char *s, uint64_t max)
{
	uint64_t v = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return false;
	for (; *s; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (*s < '0' || *s > '9' || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return v <= max;
}

static bool copy(char *out, size_t size, const char *in)
{
	size_t len = strlen(in);

	if (!len || len >= size)
		return false;
	memcpy(out, in, len + 1);
	return true;
}

/* ":64:logon:cryptsetup:<uuid>-d0" */
static int parse_key(struct hpl_table *t, char *word, struct hpl_err *err)
{
	static const char logon[] = "logon:";
	char *type = word[0] == ':' ? strchr(word + 1, ':') : NULL;
	uint64_t bytes;

	if (!type)
		return HPL_FAIL(err, 0, 0, "its key is not in the keyring of the kernel");
	*type++ = 0;
	if (!number(&bytes, word + 1, 512))
		return HPL_FAIL(err, 0, 0, "the size of its key is no number");
	if (strncmp(type, logon, strlen(logon)) != 0 ||
		!copy(t->key, sizeof(t->key), type + strlen(logon)))
		return HPL_FAIL(err, 0, 0, "its key is not a logon key of the kernel");
	t->key_bytes = (unsigned)bytes;
	return 0;
}

static int parse_device(struct hpl_table *t, char *word, struct hpl_err *err)
{
	char *colon = strchr(word, ':');
	uint64_t a, b;

	if (colon)
		*colon++ = 0;
	if (!colon || !number(&a, word, 0xfff) || !number(&b, colon, 0xfffff))
		return HPL_FAIL(err, 0, 0, "the device below is not told by its number");
	t->major = (unsigned)a;
	t->minor = (unsigned)b;
	return 0;
}

static int parse_option(struct hpl_table *t, const char *word, unsigned *seen, struct hpl_err *err)
{
	static const char sector[] = "sector_size:";
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = {
		{"same_cpu_crypt", HPL_TABLE_SAME_CPU},
		{"submit_from_crypt_cpus", HPL_TABLE_SUBMIT_FROM_CPUS},
		{"no_read_workqueue", HPL_TABLE_NO_READ_QUEUE},
		{"no_write_workqueue", HPL_TABLE_NO_WRITE_QUEUE},
		{"high_priority", HPL_TABLE_HIGH_PRIORITY},
	};
	unsigned bit = 0;
	uint64_t size;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(known); i++)
		if (strcmp(word, known[i].name) == 0)
			bit = known[i].bit;
	if (!bit && strncmp(word, sector, strlen(sector)) == 0) {
		bit = 1U << 31;
		if (!number(&size, word + strlen(sector), 4096) || (size & (size - 1)) || size < UNIT)
			return HPL_FAIL(err, 0, 0, "its sector size is not one of dm-crypt");
		t->sector_size = (uint32_t)size;
	}
	if (!bit)
		return HPL_FAIL(err, 0, 0, "it has the option '%.40s', which was not set", word);
	if (*seen & bit)
		return HPL_FAIL(err, 0, 0, "it has the option '%.40s' twice", word);
	*seen |= bit;
	return 0;
}

static int parse_options(struct hpl_table *t, char *const *words, size_t count, struct hpl_err *err)
{
	unsigned seen = 0;
	uint64_t n;

	t->sector_size = UNIT;
	if (!count)
		return 0;
	if (!number(&n, words[0], OPTIONS_MAX) || n != count - 1 || !n)
		return HPL_FAIL(err, 0, 0, "the number of its options is not right");
	for (size_t i = 1; i < count; i++)
		if (parse_option(t, words[i], &seen, err) < 0)
			return -1;
	t->options = seen & ~(1U << 31);
	return 0;
}

static int parse_words(struct hpl_table *t, char *const *words, size_t count, struct hpl_err *err)
{
	if (count < 5)
		return HPL_FAIL(err, 0, 0, "its table is not that of a crypt target");
	if (!copy(t->cipher, sizeof(t->cipher), words[0]))
		return HPL_FAIL(err, 0, 0, "the name of its cipher is too long");
	if (parse_key(t, words[1], err) < 0 || parse_device(t, words[3], err) < 0)
		return -1;
	if (!number(&t->iv_offset, words[2], UINT64_MAX) ||
		!number(&t->offset, words[4], UINT64_MAX / UNIT))
		return HPL_FAIL(err, 0, 0, "an offset in its table is no number");
	return parse_options(t, words + 5, count - 5, err);
}

int hpl_table_parse(struct hpl_table *ret, const char *params, struct hpl_err *err)
{
	struct hpl_table t = {0};
	char text[HPL_DM_PARAMS], *words[WORDS_MAX];
	size_t count = 0, len = strlen(params);
	int r;

	if (len >= sizeof(text))
		return HPL_FAIL(err, 0, 0, "its table is too long");
	memcpy(text, params, len + 1);
	/* single blanks: what the kernel writes, and nothing that reads in two ways */
	for (char *at = text, *next; at && count < WORDS_MAX; at = next) {
		next = strchr(at, ' ');
		if (next)
			*next++ = 0;
		words[count++] = at;
	}
	r = count == WORDS_MAX ? HPL_FAIL(err, 0, 0, "its table has too many words")
			       : parse_words(&t, words, count, err);
	explicit_bzero(text, sizeof(text)); /* a table in the wrong form may hold the key */
	if (r == 0)
		*ret = t;
	return r;
}

int hpl_table_of(struct hpl_table *ret, const struct hpl_dm *dm, struct hpl_err *err)
{
	if (dm->targets != 1)
		return HPL_FAIL(err, 0, 0, "its mapping has %u parts, not one", dm->targets);
	if (strcmp(dm->type, "crypt") != 0)
		return HPL_FAIL(err, 0, 0, "its mapping is of the kind '%s', not crypt", dm->type);
	return hpl_table_parse(ret, dm->params, err);
}

bool hpl_table_same(const struct hpl_table *a, const struct hpl_table *b)
{
	return strcmp(a->cipher, b->cipher) == 0 && strcmp(a->key, b->key) == 0 &&
	       a->key_bytes == b->key_bytes && a->major == b->major && a->minor == b->minor &&
	       a->iv_offset == b->iv_offset && a->offset == b->offset &&
	       a->sector_size == b->sector_size && a->options == b->options;
}

/* ---- judging ---- */

bool hpl_table_is_uuid(const char *uuid)
{
	if (!uuid || strlen(uuid) != HPL_TABLE_UUID)
		return false;
	for (int i = 0; i < HPL_TABLE_UUID; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? uuid[i] != '-' : !strchr("0123456789abcdef", uuid[i]))
			return false;
	}
	return true;
}

/* "CRYPT-LUKS2-<uuid without dashes>-<name>" */
static void dm_uuid(char *out, size_t size, const struct hpl_opened *o)
{
	char hex[HPL_TABLE_UUID + 1];
	size_t n = 0;

	for (const char *p = o->uuid; *p; p++)
		if (*p != '-')
			hex[n++] = *p;
	hex[n] = 0;
	snprintf(out, size, "CRYPT-LUKS2-%s-%s", hex, o->mapping);
}

static int judge_state(const struct hpl_dm *dm, const struct hpl_opened *o, struct hpl_err *err)
{
	char uuid[sizeof(dm->uuid) + HPL_TABLE_UUID];

	if (!hpl_table_is_uuid(o->uuid))
		return HPL_FAIL(err, 0, 0, "it is not known which LUKS volume was opened");
	if (strcmp(dm->name, o->mapping) != 0)
		return HPL_FAIL(err, 0, 0, "it is on the mapping '%s', '%s' was opened", dm->name,
			o->mapping);
	dm_uuid(uuid, sizeof(uuid), o);
	if (strcmp(dm->uuid, uuid) != 0)
		return HPL_FAIL(err, 0, 0, "its mapping is known as '%s', '%s' was opened", dm->uuid, uuid);
	if (dm->flags & (DM_SUSPEND_FLAG | DM_INTERNAL_SUSPEND_FLAG))
		return HPL_FAIL(err, 0, 0, "its mapping is suspended");
	if (dm->flags & DM_INACTIVE_PRESENT_FLAG)
		return HPL_FAIL(err, 0, 0, "another table was loaded for its mapping");
	if (!(dm->flags & DM_ACTIVE_PRESENT_FLAG))
		return HPL_FAIL(err, 0, 0, "its mapping has no table");
	if (dm->flags & DM_READONLY_FLAG)
		return HPL_FAIL(err, 0, 0, "its mapping is read-only");
	return 0;
}

static int judge_cipher(const struct hpl_table *t, const struct hpl_opened *o, struct hpl_err *err)
{
	size_t len = strlen("cryptsetup:");

	if (!o->cipher || strcmp(o->cipher, HPL_TABLE_CIPHER) != 0 || o->key_bytes != HPL_TABLE_KEY_BYTES)
		return HPL_FAIL(err, 0, 0, "it was opened with the cipher '%s' and a key of %u bytes",
			o->cipher ? o->cipher : "", o->key_bytes);
	if (strcmp(t->cipher, o->cipher) != 0)
		return HPL_FAIL(err, 0, 0, "its mapping has the cipher '%s', it was opened with '%s'",
			t->cipher, o->cipher);
	if (t->key_bytes != o->key_bytes)
		return HPL_FAIL(err, 0, 0, "its key has %u bytes, it was opened with %u", t->key_bytes,
			o->key_bytes);
	/* the description names the volume; which digest of the header belongs to it is a number */
	if (strncmp(t->key, "cryptsetup:", len) != 0 ||
		strncmp(t->key + len, o->uuid, HPL_TABLE_UUID) != 0 ||
		strncmp(t->key + len + HPL_TABLE_UUID, "-d", 2) != 0 ||
		strspn(t->key + len + HPL_TABLE_UUID + 2, "0123456789") !=
			strlen(t->key + len + HPL_TABLE_UUID + 2) ||
		!t->key[len + HPL_TABLE_UUID + 2])
		return HPL_FAIL(err, 0, 0, "its key is that of another volume");
	return 0;
}

static int judge_place(const struct hpl_dm *dm, const struct hpl_table *t, const struct hpl_opened *o,
	struct hpl_err *err)
{
	uint64_t offset = t->offset * UNIT, length, grain = t->sector_size / UNIT;

	if (t->major != o->major || t->minor != o->minor)
		return HPL_FAIL(err, 0, 0, "its mapping stands on the device %u:%u, %u:%u was opened",
			t->major, t->minor, o->major, o->minor);
	if (t->iv_offset)
		return HPL_FAIL(err, 0, 0, "its sectors are counted from %" PRIu64 ", not from 0", t->iv_offset);
	if (o->data_offset && offset != o->data_offset)
		return HPL_FAIL(err, 0, 0, "its data begin at byte %" PRIu64 ", it was opened at %" PRIu64,
			offset, o->data_offset);
	if (!offset)
		return HPL_FAIL(err, 0, 0, "its data begin where the LUKS header stands");
	if (o->sector_size && t->sector_size != o->sector_size)
		return HPL_FAIL(err, 0, 0, "its sectors have %u bytes, it was opened with %u",
			t->sector_size, o->sector_size);
	if (dm->start || !dm->length)
		return HPL_FAIL(err, 0, 0, "its table does not begin at its beginning");
	if (offset >= o->device_bytes)
		return HPL_FAIL(err, 0, 0, "the device ends before its data");
	length = (o->device_bytes - offset) / UNIT / grain * grain;
	if (dm->length > length || (dm->length < length && !o->later))
		return HPL_FAIL(err, 0, 0, "it has %" PRIu64 " sectors, the device has room for %" PRIu64,
			dm->length, length);
	return 0;
}

int hpl_table_judge(const struct hpl_dm *dm, const struct hpl_table *t, const struct hpl_opened *o,
	struct hpl_err *err)
{
	if (judge_state(dm, o, err) < 0 || judge_cipher(t, o, err) < 0)
		return -1;
	return judge_place(dm, t, o, err);
}

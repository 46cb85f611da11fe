/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/header.h"

#include <errno.h>

#include "proto/messages.h"
#include "schema/node.h"

/* Bounds of what unlocking may cost: the header comes from outside and names the cost itself. */
enum {
	ARGON_MEMORY_KB_MAX = 1 << 20,
	ARGON_TIME_MAX = 64,
	ARGON_CPUS_MAX = 4,           /* the limit of libcryptsetup itself */
	PBKDF2_MAX = 50000000,
	JSON_MAX = 4 << 20,           /* largest JSON area of LUKS2 */
	DEPTH_MAX = 8,
	BINARY_BYTES = 4096,          /* of each copy, before its JSON */
	SALT_MIN = 24, SALT_MAX = 88, /* base64 of 16 to 64 bytes; libcryptsetup makes 32 */
};
#define DATA_OFFSET_MIN (32ULL << 10)  /* two binary headers */
#define DATA_OFFSET_MAX (128ULL << 20) /* largest header of LUKS2 */

#define RESTORE_IT "the header was changed or made with other parameters; restore it from a backup, or attach a blank disk"

static int refuse(struct hpl_err *err, const char *path, const char *what)
{
	HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0, "%s: %s", path, what);
	hpl_err_cure(err, RESTORE_IT);
	return -1;
}

/* ---- the text ----
 *
 * Two readers see the header: ours (of YAML, a superset of JSON) and that of libcryptsetup, which is
 * lenient in other ways (comments, single quotes, the last of two equal keys). So only a text that leaves
 * nothing to either is read at all: strings of printable ASCII without escapes but "\/", whole
 * decimal numbers, true, false and null. libcryptsetup writes nothing else. */

static const char *skip_blank(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	return p;
}

/* Each returns what follows, NULL: not of the form. The text ends with NUL. */
static const char *plain_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		if (*p == '\\' && *++p != '/')
			return NULL;
		if (*p < 0x20 || *p > 0x7e)
			return NULL;
	}
	return p + 1;
}

static const char *plain_scalar(const char *p)
{
	static const char *const words[] = {"true", "false", "null"};

	if (*p == '"')
		return plain_string(p);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(words); i++)
		if (strncmp(p, words[i], strlen(words[i])) == 0)
			return p + strlen(words[i]);
	if (*p == '-')
		p++;
	if (*p == '0')
		return p[1] >= '0' && p[1] <= '9' ? NULL : p + 1;
	if (*p < '1' || *p > '9')
		return NULL;
	return p + strspn(p, "0123456789");
}

static const char *plain_value(const char *p, int depth)
{
	char close = *p == '{' ? '}' : ']';

	if (*p != '{' && *p != '[')
		return plain_scalar(p);
	if (depth == DEPTH_MAX)
		return NULL;
	p = skip_blank(p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			p = plain_string(p);
			p = p ? skip_blank(p) : NULL;
			if (!p || *p++ != ':')
				return NULL;
			p = skip_blank(p);
		}
		p = plain_value(p, depth + 1);
		p = p ? skip_blank(p) : NULL;
		if (!p || (*p != ',' && *p != close))
			return NULL;
		if (*p++ == close)
			return p;
		p = skip_blank(p);
	}
}

static bool plain_json(const char *json, size_t len)
{
	_cleanup_free_ char *text = len <= JSON_MAX && memchr(json, 0, len) == NULL ? strndup(json, len) : NULL;
	const char *end = text ? plain_value(skip_blank(text), 0) : NULL;

	return end && !*skip_blank(end);
}

/* ---- what it says ---- */

/* Only these keys, and it is a mapping. keys: NULL-terminated. */
static int only_keys(const struct hpl_node *map, const char *path, const char *const *keys,
	struct hpl_err *err)
{
	if (!map || map->kind != HPL_MAP)
		return refuse(err, path, "missing or not an object");
	for (size_t i = 0; i < map->map.count; i++) {
		size_t k = 0;

		while (keys[k] && !hpl_streq(keys[k], map->map.entries[i].key))
			k++;
		if (!keys[k])
			return refuse(err, path, "holds a key that is not known");
	}
	return 0;
}

/* values: NULL-terminated */
static int one_of(const struct hpl_node *map, const char *key, const char *path,
	const char *const *values, struct hpl_err *err)
{
	const char *v = hpl_node_get_str(map, key);

	for (size_t i = 0; v && values[i]; i++)
		if (hpl_streq(v, values[i]))
			return 0;
	HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0, "%s.%s: only %s is accepted", path, key,
		values[0]);
	hpl_err_cure(err, RESTORE_IT);
	return -1;
}
#define ONE_OF(map, key, path, err, ...)                                                           \
	one_of((map), (key), (path), (const char *const[]){__VA_ARGS__, NULL}, (err))

static int int_between(const struct hpl_node *map, const char *key, const char *path, int64_t min,
	int64_t max, struct hpl_err *err)
{
	int64_t v;

	if (hpl_node_get_int(map, key, &v) && v >= min && v <= max)
		return 0;
	if (min == max)
		HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0, "%s.%s: only %lld is accepted", path, key, (long long)min);
	else
		HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0, "%s.%s: only %lld to %lld is accepted", path, key,
			(long long)min, (long long)max);
	hpl_err_cure(err, RESTORE_IT);
	return -1;
}

/* LUKS2 writes 64 bit numbers as strings of digits */
static int text_u64(const struct hpl_node *map, const char *key, const char *path, uint64_t *ret,
	struct hpl_err *err)
{
	const char *v = hpl_node_get_str(map, key);
	char *end = NULL;

	if (!v || v[0] < '0' || v[0] > '9' || strlen(v) > 18)
		return refuse(err, path, "an offset or size is not a number");
	*ret = strtoull(v, &end, 10);
	return *end ? refuse(err, path, "an offset or size is not a number") : 0;
}

/* A salt or a digest: base64 of min to max characters. */
static int base64_of(const struct hpl_node *map, const char *key, const char *path, size_t min, size_t max,
	struct hpl_err *err)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *v = hpl_node_get_str(map, key);
	size_t len = v ? strlen(v) : 0, body = v ? strspn(v, set) : 0;

	if (len < min || len > max || len % 4 || len - body > 2 || strspn(v + body, "=") != len - body)
		return refuse(err, path, "a salt or digest is not the base64 that it should be");
	return 0;
}

static int check_kdf(struct hpl_header *h, const struct hpl_node *kdf, struct hpl_err *err)
{
	static const char *const path = "keyslots.kdf";
	static const char *const argon[] = {"type", "salt", "time", "memory", "cpus", NULL};
	static const char *const pbkdf2[] = {"type", "salt", "hash", "iterations", NULL};
	bool plain = hpl_streq(kdf ? hpl_node_get_str(kdf, "type") : NULL, "pbkdf2");
	int64_t memory = 0;

	if (only_keys(kdf, path, plain ? pbkdf2 : argon, err) < 0 ||
		ONE_OF(kdf, "type", path, err, "argon2id", "argon2i", "pbkdf2") < 0 ||
		base64_of(kdf, "salt", path, SALT_MIN, SALT_MAX, err) < 0)
		return -1;
	if (plain)
		return ONE_OF(kdf, "hash", path, err, "sha256", "sha512") < 0 ||
				       int_between(kdf, "iterations", path, 1000, PBKDF2_MAX, err) < 0
			       ? -1
			       : 0;
	if (int_between(kdf, "time", path, 4, ARGON_TIME_MAX, err) < 0 ||
		int_between(kdf, "memory", path, 32, ARGON_MEMORY_KB_MAX, err) < 0 ||
		int_between(kdf, "cpus", path, 1, ARGON_CPUS_MAX, err) < 0)
		return -1;
	(void)hpl_node_get_int(kdf, "memory", &memory);
	if (memory > h->kdf_memory_kb)
		h->kdf_memory_kb = (uint32_t)memory;
	return 0;
}

static int check_keyslot(struct hpl_header *h, const struct hpl_node *slot, unsigned number,
	struct hpl_err *err)
{
	static const char *const keys[] = {"type", "key_size", "area", "kdf", "af", "priority", NULL};
	static const char *const area_keys[] = {"type", "offset", "size", "encryption", "key_size",
		NULL};
	static const char *const af_keys[] = {"type", "stripes", "hash", NULL};
	const struct hpl_node *area, *af, *priority = hpl_node_get(slot, "priority");
	uint64_t offset, size;
	int64_t bytes = 0;

	if (only_keys(slot, "keyslots", keys, err) < 0 ||
		ONE_OF(slot, "type", "keyslots", err, "luks2") < 0 ||
		int_between(slot, "key_size", "keyslots", HPL_LUKS_KEY_BYTES, HPL_LUKS_KEY_BYTES,
			err) < 0 ||
		(priority && int_between(slot, "priority", "keyslots", 0, 2, err) < 0))
		return -1;
	area = hpl_node_get(slot, "area");
	if (only_keys(area, "keyslots.area", area_keys, err) < 0 ||
		ONE_OF(area, "type", "keyslots.area", err, "raw") < 0 ||
		ONE_OF(area, "encryption", "keyslots.area", err, HPL_LUKS_CIPHER) < 0 ||
		text_u64(area, "offset", "keyslots.area", &offset, err) < 0 ||
		text_u64(area, "size", "keyslots.area", &size, err) < 0)
		return -1;
	if (!hpl_node_get_int(area, "key_size", &bytes) || (bytes != 32 && bytes != HPL_LUKS_KEY_BYTES))
		return refuse(err, "keyslots.area", "its key must have 32 or 64 bytes");
	if (offset < DATA_OFFSET_MIN || offset >= h->data_offset || size > h->data_offset - offset ||
		offset % 4096 || size % 4096 || !size)
		return refuse(err, "keyslots.area", "lies outside of the header");
	for (unsigned i = 0; i < number; i++)
		if (offset < h->areas[i].offset + h->areas[i].size && h->areas[i].offset < offset + size)
			return refuse(err, "keyslots.area", "overlaps another one");
	h->areas[number].offset = offset;
	h->areas[number].size = size;
	af = hpl_node_get(slot, "af");
	if (only_keys(af, "keyslots.af", af_keys, err) < 0 ||
		ONE_OF(af, "type", "keyslots.af", err, "luks1") < 0 ||
		ONE_OF(af, "hash", "keyslots.af", err, "sha256", "sha512") < 0 ||
		int_between(af, "stripes", "keyslots.af", 4000, 4000, err) < 0)
		return -1;
	return check_kdf(h, hpl_node_get(slot, "kdf"), err);
}

static bool slot_number(const char *key)
{
	size_t len = strlen(key);

	return (len == 1 && key[0] >= '0' && key[0] <= '9') || (len == 2 && key[0] >= '1' &&
		key[0] <= '3' && key[1] >= '0' && key[1] <= (key[0] == '3' ? '1' : '9'));
}

static int check_keyslots(struct hpl_header *h, const struct hpl_node *slots, struct hpl_err *err)
{
	if (!slots || slots->kind != HPL_MAP || slots->map.count > HPL_LUKS_KEYSLOTS)
		return refuse(err, "keyslots", "missing, not an object, or too many");
	for (size_t i = 0; i < slots->map.count; i++)
		if (!slot_number(slots->map.entries[i].key))
			return refuse(err, "keyslots", "a key slot has no number of LUKS2");
	for (size_t i = 0; i < slots->map.count; i++)
		if (check_keyslot(h, slots->map.entries[i].value, (unsigned)i, err) < 0)
			return -1;
	h->keyslots = (unsigned)slots->map.count;
	return 0;
}

static int check_segment(struct hpl_header *h, const struct hpl_node *segments,
	uint64_t device_size, struct hpl_err *err)
{
	static const char *const path = "segments.0";
	static const char *const keys[] = {"type", "offset", "size", "iv_tweak", "encryption",
		"sector_size", NULL};
	const struct hpl_node *s = hpl_node_get(segments, "0");
	int64_t sector = 0;

	if (!segments || segments->kind != HPL_MAP || segments->map.count != 1)
		return refuse(err, "segments", "there must be exactly one");
	if (only_keys(s, path, keys, err) < 0 || ONE_OF(s, "type", path, err, "crypt") < 0 ||
		ONE_OF(s, "encryption", path, err, HPL_LUKS_CIPHER) < 0 ||
		ONE_OF(s, "size", path, err, "dynamic") < 0 ||
		ONE_OF(s, "iv_tweak", path, err, "0") < 0 ||
		text_u64(s, "offset", path, &h->data_offset, err) < 0)
		return -1;
	if (!hpl_node_get_int(s, "sector_size", &sector) || (sector != 512 && sector != 4096))
		return refuse(err, path, "the sector size must be 512 or 4096");
	h->sector_size = (uint32_t)sector;
	if (h->data_offset < DATA_OFFSET_MIN || h->data_offset > DATA_OFFSET_MAX ||
		h->data_offset % 4096 || h->data_offset >= device_size)
		return refuse(err, path, "the data offset is outside of what LUKS2 uses");
	return 0;
}

static bool list_has(const struct hpl_node *list, const char *text)
{
	for (size_t i = 0; i < list->list.count; i++)
		if (hpl_streq(hpl_node_str(list->list.items[i]), text))
			return true;
	return false;
}

/* One digest, bound to the one segment and to every key slot. */
static int check_digest(const struct hpl_node *digests, const struct hpl_node *slots,
	struct hpl_err *err)
{
	static const char *const path = "digests.0";
	static const char *const keys[] = {"type", "keyslots", "segments", "salt", "digest", "hash",
		"iterations", NULL};
	const struct hpl_node *d = hpl_node_get(digests, "0"), *bound, *segments;

	if (!digests || digests->kind != HPL_MAP || digests->map.count != 1)
		return refuse(err, "digests", "there must be exactly one");
	if (only_keys(d, path, keys, err) < 0 || ONE_OF(d, "type", path, err, "pbkdf2") < 0 ||
		ONE_OF(d, "hash", path, err, "sha256", "sha512") < 0 ||
		int_between(d, "iterations", path, 1000, PBKDF2_MAX, err) < 0 ||
		base64_of(d, "salt", path, SALT_MIN, SALT_MAX, err) < 0 ||
		base64_of(d, "digest", path, SALT_MIN, SALT_MAX, err) < 0)
		return -1;
	bound = hpl_node_get(d, "keyslots");
	segments = hpl_node_get(d, "segments");
	if (!bound || bound->kind != HPL_LIST || bound->list.count != slots->map.count ||
		!segments || segments->kind != HPL_LIST || segments->list.count != 1 ||
		!list_has(segments, "0"))
		return refuse(err, path, "is not bound to the segment and all key slots");
	for (size_t i = 0; i < slots->map.count; i++)
		if (!list_has(bound, slots->map.entries[i].key))
			return refuse(err, path, "is not bound to every key slot");
	return 0;
}

static int check_config(struct hpl_header *h, const struct hpl_node *config, struct hpl_err *err)
{
	static const char *const keys[] = {"json_size", "keyslots_size", "flags", "requirements",
		NULL};
	static const char *const no_keys[] = {"mandatory", NULL};
	const struct hpl_node *flags, *req, *mandatory;
	uint64_t keyslots_size, areas;

	if (only_keys(config, "config", keys, err) < 0 ||
		text_u64(config, "json_size", "config", &h->json_size, err) < 0 ||
		text_u64(config, "keyslots_size", "config", &keyslots_size, err) < 0)
		return -1;
	areas = 2 * (BINARY_BYTES + h->json_size);
	if (h->json_size > JSON_MAX || areas > h->data_offset || keyslots_size % 4096 ||
		keyslots_size > h->data_offset - areas)
		return refuse(err, "config.keyslots_size", "is larger than the header");
	for (unsigned i = 0; i < h->keyslots; i++)
		if (h->areas[i].offset < areas || h->areas[i].offset + h->areas[i].size > areas + keyslots_size)
			return refuse(err, "config.keyslots_size", "leaves a key slot outside");
	flags = hpl_node_get(config, "flags");
	if (flags && !(flags->kind == HPL_LIST && flags->list.count == 0))
		return refuse(err, "config.flags", "persistent flags are not accepted");
	req = hpl_node_get(config, "requirements");
	if (!req)
		return 0;
	mandatory = hpl_node_get(req, "mandatory");
	if (only_keys(req, "config.requirements", no_keys, err) < 0 ||
		(mandatory && !(mandatory->kind == HPL_LIST && mandatory->list.count == 0)))
		return refuse(err, "config.requirements",
			"re-encryption or another requirement is not accepted");
	return 0;
}

int hpl_header_check(struct hpl_header *ret, const char *json, size_t len, uint64_t device_size,
	struct hpl_err *err)
{
	static const char *const keys[] = {"keyslots", "tokens", "segments", "digests", "config",
		NULL};
	static const char *const none[] = {NULL};
	static const struct hpl_reader_limits limits = {.bytes = JSON_MAX, .depth = DEPTH_MAX};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	struct hpl_header h = {0};
	const struct hpl_node *root, *slots;

	if (!plain_json(json, len))
		return refuse(err, "header", "its JSON is not written as LUKS2 writes it");
	if (hpl_yaml_read(&doc, json, len, &limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_HEADER_REFUSED, "its JSON cannot be read");
	root = hpl_doc_root(doc);
	slots = hpl_node_get(root, "keyslots");
	if (only_keys(root, "header", keys, err) < 0 ||
		check_segment(&h, hpl_node_get(root, "segments"), device_size, err) < 0 ||
		check_keyslots(&h, slots, err) < 0 ||
		check_digest(hpl_node_get(root, "digests"), slots, err) < 0 ||
		check_config(&h, hpl_node_get(root, "config"), err) < 0 ||
		only_keys(hpl_node_get(root, "tokens"), "tokens", none, err) < 0)
		return -1;
	*ret = h;
	return 0;
}

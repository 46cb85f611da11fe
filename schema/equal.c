/* SPDX-License-Identifier: Apache-2.0 */
/* Equality of JSON values: 1 and 1.0 are the same, the order of keys does not count. */
#include <math.h>

#include "schema/validator.h"

enum {
	MANY = 32,                      /* items or members that are compared each with each */
	SAME_HASH = 1000,               /* values with one hash: somebody made them so */
};

bool hpl_node_is_integer(const struct hpl_node *n)
{
	return n->kind == HPL_INT ||
		(n->kind == HPL_REAL && isfinite(n->real) && floor(n->real) == n->real);
}

double hpl_node_number(const struct hpl_node *n)
{
	return n->kind == HPL_INT ? (double)n->integer : n->real;
}

static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static int by_key(const void *a, const void *b)
{
	const struct hpl_entry *x = *(const struct hpl_entry *const *)a;
	const struct hpl_entry *y = *(const struct hpl_entry *const *)b;
	int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);
	return c || x->key_len == y->key_len ? c : x->key_len < y->key_len ? -1 : 1;
}

static void sort_entries(const struct hpl_entry **out, const struct hpl_node *map)
{
	for (size_t i = 0; i < map->map.count; i++)
		out[i] = &map->map.entries[i];
	qsort(out, map->map.count, sizeof(*out), by_key);
}

/* -1: no memory */
static int big_maps_equal(const struct hpl_node *a, const struct hpl_node *b)
{
	size_t count = a->map.count;
	_cleanup_free_ const struct hpl_entry **x = reallocarray(NULL, count, 2 * sizeof(*x));
	if (!x)
		return -1;
	sort_entries(x, a);
	sort_entries(x + count, b);
	for (size_t i = 0; i < count; i++) {
		const struct hpl_entry *p = x[i], *q = x[count + i];
		if (!same_text(p->key, p->key_len, q->key, q->key_len) ||
			!hpl_node_equal(p->value, q->value))
			return 0;
	}
	return 1;
}

static bool maps_equal(const struct hpl_node *a, const struct hpl_node *b)
{
	if (a->map.count != b->map.count)
		return false;
	if (a->map.count > MANY) { /* without memory: slowly */
		int equal = big_maps_equal(a, b);
		if (equal >= 0)
			return equal;
	}
	for (size_t i = 0; i < a->map.count; i++) {
		const struct hpl_entry *x = &a->map.entries[i];
		const struct hpl_entry *y = hpl_find_member(b, x->key, x->key_len);
		if (!y || !hpl_node_equal(x->value, y->value))
			return false;
	}
	return true;
}

bool hpl_node_equal(const struct hpl_node *a, const struct hpl_node *b)
{
	bool a_num = a->kind == HPL_INT || a->kind == HPL_REAL;
	if (a_num && (b->kind == HPL_INT || b->kind == HPL_REAL)) {
		if (a->kind == HPL_INT && b->kind == HPL_INT)
			return a->integer == b->integer;
		return hpl_node_number(a) == hpl_node_number(b);
	}
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case HPL_BOOL:
		return a->boolean == b->boolean;
	case HPL_STRING:
		return same_text(a->str.text, a->str.len, b->str.text, b->str.len);
	case HPL_LIST:
		if (a->list.count != b->list.count)
			return false;
		for (size_t i = 0; i < a->list.count; i++) {
			if (!hpl_node_equal(a->list.items[i], b->list.items[i]))
				return false;
		}
		return true;
	case HPL_MAP:
		return maps_equal(a, b);
	default:
		return true;
	}
}

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u; /* FNV-1a */
	return h;
}

/* Equal values have equal hashes; maps add their members' up, so that order does not count. */
static uint64_t hash(const struct hpl_node *n)
{
	uint64_t h = 0xcbf29ce484222325u + (n->kind == HPL_INT ? HPL_REAL : n->kind), sum = 0;
	double d;
	switch (n->kind) {
	case HPL_BOOL:
		return mix(h, &n->boolean, 1);
	case HPL_INT:
	case HPL_REAL:
		d = hpl_node_number(n) + 0.0; /* -0 becomes 0 */
		return mix(h, &d, sizeof(d));
	case HPL_STRING:
		return mix(h, n->str.text, n->str.len);
	case HPL_LIST:
		for (size_t i = 0; i < n->list.count; i++)
			h = (h ^ hash(n->list.items[i])) * 0x100000001b3u;
		return h;
	case HPL_MAP:
		for (size_t i = 0; i < n->map.count; i++)
			sum += mix(hash(n->map.entries[i].value), n->map.entries[i].key,
				n->map.entries[i].key_len);
		return mix(h, &sum, sizeof(sum));
	default:
		return h;
	}
}

struct hashed {
	uint64_t hash;
	size_t index;
};

static int by_hash(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static ptrdiff_t repeated_long(const struct hpl_node *list, size_t *ret_first)
{
	size_t count = list->list.count;
	_cleanup_free_ struct hashed *h = reallocarray(NULL, count, sizeof(*h));
	if (!h)
		return -1;
	for (size_t i = 0; i < count; i++)
		h[i] = (struct hashed){hash(list->list.items[i]), i};
	qsort(h, count, sizeof(*h), by_hash);
	for (size_t i = 1; i < count; i++) {
		for (size_t k = i; k-- > 0 && h[k].hash == h[i].hash;) {
			if (i - k > SAME_HASH)
				return -2;
			if (hpl_node_equal(list->list.items[h[k].index], list->list.items[h[i].index])) {
				*ret_first = h[k].index;
				return (ptrdiff_t)h[i].index;
			}
		}
	}
	return (ptrdiff_t)count;
}

ptrdiff_t hpl_node_repeated(const struct hpl_node *list, size_t *ret_first)
{
	size_t count = list->list.count;
	if (count > MANY)
		return repeated_long(list, ret_first);
	for (size_t i = 1; i < count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (hpl_node_equal(list->list.items[i], list->list.items[k])) {
				*ret_first = k;
				return (ptrdiff_t)i;
			}
		}
	}
	return (ptrdiff_t)count;
}

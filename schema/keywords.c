/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keywords of JSON Schema (2020-12 and draft-07), one compile and one check function each: those of
 * any type, of numbers and strings, and what the other files of keywords share. The tables are in the
 * order in which they are checked: the plainest fault is said first.
 *
 * A check returns whether the instance satisfies it; in a run that reports, it adds its faults.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "schema/validator.h"

/* ---- arguments that several keywords share ---- */

static int compile_nothing(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	return 0;
}

static int compile_number(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (arg->kind != HPL_INT && arg->kind != HPL_REAL)
		return hpl_compile_fail(k, s, c->keyword->name, arg, "must be a number");
	return 0;
}

int hpl_compile_count(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (!hpl_node_is_integer(arg) || hpl_node_number(arg) < 0)
		return hpl_compile_fail(k, s, c->keyword->name, arg, "must be a count");
	if (arg->kind == HPL_INT)
		c->count = (uint64_t)arg->integer;
	else /* 2^63 of anything does not exist */
		c->count = arg->real < 0x1p63 ? (uint64_t)arg->real : UINT64_MAX;
	return 0;
}

int hpl_compile_one(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	return hpl_compile_child(k, s, c->keyword->name, NULL, arg, &c->one);
}

int hpl_compile_list(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	char index[24];
	if (arg->kind != HPL_LIST || !arg->list.count)
		return hpl_compile_fail(k, s, c->keyword->name, arg, "must be a list of schemas");
	c->sub_count = arg->list.count;
	c->subs = hpl_compile_alloc(k, c->sub_count, sizeof(*c->subs));
	if (!c->subs)
		return -1;
	for (size_t i = 0; i < c->sub_count; i++) {
		snprintf(index, sizeof(index), "%zu", i);
		if (hpl_compile_child(k, s, c->keyword->name, index, arg->list.items[i],
			&c->subs[i]) < 0)
			return -1;
	}
	return 0;
}

bool hpl_is_string_list(const struct hpl_node *n)
{
	if (n->kind != HPL_LIST)
		return false;
	for (size_t i = 0; i < n->list.count; i++) {
		if (n->list.items[i]->kind != HPL_STRING)
			return false;
	}
	return true;
}

const struct hpl_entry *hpl_find_member(const struct hpl_node *map, const char *key, size_t len)
{
	for (size_t i = 0; i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];
		if (e->key_len == len && memcmp(e->key, key, len) == 0)
			return e;
	}
	return NULL;
}

/* ---- any type ---- */

static int type_bits(const char *name, unsigned *ret)
{
	static const struct { const char *name; unsigned bits; } types[] = {
		{"null", BIT(HPL_NULL)}, {"boolean", BIT(HPL_BOOL)}, {"string", STRING},
		{"array", LIST}, {"object", MAP}, {"integer", BIT(HPL_INT)},
		{"number", BIT(HPL_REAL)},
	};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(types); i++) {
		if (hpl_streq(name, types[i].name)) {
			*ret |= types[i].bits;
			return 0;
		}
	}
	return -1;
}

static int compile_type(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	int rc = 0;
	if (arg->kind == HPL_LIST) {
		for (size_t i = 0; i < arg->list.count && rc == 0; i++)
			rc = type_bits(hpl_node_str(arg->list.items[i]), &c->types);
	} else {
		rc = type_bits(hpl_node_str(arg), &c->types);
	}
	return rc == 0 ? 0 : hpl_compile_fail(k, s, "type", arg, "unknown type");
}

static bool check_type(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	if (c->types & BIT(n->kind))
		return true;
	if (n->kind == HPL_INT && (c->types & BIT(HPL_REAL)))
		return true;
	if (n->kind == HPL_REAL && (c->types & BIT(HPL_INT)) && hpl_node_is_integer(n))
		return true;
	return hpl_fault_type(r, c, n, at);
}

static bool check_const(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	if (hpl_node_equal(n, c->arg))
		return true;
	return hpl_fault_value(r, c, n, at);
}

static int compile_enum(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	return arg->kind == HPL_LIST ? 0 : hpl_compile_fail(k, s, "enum", arg, "must be a list");
}

static bool check_enum(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	for (size_t i = 0; i < c->arg->list.count; i++) {
		if (hpl_node_equal(n, c->arg->list.items[i]))
			return true;
	}
	return hpl_fault_value(r, c, n, at);
}

/* ---- numbers ---- */

/* Exact for two integers; else as doubles. */
static int compare(const struct hpl_node *a, const struct hpl_node *b)
{
	if (a->kind == HPL_INT && b->kind == HPL_INT)
		return a->integer < b->integer ? -1 : a->integer > b->integer;
	double x = hpl_node_number(a), y = hpl_node_number(b);
	return x < y ? -1 : x > y;
}

static bool check_minimum(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return compare(n, c->arg) >= 0 || hpl_fault_number(r, c, n, at, "at least");
}

static bool check_maximum(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return compare(n, c->arg) <= 0 || hpl_fault_number(r, c, n, at, "at most");
}

static bool check_exclusive_minimum(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return compare(n, c->arg) > 0 || hpl_fault_number(r, c, n, at, "more than");
}

static bool check_exclusive_maximum(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return compare(n, c->arg) < 0 || hpl_fault_number(r, c, n, at, "less than");
}

static int compile_divisor(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if ((arg->kind != HPL_INT && arg->kind != HPL_REAL) || !(hpl_node_number(arg) > 0))
		return hpl_compile_fail(k, s, "multipleOf", arg, "must be a number above zero");
	return 0;
}

static bool is_multiple(double value, double divisor)
{
	double q = value / divisor;

	if (fmod(value, divisor) == 0)
		return true;
	/* of a whole divisor that was exact; but 0.0075 is a multiple of 0.0001, and neither is exact */
	return floor(divisor) != divisor && isfinite(q) &&
		fabs(q - round(q)) <= fabs(q) * 4 * DBL_EPSILON;
}

static bool check_multiple(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok;
	if (n->kind == HPL_INT && c->arg->kind == HPL_INT) {
		ok = n->integer % c->arg->integer == 0;
	} else {
		ok = is_multiple(hpl_node_number(n), hpl_node_number(c->arg));
	}
	return ok || hpl_fault_number(r, c, n, at, "a multiple of");
}

/* ---- strings ---- */

static size_t characters(const struct hpl_node *n)
{
	size_t count = 0;
	for (size_t i = 0; i < n->str.len; i++)
		count += ((unsigned char)n->str.text[i] & 0xc0) != 0x80;
	return count;
}

static bool check_min_length(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	size_t count = characters(n);
	return count >= c->count || hpl_fault_length(r, c, n, at, count, true);
}

static bool check_max_length(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	size_t count = characters(n);
	return count <= c->count || hpl_fault_length(r, c, n, at, count, false);
}

static int compile_pattern(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	return hpl_compile_pattern(k, s, "pattern", arg, &c->pattern);
}

static bool check_pattern(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	if (hpl_pattern_matches(r, c->pattern, n->str.text, n->str.len))
		return true;
	if (!r->faults || r->broken)
		return false;
	char why[256];
	hpl_pattern_describe(why, sizeof(why), c->sub, n);
	return hpl_fault_add(r, c, n, at, NULL, NULL, "%s", why);
}

static int compile_format(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (arg->kind != HPL_STRING)
		return hpl_compile_fail(k, s, "format", arg, "must be a string");
	c->format = hpl_format_find(arg->str.text);
	if (!c->format || !hpl_compile_format_asserts(k, s))
		c->fn = NULL; /* an annotation */
	return 0;
}

static bool check_format(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return c->format(n->str.text, n->str.len) || hpl_fault_form(r, c, n, at);
}

const struct keyword hpl_keywords[] = {
	{"type", ANY, DRAFT_BOTH, VOC_VALIDATION, compile_type, check_type},
	{"const", ANY, DRAFT_BOTH, VOC_VALIDATION, compile_nothing, check_const},
	{"enum", ANY, DRAFT_BOTH, VOC_VALIDATION, compile_enum, check_enum},
	{"multipleOf", NUMBER, DRAFT_BOTH, VOC_VALIDATION, compile_divisor, check_multiple},
	{"minimum", NUMBER, DRAFT_BOTH, VOC_VALIDATION, compile_number, check_minimum},
	{"maximum", NUMBER, DRAFT_BOTH, VOC_VALIDATION, compile_number, check_maximum},
	{"exclusiveMinimum", NUMBER, DRAFT_BOTH, VOC_VALIDATION, compile_number,
		check_exclusive_minimum},
	{"exclusiveMaximum", NUMBER, DRAFT_BOTH, VOC_VALIDATION, compile_number,
		check_exclusive_maximum},
	{"minLength", STRING, DRAFT_BOTH, VOC_VALIDATION, hpl_compile_count, check_min_length},
	{"maxLength", STRING, DRAFT_BOTH, VOC_VALIDATION, hpl_compile_count, check_max_length},
	{"pattern", STRING, DRAFT_BOTH, VOC_VALIDATION, compile_pattern, check_pattern},
	{"format", STRING, DRAFT_BOTH, VOC_FORMAT, compile_format, check_format},
	{NULL},
};

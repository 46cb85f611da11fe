/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keywords of JSON Schema (2020-12), one compile and one check function each. The table at the
 * end is the order in which they are checked: the plainest fault is said first.
 *
 * A check returns whether the instance satisfies it; in a run that reports, it adds its faults.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "proto/messages.h"
#include "schema/validator.h"

#define BIT(kind) (1u << (kind))
enum {
	ANY = 0xff,
	NUMBER = BIT(HPL_INT) | BIT(HPL_REAL),
	STRING = BIT(HPL_STRING),
	LIST = BIT(HPL_LIST),
	MAP = BIT(HPL_MAP),
};

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

static int compile_count(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (!hpl_node_is_integer(arg) || hpl_node_number(arg) < 0)
		return hpl_compile_fail(k, s, c->keyword->name, arg, "must be a count");
	c->count = arg->kind == HPL_INT ? (uint64_t)arg->integer : (uint64_t)arg->real;
	return 0;
}

static int compile_one(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	return hpl_compile_child(k, s, c->keyword->name, NULL, arg, &c->one);
}

static int compile_list(struct compiler *k, struct sub *s, const struct hpl_node *arg,
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

static bool is_string_list(const struct hpl_node *n)
{
	if (n->kind != HPL_LIST)
		return false;
	for (size_t i = 0; i < n->list.count; i++) {
		if (n->list.items[i]->kind != HPL_STRING)
			return false;
	}
	return true;
}

static const struct hpl_entry *find_member(const struct hpl_node *map, const char *key, size_t len)
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

static bool check_multiple(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok;
	if (n->kind == HPL_INT && c->arg->kind == HPL_INT) {
		ok = n->integer % c->arg->integer == 0;
	} else {
		double q = hpl_node_number(n) / hpl_node_number(c->arg);
		/* 0.0075 is a multiple of 0.0001 although neither is exact */
		ok = isfinite(q) && fabs(q - round(q)) <= fabs(q) * 4 * DBL_EPSILON;
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
	return hpl_compile_pattern(k, arg, &c->pattern);
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
	if (!c->format)
		c->fn = NULL; /* an unknown format is an annotation */
	return 0;
}

static bool check_format(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return c->format(n->str.text, n->str.len) || hpl_fault_form(r, c, n, at);
}

/* ---- lists ---- */

static bool check_min_items(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return n->list.count >= c->count || hpl_fault_length(r, c, n, at, n->list.count, true);
}

static bool check_max_items(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return n->list.count <= c->count || hpl_fault_length(r, c, n, at, n->list.count, false);
}

static int compile_unique(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (arg->kind != HPL_BOOL)
		return hpl_compile_fail(k, s, "uniqueItems", arg, "must be true or false");
	if (!arg->boolean)
		c->fn = NULL;
	return 0;
}

static bool check_unique(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	size_t first = 0;
	ptrdiff_t i = hpl_node_repeated(n, &first);
	if (i < 0) {
		r->broken = true;
		HPL_OOM(r->err);
		return false;
	}
	return (size_t)i == n->list.count || hpl_fault_repeated(r, c, n, at, first, (size_t)i);
}

static int compile_prefix(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (compile_list(k, s, arg, c) < 0)
		return -1;
	s->prefix_count = c->sub_count;
	return 0;
}

static bool check_prefix(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < c->sub_count && i < n->list.count && (ok || r->faults); i++) {
		struct at here = {.up = at, .index = i};
		ok &= hpl_check_sub(r, c->subs[i], n->list.items[i], &here);
	}
	return ok;
}

static bool check_items(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = c->sub->prefix_count; i < n->list.count && (ok || r->faults); i++) {
		struct at here = {.up = at, .index = i};
		ok &= hpl_check_sub(r, c->one, n->list.items[i], &here);
	}
	return ok;
}

/* ---- mappings ---- */

static int compile_properties(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (arg->kind != HPL_MAP)
		return hpl_compile_fail(k, s, "properties", arg, "must be a mapping");
	s->properties = hpl_compile_alloc(k, arg->map.count, sizeof(*s->properties));
	if (!s->properties)
		return -1;
	for (size_t i = 0; i < arg->map.count; i++) {
		const struct hpl_entry *e = &arg->map.entries[i];
		struct property *p = &s->properties[i];
		*p = (struct property){.name = e->key, .len = e->key_len};
		if (hpl_compile_child(k, s, "properties", e->key, e->value, &p->sub) < 0)
			return -1;
	}
	s->property_count = arg->map.count;
	return 0;
}

static int compile_patterns(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (arg->kind != HPL_MAP)
		return hpl_compile_fail(k, s, "patternProperties", arg, "must be a mapping");
	s->patterns = hpl_compile_alloc(k, arg->map.count, sizeof(*s->patterns));
	if (!s->patterns)
		return -1;
	for (size_t i = 0; i < arg->map.count; i++) {
		const struct hpl_entry *e = &arg->map.entries[i];
		struct pattern_property *p = &s->patterns[i];
		const struct hpl_node key = {.kind = HPL_STRING, .pos = e->pos,
			.str = {e->key, e->key_len}};
		if (hpl_compile_pattern(k, &key, &p->pattern) < 0 ||
			hpl_compile_child(k, s, "patternProperties", e->key, e->value, &p->sub) < 0)
			return -1;
	}
	s->pattern_count = arg->map.count;
	/* the check of properties walks these too */
	if (s->properties)
		c->fn = NULL;
	return 0;
}

static int compile_additional(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (s->properties || s->patterns)
		c->fn = NULL;
	return hpl_compile_child(k, s, "additionalProperties", NULL, arg, &s->additional);
}

static bool check_member(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e)
{
	const struct sub *s = c->sub;
	struct at here = {.up = at, .entry = e};
	bool ok = true, known = false;

	for (size_t i = 0; i < s->property_count; i++) {
		const struct property *p = &s->properties[i];
		if (p->len == e->key_len && memcmp(p->name, e->key, p->len) == 0) {
			known = true;
			ok = hpl_check_sub(r, p->sub, e->value, &here);
			break;
		}
	}
	for (size_t i = 0; i < s->pattern_count && (ok || r->faults); i++) {
		if (!hpl_pattern_matches(r, s->patterns[i].pattern, e->key, e->key_len))
			continue;
		known = true;
		if (e->value->kind != HPL_MAP &&
			hpl_fault_misplaced(r, c, n, at, e, s->patterns[i].sub))
			return false;
		ok &= hpl_check_sub(r, s->patterns[i].sub, e->value, &here);
	}
	if (!known && s->unknown)
		return hpl_fault_unknown(r, c, n, at, e);
	if (known || !s->additional)
		return ok;
	if (s->additional->fixed < 0)
		return hpl_fault_unknown(r, c, n, at, e);
	return ok & hpl_check_sub(r, s->additional, e->value, &here);
}

/* properties, patternProperties and additionalProperties in one walk */
static bool check_members(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < n->map.count && (ok || r->faults) && !r->broken; i++)
		ok &= check_member(r, c, n, at, &n->map.entries[i]);
	return ok;
}

static int compile_required(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	return is_string_list(arg) ? 0 :
		hpl_compile_fail(k, s, "required", arg, "must be a list of names");
}

static bool check_required(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < c->arg->list.count && (ok || r->faults); i++) {
		const struct hpl_node *name = c->arg->list.items[i];
		if (!find_member(n, name->str.text, name->str.len))
			ok = hpl_fault_required(r, c, n, at, name);
	}
	return ok;
}

static bool check_min_properties(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return n->map.count >= c->count || hpl_fault_length(r, c, n, at, n->map.count, true);
}

static bool check_max_properties(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return n->map.count <= c->count || hpl_fault_length(r, c, n, at, n->map.count, false);
}

static bool check_property_names(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < n->map.count && (ok || r->faults); i++) {
		const struct hpl_entry *e = &n->map.entries[i];
		struct at here = {.up = at, .entry = e};
		const struct hpl_node key = {.kind = HPL_STRING, .pos = e->pos,
			.str = {e->key, e->key_len}};
		ok &= hpl_check_sub(r, c->one, &key, &here);
	}
	return ok;
}

static int compile_dependent(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	for (size_t i = 0; arg->kind == HPL_MAP && i < arg->map.count; i++) {
		if (!is_string_list(arg->map.entries[i].value))
			return hpl_compile_fail(k, s, "dependentRequired", arg,
				"must hold lists of names");
	}
	return arg->kind == HPL_MAP ? 0 :
		hpl_compile_fail(k, s, "dependentRequired", arg, "must be a mapping");
}

static bool check_dependent(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < c->arg->map.count && (ok || r->faults); i++) {
		const struct hpl_entry *e = &c->arg->map.entries[i];
		if (!find_member(n, e->key, e->key_len))
			continue;
		for (size_t k = 0; k < e->value->list.count && (ok || r->faults); k++) {
			const struct hpl_node *name = e->value->list.items[k];
			if (!find_member(n, name->str.text, name->str.len))
				ok = hpl_fault_add(r, c, n, at, NULL,
					"add what is needed, or remove what needs it",
					"has \"%.60s\" and so needs \"%.60s\"", e->key,
					name->str.text);
		}
	}
	return ok;
}

static int compile_dependent_schemas(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (arg->kind != HPL_MAP)
		return hpl_compile_fail(k, s, "dependentSchemas", arg, "must be a mapping");
	c->sub_count = arg->map.count;
	c->subs = hpl_compile_alloc(k, c->sub_count, sizeof(*c->subs));
	if (!c->subs)
		return -1;
	for (size_t i = 0; i < c->sub_count; i++) {
		if (hpl_compile_child(k, s, "dependentSchemas", arg->map.entries[i].key,
			arg->map.entries[i].value, &c->subs[i]) < 0)
			return -1;
	}
	return 0;
}

static bool check_dependent_schemas(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < c->sub_count && (ok || r->faults); i++) {
		const struct hpl_entry *e = &c->arg->map.entries[i];
		if (find_member(n, e->key, e->key_len))
			ok &= hpl_check_sub(r, c->subs[i], n, at);
	}
	return ok;
}

/* ---- applicators ---- */

static int compile_ref(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	return hpl_compile_ref(k, arg, &c->one);
}

static bool check_one(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	return hpl_check_sub(r, c->one, n, at);
}

static bool check_all_of(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < c->sub_count && (ok || r->faults); i++)
		ok &= hpl_check_sub(r, c->subs[i], n, at);
	return ok;
}

static bool check_any_of(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	for (size_t i = 0; i < c->sub_count; i++) {
		if (hpl_check_quiet(r, c->subs[i], n, at)) /* once more for its warnings */
			return !r->faults || hpl_check_sub(r, c->subs[i], n, at);
	}
	return hpl_fault_branches(r, c, n, at);
}

static bool check_one_of(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	const struct sub *fit = NULL;
	size_t fits = 0;
	for (size_t i = 0; i < c->sub_count && fits < 2; i++) {
		if (!hpl_check_quiet(r, c->subs[i], n, at))
			continue;
		fits++;
		fit = c->subs[i];
	}
	if (r->broken)
		return false;
	if (fits != 1)
		return hpl_fault_branches(r, c, n, at);
	return !r->faults || hpl_check_sub(r, fit, n, at); /* once more for its warnings */
}

static bool check_not(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool fits = hpl_check_quiet(r, c->one, n, at);
	if (r->broken)
		return false;
	return !fits || hpl_fault_add(r, c, n, at, NULL, NULL, "is of a form that is not allowed");
}

static int compile_if(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	const struct hpl_node *then_node = hpl_node_get(s->node, "then");
	const struct hpl_node *else_node = hpl_node_get(s->node, "else");
	if (then_node && hpl_compile_child(k, s, "then", NULL, then_node, &s->then_sub) < 0)
		return -1;
	if (else_node && hpl_compile_child(k, s, "else", NULL, else_node, &s->else_sub) < 0)
		return -1;
	if (!then_node && !else_node)
		c->fn = NULL;
	return compile_one(k, s, arg, c);
}

static bool check_if(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	const struct sub *next = hpl_check_quiet(r, c->one, n, at) ? c->sub->then_sub :
		c->sub->else_sub;
	if (r->broken)
		return false;
	return !next || hpl_check_sub(r, next, n, at);
}

const struct keyword hpl_keywords[] = {
	{"type", ANY, compile_type, check_type},
	{"const", ANY, compile_nothing, check_const},
	{"enum", ANY, compile_enum, check_enum},
	{"multipleOf", NUMBER, compile_divisor, check_multiple},
	{"minimum", NUMBER, compile_number, check_minimum},
	{"maximum", NUMBER, compile_number, check_maximum},
	{"exclusiveMinimum", NUMBER, compile_number, check_exclusive_minimum},
	{"exclusiveMaximum", NUMBER, compile_number, check_exclusive_maximum},
	{"minLength", STRING, compile_count, check_min_length},
	{"maxLength", STRING, compile_count, check_max_length},
	{"pattern", STRING, compile_pattern, check_pattern},
	{"format", STRING, compile_format, check_format},
	{"minItems", LIST, compile_count, check_min_items},
	{"maxItems", LIST, compile_count, check_max_items},
	{"uniqueItems", LIST, compile_unique, check_unique},
	{"prefixItems", LIST, compile_prefix, check_prefix},
	{"items", LIST, compile_one, check_items},
	{"required", MAP, compile_required, check_required},
	{"minProperties", MAP, compile_count, check_min_properties},
	{"maxProperties", MAP, compile_count, check_max_properties},
	{"propertyNames", MAP, compile_one, check_property_names},
	{"dependentRequired", MAP, compile_dependent, check_dependent},
	{"properties", MAP, compile_properties, check_members},
	{"patternProperties", MAP, compile_patterns, check_members},
	{"additionalProperties", MAP, compile_additional, check_members},
	{"dependentSchemas", MAP, compile_dependent_schemas, check_dependent_schemas},
	{"$ref", ANY, compile_ref, check_one},
	{"allOf", ANY, compile_list, check_all_of},
	{"anyOf", ANY, compile_list, check_any_of},
	{"oneOf", ANY, compile_list, check_one_of},
	{"not", ANY, compile_one, check_not},
	{"if", ANY, compile_if, check_if},
	{NULL},
};

/* Validation keywords that are not done: a schema that uses one is refused, not half obeyed. */
const char *const hpl_keywords_missing[] = {
	"contains", "minContains", "maxContains", "unevaluatedItems",
	"unevaluatedProperties", "$dynamicRef", "$recursiveRef", "dependencies", "additionalItems",
	NULL,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords of mappings. */
#include "schema/validator.h"

/* Names differ by their length and ends nearly always. */
static size_t property_hash(const char *key, size_t len)
{
	return len ? len * 7 + (unsigned char)key[0] * 31 + (unsigned char)key[len - 1] +
		(unsigned char)key[len / 2] * 5 : 0;
}

static inline const struct property *find_property(const struct sub *s, const char *key, size_t len)
{
	if (!s->property_count)
		return NULL;
	for (size_t i = property_hash(key, len);; i++) {
		unsigned slot = s->property_slots[i & s->property_mask];
		if (!slot)
			return NULL;
		const struct property *p = &s->properties[slot - 1];
		if (p->len == len && memcmp(p->name, key, len) == 0)
			return p;
	}
}

const struct property *hpl_find_property(const struct sub *s, const char *key, size_t len)
{
	return find_property(s, key, len);
}

static int index_properties(struct compiler *k, struct sub *s)
{
	size_t size = 4;

	while (size < s->property_count * 2)
		size *= 2;
	s->property_slots = hpl_compile_alloc(k, size, sizeof(*s->property_slots));
	if (!s->property_slots)
		return -1;
	s->property_mask = size - 1;
	for (size_t n = 0; n < s->property_count; n++) {
		size_t i = property_hash(s->properties[n].name, s->properties[n].len);
		while (s->property_slots[i & s->property_mask])
			i++;
		s->property_slots[i & s->property_mask] = (uint16_t)(n + 1);
	}
	return 0;
}

static int compile_properties(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (arg->kind != HPL_MAP)
		return hpl_compile_fail(k, s, "properties", arg, "must be a mapping");
	if (arg->map.count > UINT16_MAX / 2)
		return hpl_compile_fail(k, s, "properties", arg, "has more than 32767 names");
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
	return index_properties(k, s);
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
		if (hpl_compile_pattern(k, s, "patternProperties", &key, &p->pattern) < 0 ||
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

static inline bool check_member(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e)
{
	const struct sub *s = c->sub;
	struct at here = {.up = at, .entry = e};
	bool ok = true, known = false;

	const struct property *p = find_property(s, e->key, e->key_len);
	if (p) {
		known = true;
		ok = hpl_check_sub(r, p->sub, e->value, &here);
	}
	for (size_t i = 0; i < s->pattern_count && (ok || r->faults); i++) {
		if (!hpl_pattern_matches(r, s->patterns[i].pattern, e->key, e->key_len))
			continue;
		known = true;
		if (s->patterns[i].maps && e->value->kind != HPL_MAP &&
			hpl_fault_misplaced(r, c, n, at, e, s->patterns[i].sub))
			return false;
		ok &= hpl_check_sub(r, s->patterns[i].sub, e->value, &here);
	}
	if (known || s->additional)
		hpl_seen(r, n, (size_t)(e - n->map.entries));
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
	return hpl_is_string_list(arg) ? 0 :
		hpl_compile_fail(k, s, "required", arg, "must be a list of names");
}

static bool check_required(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < c->arg->list.count && (ok || r->faults); i++) {
		const struct hpl_node *name = c->arg->list.items[i];
		if (!hpl_find_member(n, name->str.text, name->str.len))
			ok = r->faults && hpl_fault_required(r, c, n, at, name);
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

/* ---- what depends on a key ---- */

/* dependentRequired: lists of names; dependentSchemas: schemas; dependencies (draft-07, and kept by
 * 2020-12 for old schemas): either. subs[i] NULL: names. */
static int compile_dependent(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	const char *keyword = c->keyword->name;
	const bool names = strcmp(keyword, "dependentSchemas") != 0;
	const bool schemas = strcmp(keyword, "dependentRequired") != 0;

	if (arg->kind != HPL_MAP)
		return hpl_compile_fail(k, s, keyword, arg, "must be a mapping");
	c->sub_count = arg->map.count;
	c->subs = hpl_compile_alloc(k, c->sub_count, sizeof(*c->subs));
	if (!c->subs)
		return -1;
	for (size_t i = 0; i < c->sub_count; i++) {
		const struct hpl_entry *e = &arg->map.entries[i];
		if (names && hpl_is_string_list(e->value))
			continue;
		if (!schemas)
			return hpl_compile_fail(k, s, keyword, arg, "must hold lists of names");
		if (hpl_compile_child(k, s, keyword, e->key, e->value, &c->subs[i]) < 0)
			return -1;
	}
	return 0;
}

static bool check_names(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e)
{
	bool ok = true;
	for (size_t i = 0; i < e->value->list.count && (ok || r->faults); i++) {
		const struct hpl_node *name = e->value->list.items[i];
		if (!hpl_find_member(n, name->str.text, name->str.len))
			ok = hpl_fault_add(r, c, n, at, NULL,
				"add what is needed, or remove what needs it",
				"has \"%.60s\" and so needs \"%.60s\"", e->key, name->str.text);
	}
	return ok;
}

static bool check_dependent(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < c->sub_count && (ok || r->faults); i++) {
		const struct hpl_entry *e = &c->arg->map.entries[i];
		if (!hpl_find_member(n, e->key, e->key_len))
			continue;
		ok &= c->subs[i] ? hpl_check_sub(r, c->subs[i], n, at) : check_names(r, c, n, at, e);
	}
	return ok;
}

const struct keyword hpl_keywords_of_maps[] = {
	{"required", MAP, DRAFT_BOTH, VOC_VALIDATION, compile_required, check_required},
	{"minProperties", MAP, DRAFT_BOTH, VOC_VALIDATION, hpl_compile_count, check_min_properties},
	{"maxProperties", MAP, DRAFT_BOTH, VOC_VALIDATION, hpl_compile_count, check_max_properties},
	{"propertyNames", MAP, DRAFT_BOTH, VOC_APPLICATOR, hpl_compile_one, check_property_names},
	{"dependentRequired", MAP, DRAFT_2020, VOC_VALIDATION, compile_dependent, check_dependent},
	{"properties", MAP, DRAFT_BOTH, VOC_APPLICATOR, compile_properties, check_members},
	{"patternProperties", MAP, DRAFT_BOTH, VOC_APPLICATOR, compile_patterns, check_members},
	{"additionalProperties", MAP, DRAFT_BOTH, VOC_APPLICATOR, compile_additional, check_members},
	{"dependentSchemas", MAP, DRAFT_2020, VOC_APPLICATOR, compile_dependent, check_dependent},
	{"dependencies", MAP, DRAFT_BOTH, VOC_APPLICATOR, compile_dependent, check_dependent},
	{NULL},
};

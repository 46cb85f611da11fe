/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords that apply schemas to the place where they stand, and those that ask what these looked at. */
#include <stdio.h>

#include "schema/validator.h"

static int compile_ref(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	const char *dynamic;
	return hpl_compile_ref(k, s, c->keyword->name, arg, &c->one, &dynamic);
}

static int compile_dynamic_ref(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (hpl_compile_ref(k, s, c->keyword->name, arg, &c->start, &c->anchor) < 0)
		return -1;
	if (c->anchor)
		hpl_compile_dynamic(k);
	return 0;
}

/* 2020-12 section 8.2.3.2: the anchor of that name in the outermost resource that has one. */
static bool check_dynamic_ref(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	const struct sub *target = c->start;

	for (const struct scope *scope = r->scope; c->anchor && scope; scope = scope->up) {
		for (const struct dynamic *d = scope->resource->dynamics; d; d = d->next) {
			if (strcmp(d->name, c->anchor) == 0)
				target = d->sub;
		}
	}
	return hpl_check_sub(r, target, n, at);
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
	const struct sub *fit = NULL;
	/* all that fit count for what was looked at, the first one's warnings for the report */
	for (size_t i = 0; i < c->sub_count && (!fit || hpl_seen_wanted(r, n)) && !r->broken; i++) {
		if (hpl_check_quiet(r, c->subs[i], n, at) && !fit)
			fit = c->subs[i];
	}
	if (!fit || r->broken)
		return hpl_fault_branches(r, c, n, at);
	return !r->faults || hpl_check_sub(r, fit, n, at);
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
	return hpl_compile_one(k, s, arg, c);
}

static bool check_if(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	if (!c->sub->then_sub && !c->sub->else_sub && !hpl_seen_wanted(r, n))
		return true;
	const struct sub *next = hpl_check_quiet(r, c->one, n, at) ? c->sub->then_sub :
		c->sub->else_sub;
	if (r->broken)
		return false;
	return !next || hpl_check_sub(r, next, n, at);
}

/* ---- what nothing else looked at ---- */

static bool check_unevaluated_items(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < n->list.count && (ok || r->faults) && !r->broken; i++) {
		struct at here = {.up = at, .index = i};
		if (hpl_seen_has(r->seen, i))
			continue;
		ok &= hpl_check_sub(r, c->one, n->list.items[i], &here);
		hpl_seen_add(r->seen, i);
	}
	return ok;
}

static bool check_unevaluated_properties(struct run *r, const struct check *c,
	const struct hpl_node *n, const struct at *at)
{
	bool ok = true;
	for (size_t i = 0; i < n->map.count && (ok || r->faults) && !r->broken; i++) {
		const struct hpl_entry *e = &n->map.entries[i];
		struct at here = {.up = at, .entry = e};
		if (hpl_seen_has(r->seen, i))
			continue;
		if (c->one->fixed < 0)
			ok = hpl_fault_add(r, c, n, at, e, "remove it", "is not known here");
		else
			ok &= hpl_check_sub(r, c->one, e->value, &here);
		hpl_seen_add(r->seen, i);
	}
	return ok;
}

const struct keyword hpl_keywords_in_place[] = {
	{"$ref", ANY, DRAFT_BOTH, VOC_CORE, compile_ref, check_one},
	{"$dynamicRef", ANY, DRAFT_2020, VOC_CORE, compile_dynamic_ref, check_dynamic_ref},
	{"allOf", ANY, DRAFT_BOTH, VOC_APPLICATOR, hpl_compile_list, check_all_of},
	{"anyOf", ANY, DRAFT_BOTH, VOC_APPLICATOR, hpl_compile_list, check_any_of},
	{"oneOf", ANY, DRAFT_BOTH, VOC_APPLICATOR, hpl_compile_list, check_one_of},
	{"not", ANY, DRAFT_BOTH, VOC_APPLICATOR, hpl_compile_one, check_not},
	{"if", ANY, DRAFT_BOTH, VOC_APPLICATOR, compile_if, check_if},
	{NULL},
};

/* Behind all others: their checks run only when those have succeeded. */
const struct keyword hpl_keywords_unevaluated[] = {
	{"unevaluatedItems", LIST, DRAFT_2020, VOC_UNEVALUATED, hpl_compile_one,
		check_unevaluated_items},
	{"unevaluatedProperties", MAP, DRAFT_2020, VOC_UNEVALUATED, hpl_compile_one,
		check_unevaluated_properties},
	{NULL},
};

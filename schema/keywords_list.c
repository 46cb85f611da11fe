/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords of lists. */
#include "schema/validator.h"

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
		HPL_BREAK(r, i == -1 ? "out of memory" : "too many items to tell apart");
		return false;
	}
	return (size_t)i == n->list.count || hpl_fault_repeated(r, c, n, at, first, (size_t)i);
}

static int compile_prefix(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (hpl_compile_list(k, s, arg, c) < 0)
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
		hpl_seen(r, n, i);
		ok &= hpl_check_sub(r, c->subs[i], n->list.items[i], &here);
	}
	return ok;
}

/* draft-07: a list is what prefixItems is in 2020-12, and additionalItems what items is. */
static int compile_items(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (!hpl_is_draft_07(s) || arg->kind != HPL_LIST)
		return hpl_compile_one(k, s, arg, c);
	c->fn = check_prefix;
	return compile_prefix(k, s, arg, c);
}

static int compile_additional(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (!s->prefix_count)
		c->fn = NULL; /* items speaks of all of them */
	return hpl_compile_one(k, s, arg, c);
}

static bool check_items(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	for (size_t i = c->sub->prefix_count; i < n->list.count && (ok || r->faults); i++) {
		struct at here = {.up = at, .index = i};
		hpl_seen(r, n, i);
		ok &= hpl_check_sub(r, c->one, n->list.items[i], &here);
	}
	return ok;
}

/* ---- contains ---- */

/* minContains and maxContains: their check is that of contains. */
static int compile_contains_limit(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	if (hpl_compile_count(k, s, arg, c) < 0)
		return -1;
	if (strcmp(c->keyword->name, "minContains") == 0)
		s->contains_min = c->count;
	else
		s->contains_max = c->count;
	c->fn = NULL;
	return 0;
}

static int compile_contains(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c)
{
	/* its limits stand behind it in the table, and replace these */
	s->contains_min = 1;
	s->contains_max = UINT64_MAX;
	return hpl_compile_one(k, s, arg, c);
}

static bool check_contains(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	const uint64_t least = c->sub->contains_min, most = c->sub->contains_max;
	const bool all = hpl_seen_wanted(r, n);
	uint64_t count = 0;

	for (size_t i = 0; i < n->list.count && !r->broken; i++) {
		struct at here = {.up = at, .index = i};
		if (!hpl_check_quiet(r, c->one, n->list.items[i], &here))
			continue;
		hpl_seen(r, n, i);
		count++;
		if (!all && (count > most || (count >= least && most == UINT64_MAX)))
			break;
	}
	if (r->broken)
		return false;
	if (count < least)
		return hpl_fault_add(r, c, n, at, NULL, NULL, "has %llu item%s of the form that is "
			"wanted, must have at least %llu", (unsigned long long)count,
			count == 1 ? "" : "s", (unsigned long long)least);
	return count <= most || hpl_fault_add(r, c, n, at, NULL, NULL, "has more than %llu item%s of a "
		"form that is limited", (unsigned long long)most, most == 1 ? "" : "s");
}

const struct keyword hpl_keywords_of_lists[] = {
	{"minItems", LIST, DRAFT_BOTH, VOC_VALIDATION, hpl_compile_count, check_min_items},
	{"maxItems", LIST, DRAFT_BOTH, VOC_VALIDATION, hpl_compile_count, check_max_items},
	{"uniqueItems", LIST, DRAFT_BOTH, VOC_VALIDATION, compile_unique, check_unique},
	{"prefixItems", LIST, DRAFT_2020, VOC_APPLICATOR, compile_prefix, check_prefix},
	{"items", LIST, DRAFT_BOTH, VOC_APPLICATOR, compile_items, check_items},
	{"additionalItems", LIST, DRAFT_07, VOC_APPLICATOR, compile_additional, check_items},
	{"contains", LIST, DRAFT_BOTH, VOC_APPLICATOR, compile_contains, check_contains},
	{"minContains", LIST, DRAFT_2020, VOC_VALIDATION, compile_contains_limit, NULL},
	{"maxContains", LIST, DRAFT_2020, VOC_VALIDATION, compile_contains_limit, NULL},
	{NULL},
};

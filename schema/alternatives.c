/* SPDX-License-Identifier: Apache-2.0 */
/* anyOf and oneOf with no branch that fits, or too many: one fault, or those of the nearest branch. */
#include <stdio.h>

#include "schema/validator.h"

/* The one name that a branch requires and nothing else, NULL: it is of another form. */
static const char *only_requires(const struct sub *s)
{
	const struct hpl_node *list = hpl_node_get(s->node, "required");
	if (s->check_count > 2 || !list || list->list.count != 1)
		return NULL;
	return hpl_node_str(list->list.items[0]);
}

static bool any_of_names(const struct check *c, const struct hpl_node *n)
{
	for (size_t i = 0; i < c->sub_count; i++) {
		if (hpl_node_get(n, only_requires(c->subs[i])))
			return true;
	}
	return false;
}

static bool fault_requires(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	char wanted[160] = "", found[160] = "", cure[200] = "";
	bool any = strcmp(c->keyword->name, "anyOf") == 0;
	const char *last = NULL;
	size_t have = 0;

	for (size_t i = 0; i < c->sub_count; i++) {
		const char *name = only_requires(c->subs[i]);
		const struct hpl_entry *e = hpl_misspelt(c->sub, n, name, strlen(name));
		if (hpl_node_get(n, name))
			hpl_words_add(found, sizeof(found), "%s%s", have++ ? " and " : "", name);
		else if (e && !any_of_names(c, n))
			return hpl_fault_misspelt(r, c, n, at, e, name);
		if (hpl_node_get(c->subs[i]->node, "x-hidden"))
			continue;
		if (last)
			hpl_words_add(wanted, sizeof(wanted), "%s%s", *wanted ? ", " : "", last);
		last = name;
	}
	hpl_words_add(wanted, sizeof(wanted), "%s%s", *wanted ? " or " : "", last ? last : "");
	if (have)
		return hpl_fault_add(r, c, n, at, NULL, "keep one of them",
			"has %s, must have exactly one of: %s", found, wanted);
	if (!c->sub->cure)
		snprintf(cure, sizeof(cure), "add %s", wanted);
	return hpl_fault_add(r, c, n, at, NULL, cure, "must have %s of: %s", any ? "one" :
		"exactly one", wanted);
}

/* How near a branch came: lower is nearer. A wrong type of the value itself, or a wrong constant
 * (the word that tells branches apart), rules a branch out; else the one that got deepest. */
static size_t branch_distance(const struct hpl_faults *f, const char *own_path)
{
	enum { RULED_OUT = 1 << 20, PER_LEVEL = 1 << 10 };
	size_t distance = 0, depth = 0, own = strlen(own_path);
	for (size_t i = 0; i < f->count; i++) {
		const struct hpl_fault *x = &f->items[i];
		if (strcmp(x->keyword, "const") == 0 || strcmp(x->keyword, "enum") == 0 ||
			(strcmp(x->keyword, "type") == 0 && strcmp(x->path, own_path) == 0))
			distance = RULED_OUT;
		size_t len = strlen(x->path) - own;
		if (len > depth)
			depth = len;
	}
	return distance + PER_LEVEL * (sizeof(f->items->path) - depth) + f->count;
}

/* The faults of the branch that comes nearest. */
static bool fault_nearest(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	struct hpl_faults *all = r->faults, best = {0};
	char own_path[sizeof(all->items->path)] = "";
	size_t least = SIZE_MAX;

	hpl_words_add(own_path, sizeof(own_path), "%s", r->prefix);
	hpl_path_add(own_path, sizeof(own_path), at);
	for (size_t i = 0; i < c->sub_count && !r->broken; i++) {
		struct hpl_faults mine = {.limit = all->limit};
		r->faults = &mine;
		hpl_check_sub(r, c->subs[i], n, at);
		size_t distance = mine.count ? branch_distance(&mine, own_path) : SIZE_MAX;
		if (distance < least) {
			hpl_faults_done(&best);
			best = mine;
			least = distance;
		} else {
			hpl_faults_done(&mine);
		}
	}
	r->faults = all;
	for (size_t i = 0; i < best.count && !r->broken; i++) {
		struct hpl_fault *f = hpl_fault_new(r);
		if (!f)
			break;
		*f = best.items[i];
	}
	hpl_faults_done(&best);
	return false;
}

bool hpl_fault_branches(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	char what[64];
	size_t fits = 0, requires = 0;
	if (!r->faults || r->broken)
		return false;
	hpl_describe(what, sizeof(what), n);
	for (size_t i = 0; i < c->sub_count; i++) {
		fits += hpl_check_quiet(r, c->subs[i], n, at);
		requires += only_requires(c->subs[i]) != NULL;
	}
	if (requires == c->sub_count && n->kind == HPL_MAP)
		return fault_requires(r, c, n, at);
	if (c->sub->expect)
		return hpl_fault_add(r, c, n, at, NULL, NULL, "is %s", what);
	if (fits > 1)
		return hpl_fault_add(r, c, n, at, NULL, NULL, "is %s that fits %zu of the "
			"alternatives, must fit one", what, fits);
	return fault_nearest(r, c, n, at);
}

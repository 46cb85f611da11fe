/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validating a contract: the faults found while reading, the schema parts of the product, the rules
 * on trees (rules.c); put into the order in which they are worth reading.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/compose.h"

static bool present(const struct hpl_contract *c, const char *key)
{
	return hpl_node_get(hpl_doc_root(c->doc), key) != NULL;
}

/* The root's only requirement is its two sections; tokens and unreadable ones are not in the tree
 * that is validated, and have their fault already. */
static bool is_said(const struct hpl_contract *c, const struct hpl_faults *faults,
	const struct hpl_fault *f)
{
	char key[16] = "";

	if (!*f->path && strcmp(f->keyword, "required") == 0 &&
		sscanf(f->text, "lacks \"%15[a-z]", key) == 1 && present(c, key))
		return true;
	if (f->fix == HPL_FIX_RENAME && !strpbrk(f->path, ".[") && present(c, f->fix_text))
		return true; /* near to the name of a token */
	for (size_t i = 0; i < faults->count; i++) {
		const struct hpl_fault *g = &faults->items[i];
		/* two parts look at the same thing; or what is of the wrong type fails all else too */
		if (strcmp(g->path, f->path) == 0 && (strcmp(g->text, f->text) == 0 ||
			hpl_streq(g->keyword, "type")))
			return true;
	}
	return false;
}

/* A misspelt key that one part notices is the one that another part needs: one fault, the error. */
static bool outdoes_warning(struct hpl_faults *faults, const struct hpl_fault *f)
{
	for (size_t i = 0; i < faults->count; i++) {
		struct hpl_fault *g = &faults->items[i];
		if (f->fix != HPL_FIX_RENAME || g->fix != HPL_FIX_RENAME ||
			strcmp(g->path, f->path) != 0)
			continue;
		if (!hpl_fault_is_error(g))
			*g = *f;
		return true;
	}
	return false;
}

/* 0: no error, 1: errors were added. */
static int apply_part(const struct hpl_contract *c, const char *name, unsigned flags,
	struct hpl_faults *faults, struct hpl_err *err)
{
	const struct hpl_schema *s;
	struct hpl_faults mine = {0};
	int added = 0;

	if (hpl_part_schema(&s, name, err) < 0)
		return -1;
	int rc = hpl_schema_validate(s, &c->whole, "", flags, &mine, err);
	for (size_t i = 0; rc >= 0 && i < mine.count; i++) {
		struct hpl_fault *f;
		int added_rc;

		if (is_said(c, faults, &mine.items[i]))
			continue;
		if (outdoes_warning(faults, &mine.items[i])) {
			added |= hpl_fault_is_error(&mine.items[i]);
			continue;
		}
		added_rc = hpl_faults_add(&f, faults, err);
		if (added_rc < 0)
			rc = -1;
		if (added_rc)
			break;
		*f = mine.items[i];
		added |= hpl_fault_is_error(f);
	}
	hpl_faults_done(&mine);
	return rc < 0 ? -1 : added;
}

/* What is missing at the top comes before all that is wrong below it; then errors of form, errors
 * of rules, warnings. */
static int rank(const struct hpl_fault *f)
{
	return !hpl_fault_is_error(f) ? 3 : f->keyword && hpl_streq(f->keyword, "rule") ? 2 :
		*f->path != '\0';
}

static int by_place(const void *a, const void *b)
{
	const struct hpl_fault *x = a, *y = b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	if (x->pos.col != y->pos.col)
		return x->pos.col < y->pos.col ? -1 : 1;
	return strcmp(x->path, y->path);
}

static bool has_errors(const struct hpl_faults *faults, size_t from)
{
	for (size_t i = from; i < faults->count; i++) {
		if (hpl_fault_is_error(&faults->items[i]))
			return true;
	}
	return false;
}

/* Where the form is wrong already, a rule has nothing to add. */
static void drop_rules_after_form(struct hpl_faults *faults, size_t form, size_t rules)
{
	size_t to = rules;

	for (size_t i = rules; i < faults->count; i++) {
		bool said = false;
		for (size_t k = form; k < rules && !said; k++)
			said = hpl_fault_is_error(&faults->items[k]) &&
				strcmp(faults->items[k].path, faults->items[i].path) == 0;
		if (!said)
			faults->items[to++] = faults->items[i];
	}
	faults->count = to;
}

int hpl_contract_validate(const struct hpl_contract *c, const struct hpl_validate_options *o,
	struct hpl_faults *faults, struct hpl_err *err)
{
	size_t before = faults->count;

	for (size_t i = 0; i < c->faults.count; i++) {
		struct hpl_fault *f;
		int rc = hpl_faults_add(&f, faults, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			*f = c->faults.items[i];
	}
	size_t form = faults->count;
	for (const char *const *p = hpl_product_parts(o->product); *p; p++) {
		if (apply_part(c, *p, o->legacy ? HPL_SCHEMA_LEGACY : 0, faults, err) < 0)
			return -1;
	}
	size_t rules = faults->count;
	if (hpl_contract_rules(c, o, faults, err) < 0)
		return -1;
	drop_rules_after_form(faults, form, rules);
	if (faults->count > form)
		qsort(faults->items + form, faults->count - form, sizeof(*faults->items), by_place);
	return has_errors(faults, before);
}

int hpl_contract_validate_part(const struct hpl_contract *c, const char *part,
	struct hpl_faults *faults, struct hpl_err *err)
{
	return apply_part(c, part, 0, faults, err);
}

void hpl_fault_to_err(struct hpl_err *err, const char *file, const struct hpl_fault *fault)
{
	if (!err)
		return;
	HPL_FAIL(err, fault->msg, 0, "%s", fault->text);
	hpl_err_place(err, "%s:%u:%u%s%s", file, fault->pos.line, fault->pos.col,
		*fault->path ? " " : "", fault->path);
	if (*fault->cure)
		hpl_err_cure(err, "%s", fault->cure);
}

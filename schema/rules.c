/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validating a contract: the faults found while reading, the schema parts of the product, then the
 * rules that a schema cannot say. Which rules are whose:
 * equal volume names are also the storage service's (HPL07015E), key and signature the signature
 * service's (HPL12004E); images and digests the image service's. They are not repeated here, so
 * that each fault keeps the id that automation knows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/compose.h"

static bool present(const struct hpl_contract *c, const char *key)
{
	return hpl_node_get(hpl_doc_root(c->doc), key) != NULL;
}

static struct hpl_fault *append(struct hpl_faults *f, const struct hpl_fault *fault)
{
	size_t limit = f->limit ? f->limit : 100;
	if (f->count >= limit)
		return NULL;
	if (f->count == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 8;
		struct hpl_fault *p = reallocarray(f->items, cap, sizeof(*p));
		if (!p)
			return NULL;
		f->items = p;
		f->cap = cap;
	}
	f->items[f->count] = *fault;
	return &f->items[f->count++];
}

/* 0: no part found anything; 1: faults. A section that could not be read has its fault already. */
static int apply_part(const struct hpl_contract *c, const char *name, unsigned flags,
	struct hpl_faults *faults, struct hpl_err *err)
{
	const struct hpl_schema *s;
	struct hpl_faults mine = {0};
	if (hpl_part_schema(&s, name, err) < 0)
		return -1;
	int rc = hpl_schema_validate(s, &c->whole, "", flags, &mine, err);
	int added = 0;
	for (size_t i = 0; rc > 0 && i < mine.count; i++) {
		const struct hpl_fault *f = &mine.items[i];
		bool known = false;
		/* the root's only requirement is its two sections; tokens and unreadable ones are
		 * not in the tree that is validated */
		if (!*f->path && strcmp(f->keyword, "required") == 0 && strncmp(f->text,
			"lacks \"", 7) == 0) {
			char key[16] = "";
			sscanf(f->text + 7, "%15[a-z]", key);
			known = present(c, key);
		}
		for (size_t k = 0; k < faults->count && !known; k++)
			known = strcmp(faults->items[k].path, f->path) == 0 &&
				strcmp(faults->items[k].text, f->text) == 0;
		if (!known && append(faults, f))
			added = 1;
	}
	hpl_faults_done(&mine);
	return rc < 0 ? -1 : added;
}

static int by_place(const void *a, const void *b)
{
	const struct hpl_fault *x = a, *y = b;
	/* what is missing at the top comes before all that is wrong below */
	int top = (*x->path != '\0') - (*y->path != '\0');
	if (top)
		return top;
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	if (x->pos.col != y->pos.col)
		return x->pos.col < y->pos.col ? -1 : 1;
	return strcmp(x->path, y->path);
}

int hpl_contract_validate(const struct hpl_contract *c, const struct hpl_validate_options *o,
	struct hpl_faults *faults, struct hpl_err *err)
{
	size_t before = faults->count;
	for (size_t i = 0; i < c->faults.count; i++)
		append(faults, &c->faults.items[i]);
	size_t schema_from = faults->count;
	for (const char *const *p = hpl_product_parts(o->product); *p; p++) {
		if (apply_part(c, *p, o->legacy ? HPL_SCHEMA_LEGACY : 0, faults, err) < 0)
			return -1;
	}
	if (faults->count > schema_from)
		qsort(faults->items + schema_from, faults->count - schema_from,
			sizeof(*faults->items), by_place);
	return faults->count > before;
}

int hpl_contract_validate_part(const struct hpl_contract *c, const char *part,
	struct hpl_faults *faults, struct hpl_err *err)
{
	return apply_part(c, part, 0, faults, err);
}

void hpl_fault_to_err(struct hpl_err *err, uint32_t msg, const char *file,
	const struct hpl_fault *fault)
{
	if (!err)
		return;
	HPL_FAIL(err, msg, 0, "%s", fault->text);
	hpl_err_place(err, "%s:%u:%u%s%s", file, fault->pos.line, fault->pos.col,
		*fault->path ? " " : "", fault->path);
	if (*fault->cure)
		hpl_err_cure(err, "%s", fault->cure);
}

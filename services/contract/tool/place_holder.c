/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/place_holder.h"

#include <stdio.h>

#include "proto/messages.h"

enum { DEPTH = 64, LENGTH = 40 };

static bool is_place_holder(const struct hpl_node *n)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	const char *s = hpl_node_str(n);
	size_t len;
	if (!s || s[0] != '<' || n->str.len > LENGTH)
		return false;
	len = strspn(s + 1, chars);
	/* the text of a block ends with a line end */
	return len && s[len + 1] == '>' && (!s[len + 2] || strcmp(s + len + 2, "\n") == 0);
}

static int add(const struct hpl_node *n, const char *path, struct hpl_faults *faults,
	struct hpl_err *err)
{
	struct hpl_fault *f;
	int rc;

	for (size_t i = 0; i < faults->count; i++) {
		if (strcmp(faults->items[i].path, path) == 0)
			return 0; /* something is said of it already */
	}
	rc = hpl_faults_add(&f, faults, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	f->msg = HPL_MSG_CONTRACT_PLACE_HOLDER;
	f->pos = n->pos;
	f->keyword = "place-holder";
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->text, sizeof(f->text), "is still the place holder of a template");
	snprintf(f->cure, sizeof(f->cure), "fill in the value");
	return 0;
}

static int walk(const struct hpl_node *n, const char *path, int depth, struct hpl_faults *faults,
	struct hpl_err *err)
{
	size_t count = n->kind == HPL_MAP ? n->map.count : n->kind == HPL_LIST ? n->list.count : 0;
	char below[sizeof(((struct hpl_fault *)0)->path)];
	int rc = 0;

	if (is_place_holder(n))
		return add(n, path, faults, err);
	for (size_t i = 0; i < count && depth < DEPTH && rc == 0; i++) {
		const struct hpl_node *child = n->kind == HPL_MAP ? n->map.entries[i].value :
			n->list.items[i];
		int w = n->kind == HPL_MAP ?
			snprintf(below, sizeof(below), "%s.%s", path, n->map.entries[i].key) :
			snprintf(below, sizeof(below), "%s[%zu]", path, i);
		if (w > 0)
			rc = walk(child, below, depth + 1, faults, err);
	}
	return rc;
}

int hpl_place_holders_find(const struct hpl_contract *c, struct hpl_faults *faults, struct hpl_err *err)
{
	const struct hpl_node *w = hpl_contract_workload(c), *e = hpl_contract_env(c);
	if (w && walk(w, "workload", 0, faults, err) < 0)
		return -1;
	return e ? walk(e, "env", 0, faults, err) : 0;
}

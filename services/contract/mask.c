/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/mask.h"

#include <errno.h>

#include "runtime/base/secret.h"
#include "schema/contract.h"

/* Called for each secret string; *ud. */
typedef int visit_fn(void *ud, const struct hpl_node *value);

static int visit_keys(const struct hpl_node *map, const char *const *keys, visit_fn *fn, void *ud)
{
	for (; *keys; keys++) {
		const struct hpl_node *n = hpl_node_get(map, *keys);
		if (n && n->kind == HPL_STRING && fn(ud, n) < 0)
			return -1;
	}
	return 0;
}

static int visit_section(const struct hpl_node *section, visit_fn *fn, void *ud)
{
	static const char *const seeds[] = {"seed", "previousSeed", NULL};
	static const char *const blobs[] = {"aesKeyBlob", "previousaesKeyBlob", NULL};
	const struct hpl_node *volumes = hpl_node_get(section, "volumes");
	if (!volumes || volumes->kind != HPL_MAP)
		return 0;
	for (size_t i = 0; i < volumes->map.count; i++) {
		const struct hpl_node *v = volumes->map.entries[i].value;
		const struct hpl_node *meta = hpl_node_get(hpl_node_get(v, "grep11"), "metadata");
		if (visit_keys(v, seeds, fn, ud) < 0 || visit_keys(meta, blobs, fn, ud) < 0)
			return -1;
	}
	return 0;
}

static int visit(const struct hpl_contract *c, visit_fn *fn, void *ud)
{
	if (visit_section(hpl_contract_workload(c), fn, ud) < 0)
		return -1;
	return visit_section(hpl_contract_env(c), fn, ud);
}

struct text {
	char *data;
	size_t len;
};

/* Overwrites the value wherever it stands in the text. */
static int blank_in_text(void *ud, const struct hpl_node *value)
{
	struct text *t = ud;
	enum { SHORT = 8 }; /* a short value may be a part of other words: that needs the other way */
	if (value->str.len < SHORT)
		return -1;
	for (char *p = t->data, *hit;; p = hit + value->str.len) {
		hit = memmem(p, (size_t)(t->data + t->len - p), value->str.text, value->str.len);
		if (!hit)
			return 0;
		memset(hit, '*', value->str.len);
	}
}

static int blank_in_tree(void *ud, const struct hpl_node *value)
{
	/* the tree is ours alone: read for this purpose */
	memset((char *)value->str.text, '*', value->str.len);
	return 0;
}

static int is_blank(void *ud, const struct hpl_node *value)
{
	return strspn(value->str.text, "*") == value->str.len ? 0 : -1;
}

/* Reads back what was written: no seed may be left. */
static int check(const char *text, size_t len)
{
	struct hpl_contract *c = NULL;
	if (hpl_contract_read(&c, "contract", text, len, true, NULL) < 0)
		return -1;
	int rc = visit(c, is_blank, NULL);
	hpl_contract_free(c);
	return rc;
}

static int mask_text(struct hpl_buf *out, const struct hpl_contract *c, const char *text, size_t len)
{
	_cleanup_secret_ struct hpl_secret copy = HPL_SECRET_NULL;
	if (hpl_secret_copy(&copy, text, len, NULL) < 0)
		return -1;
	struct text t = {(char *)copy.data, len};
	if (visit(c, blank_in_text, &t) < 0 || check(t.data, t.len) < 0)
		return -1;
	hpl_buf_add(out, t.data, t.len);
	return 0;
}

/* A section that was text stays text (holding JSON), a mapping stays a mapping. */
static void add_section(struct hpl_buf *out, const struct hpl_node *value,
	const struct hpl_node *tree)
{
	_cleanup_buf_ struct hpl_buf inner = {.wipe = 1};
	if (!tree || value->kind != HPL_STRING) {
		hpl_node_to_json(out, value);
		return;
	}
	hpl_node_to_json(&inner, tree);
	struct hpl_node text = {.kind = HPL_STRING, .str = {inner.data, inner.len}};
	if (inner.failed)
		out->failed = 1;
	else
		hpl_node_to_json(out, &text);
}

static int mask_tree(struct hpl_buf *out, const struct hpl_contract *c)
{
	const struct hpl_node *root = hpl_contract_root(c);
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	visit(c, blank_in_tree, NULL);
	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_entry *e = &root->map.entries[i];
		struct hpl_node key = {.kind = HPL_STRING, .str = {e->key, e->key_len}};
		const struct hpl_node *tree = strcmp(e->key, "workload") == 0 ?
			hpl_contract_workload(c) : strcmp(e->key, "env") == 0 ?
			hpl_contract_env(c) : NULL;
		hpl_buf_str(&b, i ? ",\n" : "{");
		hpl_node_to_json(&b, &key);
		hpl_buf_str(&b, ": ");
		add_section(&b, e->value, tree);
	}
	hpl_buf_str(&b, root->map.count ? "}\n" : "{}\n");
	if (b.failed || check(b.data, b.len) < 0)
		return -1;
	hpl_buf_add(out, b.data, b.len);
	return 0;
}

int hpl_mask_seeds(struct hpl_buf *out, const char *text, size_t len, struct hpl_err *err)
{
	struct hpl_contract *c = NULL;
	if (hpl_contract_read(&c, "contract", text, len, true, err) < 0)
		return -1;
	int rc = mask_text(out, c, text, len);
	if (rc < 0)
		rc = mask_tree(out, c);
	hpl_contract_free(c);
	if (rc < 0)
		return HPL_FAIL(err, 0, 0, "the contract without seeds does not read back");
	return out->failed ? HPL_OOM(err) : 0;
}

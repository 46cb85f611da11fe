/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/document.h"

#include <stdlib.h>

#include "runtime/crypto/token.h"
#include "runtime/tool/input.h"
#include "services/contract/tool/yaml_text.h"

enum { KEYS_MAX = 64 }; /* the limit of the reader of contracts */

static const char *const encrypted[] = {"workload", "env", "attestationPublicKey"};

void hpl_document_done(struct hpl_document *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free(d->members[i].key);
		hpl_buf_done(&d->members[i].text);
	}
	free(d->members);
	*d = HPL_DOCUMENT_NULL;
}

enum hpl_form hpl_form_of(const char *text, size_t len, struct hpl_err *err)
{
	static const char *const keys[] = {"workload", "env", "attestationPublicKey",
		"envWorkloadSignature"};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *root;
	const char *type;

	if (err)
		err->text[0] = '\0';
	if (hpl_token_looks_like(text, len))
		return HPL_FORM_TOKEN;
	if (hpl_yaml_read(&doc, text, len, &hpl_contract_limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return HPL_FORM_OTHER;
	root = hpl_doc_root(doc);
	type = hpl_node_get_str(root, "type"); /* env is also a key of sections */
	if (hpl_streq(type, "workload") || hpl_streq(type, "env"))
		return HPL_FORM_SECTION;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(keys); i++) {
		if (hpl_node_get(root, keys[i]))
			return HPL_FORM_CONTRACT;
	}
	return HPL_FORM_OTHER;
}

static struct hpl_member *add_member(struct hpl_document *d, const char *key)
{
	struct hpl_member *m = reallocarray(d->members, d->count + 1, sizeof(*m));
	if (!m)
		return NULL;
	d->members = m;
	m += d->count;
	*m = (struct hpl_member){.key = strdup(key), .text.wipe = 1};
	if (!m->key)
		return NULL;
	d->count++;
	return m;
}

int hpl_document_read(struct hpl_document *ret, const char *text, size_t len, struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *root;

	if (hpl_yaml_read(&doc, text, len, &hpl_contract_limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return -1;
	root = hpl_doc_root(doc);
	if (root->kind != HPL_MAP)
		return HPL_FAIL(err, 0, 0, "the contract is no mapping of keys to values");
	if (root->map.count > KEYS_MAX)
		return HPL_FAIL(err, 0, 0, "more than %d keys at the top", KEYS_MAX);
	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_node *n = root->map.entries[i].value;
		struct hpl_member *m = add_member(ret, root->map.entries[i].key);
		if (!m)
			return HPL_OOM(err);
		m->is_text = n->kind == HPL_STRING;
		if (m->is_text)
			hpl_buf_add(&m->text, n->str.text, n->str.len);
		else if (hpl_yaml_source(&m->text, text, len, root, i, err) < 0)
			return -1;
		if (m->text.failed)
			return HPL_OOM(err);
		m->is_token = m->is_text && hpl_token_looks_like(n->str.text, n->str.len);
	}
	return 0;
}

struct hpl_member *hpl_document_find(const struct hpl_document *d, const char *key)
{
	for (size_t i = 0; i < d->count; i++) {
		if (strcmp(d->members[i].key, key) == 0)
			return &d->members[i];
	}
	return NULL;
}

int hpl_document_set(struct hpl_document *d, const char *key, const char *text, size_t len,
	struct hpl_err *err)
{
	struct hpl_member *m = hpl_document_find(d, key);
	if (!m)
		m = add_member(d, key);
	if (!m)
		return HPL_OOM(err);
	hpl_buf_done(&m->text);
	m->text = (struct hpl_buf){.wipe = 1};
	hpl_buf_add(&m->text, text, len);
	m->is_text = true;
	m->is_token = hpl_token_looks_like(text, len);
	return m->text.failed ? HPL_OOM(err) : 0;
}

static int by_key(const void *a, const void *b)
{
	const struct hpl_member *x = a, *y = b;
	return strcmp(x->key, y->key);
}

int hpl_document_write(struct hpl_buf *out, const struct hpl_document *d, struct hpl_err *err)
{
	if (d->count)
		qsort(d->members, d->count, sizeof(*d->members), by_key);
	for (size_t i = 0; i < d->count; i++) {
		const struct hpl_member *m = &d->members[i];
		if (out->len + m->text.len > HPL_TOOL_INPUT)
			return HPL_FAIL(err, 0, 0, "with %s the result has more than %d MiB, which no guest "
				"reads", m->key, HPL_TOOL_INPUT >> 20);
		if (!m->is_text)
			hpl_yaml_put_yaml(out, m->key, m->text.data, m->text.len);
		else if (hpl_yaml_put_text(out, m->key, m->text.len ? m->text.data : "", m->text.len,
			err) < 0)
			return -1;
	}
	return out->failed ? HPL_OOM(err) : 0;
}

int hpl_token_open(struct hpl_buf *out, const char *token, size_t len, const struct hpl_keys *keys,
	struct hpl_err *err)
{
	if (keys->count == 0)
		return HPL_FAIL(err, 0, 0, "no key was given");
	for (size_t i = 0; i < keys->count; i++) {
		if (hpl_token_decrypt(out, token, len, keys->items[i], err) == 0)
			return 0;
	}
	return -1;
}

int hpl_document_encrypt(struct hpl_document *d, const char *only, const char *prefix,
	EVP_PKEY *key, struct hpl_err *err)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(encrypted); i++) {
		_cleanup_buf_ struct hpl_buf token = HPL_BUF_NULL;
		struct hpl_member *m = hpl_document_find(d, encrypted[i]);
		if (!m || m->is_token || (only && strcmp(only, encrypted[i]) != 0))
			continue;
		if (hpl_token_encrypt(&token, prefix, m->text.len ? m->text.data : "", m->text.len, key,
			err) < 0)
			return HPL_WRAP(err, 0, "%s", encrypted[i]);
		if (hpl_document_set(d, encrypted[i], token.data, token.len, err) < 0)
			return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading user-data: three forms of a section (block text that is itself YAML, a mapping, a token)
 * become one tree. The text of a section in a block is read with the place at which the block
 * stands in the file, so that a fault inside it points into the user's file.
 */
#include "schema/contract.h"

#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/token_form.h"
#include "schema/compose.h"

static const char *const TREES[2] = {"workload", "env"};

static int read_fault(struct hpl_contract *c, const char *path, struct hpl_pos pos,
	const char *keyword, const char *text, const char *cure, struct hpl_err *err)
{
	struct hpl_fault *f;
	int rc = hpl_faults_add(&f, &c->faults, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->text, sizeof(f->text), "%s", text);
	snprintf(f->cure, sizeof(f->cure), "%s", cure);
	f->msg = HPL_MSG_CONTRACT_VALIDATE_CONTRACT;
	f->pos = pos;
	f->keyword = keyword;
	return 0;
}

/* The reader gives a place as "line:col"; a fault holds numbers. */
static struct hpl_pos place_of(const struct hpl_err *e, struct hpl_pos fallback)
{
	struct hpl_pos p = fallback;
	if (sscanf(e->place, "%u:%u", &p.line, &p.col) != 2)
		return fallback;
	return p;
}

static bool is_token(const struct hpl_node *n)
{
	return n->kind == HPL_STRING && hpl_token_looks_like(n->str.text, n->str.len);
}

/* A section's text as a tree. What is wrong with it becomes a fault, the other section goes on. */
static int read_nested(struct hpl_contract *c, int which, const struct hpl_entry *e,
	const struct hpl_node **ret, struct hpl_err *err)
{
	const struct hpl_node *n = e->value;
	struct hpl_err why = HPL_ERR_NULL;
	struct hpl_pos origin = n->block ? n->content_pos : n->pos;
	uint32_t indent = n->block ? n->content_pos.col - 1 : HPL_PLACE_FIXED;

	if (hpl_yaml_read(&c->nested[which], n->str.text, n->str.len, &hpl_contract_limits, origin, indent,
		&why) == 0) {
		*ret = hpl_doc_root(c->nested[which]);
		return 0;
	}
	if (why.sys == ENOMEM) {
		*err = why;
		return -1;
	}
	if (read_fault(c, TREES[which], place_of(&why, e->pos), "yaml", why.text, why.cure, err) < 0)
		return -1;
	if (why.msg && c->faults.count) {
		struct hpl_fault *f = &c->faults.items[c->faults.count - 1];
		f->msg = why.msg;
		if (why.msg == HPL_MSG_CONTRACT_DUPLICATE_KEY)
			f->fix = HPL_FIX_REMOVE;
	}
	return 0;
}

static int read_section(struct hpl_contract *c, int which, const struct hpl_entry *e,
	struct hpl_node **ret_value, struct hpl_err *err)
{
	const struct hpl_node *tree = e->value;
	if (is_token(e->value)) {
		tree = NULL;
		if (!c->allow_tokens && read_fault(c, TREES[which], e->pos, "token",
			"is an encrypted section that was not decrypted",
			"encrypt the section with the encryption certificate of this image", err) < 0)
			return -1;
	} else if (e->value->kind == HPL_STRING) {
		tree = NULL;
		if (read_nested(c, which, e, &tree, err) < 0)
			return -1;
	}
	if (tree && tree->kind == HPL_MAP) {
		*(which ? &c->env : &c->workload) = tree;
	} else if (tree && read_fault(c, TREES[which], tree->kind == HPL_NULL ? e->pos : tree->pos,
		"type", tree->kind == HPL_NULL ? "is empty, must hold a mapping" :
		"holds no mapping of keys to values",
		"write the section as a mapping, as a block (|) that holds one, or as a token",
		err) < 0) {
		return -1;
	}
	*ret_value = tree && tree->kind == HPL_MAP ? (struct hpl_node *)tree : NULL;
	return 0;
}

/* Other tokens (attestationPublicKey, ...) were either decrypted or are left: not for the schema. */
static int read_other(struct hpl_contract *c, const struct hpl_entry *e,
	struct hpl_node **ret_value, struct hpl_err *err)
{
	*ret_value = e->value;
	if (!is_token(e->value))
		return 0;
	*ret_value = NULL;
	if (c->allow_tokens)
		return 0;
	return read_fault(c, e->key, e->pos, "token", "is encrypted and was not decrypted",
		"encrypt it with the encryption certificate of this image", err);
}

static int read_root(struct hpl_contract *c, const struct hpl_node *root, struct hpl_err *err)
{
	size_t count = root->map.count, used = 0;
	if (count > HPL_SECTION_KEYS) {
		HPL_FAIL(err, HPL_MSG_BOOTLOADER_INVALID_CONTRACT, 0, "more than %d keys at the top",
			HPL_SECTION_KEYS);
		hpl_err_cure(err, "a contract has workload, env and a few more");
		return -1;
	}
	c->sections = calloc(count + 1, sizeof(*c->sections));
	c->entries = calloc(count + 1, sizeof(*c->entries));
	if (!c->sections || !c->entries)
		return HPL_OOM(err);
	for (size_t i = 0; i < count; i++) {
		const struct hpl_entry *e = &root->map.entries[i];
		struct hpl_node *value = NULL;
		int which = strcmp(e->key, TREES[0]) == 0 ? 0 : strcmp(e->key, TREES[1]) == 0 ? 1 : -1;
		int rc = which >= 0 ? read_section(c, which, e, &value, err) :
			read_other(c, e, &value, err);
		if (rc < 0)
			return -1;
		c->sections[c->section_count++] = (struct hpl_section){e->key,
			is_token(e->value), e->value->block ? e->value->content_pos : e->value->pos};
		if (value) {
			c->entries[used] = *e;
			c->entries[used++].value = value;
		}
	}
	c->whole = (struct hpl_node){.kind = HPL_MAP, .pos = root->pos,
		.map = {c->entries, used}};
	return 0;
}

static const char *kind_of_root(const struct hpl_node *root)
{
	return root->kind == HPL_NULL ? "is empty" : root->kind == HPL_STRING ?
		"is plain text, not a mapping of keys to values" :
		"is no mapping of keys to values";
}

static int fill(struct hpl_contract *c, const char *file, const char *text, size_t len,
	struct hpl_err *err)
{
	c->file = strdup(file);
	if (!c->file)
		return HPL_OOM(err);
	struct hpl_err why = HPL_ERR_NULL;
	if (hpl_yaml_read(&c->doc, text, len, &hpl_contract_limits, (struct hpl_pos){1, 1}, 0, &why) < 0) {
		struct hpl_pos p = place_of(&why, (struct hpl_pos){1, 1});
		if (err)
			*err = why;
		if (err && !err->msg) /* in a guest it is the bootloader that says so */
			err->msg = HPL_MSG_BOOTLOADER_INVALID_CONTRACT;
		if (err)
			err->place[0] = '\0';
		hpl_err_place(err, "%s:%u:%u", file, p.line, p.col);
		return -1;
	}
	const struct hpl_node *root = hpl_doc_root(c->doc);
	if (root->kind != HPL_MAP) {
		HPL_FAIL(err, HPL_MSG_BOOTLOADER_INVALID_CONTRACT, 0, "the contract %s", kind_of_root(root));
		hpl_err_place(err, "%s:%u:%u", file, root->pos.line, root->pos.col);
		hpl_err_cure(err, "a contract is YAML with the keys workload and env");
		return -1;
	}
	return read_root(c, root, err);
}

int hpl_contract_read(struct hpl_contract **ret, const char *file, const char *text, size_t len,
	bool allow_tokens, struct hpl_err *err)
{
	struct hpl_contract *c = calloc(1, sizeof(*c));
	if (!c)
		return HPL_OOM(err);
	c->allow_tokens = allow_tokens;
	if (fill(c, file, text, len, err) < 0) {
		hpl_contract_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void hpl_contract_free(struct hpl_contract *c)
{
	if (!c)
		return;
	hpl_doc_free(c->nested[0]);
	hpl_doc_free(c->nested[1]);
	hpl_doc_free(c->doc);
	hpl_faults_done(&c->faults);
	free(c->sections);
	free(c->entries);
	free(c->file);
	free(c);
}

const struct hpl_node *hpl_contract_workload(const struct hpl_contract *c)
{
	return c->workload;
}

const struct hpl_node *hpl_contract_env(const struct hpl_contract *c)
{
	return c->env;
}

const struct hpl_node *hpl_contract_root(const struct hpl_contract *c)
{
	return hpl_doc_root(c->doc);
}

const char *hpl_contract_value(const struct hpl_contract *c, const char *key, size_t *ret_len)
{
	const struct hpl_node *n = hpl_node_get(hpl_doc_root(c->doc), key);
	if (!n || n->kind != HPL_STRING)
		return NULL;
	*ret_len = n->str.len;
	return n->str.text;
}

size_t hpl_contract_sections(const struct hpl_contract *c, const struct hpl_section **ret)
{
	*ret = c->sections;
	return c->section_count;
}

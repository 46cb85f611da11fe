// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/sections.h"

#include <errno.h>

#include "proto/messages.h"
#include "runtime/crypto/token.h"
#include "schema/breaks.h"
#include "schema/node.h"
#include "services/bootloader/yamlout.h"

/* what became of one entry */
struct opened {
	bool token, open;
	struct hpl_buf text;
};

static void opened_done(struct opened *o, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hpl_buf_done(&o[i].text);
	free(o);
}

/* Text that YAML cannot carry (NUL, no UTF-8) is no section: it counts as not opened, with the same
 * outcome as a wrong key, so that nothing is learnt from the difference. */
static void open_token(struct opened *o, const struct hpl_node *value, EVP_PKEY *key)
{
	o->token = value->kind == HPL_STRING &&
		   hpl_token_looks_like(value->str.text, value->str.len);
	if (!o->token)
		return;
	if (hpl_token_decrypt(&o->text, value->str.text, value->str.len, key, NULL) == 0 &&
		hpl_yaml_text_fits(o->text.data ? o->text.data : "", o->text.len))
		o->open = true;
	else
		hpl_buf_done(&o->text);
}

static int section_hash(struct hpl_sha256 *ret, const struct hpl_node *value, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf json = {.wipe = 1};

	if (value->kind == HPL_STRING) {
		size_t n = value->str.len;
		if (n && value->str.text[n - 1] == '\n')
			n--;
		return hpl_measure_bytes(ret, value->str.text, n, err);
	}
	hpl_node_to_json(&json, value);
	if (json.failed)
		return HPL_OOM(err);
	return hpl_measure_bytes(ret, json.data, json.len, err);
}

/* The known names first and in one order, so that two boots give the same record; then the rest. */
static int list_sections(struct hpl_sections *s, const struct hpl_node *root, struct hpl_err *err)
{
	static const char *const known[] = {"workload", "env", "envWorkloadSignature",
		"attestationPublicKey"};
	bool done[HPL_SECTION_LIMIT] = {0};

	for (size_t k = 0; k <= HPL_ARRAY_SIZE(known); k++) {
		for (size_t i = 0; i < root->map.count; i++) {
			const struct hpl_entry *e = &root->map.entries[i];
			if (done[i] || (k < HPL_ARRAY_SIZE(known) && !hpl_streq(e->key, known[k])))
				continue;
			struct hpl_record_section *r = &s->list[s->count];
			if (section_hash(&r->hash, e->value, err) < 0)
				return -1;
			r->name = strdup(e->key);
			if (!r->name)
				return HPL_OOM(err);
			s->count++;
			done[i] = true;
		}
	}
	return 0;
}

static void count_token(struct hpl_sections *s, const char *name, const struct opened *o)
{
	if (o->token && o->open)
		s->decrypted++;
	else if (o->token)
		s->ignored++;
	if (o->token && !o->open && !s->refused)
		s->refused = hpl_streq(name, "workload") ? "workload" : hpl_streq(name, "env") ? "env" : NULL;
}

static void take_auditor_key(struct hpl_sections *s, const struct hpl_node *value,
	const struct opened *o)
{
	s->has_key = true;
	if (o->open)
		hpl_buf_add(&s->attestation_key, o->text.data, o->text.len);
	else if (!o->token && value->kind == HPL_STRING)
		hpl_buf_add(&s->attestation_key, value->str.text, value->str.len);
}

static void write_line_form(struct hpl_buf *out, const char *text, size_t len,
	const struct hpl_node *root, const struct opened *opened)
{
	size_t at = 0;

	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_entry *e = &root->map.entries[i];
		size_t end = i + 1 < root->map.count
				     ? hpl_yaml_line_start(text, len, root->map.entries[i + 1].pos.line)
				     : len;
		if (opened[i].open) {
			size_t begin = hpl_yaml_line_start(text, len, e->pos.line);
			hpl_buf_add(out, text + at, begin - at);
			hpl_yaml_write_text(out, e->key, e->key_len, opened[i].text.data,
				opened[i].text.len);
		} else {
			hpl_buf_add(out, text + at, end - at);
		}
		at = end;
	}
}

static void write_again(struct hpl_buf *out, const struct hpl_node *root,
	const struct opened *opened)
{
	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_entry *e = &root->map.entries[i];
		if (opened[i].open)
			hpl_yaml_write_text(out, e->key, e->key_len, opened[i].text.data,
				opened[i].text.len);
		else if (e->value->kind == HPL_STRING)
			hpl_yaml_write_text(out, e->key, e->key_len, e->value->str.text,
				e->value->str.len);
		else
			hpl_yaml_write_node(out, e->key, e->key_len, e->value);
	}
}

/* What was written must read back as what was meant: the same keys, the same section texts. */
static int check_text(const struct hpl_buf *text, const struct hpl_node *root,
	const struct opened *opened, struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	/* sections that were opened make it longer than what was delivered */
	struct hpl_reader_limits limits = {.bytes = HPL_BUF_LIMIT, .aliases = hpl_contract_limits.aliases};

	if (hpl_yaml_read(&doc, text->data, text->len, &limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return HPL_WRAP(err, 0, "the decrypted text does not read back");
	const struct hpl_node *again = hpl_doc_root(doc);
	if (!again || again->kind != HPL_MAP || again->map.count != root->map.count)
		return HPL_FAIL(err, 0, 0, "the decrypted text does not read back as the same sections");
	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_entry *a = &root->map.entries[i], *b = &again->map.entries[i];
		const struct hpl_node *v = a->value;
		const char *want = opened[i].open ? opened[i].text.data : v->str.text;
		size_t n = opened[i].open ? opened[i].text.len : v->str.len;

		if (!hpl_streq(a->key, b->key) || (opened[i].open ? HPL_STRING : v->kind) != b->value->kind)
			return HPL_FAIL(err, 0, 0, "section %zu reads back as another one", i + 1);
		if (b->value->kind == HPL_STRING &&
			(b->value->str.len != n || (n && memcmp(b->value->str.text, want, n) != 0)))
			return HPL_FAIL(err, 0, 0, "section %zu reads back with another text", i + 1);
	}
	return 0;
}

static int open_all(struct hpl_sections *s, const char *text, size_t len,
	const struct hpl_node *root, struct opened *opened, EVP_PKEY *key, struct hpl_err *err)
{
	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_entry *e = &root->map.entries[i];
		open_token(&opened[i], e->value, key);
		count_token(s, e->key, &opened[i]);
		if (hpl_streq(e->key, "attestationPublicKey"))
			take_auditor_key(s, e->value, &opened[i]);
	}
	if (list_sections(s, root, err) < 0)
		return -1;
	s->text.wipe = 1;
	if (hpl_node_is_lines(root)) {
		write_line_form(&s->text, text, len, root, opened);
		if (!s->text.failed && check_text(&s->text, root, opened, NULL) == 0)
			return s->attestation_key.failed ? HPL_OOM(err) : 0;
		hpl_buf_done(&s->text); /* rare YAML, e.g. an indentation that lines do not show */
		s->text.wipe = 1;
	}
	write_again(&s->text, root, opened);
	if (s->text.failed || s->attestation_key.failed)
		return HPL_OOM(err);
	return check_text(&s->text, root, opened, err);
}

static int invalid(struct hpl_err *err, const char *text)
{
	hpl_err_set(err, __func__, HPL_MSG_BOOTLOADER_INVALID_CONTRACT, 0, "%s", text);
	hpl_err_place(err, "user-data");
	hpl_err_cure(err, "user-data must be the contract: a YAML mapping with workload and env");
	return -1;
}

static int is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return 0;
	return 1;
}

int hpl_sections_open(struct hpl_sections *ret, const char *user_data, size_t len, EVP_PKEY *key,
	struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	struct hpl_sections s = {.attestation_key = {.wipe = 1}};
	struct hpl_err e = HPL_ERR_NULL;

	if (is_blank(user_data, len))
		return invalid(err, "user-data is empty");
	if (hpl_yaml_read(&doc, user_data, len, &hpl_contract_limits, (struct hpl_pos){1, 1}, 0, &e) < 0) {
		hpl_err_set(err, __func__, e.msg ? e.msg : HPL_MSG_BOOTLOADER_INVALID_CONTRACT, 0, "%s",
			e.text);
		if (e.cure[0])
			hpl_err_cure(err, "%s", e.cure);
		if (e.place[0])
			hpl_err_place(err, "user-data:%s", e.place);
		else
			hpl_err_place(err, "user-data");
		return -1;
	}
	const struct hpl_node *root = hpl_doc_root(doc);
	if (!root || root->kind != HPL_MAP || root->map.count == 0)
		return invalid(err, "user-data is no YAML mapping");
	if (root->map.count > HPL_SECTION_LIMIT)
		return invalid(err, "user-data has more than 64 top-level keys");

	struct opened *opened = calloc(root->map.count, sizeof(*opened));
	if (!opened)
		return HPL_OOM(err);
	int r = open_all(&s, user_data, len, root, opened, key, err);
	opened_done(opened, root->map.count);
	if (r < 0)
		hpl_sections_done(&s);
	else
		*ret = s;
	return r;
}

void hpl_sections_done(struct hpl_sections *s)
{
	hpl_buf_done(&s->text);
	hpl_buf_done(&s->attestation_key);
	for (size_t i = 0; i < s->count; i++)
		free((char *)s->list[i].name);
	*s = (struct hpl_sections){0};
}

int hpl_sections_auditor_key(EVP_PKEY **ret, const struct hpl_sections *s, struct hpl_err *err)
{
	struct hpl_err e = HPL_ERR_NULL;
	EVP_PKEY *key = NULL;
	const char *text = NULL;

	if (s->attestation_key.len == 0)
		text = "it is empty, no text, or a token that this image cannot open";
	else if (hpl_public_key_parse(&key, NULL, s->attestation_key.data, s->attestation_key.len, &e) < 0)
		text = e.text;
	else if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < 2048)
		text = "it is no RSA key of 2048 bits or more";
	if (!text) {
		*ret = key;
		return 0;
	}
	EVP_PKEY_free(key);
	hpl_err_set(err, __func__, HPL_MSG_BOOTLOADER_ENCRYPT_ATTESTATION, 0, "%s", text);
	hpl_err_place(err, "user-data attestationPublicKey");
	hpl_err_cure(err, "give an RSA public key as PEM, base64 of PEM, or a token holding one of them");
	return -1;
}

static bool is_hostname(const char *s)
{
	size_t label = 0, len = strlen(s);

	if (len == 0 || len > 64 || s[len - 1] == '-')
		return false;
	for (; *s; s++) {
		bool alnum = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			     (*s >= '0' && *s <= '9');
		if (*s == '.' ? (label == 0 || s[-1] == '-') : !alnum && !(*s == '-' && label))
			return false;
		label = *s == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

int hpl_hostname_parse(char *out, size_t size, const char *meta_data, size_t len,
	struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	struct hpl_reader_limits limits = {.bytes = 1 << 20};

	if (is_blank(meta_data, len) ||
		hpl_yaml_read(&doc, meta_data, len, &limits, (struct hpl_pos){1, 1}, 0, NULL) < 0)
		return 1;
	const struct hpl_node *root = hpl_doc_root(doc);
	const struct hpl_node *name =
		root && root->kind == HPL_MAP ? hpl_node_get(root, "local-hostname") : NULL;
	if (!name)
		return 1;
	const char *text = name->kind == HPL_STRING ? name->str.text : name->scalar;
	if (!text || !is_hostname(text) || strlen(text) >= size)
		return HPL_FAIL(err, HPL_MSG_BOOTLOADER_HOSTNAME_IGNORED, 0,
			"local-hostname of meta-data is no host name");
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

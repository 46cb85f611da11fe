/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening puts the decrypted text of a section in its token's place, as a block (key: |2), and
 * leaves every other line as it is: so the library that reads contracts sees one text, as it does
 * in the guest, and places are mapped back by lines. A contract whose keys do not stand at the
 * beginnings of lines (JSON) is written anew; its places are those of its keys.
 */
#include "services/contract/tool/opened.h"

#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/token_form.h"
#include "runtime/base/utf8.h"
#include "runtime/crypto/keys.h"
#include "runtime/crypto/token.h"
#include "runtime/tool/input.h"
#include "runtime/tool/output.h"
#include "schema/breaks.h"

enum { INDENT = 2, SECTIONS = 64 /* the limit of the reader of contracts */ };

/* From this line of the text on, until the next span. */
struct hpl_opened_span {
	uint32_t from;            /* line, from 1 */
	const char *section;      /* a section in clear that was a token; NULL: the file's own text */
	int64_t shift;            /* line in what the user has = line in the text + shift */
	uint32_t indent;          /* columns that were put in front */
	struct hpl_pos fixed;     /* line not 0: everything is there */
};

static const char CLOSED[] = HPL_TOKEN_PREFIX ".AAAA.AAAA"; /* has the form of a token, is none */

static uint32_t count_lines(const char *text, size_t len)
{
	uint32_t n = 0;
	for (size_t at = 0; at < len; n++) {
		at = hpl_yaml_line_end(text, len, at);
		if (at < len)
			at += hpl_yaml_break(text + at, len - at);
	}
	return n;
}

/* ---- writing the text ---- */

static int add_span(struct hpl_opened *o, struct hpl_opened_span span, struct hpl_err *err)
{
	struct hpl_opened_span *p = reallocarray(o->spans, o->span_count + 1, sizeof(*p));
	if (!p)
		return HPL_OOM(err);
	o->spans = p;
	p[o->span_count++] = span;
	return 0;
}

/* Can it be a block, so that its lines stay lines? Else it is no text of YAML that people write. */
static bool fits_block(const char *text, size_t len)
{
	const unsigned char *u = (const unsigned char *)text;
	for (size_t i = 0; i < len;) {
		size_t n = hpl_utf8_step(u + i, len - i);
		bool control = n == 1 && ((u[i] < 0x20 && !strchr("\t\n\r", u[i])) || u[i] == 0x7f);
		if (n == 0 || control || u[i] == 0 || (n == 2 && u[i] == 0xc2 && u[i + 1] < 0xa0) ||
			(n == 3 && hpl_yaml_break(text + i, len - i)))
			return false;
		i += n;
	}
	return true;
}

static void put_block(struct hpl_buf *out, const char *key, const char *text, size_t len)
{
	bool ends = len && hpl_yaml_break(text + len - 1, 1);
	hpl_buf_fmt(out, "%s: |%d%s\n", key, INDENT, ends ? "+" : "-");
	for (size_t at = 0; at < len;) {
		size_t end = hpl_yaml_line_end(text, len, at);
		hpl_buf_fmt(out, "%*s", INDENT, "");
		hpl_buf_add(out, text + at, end - at);
		hpl_buf_str(out, "\n");
		at = end < len ? end + hpl_yaml_break(text + end, len - end) : len;
	}
}

/* The decrypted text of an entry's token; empty and false when it does not open. */
static bool open_token(struct hpl_buf *ret, const struct hpl_entry *e, EVP_PKEY *key)
{
	const struct hpl_node *v = e->value;
	ret->wipe = 1;
	if (v->kind != HPL_STRING || !hpl_token_looks_like(v->str.text, v->str.len))
		return false;
	if (hpl_token_decrypt(ret, v->str.text, v->str.len, key, NULL) == 0 &&
		fits_block(ret->data ? ret->data : "", ret->len))
		return true;
	hpl_buf_done(ret);
	return false;
}

static int put_opened(struct hpl_opened *o, const struct hpl_entry *e, const struct hpl_buf *clear,
	struct hpl_err *err)
{
	uint32_t at = count_lines(o->text.data ? o->text.data : "", o->text.len) + 1;
	if (add_span(o, (struct hpl_opened_span){.from = at, .fixed = e->pos}, err) < 0 ||
		add_span(o, (struct hpl_opened_span){.from = at + 1, .section = e->key,
			.shift = -(int64_t)at, .indent = INDENT}, err) < 0)
		return -1;
	put_block(&o->text, e->key, clear->data ? clear->data : "", clear->len);
	return 0;
}

/* Entry i as the file has it: its lines, or, when it shares lines with others, as JSON. */
static int put_entry(struct hpl_opened *o, const struct hpl_node *root, size_t i, bool lines,
	struct hpl_err *err)
{
	const struct hpl_entry *e = &root->map.entries[i];
	const struct hpl_buf *d = &o->delivered_text;
	uint32_t at = count_lines(o->text.data ? o->text.data : "", o->text.len) + 1;

	if (lines) {
		size_t begin = hpl_yaml_line_start(d->data, d->len, e->pos.line);
		size_t end = i + 1 < root->map.count ?
			hpl_yaml_line_start(d->data, d->len, root->map.entries[i + 1].pos.line) : d->len;
		hpl_buf_add(&o->text, d->data + begin, end - begin);
		return add_span(o, (struct hpl_opened_span){.from = at,
			.shift = (int64_t)e->pos.line - at}, err);
	}
	struct hpl_node key = {.kind = HPL_STRING, .str = {e->key, e->key_len}};
	hpl_node_to_json(&o->text, &key);
	hpl_buf_str(&o->text, ": ");
	hpl_node_to_json(&o->text, e->value);
	hpl_buf_str(&o->text, "\n");
	return add_span(o, (struct hpl_opened_span){.from = at, .fixed = e->pos}, err);
}

static int open_tokens(struct hpl_opened *o, EVP_PKEY *key, struct hpl_err *err)
{
	const struct hpl_node *root = hpl_contract_root(o->delivered);
	const struct hpl_buf *d = &o->delivered_text;
	bool lines = hpl_node_is_lines(root);
	int rc = 0;

	if (lines && root->map.count) /* what stands before the first key */
		hpl_buf_add(&o->text, d->data, hpl_yaml_line_start(d->data, d->len, root->map.entries[0].pos.line));
	for (size_t i = 0; i < root->map.count && rc == 0; i++) {
		_cleanup_buf_ struct hpl_buf clear = HPL_BUF_NULL;
		if (open_token(&clear, &root->map.entries[i], key))
			rc = put_opened(o, &root->map.entries[i], &clear, err);
		else
			rc = put_entry(o, root, i, lines, err);
		if (o->text.len && o->text.data[o->text.len - 1] != '\n')
			hpl_buf_str(&o->text, "\n"); /* the file's last line may lack its end */
	}
	return rc < 0 || o->text.failed ? rc < 0 ? -1 : HPL_OOM(err) : 0;
}

/* ---- a section alone ---- */

/* Which section has this tree? By its type; a section may have a key env of its own. */
static const char *section_of(const struct hpl_node *root)
{
	const char *type = hpl_node_get_str(root, "type");
	if (hpl_node_get(root, "workload"))
		return NULL;
	return hpl_streq(type, "workload") ? "workload" : hpl_streq(type, "env") ? "env" : NULL;
}

static const char *section_of_text(const struct hpl_buf *text)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	if (hpl_yaml_read(&doc, text->data ? text->data : "", text->len, &hpl_contract_limits,
		(struct hpl_pos){1, 1}, 0, NULL) < 0)
		return NULL;
	return section_of(hpl_doc_root(doc));
}

static bool is_token(const struct hpl_buf *text)
{
	return text->len && hpl_token_looks_like(text->data, text->len);
}

/* The file's text as a contract with this section only, NULL: the one that the text says it is. */
static int put_section(struct hpl_opened *o, EVP_PKEY *key, struct hpl_err *err)
{
	static const char *const others[] = {"workload", "env"};
	const struct hpl_buf *text = &o->delivered_text;
	_cleanup_buf_ struct hpl_buf clear = {.wipe = 1};
	bool token = is_token(text), opened = false;

	if (token && key)
		opened = hpl_token_decrypt(&clear, text->data, text->len, key, NULL) == 0;
	if (opened)
		text = &clear;
	if (!o->section && (!token || opened))
		o->section = section_of_text(text);
	if (!o->section) {
		HPL_FAIL(err, HPL_MSG_CONTRACT_VALIDATE_CONTRACT, 0, "is one token");
		hpl_err_cure(err, "say with --section which section it is");
		return 1;
	}
	if (!fits_block(text->data ? text->data : "", text->len)) {
		HPL_FAIL(err, HPL_MSG_CONTRACT_VALIDATE_CONTRACT, 0,
			"is no text: it holds control characters or is not UTF-8");
		return 1;
	}
	put_block(&o->text, o->section, text->data ? text->data : "", text->len);
	if (add_span(o, (struct hpl_opened_span){.from = 1, .fixed = {1, 1}}, err) < 0 ||
		add_span(o, (struct hpl_opened_span){.from = 2, .shift = -1, .indent = INDENT,
			.section = opened ? o->section : NULL}, err) < 0)
		return -1;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(others); i++) {
		if (!hpl_streq(others[i], o->section))
			hpl_buf_fmt(&o->text, "%s: %s\n", others[i], CLOSED);
	}
	return o->text.failed ? HPL_OOM(err) : 0;
}

/* ---- reading ---- */

static void to_fault(struct hpl_fault *f, const struct hpl_err *why)
{
	const char *p = why->place + strlen(why->place);
	int colons = 0;

	*f = (struct hpl_fault){.msg = why->msg ? why->msg : HPL_MSG_CONTRACT_PARSE_CONTRACT,
		.keyword = "yaml"};
	snprintf(f->text, sizeof(f->text), "%.*s", (int)sizeof(f->text) - 1, why->text);
	snprintf(f->cure, sizeof(f->cure), "%.*s", (int)sizeof(f->cure) - 1, why->cure);
	if (why->msg == HPL_MSG_CONTRACT_DUPLICATE_KEY)
		f->fix = HPL_FIX_REMOVE;
	while (p > why->place && colons < 2)
		colons += *--p == ':';
	if (colons != 2 || sscanf(p, ":%u:%u", &f->pos.line, &f->pos.col) != 2)
		f->pos = (struct hpl_pos){0};
}

static bool has_token(const struct hpl_contract *c)
{
	const struct hpl_section *s;
	size_t n = hpl_contract_sections(c, &s);
	for (size_t i = 0; i < n; i++) {
		if (s[i].is_token)
			return true;
	}
	return false;
}

static int read_text(struct hpl_opened *o, EVP_PKEY *key, struct hpl_err *err)
{
	const struct hpl_buf *d = &o->delivered_text;

	if (o->section || is_token(d))
		return put_section(o, key, err);
	if (hpl_contract_read(&o->delivered, o->file, d->data ? d->data : "", d->len, true, err) < 0)
		return 1;
	o->section = section_of(hpl_contract_root(o->delivered));
	if (o->section) {
		hpl_contract_free(TAKE(o->delivered));
		return put_section(o, key, err);
	}
	return key && has_token(o->delivered) ? open_tokens(o, key, err) : 0;
}

static int read_again(struct hpl_opened *o, struct hpl_err *err)
{
	/* with a key, a token that is left is one that this key does not open: a fault */
	bool allow = !o->key || o->section;
	return hpl_contract_read(&o->contract, o->file, o->text.data ? o->text.data : "", o->text.len,
		allow, err) < 0;
}

/* What is in delivered_text. */
static int read_delivered(struct hpl_opened *o, const struct hpl_opened_options *opts,
	struct hpl_fault *ret_fault, struct hpl_err *err)
{
	struct hpl_err why = HPL_ERR_NULL;
	int rc;

	o->key = opts->key;
	o->section = opts->section;
	rc = read_text(o, opts->key, &why);
	if (rc == 0 && o->text.len == 0) {
		if (add_span(o, (struct hpl_opened_span){.from = 1}, &why) < 0)
			rc = -1;
		o->contract = o->delivered; /* nothing was opened */
	} else if (rc == 0) {
		rc = read_again(o, &why);
	}
	if (rc < 0 || why.sys == ENOMEM) {
		*err = why;
		return -1;
	}
	if (rc)
		to_fault(ret_fault, &why);
	return rc;
}

int hpl_opened_read(struct hpl_opened *ret, const char *file, const struct hpl_opened_options *o,
	struct hpl_fault *ret_fault, struct hpl_err *err)
{
	struct hpl_err why = HPL_ERR_NULL;

	*ret = (struct hpl_opened){.file = strcmp(file, "-") == 0 ? "standard input" : file,
		.delivered_text.wipe = 1, .text.wipe = 1};
	if (hpl_tool_read(&ret->delivered_text, file, HPL_TOOL_INPUT, &why) == 0)
		return read_delivered(ret, o, ret_fault, err);
	if (why.sys != EFBIG) {
		*err = why;
		return -1;
	}
	/* not a wrong call: the contract is at fault, as in the guest */
	why.msg = HPL_MSG_CONTRACT_SIZE;
	hpl_err_cure(&why, "%s", hpl_msg_info(HPL_MSG_CONTRACT_SIZE)->action);
	to_fault(ret_fault, &why);
	return 1;
}

int hpl_opened_text(struct hpl_opened *ret, const char *name, const void *text, size_t len,
	const struct hpl_opened_options *o, struct hpl_fault *ret_fault, struct hpl_err *err)
{
	*ret = (struct hpl_opened){.file = name, .delivered_text.wipe = 1, .text.wipe = 1};
	hpl_buf_add(&ret->delivered_text, text, len);
	if (ret->delivered_text.failed)
		return HPL_OOM(err);
	return read_delivered(ret, o, ret_fault, err);
}

void hpl_opened_done(struct hpl_opened *o)
{
	if (o->delivered != o->contract)
		hpl_contract_free(o->delivered);
	hpl_contract_free(o->contract);
	hpl_buf_done(&o->delivered_text);
	hpl_buf_done(&o->text);
	free(o->spans);
	*o = HPL_OPENED_NULL;
}

const char *hpl_opened_closed(const struct hpl_opened *o, size_t n)
{
	const struct hpl_section *s;
	size_t count = o->contract ? hpl_contract_sections(o->contract, &s) : 0;
	for (size_t i = 0; i < count; i++) {
		if (s[i].is_token && (!o->section || hpl_streq(s[i].name, o->section)) && n-- == 0)
			return s[i].name;
	}
	return NULL;
}

/* ---- places ---- */

static void line_of(struct hpl_opened_place *ret, const struct hpl_buf *text, uint32_t line,
	uint32_t indent)
{
	size_t at = hpl_yaml_line_start(text->data ? text->data : "", text->len, line), end;
	if (at >= text->len)
		return;
	end = hpl_yaml_line_end(text->data, text->len, at);
	at = at + indent < end ? at + indent : end;
	ret->line = text->data + at;
	ret->line_len = end - at;
}

void hpl_opened_place(struct hpl_opened_place *ret, const struct hpl_opened *o, struct hpl_pos pos)
{
	const struct hpl_opened_span *s = NULL;
	const struct hpl_buf *text = o->text.len ? &o->text : &o->delivered_text;

	for (size_t i = 0; i < o->span_count && o->spans[i].from <= pos.line; i++)
		s = &o->spans[i];
	*ret = (struct hpl_opened_place){.pos = pos};
	snprintf(ret->file, sizeof(ret->file), "%s", o->file);
	if (pos.line == 0)
		return;
	if (s && s->fixed.line) {
		ret->pos = s->fixed;
		line_of(ret, &o->delivered_text, s->fixed.line, 0);
		return;
	}
	line_of(ret, text, pos.line, s ? s->indent : 0);
	if (!s)
		return;
	ret->pos.line = (uint32_t)(pos.line + s->shift);
	ret->pos.col = pos.col > s->indent ? pos.col - s->indent : 1;
	if (s->section && o->section)
		snprintf(ret->file, sizeof(ret->file), "%s (decrypted)", o->file);
	else if (s->section)
		snprintf(ret->file, sizeof(ret->file), "%s (%s, decrypted)", o->file, s->section);
}

/* ---- the key ---- */

int hpl_opened_key(EVP_PKEY **ret, const struct hpl_tool_call *c)
{
	const char *file = hpl_tool_value(c, "key"), *pass = hpl_tool_value(c, "passphrase-file");
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	_cleanup_secret_ struct hpl_secret passphrase = HPL_SECRET_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (!file && pass)
		return hpl_tool_usage_error(c->verb, "--passphrase-file goes with --key");
	if (!file)
		return HPL_EXIT_GOOD;
	if (hpl_tool_read(&text, file, HPL_KEY_BYTES, &err) < 0 ||
		(pass && hpl_tool_read_passphrase(&passphrase, pass, &err) < 0))
		return hpl_tool_fail(c, &err, HPL_EXIT_CALL);
	if (hpl_private_key_parse(ret, text.data ? text.data : "", text.len, pass ? &passphrase : NULL,
		&err) < 0) {
		HPL_WRAP(&err, 0, "%s", file);
		return hpl_tool_fail(c, &err, HPL_EXIT_CALL);
	}
	return HPL_EXIT_GOOD;
}

int hpl_opened_argument(struct hpl_opened *ret, const struct hpl_tool_call *c, const char *section,
	struct hpl_fault *ret_fault)
{
	struct hpl_opened_options options = {.section = section};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_opened_key(&options.key, c);

	if (rc != HPL_EXIT_GOOD)
		return rc;
	rc = hpl_opened_read(ret, c->args[0], &options, ret_fault, &err);
	EVP_PKEY_free(options.key);
	if (rc < 0)
		return hpl_tool_fail(c, &err, HPL_EXIT_CALL);
	return rc ? HPL_EXIT_BAD : HPL_EXIT_GOOD;
}

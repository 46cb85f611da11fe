/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A contract for people's eyes. What is shown is listed by key; everything else is replaced by what it
 * is and how long, so that a key that nobody thought of does not give its value away.
 */
#include <ctype.h>
#include <stdio.h>

#include "runtime/base/token_form.h"
#include "runtime/base/utf8.h"
#include "runtime/tool/output.h"
#include "services/contract/tool/opened.h"
#include "services/contract/tool/summary.h"
#include "services/contract/tool/verbs.h"
#include "tool-spec.h"

enum how { MASK, SHOW, KEY, ARCHIVE, LENGTH };

/* Where in the contract a value stands. */
enum zone {
	TOP, SECTION,
	VARIABLES,       /* workload.env, env.env: the keys are names that people chose */
	CACERTS,
	POD, POD_DATA,   /* Kubernetes: everything may be seen but what gives the workload its data */
	HIDDEN,          /* beneath a secret, whatever people put there */
	OTHER,           /* by key */
};

struct printing {
	struct hpl_buf out;
	bool values;      /* --env-values */
};

static const struct {
	const char *key;
	enum how how;
} known[] = {
	{"type", SHOW}, {"mount", SHOW}, {"filesystem", SHOW}, {"username", SHOW}, {"hostname", SHOW},
	{"port", SHOW}, {"tags", SHOW}, {"notary", SHOW}, {"volumeName", SHOW}, {"volumeID", SHOW},
	{"crn", SHOW}, {"kmsTimeout", SHOW}, {"address", SHOW}, {"uv-secret-id", SHOW},
	{"uv-previous-secret-id", SHOW}, {"description", SHOW}, {"imageNames", SHOW},
	{"imagePatterns", SHOW}, {"lock", SHOW}, {"domain-id", SHOW}, {"mkvp", SHOW}, {"layout", SHOW},
	{"insecure", SHOW},
	{"server", KEY}, {"cert", KEY}, {"signingKey", KEY}, {"publicKey", KEY}, {"caCert", KEY},
	{"clientCert", KEY}, {"attestationPublicKey", KEY}, {"verificationKey", KEY},
	{"archive", ARCHIVE},
	{"envWorkloadSignature", LENGTH}, {"host-key-doc", LENGTH}, {"sehdr", LENGTH}, {"policy", LENGTH},
};

static bool is_one_of(const char *key, const char *const *names)
{
	while (*names && strcmp(*names, key) != 0)
		names++;
	return *names;
}

static enum zone zone_of(enum zone above, const char *key)
{
	static const char *const sections[] = {"workload", "env", NULL};
	static const char *const secrets[] = {"seed", "previousSeed", "password", "apiKey", "iamApiKey",
		"ingestionKey", "key", "clientKey", "decryptionKey", "metadata", NULL};
	static const char *const pods[] = {"resources", "templates", NULL};
	static const char *const data[] = {"value", "data", "binaryData", "stringData", "command",
		"args", NULL};

	switch (above) {
	case TOP:
		return is_one_of(key, sections) ? SECTION : OTHER;
	case SECTION:
		return strcmp(key, "env") == 0 ? VARIABLES : strcmp(key, "cacerts") == 0 ? CACERTS : OTHER;
	case POD:
		return is_one_of(key, data) ? POD_DATA : POD;
	case OTHER:
		return is_one_of(key, secrets) ? HIDDEN : is_one_of(key, pods) ? POD : OTHER;
	default:
		return above;
	}
}

static enum how how_of(const struct printing *p, enum zone zone, const char *key)
{
	if (zone == POD)
		return SHOW;
	if (zone == VARIABLES || zone == POD_DATA)
		return p->values ? SHOW : MASK;
	if (zone == CACERTS)
		return KEY;
	for (size_t i = 0; zone != HIDDEN && i < HPL_ARRAY_SIZE(known); i++) {
		if (hpl_streq(key, known[i].key))
			return known[i].how;
	}
	return MASK;
}

/* ---- scalars ---- */

static bool is_plain(const char *s, size_t len)
{
	static const char *const words[] = {"true", "false", "null", "~", "True", "False", "Null",
		"TRUE", "FALSE", "NULL", "y", "n", "yes", "no", "on", "off"};
	if (len == 0 || strchr("-?:,[]{}#&*!|>'\"%@` ", s[0]) || isdigit((unsigned char)s[0]) ||
		strchr("+.", s[0]) || s[len - 1] == ' ' || s[len - 1] == ':')
		return false;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(words); i++) {
		if (strlen(words[i]) == len && strncmp(words[i], s, len) == 0)
			return false;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f || (s[i] == ':' && s[i + 1] == ' ') ||
			(s[i] == ' ' && i + 1 < len && s[i + 1] == '#'))
			return false;
	}
	return true;
}

static void put_text(struct hpl_buf *out, const char *s, size_t len)
{
	_cleanup_json_ struct hpl_json j = {.compact = true};
	if (is_plain(s, len)) {
		hpl_tool_escape(out, s, len);
		return;
	}
	hpl_json_string_n(&j, NULL, s, len); /* a JSON string is a YAML string */
	hpl_buf_str(out, j.buf.data ? j.buf.data : "\"\"");
}

static bool is_token(const struct hpl_node *n)
{
	return n->kind == HPL_STRING && hpl_token_looks_like(n->str.text, n->str.len);
}

static void put_scalar(struct printing *p, const struct hpl_node *n)
{
	if (n->kind == HPL_STRING)
		put_text(&p->out, n->str.text, n->str.len);
	else
		hpl_node_to_json(&p->out, n);
}

/* "<secret of 18 characters>" and the like: plain text of YAML, so written through put_text. */
static void put_masked(struct printing *p, const struct hpl_node *n, enum how how)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	const char *text = hpl_node_str(n);
	size_t len = text ? n->str.len : 0;

	hpl_buf_str(&b, "<");
	if (is_token(n))
		hpl_buf_fmt(&b, "encrypted, a token of %zu characters", len);
	else if (text && how == KEY)
		hpl_summary_key(&b, text, len);
	else if (text && how == ARCHIVE)
		hpl_summary_archive(&b, text, len);
	else if (text)
		hpl_buf_fmt(&b, "%s%zu characters", how == LENGTH ? "" : "hidden, ",
			hpl_utf8_count(text, len));
	else
		hpl_buf_fmt(&b, "hidden, %s", hpl_kind_name(n->kind));
	hpl_buf_str(&b, ">");
	put_text(&p->out, b.data ? b.data : "", b.len);
}

/* ---- the tree ---- */

static void put_map(struct printing *p, const struct hpl_node *n, enum zone zone, int indent,
	bool in_list);
static void put_list(struct printing *p, const struct hpl_node *n, enum zone zone, const char *key,
	int indent);

/* What stands behind "key:" or "-". key: the one whose value this is. */
static void put_value(struct printing *p, const struct hpl_node *n, enum zone zone, const char *key,
	int indent)
{
	enum how how = how_of(p, zone, key);

	if (n->kind == HPL_MAP && n->map.count) {
		hpl_buf_str(&p->out, "\n");
		put_map(p, n, zone, indent + 2, false);
		return;
	}
	if (n->kind == HPL_LIST && n->list.count) {
		hpl_buf_str(&p->out, "\n");
		put_list(p, n, zone, key, indent + 2);
		return;
	}
	hpl_buf_str(&p->out, " ");
	if (n->kind == HPL_MAP || n->kind == HPL_LIST)
		hpl_buf_str(&p->out, n->kind == HPL_MAP ? "{}" : "[]");
	else if (how == SHOW && !is_token(n))
		put_scalar(p, n);
	else
		put_masked(p, n, how);
	hpl_buf_str(&p->out, "\n");
}

static void put_map(struct printing *p, const struct hpl_node *n, enum zone zone, int indent,
	bool in_list)
{
	for (size_t i = 0; i < n->map.count; i++) {
		const struct hpl_entry *e = &n->map.entries[i];
		if (!in_list || i)
			hpl_buf_fmt(&p->out, "%*s", indent, "");
		put_text(&p->out, e->key, e->key_len);
		hpl_buf_str(&p->out, ":");
		put_value(p, e->value, zone_of(zone, e->key), e->key, indent);
	}
}

static void put_list(struct printing *p, const struct hpl_node *n, enum zone zone, const char *key,
	int indent)
{
	for (size_t i = 0; i < n->list.count; i++) {
		const struct hpl_node *item = n->list.items[i];
		hpl_buf_fmt(&p->out, "%*s-", indent, "");
		if (item->kind == HPL_MAP && item->map.count) {
			hpl_buf_str(&p->out, " ");
			put_map(p, item, zone, indent + 2, true);
		} else {
			put_value(p, item, zone, key, indent);
		}
	}
}

/* Top-level keys; a section's tree in the place of its text. */
static void put_contract(struct printing *p, const struct hpl_opened *o)
{
	const struct hpl_node *root = hpl_contract_root(o->contract);

	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_entry *e = &root->map.entries[i];
		const struct hpl_node *tree = strcmp(e->key, "workload") == 0 ?
			hpl_contract_workload(o->contract) : strcmp(e->key, "env") == 0 ?
			hpl_contract_env(o->contract) : NULL;
		if (o->section && strcmp(e->key, o->section) != 0)
			continue;
		put_text(&p->out, e->key, e->key_len);
		hpl_buf_str(&p->out, ":");
		put_value(p, tree ? tree : e->value, zone_of(TOP, e->key), e->key, 0);
	}
}

int hpl_verb_show(const struct hpl_tool_call *c)
{
	_cleanup_opened_ struct hpl_opened o = HPL_OPENED_NULL;
	struct printing p = {.out.wipe = 1, .values = hpl_tool_has(c, "env-values")};
	struct hpl_fault why;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_opened_argument(&o, c, hpl_tool_value(c, "section"), &why);

	if (rc == HPL_EXIT_CALL)
		return rc;
	if (rc == HPL_EXIT_BAD) {
		hpl_err_set(&err, __func__, why.msg, 0, "%s", why.text);
		hpl_err_place(&err, "%s:%u:%u", o.file, why.pos.line, why.pos.col);
		hpl_err_cure(&err, "%s", why.cure);
		return hpl_tool_fail(c, &err, HPL_EXIT_BAD);
	}
	put_contract(&p, &o);
	rc = hpl_tool_write(c, &p.out);
	hpl_buf_done(&p.out);
	return rc;
}

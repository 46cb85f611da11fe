/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling a schema document, and the run over a tree. */
#include "schema/schema.h"

#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "schema/validator.h"

/* Compiled schemas by their node, so that $ref finds them and recursion ends. */
struct known {
	const struct hpl_node *node;
	struct sub *sub;
};

struct compiler {
	struct hpl_schema *schema;
	const struct hpl_node *doc;
	struct known *known;            /* open addressing, size a power of two */
	size_t known_count, known_size;
	unsigned depth;
	struct hpl_err *err;
};

void *hpl_compile_alloc(struct compiler *k, size_t count, size_t size)
{
	void *p = hpl_arena_alloc(&k->schema->arena, count * size);
	if (!p)
		HPL_OOM(k->err);
	return p;
}

int hpl_compile_fail(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, const char *what)
{
	HPL_FAIL(k->err, 0, 0, "schema%s%s/%s: %s", *s->pointer ? " " : "", s->pointer, keyword, what);
	hpl_err_place(k->err, "%u:%u", arg->pos.line, arg->pos.col);
	return -1;
}

/* ---- known subschemas ---- */

static struct known *known_slot(struct known *table, size_t size, const struct hpl_node *node)
{
	size_t i = ((uintptr_t)node >> 4) * 0x9e3779b97f4a7c15u & (size - 1);
	while (table[i].node && table[i].node != node)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static int known_add(struct compiler *k, const struct hpl_node *node, struct sub *sub)
{
	if ((k->known_count + 1) * 2 > k->known_size) {
		size_t size = k->known_size ? k->known_size * 2 : 256;
		struct known *table = calloc(size, sizeof(*table));
		if (!table)
			return HPL_OOM(k->err);
		for (size_t i = 0; i < k->known_size; i++) {
			if (k->known[i].node)
				*known_slot(table, size, k->known[i].node) = k->known[i];
		}
		free(k->known);
		k->known = table;
		k->known_size = size;
	}
	*known_slot(k->known, k->known_size, node) = (struct known){node, sub};
	k->known_count++;
	return 0;
}

/* ---- compiling ---- */

static int refuse_missing(struct compiler *k, const struct sub *s)
{
	for (size_t i = 0; hpl_keywords_missing[i]; i++) {
		const struct hpl_node *arg = hpl_node_get(s->node, hpl_keywords_missing[i]);
		if (arg)
			return hpl_compile_fail(k, s, hpl_keywords_missing[i], arg,
				"this keyword is not supported");
	}
	return 0;
}

static int compile_unknown(struct compiler *k, struct sub *s)
{
	const struct hpl_node *arg = hpl_node_get(s->node, "x-unknown");

	if (!arg)
		return 0;
	if (hpl_streq(hpl_node_str(arg), "warn"))
		s->unknown = HPL_UNKNOWN_WARN;
	else if (hpl_streq(hpl_node_str(arg), "near"))
		s->unknown = HPL_UNKNOWN_NEAR;
	else
		return hpl_compile_fail(k, s, "x-unknown", arg, "must be \"warn\" or \"near\"");
	return 0;
}

static int compile_msg(struct compiler *k, struct sub *s)
{
	const struct hpl_node *arg = hpl_node_get(s->node, "x-msg");
	const char *id = hpl_node_str(arg);
	const struct hpl_msg_info *info = id ? hpl_msg_find(id) : NULL;

	if (!arg)
		return 0;
	if (!info || info->severity > HPL_SEV_ERR)
		return hpl_compile_fail(k, s, "x-msg", arg, "must be the id of an error");
	s->msg = (uint32_t)(info - hpl_msg_info(HPL_MSG_NONE));
	return 0;
}

static int compile_annotations(struct compiler *k, struct sub *s)
{
	const struct hpl_node *extension = hpl_node_get(s->node, "x-extension");
	const struct hpl_node *legacy = hpl_node_get(s->node, "x-legacy");

	s->expect = hpl_node_get_str(s->node, "x-expect");
	s->cure = hpl_node_get_str(s->node, "x-cure");
	s->keys = hpl_node_get_str(s->node, "x-keys");
	s->charset = hpl_node_get_str(s->node, "x-charset");
	s->said = hpl_node_get_str(s->node, "x-text");
	(void)hpl_node_get_bool(s->node, "x-template", &s->template);
	if (extension && extension->kind == HPL_STRING)
		s->extension = extension->str.text;
	else if (extension && extension->kind == HPL_BOOL && extension->boolean)
		s->extension = "";
	if (legacy && hpl_compile_child(k, s, "x-legacy", NULL, legacy, &s->legacy) < 0)
		return -1;
	return compile_unknown(k, s) < 0 ? -1 : compile_msg(k, s);
}

static int compile_keywords(struct compiler *k, struct sub *s)
{
	struct check found[64];
	unsigned count = 0;

	if (refuse_missing(k, s) < 0)
		return -1;
	if (compile_annotations(k, s) < 0)
		return -1;
	for (const struct keyword *w = hpl_keywords; w->name; w++) {
		const struct hpl_node *arg = hpl_node_get(s->node, w->name);
		if (!arg)
			continue;
		struct check c = {.fn = w->check, .kinds = w->kinds, .keyword = w, .sub = s,
			.arg = arg};
		if (w->compile(k, s, arg, &c) < 0)
			return -1;
		if (c.fn)
			found[count++] = c;
	}
	s->checks = hpl_compile_alloc(k, count, sizeof(*found));
	if (!s->checks)
		return -1;
	memcpy(s->checks, found, count * sizeof(*found));
	s->check_count = count;
	return 0;
}

int hpl_compile_sub(struct compiler *k, const struct hpl_node *node, const char *pointer,
	struct sub **ret)
{
	if (k->known) {
		struct known *slot = known_slot(k->known, k->known_size, node);
		if (slot->node) {
			*ret = slot->sub;
			return 0;
		}
	}
	struct sub *s = hpl_compile_alloc(k, 1, sizeof(*s));
	if (!s)
		return -1;
	s->node = node;
	s->pointer = hpl_arena_copy(&k->schema->arena, pointer, strlen(pointer));
	if (!s->pointer)
		return HPL_OOM(k->err);
	if (known_add(k, node, s) < 0)
		return -1;
	*ret = s;
	if (node->kind == HPL_BOOL) {
		s->fixed = node->boolean ? 1 : -1;
		return 0;
	}
	if (node->kind != HPL_MAP)
		return hpl_compile_fail(k, s, "", node, "a schema is a mapping or a boolean");
	if (k->depth >= HPL_RUN_DEPTH)
		return hpl_compile_fail(k, s, "", node, "nested too deep");
	k->depth++;
	int rc = compile_keywords(k, s);
	k->depth--;
	return rc;
}

/* JSON pointer escapes of RFC 6901: ~ is ~0, / is ~1. */
static void pointer_add(char *out, size_t size, const char *segment)
{
	size_t n = strlen(out);
	if (n + 1 < size)
		out[n++] = '/';
	for (; *segment && n + 3 < size; segment++) {
		if (*segment == '~' || *segment == '/') {
			out[n++] = '~';
			out[n++] = *segment == '~' ? '0' : '1';
		} else {
			out[n++] = *segment;
		}
	}
	out[n] = '\0';
}

int hpl_compile_child(struct compiler *k, const struct sub *parent, const char *keyword,
	const char *name, const struct hpl_node *node, struct sub **ret)
{
	char pointer[1024];
	snprintf(pointer, sizeof(pointer), "%s", parent->pointer);
	pointer_add(pointer, sizeof(pointer), keyword);
	if (name)
		pointer_add(pointer, sizeof(pointer), name);
	return hpl_compile_sub(k, node, pointer, ret);
}

/* ---- references within the document ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One segment of a pointer in a fragment: percent escapes first, then ~0 and ~1. */
static size_t segment_decode(char *out, size_t size, const char *s)
{
	size_t n = 0, used = 0;
	while (s[used] && s[used] != '/' && n + 1 < size) {
		char c = s[used++];
		if (c == '%' && hex(s[used]) >= 0 && hex(s[used + 1]) >= 0) {
			c = (char)(hex(s[used]) * 16 + hex(s[used + 1]));
			used += 2;
		}
		if (n && out[n - 1] == '~' && (c == '0' || c == '1')) {
			/* "~01" is "~1", not "/": the byte made here is not looked at again */
			out[n - 1] = c == '0' ? '\x01' : '/';
			continue;
		}
		out[n++] = c;
	}
	for (size_t i = 0; i < n; i++) {
		if (out[i] == '\x01')
			out[i] = '~';
	}
	out[n] = '\0';
	return used;
}

static const struct hpl_node *find_anchor(const struct hpl_node *n, const char *name)
{
	const struct hpl_node *found = NULL;
	if (n->kind == HPL_MAP && hpl_streq(hpl_node_get_str(n, "$anchor"), name))
		return n;
	if (n->kind == HPL_MAP) {
		for (size_t i = 0; i < n->map.count && !found; i++)
			found = find_anchor(n->map.entries[i].value, name);
	} else if (n->kind == HPL_LIST) {
		for (size_t i = 0; i < n->list.count && !found; i++)
			found = find_anchor(n->list.items[i], name);
	}
	return found;
}

static const struct hpl_node *find_pointer(const struct hpl_node *n, const char *p)
{
	char segment[512];
	while (n && *p == '/') {
		p++;
		p += segment_decode(segment, sizeof(segment), p);
		if (n->kind == HPL_LIST) {
			char *end;
			size_t i = strtoul(segment, &end, 10);
			n = *segment && !*end && i < n->list.count ? n->list.items[i] : NULL;
		} else {
			n = hpl_node_get(n, segment);
		}
	}
	return n && !*p ? n : NULL;
}

int hpl_compile_ref(struct compiler *k, const struct hpl_node *arg, struct sub **ret)
{
	const char *text = hpl_node_str(arg);
	const struct hpl_node *target = NULL;
	struct sub where = {.pointer = ""};

	if (!text || *text != '#')
		return hpl_compile_fail(k, &where, "$ref", arg,
			"only references within the document (#...) are supported");
	text++;
	if (!*text)
		target = k->doc;
	else
		target = *text == '/' ? find_pointer(k->doc, text) : find_anchor(k->doc, text);
	if (!target)
		return hpl_compile_fail(k, &where, "$ref", arg, "there is nothing at this reference");
	return hpl_compile_sub(k, target, text, ret);
}

/* ---- patterns ---- */

/* ECMA-262 as far as contracts go: $ is the very end, \d and \w are ASCII, \uXXXX is known. */
int hpl_compile_pattern(struct compiler *k, const struct hpl_node *arg, struct pattern **ret)
{
	struct sub where = {.pointer = ""};
	if (arg->kind != HPL_STRING)
		return hpl_compile_fail(k, &where, "pattern", arg, "a pattern is a string");
	struct pattern *p = hpl_compile_alloc(k, 1, sizeof(*p));
	pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
	if (!p || !ctx) {
		pcre2_compile_context_free(ctx);
		return HPL_OOM(k->err);
	}
	int code;
	PCRE2_SIZE at;
	pcre2_set_compile_extra_options(ctx, PCRE2_EXTRA_ALT_BSUX);
	pcre2_set_newline(ctx, PCRE2_NEWLINE_ANYCRLF);
	p->code = pcre2_compile((PCRE2_SPTR)arg->str.text, arg->str.len,
		PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF |
		PCRE2_ALLOW_EMPTY_CLASS | PCRE2_NEVER_BACKSLASH_C, &code, &at, ctx);
	pcre2_compile_context_free(ctx);
	if (!p->code)
		return hpl_compile_fail(k, &where, "pattern", arg, "not a regular expression");
	p->next = k->schema->patterns;
	k->schema->patterns = p;
	*ret = p;
	return 0;
}

bool hpl_pattern_matches(struct run *r, const struct pattern *p, const char *text, size_t len)
{
	int rc = pcre2_match(p->code, (PCRE2_SPTR)text, len, 0, PCRE2_NO_UTF_CHECK,
		r->schema->match, r->schema->limits);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
		if (!r->broken)
			HPL_FAIL(r->err, 0, 0, "a pattern could not be matched within its limits "
				"(string of %zu bytes)", len);
		r->broken = true;
	}
	return rc >= 0;
}

/* ---- public ---- */

static int prepare_matching(struct hpl_schema *s, struct hpl_err *err)
{
	s->match = pcre2_match_data_create(1, NULL);
	s->limits = pcre2_match_context_create(NULL);
	if (!s->match || !s->limits)
		return HPL_OOM(err);
	pcre2_set_match_limit(s->limits, HPL_MATCH_LIMIT);
	pcre2_set_depth_limit(s->limits, HPL_MATCH_LIMIT);
	pcre2_set_heap_limit(s->limits, 64 << 10); /* KiB */
	return 0;
}

int hpl_schema_compile(struct hpl_schema **ret, const struct hpl_node *schema, struct hpl_err *err)
{
	struct hpl_schema *s = calloc(1, sizeof(*s));
	if (!s)
		return HPL_OOM(err);
	struct compiler k = {.schema = s, .doc = schema, .err = err};
	int rc = prepare_matching(s, err);
	if (rc == 0)
		rc = hpl_compile_sub(&k, schema, "", &s->root);
	free(k.known);
	if (rc < 0) {
		hpl_schema_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void hpl_schema_free(struct hpl_schema *s)
{
	if (!s)
		return;
	for (struct pattern *p = s->patterns; p; p = p->next)
		pcre2_code_free(p->code);
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->limits);
	hpl_arena_done(&s->arena);
	free(s);
}

static const struct check FALSE_SCHEMA_CHECK = {.keyword = &(const struct keyword){.name = "false"}};

/* Text that becomes a value when the template is filled in: any value that is no list or mapping. */
static bool is_template(const struct sub *s, const struct hpl_node *n)
{
	return n->kind == HPL_STRING && memmem(n->str.text, n->str.len, "{{", 2) &&
		!hpl_sub_wants(s, HPL_MAP) && !hpl_sub_wants(s, HPL_LIST);
}

static bool check_strict(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	bool ok = true;
	if (r->templates && is_template(s, n))
		return true;
	if (s->fixed > 0)
		return true;
	if (s->fixed < 0) {
		struct check c = FALSE_SCHEMA_CHECK;
		c.sub = s;
		return hpl_fault_add(r, &c, n, at, NULL, NULL, "is not allowed here");
	}
	if (r->depth >= HPL_RUN_DEPTH) {
		if (!r->broken)
			HPL_FAIL(r->err, 0, 0, "the schema refers to itself without end");
		r->broken = true;
		return false;
	}
	r->depth++;
	unsigned bit = 1u << n->kind;
	for (const struct check *c = s->checks, *end = c + s->check_count; c < end; c++) {
		if ((c->kinds & bit) && !c->fn(r, c, n, at)) {
			ok = false;
			if (!r->faults || r->broken)
				break;
		}
	}
	r->depth--;
	return ok;
}

/* Is nothing accepted by the strict rule: "not": {}? */
static bool is_gone(const struct sub *s)
{
	const struct hpl_node *not = hpl_node_get(s->node, "not");
	return not && not->kind == HPL_MAP && not->map.count == 0;
}

/* The strict rule, or else what was right once, with a warning. */
static bool check_legacy(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	static const struct keyword keyword = {.name = "x-legacy"};
	const struct check c = {.keyword = &keyword, .sub = s->legacy};
	struct hpl_faults *f = TAKE(r->faults);
	bool ok = check_strict(r, s, n, at);
	bool old = !ok && !r->broken && hpl_check_sub(r, s->legacy, n, at);

	r->faults = f;
	if (!old && f) /* of a key that is gone it is said what older contracts had, not that it is gone */
		return is_gone(s) ? hpl_check_sub(r, s->legacy, n, at) : check_strict(r, s, n, at);
	if (!old)
		return ok;
	struct hpl_words w = {.msg = HPL_MSG_CONTRACT_LEGACY};
	snprintf(w.text, sizeof(w.text), "is accepted in legacy mode only (%s)",
		s->legacy->expect ? s->legacy->expect : "a form of older contracts");
	hpl_fault_say(r, &c, n, at, NULL, &w);
	return hpl_check_sub(r, s->legacy, n, at);
}

bool hpl_check_sub(struct run *r, const struct sub *s, const struct hpl_node *n, const struct at *at)
{
	static const struct keyword keyword = {.name = "x-extension"};
	const struct check c = {.keyword = &keyword, .sub = s};
	bool legacy = s->legacy && (r->flags & HPL_SCHEMA_LEGACY);
	bool outside = r->templates;

	r->templates |= s->template;
	bool ok = legacy ? check_legacy(r, s, n, at) : check_strict(r, s, n, at);

	r->templates = outside;
	if (ok && s->extension && !r->broken) {
		struct hpl_words w = {.msg = HPL_MSG_CONTRACT_EXTENSION};
		snprintf(w.text, sizeof(w.text), "%s", *s->extension ? s->extension :
			"is an extension of this runtime");
		snprintf(w.cure, sizeof(w.cure), "leave it out where the contract must boot elsewhere");
		hpl_fault_say(r, &c, n, at, NULL, &w);
	}
	return ok;
}

bool hpl_check_quiet(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	struct hpl_faults *f = TAKE(r->faults);
	bool ok = hpl_check_sub(r, s, n, at);
	r->faults = f;
	return ok;
}

int hpl_schema_validate(const struct hpl_schema *s, const struct hpl_node *instance,
	const char *path_prefix, unsigned flags, struct hpl_faults *faults, struct hpl_err *err)
{
	struct run r = {.schema = s, .err = err, .prefix = path_prefix ? path_prefix : "",
		.flags = flags};
	bool ok = hpl_check_sub(&r, s->root, instance, NULL);
	if ((!ok || r.warned) && !r.broken && faults) {
		r.faults = faults;
		hpl_check_sub(&r, s->root, instance, NULL);
	}
	return r.broken ? -1 : ok ? 0 : 1;
}

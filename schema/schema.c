/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling a schema document, and the run over a tree. */
#include "schema/schema.h"

#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "schema/compiler.h"

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

/* ---- compiling ---- */

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
	s->special = s->template || s->extension || s->legacy;
	return compile_unknown(k, s) < 0 ? -1 : compile_msg(k, s);
}

static const struct keyword *const tables[] = {
	hpl_keywords, hpl_keywords_of_lists, hpl_keywords_of_maps, hpl_keywords_in_place,
	hpl_keywords_unevaluated,
};

enum { KEYWORDS_MAX = 64 };

/* The keywords of s that mean something in its dialect, and what they hold. */
static unsigned find_keywords(const struct sub *s, struct check *found)
{
	const struct dialect *d = &s->resource->dialect;
	/* draft-07 section 8.3: nothing else counts beside a reference */
	const bool only_ref = d->draft == DRAFT_07 && hpl_node_get(s->node, "$ref");
	unsigned count = 0;

	for (size_t t = 0; t < HPL_ARRAY_SIZE(tables); t++) {
		for (const struct keyword *w = tables[t]; w->name && count < KEYWORDS_MAX; w++) {
			if (!(w->drafts & d->draft) || !(w->vocabulary & d->vocabularies) ||
				(only_ref && strcmp(w->name, "$ref") != 0))
				continue;
			const struct hpl_node *arg = hpl_node_get(s->node, w->name);
			if (arg)
				found[count++] = (struct check){.fn = w->check, .kinds = w->kinds,
					.keyword = w, .sub = s, .arg = arg};
		}
	}
	return count;
}

/* In a function of its own, as child_pointer() is. */
static int find_checks(struct compiler *k, struct sub *s)
{
	struct check found[KEYWORDS_MAX];
	unsigned count = find_keywords(s, found);

	s->checks = hpl_compile_alloc(k, count, sizeof(*s->checks));
	if (!s->checks)
		return -1;
	memcpy(s->checks, found, count * sizeof(*found));
	return (int)count;
}

static bool is_unevaluated(const struct keyword *w)
{
	return w->vocabulary == VOC_UNEVALUATED;
}

static int compile_keywords(struct compiler *k, struct sub *s)
{
	if (compile_annotations(k, s) < 0)
		return -1;
	int count = find_checks(k, s);
	for (int i = 0; i < count; i++) {
		struct check c = s->checks[i];
		if (c.keyword->compile(k, s, c.arg, &c) < 0)
			return -1;
		if (!c.fn)
			continue;
		s->checks[s->check_count++] = c; /* never ahead of i */
		if (is_unevaluated(c.keyword))
			s->unevaluated |= c.kinds;
		else
			s->plain_count++;
	}
	return count < 0 ? -1 : 0;
}

int hpl_compile_sub(struct compiler *k, const struct hpl_node *node, const char *pointer,
	const struct resource *in, struct sub **ret)
{
	struct known *known = hpl_known(k, node);
	if (!known)
		return -1;
	if (known->sub) {
		*ret = known->sub;
		return 0;
	}
	struct sub *s = hpl_compile_alloc(k, 1, sizeof(*s));
	if (!s)
		return -1;
	known->sub = s; /* before its parts: they may refer to it */
	s->next = k->schema->subs;
	k->schema->subs = s;
	s->node = node;
	s->resource = known->resource ? known->resource : in;
	s->pointer = hpl_arena_copy(&k->schema->arena, pointer, strlen(pointer));
	if (!s->pointer)
		return HPL_OOM(k->err);
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

/* In a function of its own: the stack of a deep schema is not to hold one of these per level. */
static const char *child_pointer(struct compiler *k, const struct sub *parent, const char *keyword,
	const char *name)
{
	char pointer[1024];
	snprintf(pointer, sizeof(pointer), "%s", parent->pointer);
	pointer_add(pointer, sizeof(pointer), keyword);
	if (name)
		pointer_add(pointer, sizeof(pointer), name);
	const char *copy = hpl_arena_copy(&k->schema->arena, pointer, strlen(pointer));
	if (!copy)
		HPL_OOM(k->err);
	return copy;
}

int hpl_compile_child(struct compiler *k, const struct sub *parent, const char *keyword,
	const char *name, const struct hpl_node *node, struct sub **ret)
{
	const char *pointer = child_pointer(k, parent, keyword, name);
	return pointer ? hpl_compile_sub(k, node, pointer, parent->resource, ret) : -1;
}

int hpl_compile_ref(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, struct sub **ret, const char **ret_dynamic)
{
	return hpl_refs_find(k, s, keyword, arg, ret, ret_dynamic);
}

bool hpl_compile_format_asserts(const struct compiler *k, const struct sub *s)
{
	return !k->schema->format_annotates ||
		(s->resource->dialect.vocabularies & VOC_FORMAT_ASSERTS);
}

void hpl_compile_dynamic(struct compiler *k)
{
	k->schema->dynamic = true;
}

void hpl_compile_keep(struct compiler *k, struct pattern *p)
{
	p->next = k->schema->patterns;
	k->schema->patterns = p;
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

/* The kinds that a type allows whatever the value is: an integer is a number, a number may be none. */
static unsigned type_kinds(const struct check *type)
{
	return type->types | (type->types & BIT(HPL_REAL) ? BIT(HPL_INT) : 0);
}

/* Kinds of which no keyword but type speaks, and which that allows. */
static unsigned accepted(const struct sub *s)
{
	unsigned kinds = s->special || s->unevaluated || s->fixed < 0 ? 0 : ANY;

	for (unsigned i = 0; i < s->check_count; i++) {
		const struct check *c = &s->checks[i];
		kinds &= strcmp(c->keyword->name, "type") == 0 ? type_kinds(c) : ~c->kinds;
	}
	return kinds;
}

/* What takes looking at more than one subschema: they are all there now. */
static void finish(struct hpl_schema *s)
{
	for (struct sub *sub = s->subs; sub; sub = sub->next) {
		const struct check *first = sub->plain_count ? sub->checks : NULL;
		sub->accepts = accepted(sub);
		sub->slow = sub->unevaluated || sub->fixed < 0;
		if (first && strcmp(first->keyword->name, "type") == 0)
			sub->type_first = type_kinds(first);
	}
	for (struct sub *sub = s->subs; sub; sub = sub->next) {
		for (size_t i = 0; i < sub->pattern_count; i++) {
			const struct sub *target = hpl_sub_target(sub->patterns[i].sub);
			sub->patterns[i].maps = target->property_count && hpl_sub_wants(target, HPL_MAP);
		}
	}
}

int hpl_schema_compile_with(struct hpl_schema **ret, const struct hpl_node *schema,
	const struct hpl_schema_options *options, struct hpl_err *err)
{
	struct hpl_schema *s = calloc(1, sizeof(*s));
	struct resource *res;

	if (!s)
		return HPL_OOM(err);
	s->format_annotates = options && options->format_annotates;
	struct compiler k = {.schema = s, .options = options, .err = err};
	int rc = prepare_matching(s, err);
	if (rc == 0)
		rc = hpl_refs_document(&k, "", schema, &res);
	if (rc == 0)
		rc = hpl_compile_sub(&k, schema, "", res, &s->root);
	if (rc == 0)
		rc = hpl_refs_compile_dynamic(&k);
	hpl_compiler_done(&k);
	if (rc == 0)
		finish(s);
	if (rc < 0) {
		hpl_schema_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

int hpl_schema_compile(struct hpl_schema **ret, const struct hpl_node *schema, struct hpl_err *err)
{
	return hpl_schema_compile_with(ret, schema, NULL, err);
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

/* The checks of a kind. type comes first where it is: it need not be asked again. */
static inline bool run_plain_checks(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	const unsigned bit = BIT(n->kind);
	bool ok = true;

	for (const struct check *c = s->checks + ((s->type_first & bit) != 0),
		*end = s->checks + s->plain_count; c < end; c++) {
		if ((c->kinds & bit) && !c->fn(r, c, n, at)) {
			ok = false;
			if (!r->faults || r->broken)
				return false;
		}
	}
	return ok;
}

static bool run_checks(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	const unsigned bit = BIT(n->kind);
	bool ok = run_plain_checks(r, s, n, at);

	/* where something is wrong it is not known what was looked at */
	for (const struct check *c = s->checks + s->plain_count, *end = s->checks + s->check_count;
		ok && c < end; c++)
		ok = !(c->kinds & bit) || c->fn(r, c, n, at);
	return ok;
}

static bool check_false(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	struct check c = FALSE_SCHEMA_CHECK;
	c.sub = s;
	return hpl_fault_add(r, &c, n, at, NULL, NULL, "is not allowed here");
}

/* With what few schemas ask for: templates, the way that led here, what was looked at. */
static bool check_slow(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	const struct scope *outer = r->scope, here = {outer, s->resource};
	size_t marks = r->seen ? r->seen->len : 0;

	if (r->templates && is_template(s, n))
		return true;
	if (s->fixed < 0)
		return check_false(r, s, n, at);
	if (outer && outer->resource != s->resource)
		r->scope = &here;
	bool ok = s->unevaluated & BIT(n->kind) ? hpl_seen_run(r, s, n, at, run_checks) :
		run_checks(r, s, n, at);
	r->scope = outer;
	if (!ok && hpl_seen_wanted(r, n))
		hpl_seen_undo(r->seen, marks);
	return ok;
}

static bool stop(struct run *r)
{
	HPL_BREAK(r, r->steps ? "the schema refers to itself without end" :
		"the schema has too many alternatives to try them all");
	return false;
}

static inline bool check_strict(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	if (r->depth >= HPL_RUN_DEPTH || r->steps == 0)
		return stop(r);
	r->depth++;
	r->steps--;
	bool ok = s->slow || r->templates || r->scope || r->seen ? check_slow(r, s, n, at) :
		run_plain_checks(r, s, n, at);
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

static bool check_special(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
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

bool hpl_check_more(struct run *r, const struct sub *s, const struct hpl_node *n, const struct at *at)
{
	return s->special ? check_special(r, s, n, at) : check_strict(r, s, n, at);
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
		.flags = flags, .steps = HPL_RUN_STEPS};
	const struct scope top = {NULL, s->root->resource};
	if (s->dynamic)
		r.scope = &top;
	bool ok = hpl_check_sub(&r, s->root, instance, NULL);
	if ((!ok || r.warned) && !r.broken && faults) {
		r.faults = faults;
		r.steps = HPL_RUN_STEPS;
		hpl_check_sub(&r, s->root, instance, NULL);
	}
	return r.broken ? -1 : ok ? 0 : 1;
}

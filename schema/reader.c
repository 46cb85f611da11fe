/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML reader: libyaml's events become a tree with places.
 *
 * Only events are taken from libyaml; tags, types, aliases and limits are decided here, so that a
 * hostile document is refused as soon as it passes a limit and never expanded. An alias shares
 * the node of its anchor; it still costs as many nodes as it stands for, or a few lines could
 * stand for a tree that nobody can walk.
 *
 * Children of the container being read wait in one pending list and move to the arena when the
 * container ends, so that a document is allocated in a few chunks.
 */
#include <errno.h>
#include <stdio.h>
#include <yaml.h>

#include "proto/messages.h"
#include "runtime/base/secret.h"
#include "schema/doc.h"
#include "schema/pairs.h"
#include "schema/scalar.h"
#include "schema/syntax.h"
#include "runtime/base/utf8.h"

struct frame {
	struct hpl_node *node;
	size_t first;              /* of its children in pending */
	size_t nodes_before;
	unsigned below;            /* levels of containers below this one */
	bool want_value;           /* a mapping whose key was read */
	size_t anchor;             /* index + 1, 0 = none */
};

struct anchor {
	char *name;
	struct hpl_node *node;     /* NULL while its container is being read */
	size_t nodes;
	unsigned levels;
};

struct reader {
	yaml_parser_t parser;
	struct hpl_doc *doc;
	struct hpl_reader_limits limits;
	struct hpl_pos origin;
	uint32_t indent;
	const char *text;
	size_t len;
	struct hpl_pairs pairs;    /* what text points to, when pairs were joined */
	/* start of the line that was asked for last; places only move forward */
	size_t line_offset;
	size_t line;
	struct frame *frames;      /* limits.depth of them */
	unsigned depth;
	struct hpl_entry *pending;
	size_t count, cap;
	struct anchor *anchors;
	size_t anchor_count, anchor_cap;
	unsigned aliases;
	size_t nodes;
	bool quoted;               /* the last quoted string over several lines, for fail_syntax() */
	yaml_mark_t quote_start, quote_end;
	struct hpl_err *err;
};

static struct hpl_pos pos_of(const struct reader *r, yaml_mark_t m)
{
	struct hpl_pos p = r->origin;
	if (r->indent == HPL_PLACE_FIXED)
		return p;
	p.line += (uint32_t)m.line;
	p.col = (m.line ? r->indent + 1 : p.col) + (uint32_t)m.column +
		(uint32_t)hpl_pairs_shift(&r->pairs, m.line, m.column);
	return p;
}

/* Only a contract's reader names messages: what else is read has ids of its own. */
static uint32_t msg_of(const struct reader *r, uint32_t msg)
{
	return r->limits.contract ? msg : 0;
}

#define FAIL_AT(r, msg, mark, ...)                                                                 \
	fail_at((r), HPL_FAIL((r)->err, msg_of((r), (msg)), 0, __VA_ARGS__), (mark))
static int fail_at(struct reader *r, int rc, yaml_mark_t mark)
{
	struct hpl_pos p = pos_of(r, mark);
	hpl_err_place(r->err, "%u:%u", p.line, p.col);
	if (r->err && r->err->msg)
		hpl_err_cure(r->err, "%s", hpl_msg_info(r->err->msg)->action);
	return rc;
}

static int fail_alias(struct reader *r, yaml_mark_t mark, const char *what)
{
	FAIL_AT(r, 0, mark, "%s", what);
	hpl_err_cure(r->err, "write the value out; quote a text that begins with *");
	return -1;
}

static int fail_key(struct reader *r, yaml_mark_t mark)
{
	FAIL_AT(r, 0, mark, "a key must be a string");
	hpl_err_cure(r->err, "quote the key, or a value that begins with [ or {");
	return -1;
}

/* ---- text before libyaml sees it ---- */

/* Characters that YAML 1.2 forbids in a text (5.1) as far as libyaml does: C0 and C1 controls but
 * for tab, line ends and NEL, DEL, and what is no character. */
static bool forbidden(const unsigned char *s, size_t n)
{
	if (n == 1)
		return (*s < 0x20 && *s != '\t' && *s != '\n' && *s != '\r') || *s == 0x7f;
	if (n == 2)
		return s[0] == 0xc2 && s[1] < 0xa0 && s[1] != 0x85;
	return n == 3 && ((s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe) ||
		memcmp(s, "\xef\xbb\xbf", 3) == 0);
}

static int check_text(struct reader *r)
{
	const unsigned char *s = (const unsigned char *)r->text;
	yaml_mark_t m = {0};
	for (size_t i = 0; i < r->len;) {
		size_t n = hpl_utf8_step(s + i, r->len - i);
		if (n == 0)
			return FAIL_AT(r, HPL_MSG_CONTRACT_ENCODING, m,
				"the text is not UTF-8 (byte 0x%02x)", s[i]);
		if (forbidden(s + i, n))
			return FAIL_AT(r, HPL_MSG_CONTRACT_NUL, m, n == 1 ?
				"the text holds the control character 0x%02x" :
				"the text holds a forbidden character (first byte 0x%02x)", s[i]);
		m.column++;
		if (s[i] == '\n') {
			m.line++;
			m.column = 0;
		}
		i += n;
	}
	return 0;
}

/* Byte offset at which a line (from 0) starts; lines are asked for in ascending order. */
static size_t line_start(struct reader *r, size_t line)
{
	if (line < r->line) {
		r->line = 0;
		r->line_offset = 0;
	}
	while (r->line < line && r->line_offset < r->len) {
		size_t n = hpl_break_len(r->text + r->line_offset, r->len - r->line_offset);
		r->line_offset += n ? n : 1;
		r->line += n > 0;
	}
	return r->line_offset;
}

/* Where a block scalar's content begins. libyaml tells only where its indicator stands; the
 * indentation is what the first line with text has in the file but not in the value. */
static struct hpl_pos block_content(struct reader *r, yaml_mark_t start, const char *value, size_t len)
{
	size_t line = start.line + 1, at = line_start(r, line), blank = 0, inner = 0, outer = 0;

	while (at + blank < r->len) {
		size_t n = at + blank, spaces = 0;
		while (n < r->len && r->text[n] == ' ')
			n++, spaces++;
		size_t brk = hpl_break_len(r->text + n, r->len - n);
		if (!brk) {
			outer = spaces;
			break;
		}
		blank = n + brk - at;
	}
	for (size_t i = 0; i < len; i++) {
		if (value[i] == '\n')
			inner = 0;
		else if (value[i] == ' ')
			inner++;
		else
			break;
	}
	yaml_mark_t m = {.line = line, .column = outer > inner ? outer - inner : 0};
	return pos_of(r, m);
}

/* ---- building ---- */

static int count_nodes(struct reader *r, size_t n, yaml_mark_t mark)
{
	if (n > r->limits.nodes - r->nodes)
		return FAIL_AT(r, HPL_MSG_CONTRACT_SIZE, mark, "more than %zu values",
			r->limits.nodes);
	r->nodes += n;
	return 0;
}

static struct hpl_node *new_node(struct reader *r, yaml_mark_t mark)
{
	if (count_nodes(r, 1, mark) < 0)
		return NULL;
	struct hpl_node *n = hpl_arena_alloc(&r->doc->arena, sizeof(*n));
	if (!n) {
		HPL_OOM(r->err);
		return NULL;
	}
	n->pos = pos_of(r, mark);
	return n;
}

static int grow(void **array, size_t *cap, size_t size, struct hpl_err *err)
{
	size_t more = *cap ? *cap * 2 : 32;
	void *p = reallocarray(*array, more, size);
	if (!p)
		return HPL_OOM(err);
	*array = p;
	*cap = more;
	return 0;
}

static int push(struct reader *r, struct hpl_entry e)
{
	if (r->count == r->cap &&
		grow((void **)&r->pending, &r->cap, sizeof(*r->pending), r->err) < 0)
		return -1;
	r->pending[r->count++] = e;
	return 0;
}

/* Is the next node a mapping's key? */
static bool at_key(const struct reader *r)
{
	if (!r->depth)
		return false;
	const struct frame *f = &r->frames[r->depth - 1];
	return f->node->kind == HPL_MAP && !f->want_value;
}

static int add_key(struct reader *r, const char *text, size_t len, yaml_mark_t mark)
{
	if (memchr(text, '\0', len))
		return FAIL_AT(r, HPL_MSG_CONTRACT_NUL, mark, "a key holds a NUL character");
	char *key = hpl_arena_copy(&r->doc->arena, text, len);
	if (!key)
		return HPL_OOM(r->err);
	r->frames[r->depth - 1].want_value = true;
	return push(r, (struct hpl_entry){.key = key, .key_len = len, .pos = pos_of(r, mark)});
}

/* Puts a value where the tree waits for one. */
static int add_value(struct reader *r, struct hpl_node *n)
{
	if (!r->depth) {
		r->doc->root = n;
		return 0;
	}
	struct frame *f = &r->frames[r->depth - 1];
	if (f->node->kind == HPL_LIST)
		return push(r, (struct hpl_entry){.value = n});
	r->pending[r->count - 1].value = n;
	f->want_value = false;
	return 0;
}

/* ---- anchors and aliases ---- */

static struct anchor *find_anchor(struct reader *r, const char *name)
{
	/* the latest one of a name counts (YAML 1.2.2, 3.2.2.2) */
	for (size_t i = r->anchor_count; i-- > 0;) {
		if (strcmp(r->anchors[i].name, name) == 0)
			return &r->anchors[i];
	}
	return NULL;
}

/* *ret: index + 1. Anchors are looked up only when aliases are accepted at all. */
static int add_anchor(struct reader *r, const yaml_char_t *name, struct hpl_node *node, size_t *ret,
	yaml_mark_t mark)
{
	*ret = 0;
	if (!name || !r->limits.aliases)
		return 0;
	/* names beyond those that could be used are an attack on the search above */
	if (r->anchor_count >= 4 * (size_t)r->limits.aliases)
		return FAIL_AT(r, HPL_MSG_CONTRACT_ALIASES, mark, "more than %zu anchors",
			r->anchor_count);
	if (r->anchor_count == r->anchor_cap &&
		grow((void **)&r->anchors, &r->anchor_cap, sizeof(*r->anchors), r->err) < 0)
		return -1;
	char *copy = hpl_arena_copy(&r->doc->arena, (const char *)name, strlen((const char *)name));
	if (!copy)
		return HPL_OOM(r->err);
	r->anchors[r->anchor_count++] = (struct anchor){.name = copy, .node = node, .nodes = 1};
	*ret = r->anchor_count;
	return 0;
}

static int on_alias(struct reader *r, const yaml_event_t *ev)
{
	if (!r->limits.aliases)
		return FAIL_AT(r, HPL_MSG_CONTRACT_ALIASES, ev->start_mark,
			"aliases are not accepted here");
	if (r->aliases++ >= r->limits.aliases)
		return FAIL_AT(r, HPL_MSG_CONTRACT_ALIASES, ev->start_mark, "more than %u aliases",
			r->limits.aliases);
	const struct anchor *a = find_anchor(r, (const char *)ev->data.alias.anchor);
	if (!a)
		return fail_alias(r, ev->start_mark, "alias without an anchor of that name before it");
	if (!a->node)
		return fail_alias(r, ev->start_mark, "alias inside the value that it stands for");
	if (r->depth + a->levels > r->limits.depth)
		return FAIL_AT(r, HPL_MSG_CONTRACT_DEPTH, ev->start_mark, "nested deeper than %u levels",
			r->limits.depth);
	if (a->nodes > r->limits.nodes - r->nodes)
		return FAIL_AT(r, HPL_MSG_CONTRACT_ALIASES, ev->start_mark,
			"aliases that stand for more than %zu values", r->limits.nodes);
	r->nodes += a->nodes;
	if (at_key(r)) {
		if (a->node->kind != HPL_STRING)
			return fail_key(r, ev->start_mark);
		return add_key(r, a->node->str.text, a->node->str.len, ev->start_mark);
	}
	if (r->depth && r->frames[r->depth - 1].below < a->levels)
		r->frames[r->depth - 1].below = a->levels;
	return add_value(r, a->node);
}

/* ---- scalars ---- */

static const char *core_tag(const yaml_char_t *tag)
{
	static const char prefix[] = "tag:yaml.org,2002:";
	const char *t = (const char *)tag;
	if (!t)
		return NULL;
	if (strcmp(t, "!") == 0)
		return "str"; /* the non-specific tag: what is written, as it is written */
	return strncmp(t, prefix, sizeof(prefix) - 1) == 0 ? t + sizeof(prefix) - 1 : "?";
}

static int resolve(struct reader *r, struct hpl_node *n, const yaml_event_t *ev)
{
	static const struct { const char *tag; enum hpl_kind kind; } kinds[] = {
		{"null", HPL_NULL}, {"bool", HPL_BOOL}, {"int", HPL_INT}, {"float", HPL_REAL},
	};
	const char *tag = core_tag(ev->data.scalar.tag);
	bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (!tag && !plain)
		return 0;
	if (tag && strcmp(tag, "str") == 0)
		return 0;
	const char *text = n->str.text;
	size_t len = n->str.len;
	struct hpl_node v = *n;
	hpl_scalar_resolve(&v, text, len);
	if (!tag) {
		*n = v;
		return 0;
	}
	for (size_t i = 0; i < HPL_ARRAY_SIZE(kinds); i++) {
		if (strcmp(tag, kinds[i].tag) != 0)
			continue;
		if (v.kind == HPL_INT && kinds[i].kind == HPL_REAL) {
			v.kind = HPL_REAL;
			v.real = (double)v.integer;
		}
		if (v.kind != kinds[i].kind)
			return FAIL_AT(r, HPL_MSG_CONTRACT_TAG, ev->start_mark,
				"the value is no %s as its tag says", tag);
		*n = v;
		return 0;
	}
	return FAIL_AT(r, HPL_MSG_CONTRACT_TAG, ev->start_mark,
			"a tag outside the core schema of YAML");
}

static int scalar_node(struct reader *r, const yaml_event_t *ev, struct hpl_node **ret)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct hpl_node *n = new_node(r, ev->start_mark);
	if (!n)
		return -1;
	if (!r->limits.nul && memchr(text, '\0', len))
		return FAIL_AT(r, HPL_MSG_CONTRACT_NUL, ev->start_mark,
			"a string holds a NUL character");
	n->kind = HPL_STRING;
	n->str.text = hpl_arena_copy(&r->doc->arena, text, len);
	n->str.len = len;
	if (!n->str.text)
		return HPL_OOM(r->err);
	if ((ev->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ||
		ev->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE) &&
		ev->start_mark.line != ev->end_mark.line) {
		r->quoted = true;
		r->quote_start = ev->start_mark;
		r->quote_end = ev->end_mark;
	}
	if (ev->data.scalar.style == YAML_LITERAL_SCALAR_STYLE) {
		n->block = true;
		n->content_pos = block_content(r, ev->start_mark, text, len);
	}
	*ret = n;
	return resolve(r, n, ev);
}

static int on_scalar(struct reader *r, const yaml_event_t *ev)
{
	if (at_key(r))
		return count_nodes(r, 1, ev->start_mark) < 0 ? -1 :
			add_key(r, (const char *)ev->data.scalar.value, ev->data.scalar.length,
				ev->start_mark);
	struct hpl_node *n = NULL;
	size_t anchor;
	if (scalar_node(r, ev, &n) < 0 ||
		add_anchor(r, ev->data.scalar.anchor, n, &anchor, ev->start_mark) < 0)
		return -1;
	return add_value(r, n);
}

/* ---- containers ---- */

static int on_start(struct reader *r, const yaml_event_t *ev, enum hpl_kind kind,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	const char *core = core_tag(tag);
	if (core && strcmp(core, kind == HPL_MAP ? "map" : "seq") != 0 && strcmp((const char *)tag, "!"))
		return FAIL_AT(r, HPL_MSG_CONTRACT_TAG, ev->start_mark,
			"a tag outside the core schema of YAML");
	if (at_key(r))
		return fail_key(r, ev->start_mark);
	if (r->depth >= r->limits.depth)
		return FAIL_AT(r, HPL_MSG_CONTRACT_DEPTH, ev->start_mark, "nested deeper than %u levels",
			r->limits.depth);
	struct frame f = {.first = r->count, .nodes_before = r->nodes};
	f.node = new_node(r, ev->start_mark);
	if (!f.node || add_anchor(r, anchor, NULL, &f.anchor, ev->start_mark) < 0)
		return -1;
	f.node->kind = kind;
	r->frames[r->depth++] = f;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct hpl_entry *x = *(const struct hpl_entry *const *)a;
	const struct hpl_entry *y = *(const struct hpl_entry *const *)b;
	size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
	int c = memcmp(x->key, y->key, n);
	if (c == 0 && x->key_len != y->key_len)
		c = x->key_len < y->key_len ? -1 : 1;
	return c ? c : x < y ? -1 : 1;
}

static int fail_duplicate(struct reader *r, const struct hpl_entry *first,
	const struct hpl_entry *second)
{
	HPL_FAIL(r->err, msg_of(r, HPL_MSG_CONTRACT_DUPLICATE_KEY), 0, "the key \"%.60s\" is there twice (first in line %u)", second->key,
		first->pos.line);
	hpl_err_place(r->err, "%u:%u", second->pos.line, second->pos.col);
	hpl_err_cure(r->err, "remove or rename one of the two");
	return -1;
}

static bool same_key(const struct hpl_entry *a, const struct hpl_entry *b)
{
	return a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}

static int check_duplicates(struct reader *r, const struct hpl_entry *e, size_t count)
{
	if (count <= 16) {
		for (size_t i = 1; i < count; i++) {
			for (size_t k = 0; k < i; k++) {
				if (same_key(&e[i], &e[k]))
					return fail_duplicate(r, &e[k], &e[i]);
			}
		}
		return 0;
	}
	_cleanup_free_ const struct hpl_entry **sorted = reallocarray(NULL, count, sizeof(*sorted));
	if (!sorted)
		return HPL_OOM(r->err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &e[i];
	qsort(sorted, count, sizeof(*sorted), by_key);
	for (size_t i = 1; i < count; i++) {
		if (same_key(sorted[i - 1], sorted[i]))
			return fail_duplicate(r, sorted[i - 1], sorted[i]);
	}
	return 0;
}

static int finish_map(struct reader *r, struct hpl_node *n, const struct hpl_entry *e, size_t count)
{
	if (check_duplicates(r, e, count) < 0)
		return -1;
	n->map.count = count;
	n->map.entries = hpl_arena_alloc(&r->doc->arena, count * sizeof(*e));
	if (!n->map.entries)
		return HPL_OOM(r->err);
	if (count)
		memcpy(n->map.entries, e, count * sizeof(*e));
	return 0;
}

static int finish_list(struct reader *r, struct hpl_node *n, const struct hpl_entry *e, size_t count)
{
	n->list.count = count;
	n->list.items = hpl_arena_alloc(&r->doc->arena, count * sizeof(*n->list.items));
	if (!n->list.items)
		return HPL_OOM(r->err);
	for (size_t i = 0; i < count; i++)
		n->list.items[i] = e[i].value;
	return 0;
}

static int on_end(struct reader *r)
{
	struct frame f = r->frames[--r->depth];
	size_t count = r->count - f.first;
	const struct hpl_entry *e = r->pending ? r->pending + f.first : NULL;
	int rc = f.node->kind == HPL_MAP ? finish_map(r, f.node, e, count) :
		finish_list(r, f.node, e, count);
	if (rc < 0)
		return -1;
	r->count = f.first;
	if (f.anchor) {
		struct anchor *a = &r->anchors[f.anchor - 1];
		a->node = f.node;
		a->nodes = r->nodes - f.nodes_before;
		a->levels = f.below + 1;
	}
	if (r->depth && r->frames[r->depth - 1].below < f.below + 1)
		r->frames[r->depth - 1].below = f.below + 1;
	return add_value(r, f.node);
}

/* ---- the loop over events ---- */

static int on_event(struct reader *r, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return on_alias(r, ev);
	case YAML_SCALAR_EVENT:
		return on_scalar(r, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(r, ev, HPL_LIST, ev->data.sequence_start.anchor,
			ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_start(r, ev, HPL_MAP, ev->data.mapping_start.anchor,
			ev->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(r);
	case YAML_DOCUMENT_START_EVENT:
		if (r->doc->root)
			return FAIL_AT(r, HPL_MSG_CONTRACT_DOCUMENTS, ev->start_mark,
				"a second document begins here");
		return 0;
	default:
		return 0;
	}
}

static int fail_syntax(struct reader *r)
{
	if (r->parser.error == YAML_MEMORY_ERROR)
		return HPL_OOM(r->err);
	struct hpl_syntax why = hpl_syntax_explain(&r->parser, r->text, r->len);
	/* a quote that was forgotten ends at the next one, lines below, and what follows there is text */
	if (r->quoted && r->parser.problem_mark.line == r->quote_end.line)
		why = (struct hpl_syntax){"a quote that is closed lines below only, in front of other text",
			"close the quote in this line", r->quote_start};
	FAIL_AT(r, 0, why.at, "not YAML: %s", why.what);
	if (why.cure)
		hpl_err_cure(r->err, "%s", why.cure);
	return -1;
}

static int read_events(struct reader *r)
{
	for (;;) {
		yaml_event_t ev;
		if (!yaml_parser_parse(&r->parser, &ev))
			return fail_syntax(r);
		int rc = on_event(r, &ev);
		bool end = ev.type == YAML_STREAM_END_EVENT;
		if (ev.type == YAML_SCALAR_EVENT)
			hpl_wipe(ev.data.scalar.value, ev.data.scalar.length);
		yaml_event_delete(&ev);
		if (rc < 0 || end)
			return rc;
	}
}

static void reader_done(struct reader *r)
{
	/* libyaml's own windows on the text */
	if (r->parser.raw_buffer.start)
		hpl_wipe(r->parser.raw_buffer.start,
			(size_t)(r->parser.raw_buffer.end - r->parser.raw_buffer.start));
	if (r->parser.buffer.start)
		hpl_wipe(r->parser.buffer.start,
			(size_t)(r->parser.buffer.end - r->parser.buffer.start));
	yaml_parser_delete(&r->parser);
	free(r->frames);
	free(r->pending);
	free(r->anchors);
	hpl_pairs_done(&r->pairs);
	hpl_doc_free(r->doc);
}

static int join_pairs(struct reader *r)
{
	if (hpl_pairs_join(&r->pairs, r->text, r->len, r->err) < 0)
		return -1;
	if (r->pairs.text) {
		r->text = r->pairs.text;
		r->len = r->pairs.len;
	}
	return 0;
}

static int read_text(struct reader *r)
{
	if (r->len > r->limits.bytes)
		return HPL_FAIL(r->err, msg_of(r, HPL_MSG_CONTRACT_SIZE), 0, "the text has %zu bytes, more than the limit of %zu",
			r->len, r->limits.bytes);
	if (r->len >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0) {
		r->text += 3;
		r->len -= 3;
	}
	if (check_text(r) < 0 || join_pairs(r) < 0)
		return -1;
	r->frames = calloc(r->limits.depth, sizeof(*r->frames));
	r->doc = hpl_doc_new();
	if (!r->frames || !r->doc)
		return HPL_OOM(r->err);
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text, r->len);
	if (read_events(r) < 0)
		return -1;
	if (!r->doc->root) { /* no document at all: the same as an empty one */
		r->doc->root = new_node(r, (yaml_mark_t){0});
		if (!r->doc->root)
			return -1;
	}
	return 0;
}

/* An alias budget that a person's contract never reaches, and that no bomb can be made from. */
const struct hpl_reader_limits hpl_contract_limits = {.aliases = 64, .contract = true};

int hpl_yaml_read(struct hpl_doc **ret, const char *text, size_t len,
	const struct hpl_reader_limits *limits, struct hpl_pos origin, uint32_t indent,
	struct hpl_err *err)
{
	struct reader r = {.text = text ? text : "", .len = len, .origin = origin, .indent = indent,
		.err = err};
	if (limits)
		r.limits = *limits;
	if (!r.limits.bytes)
		r.limits.bytes = HPL_READ_BYTES;
	if (!r.limits.depth)
		r.limits.depth = HPL_READ_DEPTH;
	if (!r.limits.nodes)
		r.limits.nodes = HPL_READ_NODES;
	if (!yaml_parser_initialize(&r.parser))
		return HPL_OOM(err);
	int rc = read_text(&r);
	if (rc == 0)
		*ret = TAKE(r.doc);
	reader_done(&r);
	return rc;
}

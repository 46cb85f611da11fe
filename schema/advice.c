/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fault of each keyword says beyond "it is wrong": what was meant, and what would mend it, in
 * words and, where no thinking is needed, as an edit. Values of strings are said only where the
 * schema asks for a number or a truth value and the string is one.
 */
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/utf8.h"
#include "schema/validator.h"

#define BIT(kind) (1u << (kind))

/* ---- wrong type ---- */

static void replace(struct hpl_words *w, const char *value)
{
	w->fix = HPL_FIX_REPLACE;
	snprintf(w->fix_text, sizeof(w->fix_text), "%s", value);
}

static const char *key_of(const struct at *at)
{
	return at && at->entry && at->entry->key_len <= 60 ? at->entry->key : NULL;
}

/* `seed: "..."`, `- "..."` */
static void cure_example(struct hpl_words *w, const struct at *at, const char *head,
	const char *value)
{
	const char *key = key_of(at);

	if (key)
		hpl_words_add(w->cure, sizeof(w->cure), "%s%s: %s", head, key, value);
	else
		hpl_words_add(w->cure, sizeof(w->cure), "%s%s", head, value);
}

static void wants_string(struct hpl_words *w, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	char quoted[32];

	switch (n->kind) {
	case HPL_BOOL:
		snprintf(quoted, sizeof(quoted), "\"%s\"", n->boolean ? "true" : "false");
		snprintf(w->cure, sizeof(w->cure), "quote it: %s", quoted);
		replace(w, quoted);
		break;
	case HPL_INT:
	case HPL_REAL: /* it may be a password: the number is not said */
		cure_example(w, at, "put the value in quotes: ", "\"...\"");
		break;
	case HPL_LIST:
		snprintf(w->cure, sizeof(w->cure), "write one value behind the key, without \"- \" and []");
		break;
	case HPL_MAP:
		cure_example(w, at, "write the text in quotes, or as a block: ", "|");
		break;
	default:
		if (!s->cure && !s->expect)
			snprintf(w->cure, sizeof(w->cure), "write a text behind the key; the empty one "
				"is \"\"");
	}
}

/* Decimal digits, perhaps with _ between them as YAML 1.1 had it; 0: something else. */
static size_t digits_of(char *out, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '_' && n)
			continue;
		if (text[i] < '0' || text[i] > '9' || n + 1 >= size)
			return 0;
		out[n++] = text[i];
	}
	out[n] = '\0';
	return n;
}

/* "1:30", ninety in YAML 1.1 */
static bool base_sixty(const char *text, size_t len, unsigned *ret)
{
	unsigned value = 0, part = 0, digits = 0, colons = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i == len || text[i] == ':') {
			if (!digits || digits > 4 || (colons && part > 59) || colons > 2)
				return false;
			value = value * 60 + part;
			colons += i < len;
			part = digits = 0;
		} else if (text[i] >= '0' && text[i] <= '9') {
			part = part * 10 + (unsigned)(text[i] - '0');
			digits++;
		} else {
			return false;
		}
	}
	*ret = value;
	return colons > 0;
}

static void cure_range(struct hpl_words *w, const struct sub *s)
{
	const struct hpl_node *low = hpl_node_get(s->node, "minimum");
	const struct hpl_node *high = hpl_node_get(s->node, "maximum");

	if (low && high)
		snprintf(w->cure, sizeof(w->cure), "write a number from %.20s to %.20s without quotes",
			low->scalar, high->scalar);
	else
		snprintf(w->cure, sizeof(w->cure), "write a number without quotes");
}

static void wants_number(struct hpl_words *w, const struct sub *s, const struct hpl_node *n)
{
	char digits[11]; /* longer ones are no port, time or count, and may be a secret */
	unsigned value;

	if (n->kind == HPL_REAL) {
		snprintf(w->cure, sizeof(w->cure), "write a whole number");
		return;
	}
	cure_range(w, s);
	if (n->kind != HPL_STRING)
		return;
	if (digits_of(digits, sizeof(digits), n->str.text, n->str.len)) {
		bool gaps = memchr(n->str.text, '_', n->str.len) != NULL;
		snprintf(w->cure, sizeof(w->cure), "write %s without %s", digits,
			gaps ? "_" : "quotes");
		replace(w, digits);
	} else if (base_sixty(n->str.text, n->str.len, &value)) {
		snprintf(w->cure, sizeof(w->cure), "write %u: %.12s is text, not a number to the "
			"base of 60 as in YAML 1.1", value, n->str.text);
	}
}

static void wants_truth(struct hpl_words *w, const struct hpl_node *n)
{
	static const struct { const char *word; bool value; bool modern; } words[] = {
		{"true", true, true}, {"false", false, true}, {"yes", true}, {"no", false},
		{"on", true}, {"off", false}, {"y", true}, {"n", false}, {"1", true}, {"0", false},
	};

	snprintf(w->cure, sizeof(w->cure), "write true or false");
	if (n->kind == HPL_INT && (n->integer == 0 || n->integer == 1)) {
		snprintf(w->cure, sizeof(w->cure), "write %s", n->integer ? "true" : "false");
		replace(w, n->integer ? "true" : "false");
	}
	for (size_t i = 0; n->kind == HPL_STRING && i < HPL_ARRAY_SIZE(words); i++) {
		const char *value = words[i].value ? "true" : "false";
		if (strcasecmp(n->str.text, words[i].word) != 0)
			continue;
		if (words[i].modern)
			snprintf(w->cure, sizeof(w->cure), "write %s without quotes", value);
		else
			snprintf(w->cure, sizeof(w->cure), "write %s: \"%s\" is text, not a truth "
				"value as in YAML 1.1", value, words[i].word);
		replace(w, value);
		return;
	}
}

static void wants_map(struct hpl_words *w, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	const struct hpl_node *list = hpl_node_get(s->node, "required");
	const char *key = key_of(at);

	switch (n->kind) {
	case HPL_NULL:
		snprintf(w->cure, sizeof(w->cure), "write its keys in the lines below, indented deeper");
		if (key)
			snprintf(w->cure, sizeof(w->cure), "write the keys of \"%s\" in the lines below "
				"it, indented deeper", key);
		for (size_t i = 0; list && i < list->list.count && i < 6; i++)
			hpl_words_add(w->cure, sizeof(w->cure), "%s%s", i ? ", " : ": ",
				hpl_node_str(list->list.items[i]));
		break;
	case HPL_LIST:
		snprintf(w->cure, sizeof(w->cure), "write \"key: value\" in each line, without \"- \" "
			"in front");
		break;
	default:
		snprintf(w->cure, sizeof(w->cure), "write \"key: value\" in the lines below it, indented "
			"deeper");
	}
}

static void wants_list(struct hpl_words *w, const struct hpl_node *n, const struct at *at)
{
	if (n->kind == HPL_MAP)
		snprintf(w->cure, sizeof(w->cure), "begin each item with \"- \"");
	else
		cure_example(w, at, "write a list: ", "[...]");
}

static const char *type_in_words(const char *type)
{
	static const char *const words[][2] = {
		{"object", "a mapping"}, {"array", "a list"}, {"string", "a string"},
		{"integer", "an integer"}, {"number", "a number"}, {"boolean", "true or false"},
		{"null", "null"},
	};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(words); i++) {
		if (hpl_streq(type, words[i][0]))
			return words[i][1];
	}
	return "?";
}

/* How many words of "type" there are when null, which nobody means to write, is left out. */
static void say_types(char *out, size_t size, const struct hpl_node *arg)
{
	size_t said = 0;

	if (arg->kind != HPL_LIST) {
		hpl_words_add(out, size, "%s", type_in_words(hpl_node_str(arg)));
		return;
	}
	for (size_t i = 0; i < arg->list.count; i++) {
		const char *name = hpl_node_str(arg->list.items[i]);
		if (arg->list.count > 1 && hpl_streq(name, "null"))
			continue;
		hpl_words_add(out, size, "%s%s", said++ ? " or " : "", type_in_words(name));
	}
}

bool hpl_fault_type(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	struct hpl_words w = HPL_WORDS_NULL;
	char wanted[128] = "", found[64];
	unsigned types = c->types;

	if (!r->faults)
		return false;
	say_types(wanted, sizeof(wanted), c->arg);
	hpl_describe(found, sizeof(found), n);
	snprintf(w.text, sizeof(w.text), "is %s, must be %s", found, wanted);
	if (types & BIT(HPL_BOOL))
		wants_truth(&w, n);
	else if ((types & (BIT(HPL_INT) | BIT(HPL_REAL))) && !(types & BIT(HPL_STRING)))
		wants_number(&w, c->sub, n);
	else if (types & BIT(HPL_STRING))
		wants_string(&w, c->sub, n, at);
	else if (types & BIT(HPL_MAP))
		wants_map(&w, c->sub, n, at);
	else if (types & BIT(HPL_LIST))
		wants_list(&w, n, at);
	return hpl_fault_say(r, c, n, at, NULL, &w);
}

/* ---- wrong value ---- */

static size_t value_distance(const struct hpl_node *n, const struct hpl_node *allowed)
{
	const char *text = n->str.text;
	size_t len = n->str.len;

	while (len && (*text == ' ' || *text == '\n')) {
		text++;
		len--;
	}
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\n'))
		len--;
	return hpl_edit_distance(text, len, allowed->str.text, allowed->str.len);
}

/* The allowed value that was meant, NULL: none is near. */
static const struct hpl_node *nearest_value(const struct hpl_node *n, const struct hpl_node *list)
{
	const struct hpl_node *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; n->kind == HPL_STRING && i < list->list.count; i++) {
		const struct hpl_node *v = list->list.items[i];
		if (v->kind != HPL_STRING)
			continue;
		size_t d = value_distance(n, v);
		if (d < least && d <= 1 + v->str.len / 6 && d < v->str.len) {
			least = d;
			best = v;
		}
	}
	return best;
}

bool hpl_fault_value(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	struct hpl_words w = HPL_WORDS_NULL;
	const bool one = c->arg->kind != HPL_LIST || strcmp(c->keyword->name, "const") == 0 ||
		c->arg->list.count == 1;
	const struct hpl_node *only = strcmp(c->keyword->name, "const") == 0 ? c->arg :
		one ? c->arg->list.items[0] : NULL;
	const struct hpl_node *meant = only ? only : nearest_value(n, c->arg);
	char found[64];

	if (!r->faults)
		return false;
	hpl_describe(found, sizeof(found), n);
	snprintf(w.text, sizeof(w.text), "is %s, must be %s", found, one ? "" : "one of: ");
	for (size_t i = 0; !one && i < c->arg->list.count; i++) {
		hpl_words_add(w.text, sizeof(w.text), "%s", i ? ", " : "");
		hpl_words_yaml(w.text, sizeof(w.text), c->arg->list.items[i]);
	}
	if (only && only->kind == HPL_STRING)
		hpl_words_add(w.text, sizeof(w.text), "\"%.100s\"", only->str.text);
	else if (only)
		hpl_words_yaml(w.text, sizeof(w.text), only);
	if (meant && meant->kind != HPL_LIST && meant->kind != HPL_MAP) {
		hpl_words_yaml(w.fix_text, sizeof(w.fix_text), meant);
		w.fix = HPL_FIX_REPLACE;
		if (only)
			cure_example(&w, at, "write ", w.fix_text);
		else
			snprintf(w.cure, sizeof(w.cure), "did you mean %s?", w.fix_text);
	} else if (!c->sub->cure) {
		snprintf(w.cure, sizeof(w.cure), "write one of the values that are allowed");
	}
	return hpl_fault_say(r, c, n, at, NULL, &w);
}

bool hpl_fault_number(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const char *relation)
{
	struct hpl_words w = HPL_WORDS_NULL;

	if (!r->faults)
		return false;
	snprintf(w.text, sizeof(w.text), "is %.24s, must be %s %.24s", n->scalar ? n->scalar :
		"a number", relation, c->arg->scalar ? c->arg->scalar : "?");
	if (!c->sub->cure && hpl_node_get(c->sub->node, "maximum") &&
		hpl_node_get(c->sub->node, "minimum"))
		cure_range(&w, c->sub);
	else if (!c->sub->cure)
		snprintf(w.cure, sizeof(w.cure), "write a number that is %s %.24s", relation,
			c->arg->scalar ? c->arg->scalar : "?");
	return hpl_fault_say(r, c, n, at, NULL, &w);
}

bool hpl_fault_length(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, size_t count, bool least)
{
	const char *what = n->kind == HPL_STRING ? "characters" : n->kind == HPL_LIST ? "items" :
		"entries";
	const char *one = n->kind == HPL_STRING ? "character" : n->kind == HPL_LIST ? "item" : "entry";
	struct hpl_words w = HPL_WORDS_NULL;
	unsigned long long limit = c->count;

	if (!r->faults)
		return false;
	if (count == 0)
		snprintf(w.text, sizeof(w.text), "is empty, must have at least %llu %s", limit,
			limit == 1 ? one : what);
	else
		snprintf(w.text, sizeof(w.text), "has %zu %s, %s %llu", count, count == 1 ? one : what,
			least ? "must have at least" : "may have at most", limit);
	if (count == 0 && !c->sub->cure && !c->sub->expect)
		snprintf(w.cure, sizeof(w.cure), n->kind == HPL_STRING ? "write a value, or remove the key" :
			"add what belongs into it, or remove it");
	if (!c->sub->cure && count > 0)
		snprintf(w.cure, sizeof(w.cure), least ? "give it %llu %s or more" :
			"leave %llu %s of it", limit, what);
	return hpl_fault_say(r, c, n, at, NULL, &w);
}

bool hpl_fault_repeated(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, size_t first, size_t second)
{
	const struct at here = {.up = at, .index = second};
	struct hpl_words w = HPL_WORDS_NULL;

	snprintf(w.text, sizeof(w.text), "is the same as item %zu of the list", first + 1);
	snprintf(w.cure, sizeof(w.cure), "remove it");
	w.fix = HPL_FIX_REMOVE;
	return hpl_fault_say(r, c, n->list.items[second], &here, NULL, &w);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Words for values, characters and names: what faults are made of. No string value is said. */
#include <stdarg.h>
#include <stdio.h>

#include "runtime/base/utf8.h"
#include "schema/scalar.h"
#include "schema/validator.h"

void hpl_words_add(char *out, size_t size, const char *fmt, ...)
{
	size_t n = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out + n, size - n, fmt, ap);
	va_end(ap);
}

void hpl_describe(char *out, size_t size, const struct hpl_node *n)
{
	switch (n->kind) {
	case HPL_NULL:
		snprintf(out, size, "empty (null)");
		break;
	case HPL_BOOL:
		snprintf(out, size, "true or false");
		break;
	case HPL_INT:
		snprintf(out, size, "an integer");
		break;
	case HPL_REAL:
		snprintf(out, size, "a number");
		break;
	case HPL_STRING:
		if (n->str.len == 0)
			snprintf(out, size, "an empty string");
		else
			snprintf(out, size, "a string of %zu character%s",
				hpl_utf8_count(n->str.text, n->str.len), n->str.len == 1 ? "" : "s");
		break;
	case HPL_LIST:
		snprintf(out, size, "a list");
		break;
	case HPL_MAP:
		snprintf(out, size, "a mapping");
		break;
	}
}

bool hpl_in_charset(const char *set, unsigned char c)
{
	for (; *set; set++) {
		if (set[1] == '-' && set[2]) {
			if (c >= (unsigned char)set[0] && c <= (unsigned char)set[2])
				return true;
			set += 2;
		} else if ((unsigned char)*set == c) {
			return true;
		}
	}
	return false;
}

const char *hpl_char_class(unsigned char c)
{
	if (c == ' ')
		return "a blank";
	if (c == '\n' || c == '\r')
		return "a line end";
	if (c == '\t')
		return "a tab";
	if (c < 0x20 || c == 0x7f)
		return "a control character";
	if (c >= 0x80)
		return "a character outside ASCII";
	if (c >= '0' && c <= '9')
		return "a digit";
	if (c >= 'A' && c <= 'Z')
		return "an upper-case letter";
	if (c >= 'a' && c <= 'z')
		return "a lower-case letter";
	return "a special character";
}

void hpl_pattern_describe(char *out, size_t size, const struct sub *s, const struct hpl_node *n)
{
	size_t nth = 1;
	for (size_t i = 0; s->charset && i < n->str.len; i++) {
		unsigned char c = (unsigned char)n->str.text[i];
		if (!hpl_in_charset(s->charset, c)) {
			snprintf(out, size, "has %s as character %zu, which is not allowed",
				hpl_char_class(c), nth);
			return;
		}
		nth += (c & 0xc0) != 0x80;
	}
	char what[64];
	hpl_describe(what, sizeof(what), n);
	snprintf(out, size, s->expect ? "is %s" : "is %s of a form that is not allowed", what);
}

/* Optimal string alignment: two neighbours that changed places count as one edit. */
size_t hpl_edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	enum { MAX = 40 };
	size_t rows[3][MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (a_len > MAX || b_len > MAX)
		return MAX;
	for (size_t k = 0; k <= b_len; k++)
		row[k] = k;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;
		before = last;
		last = row;
		row = spare;
		row[0] = i;
		for (size_t k = 1; k <= b_len; k++) {
			/* a difference of case counts nothing: "Seed" is near to "seed" */
			bool same = (a[i - 1] | 0x20) == (b[k - 1] | 0x20);
			size_t best = last[k - 1] + !same;
			if (last[k] + 1 < best)
				best = last[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			if (i > 1 && k > 1 && (a[i - 1] | 0x20) == (b[k - 2] | 0x20) &&
				(a[i - 2] | 0x20) == (b[k - 1] | 0x20) && before[k - 2] + 1 < best)
				best = before[k - 2] + 1;
			row[k] = best;
		}
	}
	return row[b_len];
}

const char *hpl_nearest_property(const struct sub *s, const char *key, size_t len)
{
	const char *best = NULL;
	size_t least = 1 + len / 4;
	for (size_t i = 0; i < s->property_count; i++) {
		const struct property *p = &s->properties[i];
		size_t d = hpl_edit_distance(key, len, p->name, p->len);
		if (d <= least && d < p->len) {
			least = d ? d - 1 : 0;
			best = p->name;
			if (d == 0)
				break;
		}
	}
	return best;
}

static bool plain_scalar(const char *text, size_t len)
{
	struct hpl_node n = {.kind = HPL_NULL};

	for (size_t i = 0; i < len; i++) {
		if (!hpl_in_charset("a-zA-Z0-9_./+-", (unsigned char)text[i]))
			return false;
	}
	hpl_scalar_resolve(&n, text, len);
	return len > 0 && n.kind == HPL_STRING && text[0] != '-';
}

void hpl_words_yaml(char *out, size_t size, const struct hpl_node *v)
{
	switch (v->kind) {
	case HPL_STRING:
		if (plain_scalar(v->str.text, v->str.len))
			hpl_words_add(out, size, "%s", v->str.text);
		else
			hpl_words_add(out, size, "\"%s\"", v->str.text);
		break;
	case HPL_BOOL:
		hpl_words_add(out, size, "%s", v->boolean ? "true" : "false");
		break;
	case HPL_INT:
	case HPL_REAL:
		hpl_words_add(out, size, "%s", v->scalar ? v->scalar : "?");
		break;
	case HPL_NULL:
		hpl_words_add(out, size, "null");
		break;
	default:
		hpl_words_add(out, size, "...");
	}
}

/* The check of a keyword in a schema, or behind its references. */
static const struct check *find_check(const struct sub *s, const char *keyword)
{
	const struct check *ref = NULL;

	for (int depth = 0; s && depth < 8; depth++) {
		ref = NULL;
		for (unsigned i = 0; i < s->check_count; i++) {
			if (strcmp(s->checks[i].keyword->name, keyword) == 0)
				return &s->checks[i];
			if (strcmp(s->checks[i].keyword->name, "$ref") == 0)
				ref = &s->checks[i];
		}
		s = ref ? ref->one : NULL;
	}
	return NULL;
}

const struct hpl_node *hpl_sub_const(const struct sub *s)
{
	const struct check *c = find_check(s, "const");

	return c ? c->arg : NULL;
}

const struct sub *hpl_sub_target(const struct sub *s)
{
	for (int depth = 0; depth < 8; depth++) {
		const struct check *ref = s->property_count || s->expect ? NULL : find_check(s, "$ref");
		if (!ref)
			break;
		s = ref->one;
	}
	return s;
}

bool hpl_sub_wants(const struct sub *s, enum hpl_kind kind)
{
	const struct check *c = find_check(s, "type");

	return c && (c->types & (1u << kind));
}

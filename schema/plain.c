/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/plain.h"

struct reading {
	const char *p, *end;
};

static bool take(struct reading *r, char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* Letters, digits and what means nothing in a class; the rest is left to PCRE2. */
static bool is_literal(char c)
{
	return c > ' ' && c < 0x7f && c != '\\' && c != '[' && c != ']' && c != '-';
}

static void add(struct hpl_plain *f, char from, char to)
{
	for (unsigned c = (unsigned char)from; c <= (unsigned char)to; c++)
		f->classes[c] |= (uint8_t)(1u << f->count);
}

/* Behind '[': literals, ranges of literals, and a dash at the end. */
static bool read_class(struct reading *r, struct hpl_plain *f)
{
	bool any = false;

	if (r->p < r->end && *r->p == '^')
		return false;
	for (; r->p < r->end && *r->p != ']'; any = true) {
		char from = *r->p++;
		if (from == '-' && r->p < r->end && *r->p == ']') {
			add(f, from, from);
			continue;
		}
		if (!is_literal(from))
			return false;
		if (r->end - r->p >= 2 && r->p[0] == '-' && r->p[1] != ']') {
			if (!is_literal(r->p[1]) || r->p[1] < from)
				return false;
			add(f, from, r->p[1]);
			r->p += 2;
		} else {
			add(f, from, from);
		}
	}
	return any && take(r, ']');
}

static bool read_number(struct reading *r, size_t *ret)
{
	size_t n = 0, digits = 0;

	for (; r->p < r->end && *r->p >= '0' && *r->p <= '9' && digits < 5; digits++)
		n = n * 10 + (size_t)(*r->p++ - '0');
	*ret = n;
	return digits > 0;
}

/* 1: there is one, 0: none, -1: not of the simple kind. */
static int read_quantifier(struct reading *r, struct hpl_plain *f)
{
	f->min = f->max = 1;
	if (take(r, '*') || take(r, '+')) {
		f->min = r->p[-1] == '+';
		f->max = SIZE_MAX;
		return 1;
	}
	if (!take(r, '{'))
		return 0;
	if (!read_number(r, &f->min))
		return -1;
	f->max = f->min;
	if (take(r, ',') && !read_number(r, &f->max))
		f->max = SIZE_MAX;
	return take(r, '}') && f->min <= f->max ? 1 : -1;
}

bool hpl_plain_compile(struct hpl_plain *ret, const char *pattern, size_t len)
{
	struct reading r = {pattern, pattern + len};
	struct hpl_plain f = {0};
	int quantified = 0;

	if (!take(&r, '^'))
		return false;
	while (!quantified && f.count < HPL_PLAIN_CLASSES && take(&r, '[')) {
		if (!read_class(&r, &f))
			return false;
		f.count++;
		quantified = read_quantifier(&r, &f);
	}
	if (quantified < 0 || !f.count || !take(&r, '$') || r.p != r.end)
		return false;
	*ret = f;
	return true;
}

bool hpl_plain_matches(const struct hpl_plain *p, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t ahead = p->count - 1, i = 0;

	if (len < ahead || len - ahead < p->min || len - ahead > p->max)
		return false;
	for (; i < ahead; i++) {
		if (!(p->classes[s[i]] >> i & 1))
			return false;
	}
	for (const unsigned bit = 1u << ahead; i < len; i++) {
		if (!(p->classes[s[i]] & bit))
			return false;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/pairs.h"

#include "runtime/base/secret.h"

enum {
	DEPTH_MAX = 256,     /* beyond it the reader's own limit refuses the text in any case */
	ESCAPED = 12,        /* characters of an escaped pair */
};

/* ---- is it JSON (RFC 8259)? ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* The functions below return the length of what they know at s, 0: it is not there. All texts end in
 * a NUL or are bounded by end. */
static size_t string_len(const char *s, const char *end)
{
	const char *p = s + 1;
	for (; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return 0;
		if (*p != '\\')
			continue;
		if (++p == end || !*p || !strchr("\"\\/bfnrtu", *p))
			return 0;
		if (*p == 'u' && (end - p < 5 || !is_hex(p[1]) || !is_hex(p[2]) || !is_hex(p[3]) ||
			!is_hex(p[4])))
			return 0;
	}
	return p < end ? (size_t)(p + 1 - s) : 0;
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

static size_t number_len(const char *s, const char *end)
{
	const char *p = s + (*s == '-'), *from = p;
	p = digits(p, end);
	if (p == from || (*from == '0' && p > from + 1))
		return 0;
	if (p < end && *p == '.') {
		from = ++p;
		p = digits(p, end);
		if (p == from)
			return 0;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		from = p;
		p = digits(p, end);
		if (p == from)
			return 0;
	}
	return (size_t)(p - s);
}

static size_t literal_len(const char *s, const char *end)
{
	static const char *const words[] = {"true", "false", "null"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);
		if ((size_t)(end - s) >= n && memcmp(s, words[i], n) == 0)
			return n;
	}
	return number_len(s, end);
}

enum want { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COLON, COMMA_OR_END, NOTHING };

struct scan {
	const char *s, *end;
	enum want want;
	unsigned depth;
	char open[DEPTH_MAX];
};

static enum want after_value(const struct scan *j)
{
	return j->depth ? COMMA_OR_END : NOTHING;
}

static bool scan_open(struct scan *j)
{
	if (j->depth == DEPTH_MAX || (j->want != VALUE && j->want != VALUE_OR_END))
		return false;
	j->open[j->depth++] = *j->s;
	j->want = *j->s++ == '{' ? KEY_OR_END : VALUE_OR_END;
	return true;
}

static bool scan_close(struct scan *j)
{
	if (!j->depth || j->open[j->depth - 1] != (*j->s == '}' ? '{' : '['))
		return false;
	if (j->want != COMMA_OR_END && j->want != (*j->s == '}' ? KEY_OR_END : VALUE_OR_END))
		return false;
	j->depth--;
	j->s++;
	j->want = after_value(j);
	return true;
}

static bool scan_scalar(struct scan *j)
{
	bool key = j->want == KEY || j->want == KEY_OR_END;
	size_t n;

	if (!key && j->want != VALUE && j->want != VALUE_OR_END)
		return false;
	n = *j->s == '"' ? string_len(j->s, j->end) : key ? 0 : literal_len(j->s, j->end);
	j->s += n;
	j->want = key ? COLON : after_value(j);
	return n > 0;
}

static bool scan_token(struct scan *j)
{
	switch (*j->s) {
	case ' ':
	case '\t':
	case '\n':
	case '\r':
		j->s++;
		return true;
	case '{':
	case '[':
		return scan_open(j);
	case '}':
	case ']':
		return scan_close(j);
	case ':':
		j->s++;
		if (j->want != COLON)
			return false;
		j->want = VALUE;
		return true;
	case ',':
		j->s++;
		if (j->want != COMMA_OR_END)
			return false;
		j->want = j->open[j->depth - 1] == '{' ? KEY : VALUE;
		return true;
	default:
		return scan_scalar(j);
	}
}

static bool is_json(const char *text, size_t len)
{
	struct scan j = {.s = text, .end = text + len, .want = VALUE};
	while (j.s < j.end) {
		if (!scan_token(&j))
			return false;
	}
	return j.want == NOTHING;
}

/* ---- joining ---- */

static uint32_t hex4(const char *s)
{
	uint32_t v = 0;
	for (int i = 0; i < 4; i++)
		v = v << 4 | (uint32_t)(is_digit(s[i]) ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
	return v;
}

/* The character of the pair at s (of valid JSON), 0: there is none. */
static uint32_t pair_at(const char *s, const char *end)
{
	if (end - s < ESCAPED || s[0] != '\\' || s[1] != 'u' || s[6] != '\\' || s[7] != 'u')
		return 0;
	uint32_t high = hex4(s + 2), low = hex4(s + 8);
	if (high < 0xd800 || high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return 0;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t utf8_4(char *out, uint32_t c)
{
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static int pair_add(struct hpl_pairs *p, size_t *cap, struct hpl_pair at)
{
	if (p->count == *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		struct hpl_pair *items = reallocarray(p->items, more, sizeof(*items));
		if (!items)
			return -1;
		p->items = items;
		*cap = more;
	}
	p->items[p->count++] = at;
	return 0;
}

static int join(struct hpl_pairs *p, const char *s, const char *end)
{
	struct hpl_pair at = {0};
	size_t cap = 0;

	while (s < end) {
		uint32_t c = pair_at(s, end);
		size_t brk = hpl_break_len(s, (size_t)(end - s));
		size_t n = brk ? brk : *s == '\\' && !c ? 2 : 1;
		if (c) {
			if (pair_add(p, &cap, at) < 0)
				return -1;
			p->len += utf8_4(p->text + p->len, c);
			s += ESCAPED;
			at.column++;
			continue;
		}
		memcpy(p->text + p->len, s, n);
		p->len += n;
		if (brk)
			at = (struct hpl_pair){at.line + 1, 0};
		else if (((unsigned char)*s & 0xc0) != 0x80)
			at.column += n;
		s += n;
	}
	return 0;
}

int hpl_pairs_join(struct hpl_pairs *ret, const char *text, size_t len, struct hpl_err *err)
{
	struct hpl_pairs p = {0};

	if (!memmem(text, len, "\\ud", 3) && !memmem(text, len, "\\uD", 3))
		return 0;
	if (!is_json(text, len))
		return 0;
	p.text = malloc(len);
	if (!p.text || join(&p, text, text + len) < 0) {
		p.len = p.text ? len : 0;
		hpl_pairs_done(&p);
		return HPL_OOM(err);
	}
	*ret = p;
	return 0;
}

void hpl_pairs_done(struct hpl_pairs *p)
{
	if (p->text)
		hpl_wipe(p->text, p->len);
	free(p->text);
	free(p->items);
	*p = (struct hpl_pairs){0};
}

/* How many pairs stand before a place. */
static size_t pairs_before(const struct hpl_pairs *p, size_t line, size_t column)
{
	size_t from = 0, to = p->count;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct hpl_pair *at = &p->items[mid];
		if (at->line < line || (at->line == line && at->column < column))
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

size_t hpl_pairs_shift(const struct hpl_pairs *p, size_t line, size_t column)
{
	if (!p->count)
		return 0;
	return (pairs_before(p, line, column) - pairs_before(p, line, 0)) * (ESCAPED - 1);
}

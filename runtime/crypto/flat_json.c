/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/flat_json.h"

#include "runtime/base/utf8.h"

struct text {
	const char *start, *p, *end;
};

static int wrong(const struct text *t, const char *what, struct hpl_err *err)
{
	return HPL_FAIL(err, 0, 0, "JSON: %s at offset %zu", what, (size_t)(t->p - t->start));
}

static void skip_space(struct text *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\t' || *t->p == '\r' || *t->p == '\n'))
		t->p++;
}

static int take(struct text *t, char c)
{
	skip_space(t);
	if (t->p == t->end || *t->p != c)
		return 0;
	t->p++;
	return 1;
}

static int hex4(struct text *t, uint32_t *ret)
{
	uint32_t v = 0;

	if (t->end - t->p < 4)
		return -1;
	for (int i = 0; i < 4; i++, t->p++) {
		char c = *t->p;
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		v = v << 4 | (uint32_t)digit;
	}
	*ret = v;
	return 0;
}

static void add_utf8(struct hpl_buf *out, uint32_t c)
{
	char b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; c >>= 6)
		b[i] = (char)(0x80 | (c & 0x3f));
	b[0] = (char)(lead[n] | c);
	hpl_buf_add(out, b, n);
}

/* Behind "\u". */
static int unicode_escape(struct hpl_buf *out, struct text *t)
{
	uint32_t c, low;

	if (hex4(t, &c) < 0 || c == 0 || (c >= 0xdc00 && c < 0xe000))
		return -1;
	if (c >= 0xd800 && c < 0xdc00) {
		if (t->end - t->p < 2 || t->p[0] != '\\' || t->p[1] != 'u')
			return -1;
		t->p += 2;
		if (hex4(t, &low) < 0 || low < 0xdc00 || low >= 0xe000)
			return -1;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	add_utf8(out, c);
	return 0;
}

/* Behind "\". */
static int escape(struct hpl_buf *out, struct text *t)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (t->p == t->end)
		return -1;
	if (*t->p == 'u') {
		t->p++;
		return unicode_escape(out, t);
	}
	at = *t->p ? strchr(from, *t->p) : NULL;
	if (!at)
		return -1;
	hpl_buf_add(out, to + (at - from), 1);
	t->p++;
	return 0;
}

static int string(struct hpl_buf *out, struct text *t, struct hpl_err *err)
{
	if (!take(t, '"'))
		return wrong(t, "a string is expected", err);
	for (;;) {
		const char *from = t->p;
		size_t step = 0;

		while (t->p < t->end && *t->p != '"' && *t->p != '\\' && (unsigned char)*t->p >= 0x20 &&
			(step = hpl_utf8_step((const unsigned char *)t->p, (size_t)(t->end - t->p))))
			t->p += step;
		hpl_buf_add(out, from, (size_t)(t->p - from));
		if (t->p == t->end)
			return wrong(t, "a string has no end", err);
		if (*t->p == '"')
			break;
		if (*t->p != '\\')
			return wrong(t, "a character that no string may hold", err);
		t->p++;
		if (escape(out, t) < 0)
			return wrong(t, "an unknown escape", err);
	}
	t->p++;
	hpl_buf_add(out, "", 0);
	return out->failed ? HPL_OOM(err) : 0;
}

static struct hpl_flat *find(struct hpl_flat *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

static int member(struct hpl_flat *fields, size_t count, struct text *t, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf name = HPL_BUF_NULL;
	struct hpl_flat *f;

	if (string(&name, t, err) < 0)
		return -1;
	f = find(fields, count, name.data ? name.data : "");
	if (!f)
		return HPL_FAIL(err, 0, 0, "JSON: unknown member \"%s\"", name.data ? name.data : "");
	if (f->seen)
		return HPL_FAIL(err, 0, 0, "JSON: member \"%s\" is there twice", f->name);
	f->seen = 1;
	if (!take(t, ':'))
		return wrong(t, "a colon is expected", err);
	if (string(&f->value, t, err) < 0)
		return HPL_WRAP(err, 0, "%s", f->name);
	return 0;
}

int hpl_flat_parse(struct hpl_flat *fields, size_t count, const char *text, size_t len,
	struct hpl_err *err)
{
	struct text t = {text, text, text + len};

	if (!take(&t, '{'))
		return wrong(&t, "an object is expected", err);
	if (!take(&t, '}')) {
		do {
			if (member(fields, count, &t, err) < 0)
				return -1;
		} while (take(&t, ','));
		if (!take(&t, '}'))
			return wrong(&t, "a comma or the end of the object is expected", err);
	}
	skip_space(&t);
	return t.p == t.end ? 0 : wrong(&t, "text behind the object", err);
}

void hpl_flat_string(struct hpl_buf *out, const char *text, size_t len)
{
	hpl_buf_str(out, "\"");
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20)
			hpl_buf_fmt(out, "\\u%04x", (unsigned)text[i]);
		else if (text[i] == '"' || text[i] == '\\')
			hpl_buf_add(out, (char[]){'\\', text[i]}, 2);
		else
			hpl_buf_add(out, text + i, 1);
	}
	hpl_buf_str(out, "\"");
}

void hpl_flat_done(struct hpl_flat *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		hpl_buf_done(&fields[i].value);
		fields[i].seen = 0;
	}
}

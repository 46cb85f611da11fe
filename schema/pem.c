/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/pem.h"

#include <stdint.h>
#include <string.h>

#include "runtime/base/util.h"

static const char begin[] = "-----BEGIN ", end_mark[] = "-----END ";
enum { BEGIN = sizeof(begin) - 1, END = sizeof(end_mark) - 1, DASHES = 5 };

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_b64(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' || c == '/';
}

/* Sixteen characters at once; a compiler without such registers makes a loop of it. */
typedef unsigned char block_t __attribute__((vector_size(16)));

static bool all_b64(const char *s)
{
	block_t c, good;
	uint64_t half[2];

	memcpy(&c, s, sizeof(c));
	good = (block_t)((block_t)(c - (unsigned char)'0') < (unsigned char)10) |
		(block_t)((block_t)((c | (unsigned char)0x20) - (unsigned char)'a') < (unsigned char)26) |
		(block_t)(c == (unsigned char)'+') | (block_t)(c == (unsigned char)'/');
	memcpy(half, &good, sizeof(half));
	return (half[0] & half[1]) == UINT64_MAX;
}

/* How many characters of base64, without padding, s begins with. Most of a contract is such text. */
static size_t b64_run(const char *s, size_t len)
{
	size_t n = 0;

	while (len - n >= sizeof(block_t) && all_b64(s + n))
		n += sizeof(block_t);
	while (n < len && is_b64(s[n]))
		n++;
	return n;
}

/* ---- base64 ---- */

static bool url_safe_only(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_b64(s[i]) && !is_space(s[i]) && s[i] != '=' && s[i] != '-' && s[i] != '_')
			return false;
	}
	return true;
}

void hpl_base64_scan(struct hpl_base64_found *ret, const char *s, size_t len)
{
	struct hpl_base64_found f = {HPL_BASE64_GOOD};

	for (size_t i = 0; i < len && f.what == HPL_BASE64_GOOD; i++) {
		size_t run = b64_run(s + i, len - i);

		f.at = i;
		if (run && f.pad) {
			f.what = HPL_BASE64_INSIDE;
			f.chars++;
		} else if (run) {
			f.chars += run;
			i += run - 1;
			f.at = i;
		} else if (s[i] == '=') {
			f.pad++;
		} else if (!is_space(s[i])) {
			f.what = (s[i] == '-' || s[i] == '_') && url_safe_only(s, len) ?
				HPL_BASE64_URL : HPL_BASE64_CHAR;
		}
	}
	if (f.what == HPL_BASE64_GOOD && !f.chars && !f.pad)
		f.what = HPL_BASE64_NOTHING;
	else if (f.what == HPL_BASE64_GOOD && (f.pad > 2 || (f.chars + f.pad) % 4 != 0))
		f.what = HPL_BASE64_LENGTH;
	*ret = f;
}

/* ---- PEM ---- */

const struct hpl_pem_form *hpl_pem_form(const char *format)
{
	static const struct hpl_pem_form forms[] = {
		{"pem-certificate", {"CERTIFICATE"}, false},
		{"pem-certificates", {"CERTIFICATE"}, true},
		{"pem-public-key", {"PUBLIC KEY"}, false},
		{"pem-public-key-or-certificate", {"PUBLIC KEY", "CERTIFICATE"}, false},
		{"pem-private-key", {"*PRIVATE KEY"}, false},
	};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(forms); i++) {
		if (strcmp(forms[i].format, format) == 0)
			return &forms[i];
	}
	return NULL;
}

struct scan {
	const char *s;
	size_t len, i, line;
	struct hpl_pem_found *f;
};

static bool fail(struct scan *p, enum hpl_pem_what what)
{
	p->f->what = what;
	p->f->line = p->line;
	return false;
}

static bool starts(const struct scan *p, const char *text, size_t len)
{
	return p->len - p->i >= len && memcmp(p->s + p->i, text, len) == 0;
}

/* Length of the white space character at i: 1, 2 for the two characters \ n, or 0. */
static size_t gap(const struct scan *p)
{
	if (p->i < p->len && is_space(p->s[p->i]))
		return 1;
	return starts(p, "\\n", 2) ? 2 : 0;
}

static bool skip_gaps(struct scan *p)
{
	size_t from = p->i, n;

	while ((n = gap(p)) > 0) {
		p->line += n == 2 || p->s[p->i] == '\n';
		p->i += n;
	}
	return p->i > from;
}

static size_t dashes(struct scan *p)
{
	size_t n = 0;

	while (p->i < p->len && p->s[p->i] == '-') {
		p->i++;
		n++;
	}
	return n;
}

/* Upper-case letters, digits and single blanks up to the next dash or line end. */
static size_t label_length(const struct scan *p)
{
	size_t n = 0;

	while (p->i + n < p->len && ((p->s[p->i + n] >= 'A' && p->s[p->i + n] <= 'Z') ||
		(p->s[p->i + n] >= '0' && p->s[p->i + n] <= '9') ||
		(p->s[p->i + n] == ' ' && n && p->s[p->i + n - 1] != ' ')))
		n++;
	return n;
}

static bool right_label(const struct hpl_pem_form *form, const char *label)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(form->labels) && form->labels[i]; i++) {
		const char *want = form->labels[i];
		size_t n = strlen(label), w = strlen(want) - 1;
		if (*want == '*' ? n >= w && strcmp(label + n - w, want + 1) == 0 &&
			(n == w || label[n - w - 1] == ' ') : strcmp(label, want) == 0)
			return true;
	}
	return false;
}

/* Where a block should begin, something else stands. */
static bool no_begin(struct scan *p)
{
	size_t rest = p->len - p->i, n = 0;
	const char *at = p->s + p->i;
	const char *line_end = memchr(at, '\n', rest);
	size_t line = line_end ? (size_t)(line_end - at) : rest;

	while (n < line && at[n] == '-')
		n++;
	if (line - n >= 6 && memcmp(at + n, "BEGIN ", 6) == 0) {
		p->f->count = n;
		return fail(p, HPL_PEM_BEGIN_DASHES);
	}
	if (memmem(at, rest, begin, BEGIN - 1) || p->f->count)
		return fail(p, HPL_PEM_TEXT);
	return fail(p, memmem(at, rest, "-----END", 8) ? HPL_PEM_NO_BEGIN : HPL_PEM_NONE);
}

static bool scan_begin(struct scan *p, const struct hpl_pem_form *form)
{
	if (!starts(p, begin, BEGIN))
		return no_begin(p);
	p->i += BEGIN;
	size_t n = label_length(p), end = p->i + n;
	if (n >= sizeof(p->f->label))
		return fail(p, HPL_PEM_BEGIN_TAIL);
	memcpy(p->f->label, p->s + p->i, n);
	p->f->label[n] = '\0';
	p->i = end;
	p->f->count = dashes(p);
	if (p->f->count == 0 && p->i < p->len && !gap(p))
		return fail(p, HPL_PEM_BEGIN_TAIL);
	if (p->f->count != DASHES)
		return fail(p, HPL_PEM_BEGIN_DASHES);
	if (!right_label(form, p->f->label))
		return fail(p, HPL_PEM_LABEL);
	return p->i == p->len || gap(p) ? true : fail(p, HPL_PEM_BEGIN_TAIL);
}

static bool scan_body(struct scan *p)
{
	size_t chars = 0, pad = 0;
	bool spaced = false;

	for (;;) {
		spaced = skip_gaps(p);
		if (p->i >= p->len)
			return fail(p, HPL_PEM_NO_END);
		char c = p->s[p->i];
		size_t run = b64_run(p->s + p->i, p->len - p->i);
		if (c == '-')
			break;
		if (!run && c != '=') {
			p->f->c = (unsigned char)c;
			return fail(p, HPL_PEM_BODY);
		}
		if (run && pad)
			return fail(p, HPL_PEM_PADDING);
		chars += run;
		pad += !run;
		p->i += run ? run : 1;
	}
	if (!starts(p, end_mark, END)) {
		size_t from = p->i;
		p->f->count = dashes(p);
		p->f->c = '-';
		bool is_end = starts(p, "END ", 4);
		p->i = from;
		return fail(p, starts(p, begin, BEGIN) ? HPL_PEM_NO_END : is_end ?
			HPL_PEM_END_FRONT : HPL_PEM_BODY);
	}
	if (!chars)
		return fail(p, HPL_PEM_EMPTY);
	if (pad > 2 || (chars + pad) % 4 != 0)
		return fail(p, HPL_PEM_PADDING);
	return spaced ? true : fail(p, HPL_PEM_END_JOINED);
}

static bool scan_end(struct scan *p)
{
	p->i += END;
	size_t n = label_length(p);
	if (n != strlen(p->f->label) || memcmp(p->s + p->i, p->f->label, n) != 0)
		return fail(p, HPL_PEM_END_LABEL);
	p->i += n;
	p->f->count = dashes(p);
	if (p->f->count != DASHES)
		return fail(p, HPL_PEM_END_DASHES);
	return p->i == p->len || gap(p) || starts(p, "-", 1) ? true : fail(p, HPL_PEM_TEXT);
}

void hpl_pem_scan(struct hpl_pem_found *ret, const char *s, size_t len,
	const struct hpl_pem_form *form)
{
	struct scan p = {.s = s, .len = len, .line = 1, .f = ret};
	size_t blocks = 0;

	memset(ret, 0, sizeof(*ret));
	skip_gaps(&p);
	while (p.i < p.len || !blocks) {
		ret->count = blocks;
		if (blocks && !form->many) {
			fail(&p, starts(&p, begin, BEGIN) ? HPL_PEM_SECOND : HPL_PEM_TEXT);
			return;
		}
		if (!scan_begin(&p, form) || !scan_body(&p) || !scan_end(&p))
			return;
		blocks++;
		skip_gaps(&p);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/b64.h"

#include <errno.h>

#include "runtime/base/secret.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 1 + the value of a character, 0: not of the alphabet */
static const uint8_t values[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9,
	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17,
	['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25,
	['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33,
	['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41,
	['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,
	['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static int value_of(char c)
{
	return values[(uint8_t)c] - 1;
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes on their way into a buffer, which takes them dearly one by one. */
struct block {
	struct hpl_buf *out;
	size_t len;
	uint8_t bytes[768];
};

static void flush(struct block *b)
{
	if (b->len)
		hpl_buf_add(b->out, b->bytes, b->len);
	b->len = 0;
}

static int only_space_behind(const char *text, size_t from, size_t len, enum hpl_b64_mode mode,
	struct hpl_err *err)
{
	for (size_t k = from; k < len; k++)
		if (mode == HPL_B64_STRICT || !is_space(text[k]))
			return HPL_FAIL(err, 0, 0, "not base64: text behind the padding at offset %zu", k);
	return 0;
}

static void put3(struct block *b, uint32_t word, size_t n)
{
	if (b->len + 3 > sizeof(b->bytes))
		flush(b);
	b->bytes[b->len] = (uint8_t)(word >> 16);
	b->bytes[b->len + 1] = (uint8_t)(word >> 8);
	b->bytes[b->len + 2] = (uint8_t)word;
	b->len += n;
}

/* Groups of four without padding or white space, which is nearly all of a text. Returns how far it came. */
static size_t decode_plain(struct block *b, const char *text, size_t len)
{
	const uint8_t *t = (const uint8_t *)text;
	size_t i = 0;

	for (; i + 4 <= len; i += 4) {
		uint32_t a = values[t[i]], c = values[t[i + 1]], d = values[t[i + 2]], e = values[t[i + 3]];

		if (!a || !c || !d || !e)
			break;
		put3(b, (a - 1) << 18 | (c - 1) << 12 | (d - 1) << 6 | (e - 1), 3);
	}
	return i;
}

static int decode(struct block *b, const char *text, size_t len, enum hpl_b64_mode mode,
	struct hpl_err *err)
{
	uint32_t word = 0;
	unsigned have = 0, pad = 0;

	for (size_t i = decode_plain(b, text, len); i < len; i++) {
		int v = value_of(text[i]);

		if (mode == HPL_B64_WHITESPACE && is_space(text[i]))
			continue;
		if (text[i] == '=' && have >= 2) {
			pad++;
			v = 0;
		} else if (v < 0 || pad) {
			return HPL_FAIL(err, 0, 0, "not base64: wrong character at offset %zu", i);
		}
		word = word << 6 | (uint32_t)v;
		if (++have < 4)
			continue;
		/* bits behind the data must be zero: one text for one value */
		if ((pad == 1 && word & 0xff) || (pad == 2 && word & 0xffff))
			return HPL_FAIL(err, 0, 0, "not base64: stray bits before the padding");
		put3(b, word, 3 - pad);
		word = have = 0;
		if (pad)
			return only_space_behind(text, i + 1, len, mode, err);
	}
	if (have)
		return HPL_FAIL(err, 0, 0, "not base64: length is no multiple of four");
	return 0;
}

int hpl_b64_decode(struct hpl_buf *out, const char *text, size_t len, enum hpl_b64_mode mode,
	struct hpl_err *err)
{
	struct block b = {.out = out};
	int rc = decode(&b, text, len, mode, err);

	flush(&b);
	hpl_wipe(b.bytes, sizeof(b.bytes));
	if (rc == 0 && out->failed)
		return HPL_FAIL(err, 0, ENOMEM, "base64 text of %zu characters", len);
	return rc;
}

void hpl_b64_encode(struct hpl_buf *out, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct block b = {.out = out};

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t word = (uint32_t)p[i] << 16 | (n > 1 ? p[i + 1] << 8 : 0) |
			(n > 2 ? p[i + 2] : 0);
		uint8_t *quad = b.bytes + b.len;

		quad[0] = (uint8_t)alphabet[word >> 18];
		quad[1] = (uint8_t)alphabet[word >> 12 & 63];
		quad[2] = n > 1 ? (uint8_t)alphabet[word >> 6 & 63] : '=';
		quad[3] = n > 2 ? (uint8_t)alphabet[word & 63] : '=';
		b.len += 4;
		if (b.len == sizeof(b.bytes))
			flush(&b);
	}
	flush(&b);
	hpl_wipe(b.bytes, sizeof(b.bytes));
}

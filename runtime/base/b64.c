/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/b64.h"

#include <errno.h>

#include "runtime/base/secret.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int hpl_b64_decode(struct hpl_buf *out, const char *text, size_t len, enum hpl_b64_mode mode,
	struct hpl_err *err)
{
	uint32_t word = 0;
	unsigned have = 0, pad = 0;

	for (size_t i = 0; i < len; i++) {
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
		uint8_t bytes[3] = {word >> 16, word >> 8, word};
		hpl_buf_add(out, bytes, 3 - pad);
		hpl_wipe(bytes, sizeof(bytes));
		word = have = 0;
		if (pad) {
			for (size_t k = i + 1; k < len; k++)
				if (mode == HPL_B64_STRICT || !is_space(text[k]))
					return HPL_FAIL(err, 0, 0,
						"not base64: text behind the padding at offset %zu", k);
			break;
		}
	}
	if (have)
		return HPL_FAIL(err, 0, 0, "not base64: length is no multiple of four");
	if (out->failed)
		return HPL_FAIL(err, 0, ENOMEM, "base64 text of %zu characters", len);
	return 0;
}

void hpl_b64_encode(struct hpl_buf *out, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t word = (uint32_t)p[i] << 16 | (n > 1 ? p[i + 1] << 8 : 0) |
			(n > 2 ? p[i + 2] : 0);
		char quad[4] = {alphabet[word >> 18], alphabet[word >> 12 & 63],
			n > 1 ? alphabet[word >> 6 & 63] : '=', n > 2 ? alphabet[word & 63] : '='};

		hpl_buf_add(out, quad, 4);
	}
}

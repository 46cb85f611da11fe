/* SPDX-License-Identifier: Apache-2.0 */
/* The scans of base64 and PEM take sixteen characters at once: they must say the same as one by one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "schema/pem.h"

enum { LONGEST = 70 };

static bool one_by_one(unsigned char c)
{
	return c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c);
}

Test(pem, every_byte_at_every_place_is_judged_as_alone)
{
	for (size_t len = 4; len <= LONGEST; len += len < 40 ? 1 : 7) {
		for (size_t at = 0; at < len; at++) {
			for (unsigned c = 0; c < 256; c++) {
				char text[LONGEST];
				struct hpl_base64_found f;

				memset(text, 'A', len);
				text[at] = (char)c;
				hpl_base64_scan(&f, text, len);
				if (one_by_one((unsigned char)c)) {
					cr_assert_eq(f.chars, len);
					cr_assert_eq(f.what, len % 4 ? HPL_BASE64_LENGTH : HPL_BASE64_GOOD);
				} else if (c == ' ' || (c >= '\t' && c <= '\r')) {
					cr_assert_eq(f.chars, len - 1);
				} else if (c == '=') {
					cr_assert_eq(f.what, at + 1 < len ? HPL_BASE64_INSIDE :
						len % 4 ? HPL_BASE64_LENGTH : HPL_BASE64_GOOD);
				} else {
					cr_assert(f.what == HPL_BASE64_CHAR || f.what == HPL_BASE64_URL);
					cr_assert_eq(f.at, at, "byte %u at %zu of %zu is said to be at %zu", c, at,
						len, f.at);
				}
			}
		}
	}
}

Test(pem, a_line_of_any_length_with_any_byte_in_it)
{
	const struct hpl_pem_form *form = hpl_pem_form("pem-certificate");

	for (size_t len = 4; len <= 64; len += 4) {
		for (size_t at = 0; at < len; at++) {
			for (unsigned c = 1; c < 256; c++) {
				char text[200], body[LONGEST] = {0};
				struct hpl_pem_found f;
				bool space = c == ' ' || (c >= '\t' && c <= '\r');

				memset(body, 'A', len);
				body[at] = (char)c;
				snprintf(text, sizeof(text),
					"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n", body);
				hpl_pem_scan(&f, text, strlen(text), form);
				if (one_by_one((unsigned char)c) || (c == '=' && at + 1 == len))
					cr_assert_eq(f.what, HPL_PEM_GOOD, "byte %u at %zu of %zu", c, at, len);
				else
					cr_assert_eq(f.what, space || c == '=' ? HPL_PEM_PADDING : HPL_PEM_BODY,
						"byte %u at %zu of %zu: %d", c, at, len, f.what);
				if (f.what == HPL_PEM_BODY)
					cr_assert_eq(f.c, c);
			}
		}
	}
}

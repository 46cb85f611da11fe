/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* UTF-8 (RFC 3629). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the character at s (1-4), 0 when it is not well-formed UTF-8 (RFC 3629). */
static inline size_t hpl_utf8_step(const unsigned char *s, size_t left)
{
	if (left == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Number of characters of well-formed text. */
static inline size_t hpl_utf8_count(const char *s, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

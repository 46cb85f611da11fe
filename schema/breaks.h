/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Lines as libyaml counts them, for those who find places again in a text. */
#include <stddef.h>

/* Length of a line break at p (CR LF, LF, CR, NEL, LS, PS), 0: none. */
static inline size_t hpl_yaml_break(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;

	if (len == 0)
		return 0;
	if (u[0] == '\r')
		return len > 1 && u[1] == '\n' ? 2 : 1;
	if (u[0] == '\n')
		return 1;
	if (len > 1 && u[0] == 0xc2 && u[1] == 0x85)
		return 2;
	if (len > 2 && u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9))
		return 3;
	return 0;
}

/* Offset of the end of the line that at is in: of its break, or of the text. */
static inline size_t hpl_yaml_line_end(const char *text, size_t len, size_t at)
{
	while (at < len && !hpl_yaml_break(text + at, len - at))
		at++;
	return at;
}

/* Offset of the first character of line (from 1); of the text's end behind the last. */
static inline size_t hpl_yaml_line_start(const char *text, size_t len, size_t line)
{
	size_t at = 0;

	for (size_t l = 1; l < line && at < len; l++) {
		at = hpl_yaml_line_end(text, len, at);
		at += hpl_yaml_break(text + at, len - at);
	}
	return at;
}

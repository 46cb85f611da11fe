/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Escaped pairs of surrogates ("\ud83d\ude00", the way of JSON to write what is beyond U+FFFF):
 * libyaml takes each half for a character and refuses it. In a text that is JSON they are replaced by
 * the character itself before libyaml sees it; in other YAML such characters in front of a quote
 * might be no escapes at all, and the text is left alone. Inner header.
 */
#include "schema/node.h"

struct hpl_pair {
	size_t line, column;  /* of the character in the joined text, from 0 */
};
struct hpl_pairs {
	char *text;           /* NULL: nothing was joined; owned, wiped when it is freed */
	size_t len;
	struct hpl_pair *items; /* in order */
	size_t count;
};
/* 0: done, or nothing to do. -1: no memory. */
int hpl_pairs_join(struct hpl_pairs *ret, const char *text, size_t len, struct hpl_err *err);
void hpl_pairs_done(struct hpl_pairs *p);
/* How many columns further to the right the place stands in the text that was given. */
size_t hpl_pairs_shift(const struct hpl_pairs *p, size_t line, size_t column);

/* Length of the line break at s, 0: none. The breaks of libyaml, whose line numbers are followed. */
static inline size_t hpl_break_len(const char *s, size_t left)
{
	if (left && *s == '\r')
		return left > 1 && s[1] == '\n' ? 2 : 1;
	if (left && *s == '\n')
		return 1;
	if (left > 1 && memcmp(s, "\xc2\x85", 2) == 0)
		return 2;
	if (left > 2 && (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

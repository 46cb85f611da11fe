/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Patterns that are nothing but characters of classes in a row, from begin to end, as names have
 * them: "^[A-Za-z_][A-Za-z0-9_]*$". They are compared byte by byte instead of by PCRE2. Inner header.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HPL_PLAIN_CLASSES = 4 };

struct hpl_plain {
	size_t count;                      /* of classes; the last one stands min to max times */
	size_t min, max;
	uint8_t classes[256];              /* of a byte: a bit for each class that has it */
};

/* false: it is something else, and *ret is not set. */
bool hpl_plain_compile(struct hpl_plain *ret, const char *pattern, size_t len);
bool hpl_plain_matches(const struct hpl_plain *p, const char *text, size_t len);

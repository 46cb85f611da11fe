/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * PEM (RFC 7468) and base64 (RFC 4648) as contracts hold them: one pass, no backtracking, the same
 * scan for the verdict and for its explanation. Line ends may also be the two characters \ n.
 * Inner header.
 */
#include <stdbool.h>
#include <stddef.h>

/* What a field takes. */
struct hpl_pem_form {
	const char *format;      /* name of the "format" */
	const char *labels[3];   /* that are right; ends with NULL. "*PRIVATE KEY": any that ends so */
	bool many;               /* more than one block */
};
/* NULL: format is none of PEM. */
const struct hpl_pem_form *hpl_pem_form(const char *format);

enum hpl_pem_what {
	HPL_PEM_GOOD, HPL_PEM_NONE,                       /* NONE: no line of it looks like PEM */
	HPL_PEM_NO_BEGIN, HPL_PEM_BEGIN_DASHES, HPL_PEM_BEGIN_TAIL, HPL_PEM_TEXT, HPL_PEM_LABEL,
	HPL_PEM_BODY, HPL_PEM_PADDING, HPL_PEM_EMPTY, HPL_PEM_NO_END, HPL_PEM_END_DASHES,
	HPL_PEM_END_FRONT, HPL_PEM_END_LABEL, HPL_PEM_END_JOINED, HPL_PEM_SECOND,
};
struct hpl_pem_found {
	enum hpl_pem_what what;
	size_t line;             /* from 1, in the text */
	size_t count;            /* of dashes, blocks */
	unsigned char c;         /* BODY: the character */
	char label[40];          /* of the block, upper-case letters, digits and blanks only */
};
void hpl_pem_scan(struct hpl_pem_found *ret, const char *s, size_t len,
	const struct hpl_pem_form *form);

enum hpl_base64_what {
	HPL_BASE64_GOOD, HPL_BASE64_NOTHING, HPL_BASE64_URL, HPL_BASE64_CHAR, HPL_BASE64_INSIDE,
	HPL_BASE64_LENGTH,
};
struct hpl_base64_found {
	enum hpl_base64_what what;
	size_t at;               /* byte from 0 */
	size_t chars, pad;       /* seen */
};
/* Base64 with white space anywhere; padding only at the end, whole groups of four. */
void hpl_base64_scan(struct hpl_base64_found *ret, const char *s, size_t len);

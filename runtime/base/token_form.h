/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The form of a token (see token.h), apart from its cryptography: who only has to know one when it
 * sees it need not load libcrypto. */
#include <stddef.h>

#define HPL_TOKEN_PREFIX "hyper-protect-basic"
#define HPL_TOKEN_PREFIX_CCRT "contract-basic"

struct hpl_token_parts {
	const char *rsa, *data; /* borrowed from the text, not ended by NUL */
	size_t rsa_len, data_len;
};

/* Splits text at its two dots, white space at the ends ignored. -1: not a token (*ret is undefined). */
int hpl_token_split(struct hpl_token_parts *ret, const char *text, size_t len);
/* Does text have the form of a token: known prefix, three parts? */
int hpl_token_looks_like(const char *text, size_t len);

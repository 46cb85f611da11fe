/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a token is split and opened. The key is one of 2048 bits made at start. So that inputs come past
 * RSA, one that begins with '!' is taken as the data part behind a password of ours.
 */
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "runtime/base/b64.h"
#include "runtime/crypto/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static EVP_PKEY *key;
static struct hpl_buf rsa_part;

static void begin(void)
{
	struct hpl_token_parts p;
	_cleanup_buf_ struct hpl_buf token = HPL_BUF_NULL;

	key = EVP_RSA_gen(2048);
	if (!key || hpl_token_encrypt(&token, HPL_TOKEN_PREFIX, "x", 1, key, NULL) < 0 ||
		hpl_token_split(&p, token.data, token.len) < 0)
		abort();
	hpl_buf_add(&rsa_part, p.rsa, p.rsa_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL, token = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	static char first[HPL_ERR_TEXT];
	struct hpl_token_parts p;

	if (!key)
		begin();
	if (size && *data == '!')
		hpl_buf_fmt(&token, " %s.%s.", HPL_TOKEN_PREFIX_CCRT, rsa_part.data);
	hpl_buf_add(&token, data, size);
	if (size && *data == '!')
		memmove(token.data + token.len - size, token.data + token.len - size + 1, size), token.len--;
	if (hpl_token_split(&p, token.data, token.len) == 0 &&
		(p.rsa < token.data || p.data + p.data_len > token.data + token.len))
		abort();
	if (hpl_token_decrypt(&out, token.data, token.len, key, &err) < 0) {
		if (!first[0])
			memcpy(first, err.text, sizeof(first));
		if (out.len || strcmp(first, err.text) != 0)
			abort();
	}
	if (ERR_peek_error())
		abort();
	return 0;
}

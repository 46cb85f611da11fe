/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The openssl program as oracle of the token format, both ways, with the documented commands and random
 * raw passwords. A password that begins with NUL is left out: the program refuses it.
 */
#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>

#include "runtime/base/b64.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "runtime/crypto/token.h"

enum { ROUNDS = 500, ROUNDS_4096 = 8, RSA_BY_PROGRAM = 4, PASSWORD = 32 };

static char dir[] = "/tmp/hpl-oracle-XXXXXX";
static char key_file[64], pub_file[64], in_file[64];
static EVP_PKEY *key;

static void use_key(unsigned bits)
{
	FILE *f;

	EVP_PKEY_free(key);
	key = EVP_RSA_gen(bits);
	cr_assert(key);
	f = fopen(key_file, "we");
	cr_assert(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	f = fopen(pub_file, "we");
	cr_assert(f && PEM_write_PUBKEY(f, key));
	fclose(f);
}

static void begin(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(key_file, sizeof(key_file), "%s/key", dir);
	snprintf(pub_file, sizeof(pub_file), "%s/pub", dir);
	snprintf(in_file, sizeof(in_file), "%s/in", dir);
	use_key(2048);
}

static void end(void)
{
	unlink(key_file);
	unlink(pub_file);
	unlink(in_file);
	rmdir(dir);
	EVP_PKEY_free(key);
}

TestSuite(oracle, .init = begin, .fini = end);

static void run(const char *const *argv, const void *input, size_t len, struct hpl_buf *out)
{
	_cleanup_buf_ struct hpl_buf noise = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .input = input, .input_len = len, .timeout_ms = 60000,
		.out = out, .errout = &noise};
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert_eq(status, 0, "openssl: %s", noise.data ? noise.data : "");
}

static void enc(struct hpl_buf *out, const void *password, size_t len, const void *data, size_t data_len,
	bool decrypt)
{
	const char *argv[] = {"/usr/bin/openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", "stdin",
		"-in", in_file, decrypt ? "-d" : NULL, NULL};

	cr_assert_eq(hpl_file_write(in_file, data, data_len, 0600, NULL), 0);
	run(argv, password, len, out);
}

static void rsa_by_program(struct hpl_buf *out, const void *data, size_t len, bool decrypt)
{
	const char *const encrypts[] = {"/usr/bin/openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey",
		pub_file, "-pkeyopt", "rsa_padding_mode:pkcs1", NULL};
	const char *const decrypts[] = {"/usr/bin/openssl", "pkeyutl", "-decrypt", "-inkey", key_file,
		"-pkeyopt", "rsa_padding_mode:pkcs1", NULL};

	run(decrypt ? decrypts : encrypts, data, len, out);
}

/* A process for each would double the time of the test; its part of the format has no password rule. */
static void rsa(struct hpl_buf *out, const void *data, size_t len, bool decrypt, unsigned round)
{
	unsigned char bytes[512];
	size_t n = sizeof(bytes);
	EVP_PKEY_CTX *ctx;

	if (round % RSA_BY_PROGRAM == 0) {
		rsa_by_program(out, data, len, decrypt);
		return;
	}
	ctx = EVP_PKEY_CTX_new(key, NULL);
	cr_assert((decrypt ? EVP_PKEY_decrypt_init(ctx) : EVP_PKEY_encrypt_init(ctx)) > 0);
	cr_assert(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0);
	cr_assert((decrypt ? EVP_PKEY_decrypt(ctx, bytes, &n, data, len)
			   : EVP_PKEY_encrypt(ctx, bytes, &n, data, len)) > 0);
	hpl_buf_add(out, bytes, n);
	EVP_PKEY_CTX_free(ctx);
}

/* Every second one holds a NUL or LF at some place. */
static bool make_password(uint8_t password[PASSWORD], unsigned round)
{
	bool special;

	cr_assert_eq(RAND_bytes(password, PASSWORD), 1);
	if (round % 2)
		password[password[0] % PASSWORD] = round % 4 == 1 ? 0 : '\n';
	if (password[0] == 0)
		password[0] = 1;
	special = memchr(password, 0, PASSWORD) || memchr(password, '\n', PASSWORD);
	return special;
}

static void make_text(struct hpl_buf *out, unsigned round)
{
	hpl_buf_fmt(out, "type: workload # %u\n", round);
	for (unsigned i = 0; i < round % 61; i++)
		hpl_buf_str(out, "x");
}

static unsigned they_encrypt(unsigned rounds)
{
	unsigned special = 0;

	for (unsigned i = 0; i < rounds; i++) {
		_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL, sealed = HPL_BUF_NULL, blob = HPL_BUF_NULL,
			token = HPL_BUF_NULL, plain = HPL_BUF_NULL;
		struct hpl_err err = HPL_ERR_NULL;
		uint8_t password[PASSWORD];

		special += make_password(password, i);
		make_text(&text, i);
		enc(&sealed, password, PASSWORD, text.data, text.len, false);
		rsa(&blob, password, PASSWORD, false, i);
		hpl_buf_str(&token, i % 2 ? HPL_TOKEN_PREFIX "." : HPL_TOKEN_PREFIX_CCRT ".");
		hpl_b64_encode(&token, blob.data, blob.len);
		hpl_buf_str(&token, ".");
		hpl_b64_encode(&token, sealed.data, sealed.len);
		cr_assert_eq(hpl_token_decrypt(&plain, token.data, token.len, key, &err), 0, "round %u: %s", i,
			err.text);
		cr_assert_str_eq(plain.data, text.data);
	}
	return special;
}

static void we_encrypt(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL, sealed = HPL_BUF_NULL, blob = HPL_BUF_NULL,
			token = HPL_BUF_NULL, plain = HPL_BUF_NULL, password = HPL_BUF_NULL;
		struct hpl_token_parts parts;

		make_text(&text, i);
		cr_assert_eq(hpl_token_encrypt(&token, HPL_TOKEN_PREFIX, text.data, text.len, key, NULL), 0);
		cr_assert_eq(hpl_token_split(&parts, token.data, token.len), 0);
		cr_assert_eq(hpl_b64_decode(&blob, parts.rsa, parts.rsa_len, HPL_B64_STRICT, NULL), 0);
		cr_assert_eq(hpl_b64_decode(&sealed, parts.data, parts.data_len, HPL_B64_STRICT, NULL), 0);
		rsa(&password, blob.data, blob.len, true, i);
		cr_assert_eq(password.len, PASSWORD);
		enc(&plain, password.data, password.len, sealed.data, sealed.len, true);
		cr_assert_str_eq(plain.data, text.data);
	}
}

Test(oracle, tokens_of_the_program_open_whatever_bytes_their_password_has)
{
	cr_expect_geq(they_encrypt(ROUNDS), ROUNDS / 2 - 1);
}

Test(oracle, the_program_opens_our_tokens)
{
	we_encrypt(ROUNDS);
}

Test(oracle, the_documented_key_size_works_both_ways)
{
	use_key(4096);
	they_encrypt(ROUNDS_4096);
	we_encrypt(ROUNDS_4096);
}

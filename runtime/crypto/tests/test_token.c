/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/b64.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "runtime/crypto/keys.h"
#include "runtime/crypto/token.h"

static EVP_PKEY *key;
static char dir[] = "/tmp/hpl-token-XXXXXX";

static void make_key(void)
{
	cr_assert(mkdtemp(dir));
	key = EVP_RSA_gen(2048);
	cr_assert(key);
}

static void remove_dir(void)
{
	const char *argv[] = {"/bin/rm", "-r", dir, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 10000};
	int status;

	hpl_proc_run(&p, &status, NULL);
	EVP_PKEY_free(key);
}

TestSuite(token, .init = make_key, .fini = remove_dir);

/* The program is the oracle: openssl enc -aes-256-cbc -pbkdf2 -pass stdin, as documented. */
static void openssl_enc(struct hpl_buf *out, int decrypt, const void *pass, size_t pass_len,
	const char *in_file)
{
	const char *argv[] = {"/usr/bin/openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", "stdin",
		"-in", in_file, decrypt ? "-d" : NULL, NULL};
	struct hpl_proc p = {.argv = argv, .input = pass, .input_len = pass_len, .timeout_ms = 60000,
		.out = out};
	struct hpl_buf noise = HPL_BUF_NULL;
	int status = -1;

	p.errout = &noise;
	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	cr_assert_eq(status, 0, "openssl: %s", noise.data ? noise.data : "");
	hpl_buf_done(&noise);
}

static void seal_password(struct hpl_buf *out, const void *pass, size_t len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	unsigned char sealed[512];
	size_t n = sizeof(sealed);

	cr_assert(EVP_PKEY_encrypt_init(ctx) > 0);
	cr_assert(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0);
	cr_assert(EVP_PKEY_encrypt(ctx, sealed, &n, pass, len) > 0);
	hpl_b64_encode(out, sealed, n);
	EVP_PKEY_CTX_free(ctx);
}

static void token_by_openssl(struct hpl_buf *out, const char *prefix, const void *pass,
	size_t pass_len, const char *text)
{
	struct hpl_buf sealed = HPL_BUF_NULL;
	char file[64];

	snprintf(file, sizeof(file), "%s/plain", dir);
	cr_assert_eq(hpl_file_write(file, text, strlen(text), 0600, NULL), 0);
	openssl_enc(&sealed, 0, pass, pass_len, file);
	hpl_buf_str(out, prefix);
	hpl_buf_str(out, ".");
	seal_password(out, pass, pass_len);
	hpl_buf_str(out, ".");
	hpl_b64_encode(out, sealed.data, sealed.len);
	hpl_buf_done(&sealed);
}

static void expect_opens(const void *pass, size_t len, const char *prefix)
{
	struct hpl_buf token = HPL_BUF_NULL, plain = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	token_by_openssl(&token, prefix, pass, len, "type: env\n");
	cr_assert(hpl_token_looks_like(token.data, token.len));
	cr_assert_eq(hpl_token_decrypt(&plain, token.data, token.len, key, &err), 0, "%s", err.text);
	cr_assert_str_eq(plain.data, "type: env\n");
	hpl_buf_done(&token);
	hpl_buf_done(&plain);
}

Test(token, opens_what_the_openssl_program_made)
{
	expect_opens("0123456789abcdef0123456789abcdef", 32, HPL_TOKEN_PREFIX);
	expect_opens("0123456789abcdef0123456789abcdef", 32, HPL_TOKEN_PREFIX_CCRT);
}

Test(token, password_ends_at_the_first_nul_or_line_feed_as_openssl_takes_it)
{
	expect_opens("abc\ndef0123456789abcdef012345678", 32, HPL_TOKEN_PREFIX);
	expect_opens("abc\0def0123456789abcdef012345678", 32, HPL_TOKEN_PREFIX);
	expect_opens("\nbcddef0123456789abcdef012345678", 32, HPL_TOKEN_PREFIX);
	expect_opens("abc\rdef0123456789abcdef012345678", 32, HPL_TOKEN_PREFIX);
}

/* The second way of public tools: all of the password, NUL and LF included. */
static void token_by_library(struct hpl_buf *out, EVP_PKEY *to, const void *pass, size_t len, const char *text)
{
	_cleanup_buf_ struct hpl_buf blob = HPL_BUF_NULL, sealed = HPL_BUF_NULL;
	unsigned char key_iv[48], rsa[2048], data[256];
	size_t n = sizeof(rsa);
	int part = 0, last = 0;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(to, NULL);
	EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();

	cr_assert_eq(PKCS5_PBKDF2_HMAC(pass, (int)len, (const unsigned char *)"saltsalt", 8, 10000,
			     EVP_sha256(), 48, key_iv), 1);
	cr_assert(EVP_EncryptInit_ex(aes, EVP_aes_256_cbc(), NULL, key_iv, key_iv + 32));
	cr_assert(EVP_EncryptUpdate(aes, data, &part, (const unsigned char *)text, (int)strlen(text)));
	cr_assert(EVP_EncryptFinal_ex(aes, data + part, &last));
	cr_assert(EVP_PKEY_encrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0);
	cr_assert(EVP_PKEY_encrypt(ctx, rsa, &n, pass, len) > 0);
	hpl_buf_str(out, HPL_TOKEN_PREFIX ".");
	hpl_b64_encode(out, rsa, n);
	hpl_buf_str(out, ".");
	hpl_buf_str(&sealed, "Salted__saltsalt");
	hpl_buf_add(&sealed, data, (size_t)(part + last));
	hpl_b64_encode(out, sealed.data, sealed.len);
	EVP_PKEY_CTX_free(ctx);
	EVP_CIPHER_CTX_free(aes);
}

Test(token, the_whole_password_is_the_second_try)
{
	char pass[32] = "abcdefgh?jklmnopqrstuvwxyz012345";

	/* 120 times: a first try that opens to rubbish (one in 256) must not hide the second */
	for (unsigned i = 0; i < 120; i++) {
		_cleanup_buf_ struct hpl_buf token = HPL_BUF_NULL, plain = HPL_BUF_NULL;

		pass[8] = i % 2 ? '\n' : 0;
		pass[0] = (char)('!' + i % 90);
		pass[1] = (char)('!' + i / 90);
		token_by_library(&token, key, pass, sizeof(pass), "type: env\n");
		cr_assert_eq(hpl_token_decrypt(&plain, token.data, token.len, key, NULL), 0);
		cr_assert_str_eq(plain.data, "type: env\n", "round %u", i);
	}
}

Test(token, passwords_of_any_length_open)
{
	static const size_t sizes[] = {0, 1, 31, 33, 64, 65, 245};
	char pass[245];

	memset(pass, 'p', sizeof(pass));
	for (size_t i = 0; i < HPL_ARRAY_SIZE(sizes); i++) {
		_cleanup_buf_ struct hpl_buf token = HPL_BUF_NULL, plain = HPL_BUF_NULL;

		token_by_library(&token, key, pass, sizes[i], "type: env\n");
		cr_assert_eq(hpl_token_decrypt(&plain, token.data, token.len, key, NULL), 0, "%zu", sizes[i]);
		cr_assert_str_eq(plain.data, "type: env\n");
	}
}

Test(token, only_rsa_keys_of_2048_bits_and_more_take_part)
{
	_cleanup_buf_ struct hpl_buf token = HPL_BUF_NULL, plain = HPL_BUF_NULL, none = HPL_BUF_NULL;
	EVP_PKEY *small = EVP_RSA_gen(1024), *ec = EVP_EC_gen("P-256"), *odd = EVP_RSA_gen(3001);
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(hpl_token_encrypt(&none, HPL_TOKEN_PREFIX, "x", 1, small, &err), -1);
	cr_expect(strstr(err.text, "1024 bits"), "%s", err.text);
	cr_expect_eq(hpl_token_encrypt(&none, HPL_TOKEN_PREFIX, "x", 1, ec, NULL), -1);
	cr_expect_eq(none.len, 0);
	token_by_library(&token, small, "0123456789abcdef", 16, "type: env\n");
	cr_expect_eq(hpl_token_decrypt(&plain, token.data, token.len, small, NULL), -1);
	cr_expect_eq(hpl_token_decrypt(&plain, token.data, token.len, ec, NULL), -1);
	cr_assert_eq(hpl_token_encrypt(&none, HPL_TOKEN_PREFIX, "x: 1", 4, odd, NULL), 0);
	cr_assert_eq(hpl_token_decrypt(&plain, none.data, none.len, odd, NULL), 0);
	cr_expect_str_eq(plain.data, "x: 1");
	EVP_PKEY_free(small);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(odd);
}

/* CBC without MAC: about one changed token in 256 opens, to rubbish. */
static void flip(struct hpl_buf *token, size_t i, char to, const struct hpl_err *want, unsigned *opened)
{
	_cleanup_buf_ struct hpl_buf plain = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char keep = token->data[i];

	token->data[i] = to;
	if (hpl_token_decrypt(&plain, token->data, token->len, key, &err) == 0) {
		(*opened)++;
		cr_expect_str_neq(plain.data, "x: 1\n");
	} else {
		cr_expect_str_eq(err.text, want->text, "byte %zu", i);
		cr_expect_str_eq(err.cure, want->cure);
		cr_expect_eq(err.sys, want->sys);
		cr_expect_eq(plain.len, 0);
	}
	token->data[i] = keep;
}

Test(token, every_fault_gives_one_error)
{
	_cleanup_buf_ struct hpl_buf token = HPL_BUF_NULL, plain = HPL_BUF_NULL;
	struct hpl_err want = HPL_ERR_NULL;
	unsigned opened = 0;

	token_by_library(&token, key, "0123456789abcdef0123456789abcdef", 32, "x: 1\n");
	cr_assert_eq(hpl_token_decrypt(&plain, "no token", 8, key, &want), -1);
	cr_assert(want.text[0] && want.cure[0]);
	for (size_t i = 0; i < token.len; i++) {
		flip(&token, i, token.data[i] == 'A' ? 'B' : 'A', &want, &opened);
		flip(&token, i, '*', &want, &opened);
	}
	cr_expect_lt(opened, 16, "%u", opened);
	for (size_t n = 0; n < token.len; n++) {
		struct hpl_err err = HPL_ERR_NULL;

		if (hpl_token_decrypt(&plain, token.data, n, key, &err) < 0)
			cr_expect_str_eq(err.text, want.text);
	}
}

/* Blocks that are no PKCS#1: the same token gives the same end each time. */
Test(token, a_wrong_padding_ends_like_a_wrong_password)
{
	static const struct {
		size_t at;
		unsigned char value;
	} faults[] = {{0, 1}, {1, 1}, {2, 0}, {9, 0}, {223, 7}};
	_cleanup_buf_ struct hpl_buf good = HPL_BUF_NULL;
	struct hpl_token_parts parts;
	unsigned char block[256], blob[256];

	token_by_library(&good, key, "0123456789abcdef0123456789abcdef", 32, "x: 1\n");
	cr_assert_eq(hpl_token_split(&parts, good.data, good.len), 0);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(faults); i++) {
		_cleanup_buf_ struct hpl_buf token = HPL_BUF_NULL, first = HPL_BUF_NULL, second = HPL_BUF_NULL;
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
		size_t n = sizeof(blob);
		int rc;

		memset(block, 0x55, sizeof(block));
		block[0] = 0;
		block[1] = 2;
		memcpy(block + 223, "\0" "0123456789abcdef0123456789abcdef", 33);
		block[faults[i].at] = faults[i].value;
		cr_assert(EVP_PKEY_encrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0);
		cr_assert(EVP_PKEY_encrypt(ctx, blob, &n, block, sizeof(block)) > 0);
		EVP_PKEY_CTX_free(ctx);
		hpl_buf_str(&token, HPL_TOKEN_PREFIX ".");
		hpl_b64_encode(&token, blob, n);
		hpl_buf_str(&token, ".");
		hpl_buf_add(&token, parts.data, parts.data_len);
		rc = hpl_token_decrypt(&first, token.data, token.len, key, NULL);
		cr_expect_eq(hpl_token_decrypt(&second, token.data, token.len, key, NULL), rc);
		cr_expect_eq(first.len, second.len);
		cr_expect(first.len == 0 || strcmp(first.data, "x: 1\n") != 0, "fault %zu opened", i);
	}
}

Test(token, only_two_prefixes_and_three_parts_look_like_one)
{
	const char *const no[] = {"", ".", "hyper-protect-basic", "hyper-protect-basic.", "other.a.b",
		"hyper-protect-basic.a", "hyper-protect-basic.a.b.c", "xhyper-protect-basic.a.b"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(no); i++)
		cr_expect(!hpl_token_looks_like(no[i], strlen(no[i])), "%s", no[i]);
	cr_expect(hpl_token_looks_like(" contract-basic.a.b\n", 20));
}

static void expect_key(const char *text, size_t len)
{
	EVP_PKEY *got = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int64_t end = -1;

	cr_assert_eq(hpl_public_key_parse(&got, &end, text, len, &err), 0, "%s", err.text);
	cr_assert_eq(EVP_PKEY_eq(got, key), 1);
	cr_assert_eq(end, 0);
	EVP_PKEY_free(got);
}

Test(token, public_key_in_every_form_of_the_field)
{
	struct hpl_buf b1 = HPL_BUF_NULL, b2 = HPL_BUF_NULL, esc = HPL_BUF_NULL, b3 = HPL_BUF_NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	cr_assert(PEM_write_bio_PUBKEY(bio, key));
	n = BIO_get_mem_data(bio, &pem);
	expect_key(pem, (size_t)n);
	hpl_b64_encode(&b1, pem, (size_t)n);
	expect_key(b1.data, b1.len);
	hpl_b64_encode(&b2, b1.data, b1.len);
	expect_key(b2.data, b2.len);
	for (long i = 0; i < n; i++)
		hpl_buf_add(&esc, pem[i] == '\n' ? "\\n" : pem + i, pem[i] == '\n' ? 2 : 1);
	hpl_b64_encode(&b3, esc.data, esc.len);
	expect_key(b3.data, b3.len);
	hpl_buf_done(&b1);
	hpl_buf_done(&b2);
	hpl_buf_done(&b3);
	hpl_buf_done(&esc);
	BIO_free(bio);
}

Test(token, what_is_no_key_is_refused)
{
	const char *const no[] = {"", "AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"-----BEGIN CERTIFICATE-----\n", "not base64 at all"};
	EVP_PKEY *got = NULL;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(no); i++)
		cr_expect_eq(hpl_public_key_parse(&got, NULL, no[i], strlen(no[i]), NULL), -1);
	cr_expect_null(got);
}

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

Test(token, ours_is_opened_by_the_openssl_program)
{
	struct hpl_buf token = HPL_BUF_NULL, sealed = HPL_BUF_NULL, plain = HPL_BUF_NULL;
	struct hpl_buf blob = HPL_BUF_NULL;
	unsigned char pass[512];
	size_t n = sizeof(pass);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	char file[64], *dot;

	cr_assert_eq(hpl_token_encrypt(&token, HPL_TOKEN_PREFIX, "record", 6, key, NULL), 0);
	dot = strrchr(token.data, '.');
	cr_assert_eq(hpl_b64_decode(&sealed, dot + 1, strlen(dot + 1), HPL_B64_STRICT, NULL), 0);
	*dot = 0;
	dot = strchr(token.data, '.');
	cr_assert_eq(hpl_b64_decode(&blob, dot + 1, strlen(dot + 1), HPL_B64_STRICT, NULL), 0);
	cr_assert(EVP_PKEY_decrypt_init(ctx) > 0);
	cr_assert(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0);
	cr_assert(EVP_PKEY_decrypt(ctx, pass, &n, (unsigned char *)blob.data, blob.len) > 0);
	cr_assert_eq(n, 32);
	for (size_t i = 0; i < n; i++)
		cr_assert(pass[i] > 0x20 && pass[i] < 0x7f);
	snprintf(file, sizeof(file), "%s/sealed", dir);
	cr_assert_eq(hpl_file_write(file, sealed.data, sealed.len, 0600, NULL), 0);
	openssl_enc(&plain, 1, pass, n, file);
	cr_assert_str_eq(plain.data, "record");
	EVP_PKEY_CTX_free(ctx);
	hpl_buf_done(&token);
	hpl_buf_done(&sealed);
	hpl_buf_done(&blob);
	hpl_buf_done(&plain);
}

Test(token, every_fault_gives_one_text)
{
	struct hpl_buf token = HPL_BUF_NULL;
	struct hpl_err err, first = HPL_ERR_NULL;
	unsigned opened = 0;

	token_by_openssl(&token, HPL_TOKEN_PREFIX, "0123456789abcdef0123456789abcdef", 32, "x: 1\n");
	for (size_t i = strlen(HPL_TOKEN_PREFIX) + 1; i < token.len; i += 7) {
		struct hpl_buf plain = HPL_BUF_NULL;
		char keep = token.data[i];

		token.data[i] = keep == 'A' ? 'B' : 'A';
		err = HPL_ERR_NULL;
		/* CBC without MAC: a flip in the salt-free middle may decrypt to rubbish */
		if (hpl_token_decrypt(&plain, token.data, token.len, key, &err) == 0)
			opened++;
		else if (!first.text[0])
			first = err;
		else
			cr_assert_str_eq(err.text, first.text);
		token.data[i] = keep;
		hpl_buf_done(&plain);
	}
	cr_assert(first.text[0]);
	cr_assert_lt(opened, 8);
	hpl_buf_done(&token);
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

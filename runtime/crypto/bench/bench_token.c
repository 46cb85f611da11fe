/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_token ROUNDS: one token of 64 KiB under a new RSA-4096 key, opened by turns by the library and by
 * the OpenSSL calls that cannot be avoided. Prints a JSON line with medians and the spread of the
 * ratios, for integration/bench-contract.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <time.h>

#include "runtime/base/b64.h"
#include "runtime/crypto/token.h"

enum { PAYLOAD = 64 << 10, ROUNDS_MAX = 10000 };

static EVP_PKEY *key;
static struct hpl_buf token, blob, sealed;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench_token: %s\n", what);
		exit(1);
	}
}

static void with_library(void)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	must(hpl_token_decrypt(&out, token.data, token.len, key, NULL) == 0 && out.len == PAYLOAD,
		"the token does not open");
}

/* RSA, PBKDF2, AES: base64 is decoded already, nothing is checked or wiped. */
static void bare(void)
{
	static uint8_t out[PAYLOAD + 32];
	uint8_t password[512], key_iv[48];
	const uint8_t *p = (const uint8_t *)sealed.data;
	EVP_PKEY_CTX *rsa = EVP_PKEY_CTX_new(key, NULL);
	EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
	size_t len = sizeof(password);
	int n = 0, last = 0;

	must(rsa && aes && EVP_PKEY_decrypt_init(rsa) > 0 &&
		EVP_PKEY_CTX_set_rsa_padding(rsa, RSA_PKCS1_PADDING) > 0 &&
		EVP_PKEY_decrypt(rsa, password, &len, (const uint8_t *)blob.data, blob.len) > 0, "RSA");
	must(PKCS5_PBKDF2_HMAC((const char *)password, (int)len, p + 8, 8, 10000, EVP_sha256(),
		sizeof(key_iv), key_iv) == 1, "PBKDF2");
	must(EVP_DecryptInit_ex(aes, EVP_aes_256_cbc(), NULL, key_iv, key_iv + 32) == 1 &&
		EVP_DecryptUpdate(aes, out, &n, p + 16, (int)sealed.len - 16) == 1 &&
		EVP_DecryptFinal_ex(aes, out + n, &last) == 1 && n + last == PAYLOAD, "AES");
	EVP_CIPHER_CTX_free(aes);
	EVP_PKEY_CTX_free(rsa);
}

static void make_token(void)
{
	static char text[PAYLOAD];
	struct hpl_token_parts parts;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	key = EVP_RSA_gen(4096);
	must(key && hpl_token_encrypt(&token, "hyper-protect-basic", text, sizeof(text), key, NULL) == 0 &&
		hpl_token_split(&parts, token.data, token.len) == 0, "no token");
	must(hpl_b64_decode(&blob, parts.rsa, parts.rsa_len, HPL_B64_STRICT, NULL) == 0 &&
		hpl_b64_decode(&sealed, parts.data, parts.data_len, HPL_B64_STRICT, NULL) == 0, "base64");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static double a[ROUNDS_MAX], b[ROUNDS_MAX], ratio[ROUNDS_MAX];
	int rounds = argc > 1 ? atoi(argv[1]) : 100;

	must(rounds > 0 && rounds <= ROUNDS_MAX, "rounds");
	make_token();
	with_library();
	bare();
	for (int i = 0; i < rounds; i++) {
		double t0, t1, t2;

		/* each goes first every other time */
		t0 = now_us();
		i % 2 ? bare() : with_library();
		t1 = now_us();
		i % 2 ? with_library() : bare();
		t2 = now_us();
		a[i] = i % 2 ? t2 - t1 : t1 - t0;
		b[i] = i % 2 ? t1 - t0 : t2 - t1;
		ratio[i] = a[i] / b[i];
	}
	qsort(a, (size_t)rounds, sizeof(*a), by_value);
	qsort(b, (size_t)rounds, sizeof(*b), by_value);
	qsort(ratio, (size_t)rounds, sizeof(*ratio), by_value);
	printf("{\"ours\": %.0f, \"bare\": %.0f, \"ratio\": %.4f, \"p10\": %.4f, \"p90\": %.4f}\n", a[rounds / 2],
		b[rounds / 2], ratio[rounds / 2], ratio[rounds / 10], ratio[rounds * 9 / 10]);
	hpl_buf_done(&token);
	hpl_buf_done(&blob);
	hpl_buf_done(&sealed);
	EVP_PKEY_free(key);
	return 0;
}

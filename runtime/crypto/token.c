/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/token.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "runtime/base/b64.h"

/* facts 02, section 2.1 */
enum { SALT_LEN = 8, MAGIC_LEN = 8, KEY_LEN = 32, IV_LEN = 16, PBKDF2_ITERATIONS = 10000 };
static const char magic[] = "Salted__";

enum { PASSWORD_LEN = 32 };

/* EVP_PKEY_decrypt of the password; implicit rejection is not in OpenSSL 3.0, so the uniform
 * failure below is what hides the padding check. */
static int decrypt_password(struct hpl_secret *ret, EVP_PKEY *key, const struct hpl_buf *blob)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	_cleanup_secret_ struct hpl_secret plain = HPL_SECRET_NULL;
	size_t len = 0;
	int rc = -1;

	if (!ctx || EVP_PKEY_decrypt_init(ctx) <= 0 ||
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0 ||
		EVP_PKEY_decrypt(ctx, NULL, &len, (const uint8_t *)blob->data, blob->len) <= 0)
		goto out;
	if (hpl_secret_alloc(&plain, len, NULL) < 0)
		goto out;
	if (EVP_PKEY_decrypt(ctx, plain.data, &len, (const uint8_t *)blob->data, blob->len) <= 0)
		goto out;
	rc = hpl_secret_copy(ret, plain.data, len, NULL);
out:
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

static int derive(struct hpl_secret *key_iv, const uint8_t *pass, size_t pass_len,
	const uint8_t *salt)
{
	if (hpl_secret_alloc(key_iv, KEY_LEN + IV_LEN, NULL) < 0)
		return -1;
	return PKCS5_PBKDF2_HMAC((const char *)pass, (int)pass_len, salt, SALT_LEN,
		       PBKDF2_ITERATIONS, EVP_sha256(), KEY_LEN + IV_LEN, key_iv->data) == 1
		? 0
		: -1;
}

/* AES-256-CBC with PKCS#7 padding, both directions; appends to out. */
static int cipher(struct hpl_buf *out, int encrypt, const uint8_t *key_iv, const uint8_t *data,
	size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	_cleanup_secret_ struct hpl_secret work = HPL_SECRET_NULL;
	int n = 0, last = 0, rc = -1;

	if (!ctx || len > INT32_MAX - 64 || hpl_secret_alloc(&work, len + 2 * IV_LEN, NULL) < 0)
		goto out;
	if (EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key_iv, key_iv + KEY_LEN, encrypt) != 1 ||
		EVP_CipherUpdate(ctx, work.data, &n, data, (int)len) != 1 ||
		EVP_CipherFinal_ex(ctx, work.data + n, &last) != 1)
		goto out;
	hpl_buf_add(out, work.data, (size_t)(n + last));
	rc = out->failed ? -1 : 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

/* The part of the password that `openssl enc -pass stdin` uses (facts 02, section 2.2). */
static size_t passphrase_len(const struct hpl_secret *password)
{
	for (size_t i = 0; i < password->len; i++)
		if (password->data[i] == 0 || password->data[i] == '\n')
			return i;
	return password->len;
}

static int decrypt_with(struct hpl_buf *out, const struct hpl_buf *sealed, const uint8_t *pass,
	size_t pass_len)
{
	_cleanup_secret_ struct hpl_secret key_iv = HPL_SECRET_NULL;
	const uint8_t *p = (const uint8_t *)sealed->data;

	if (derive(&key_iv, pass, pass_len, p + MAGIC_LEN) < 0)
		return -1;
	return cipher(out, 0, key_iv.data, p + MAGIC_LEN + SALT_LEN,
		sealed->len - MAGIC_LEN - SALT_LEN);
}

static int decrypt_parts(struct hpl_buf *out, const struct hpl_token_parts *p, EVP_PKEY *key)
{
	_cleanup_buf_ struct hpl_buf blob = HPL_BUF_NULL, sealed = HPL_BUF_NULL;
	_cleanup_secret_ struct hpl_secret password = HPL_SECRET_NULL;
	size_t used;

	if (hpl_b64_decode(&blob, p->rsa, p->rsa_len, HPL_B64_STRICT, NULL) < 0 ||
		hpl_b64_decode(&sealed, p->data, p->data_len, HPL_B64_STRICT, NULL) < 0)
		return -1;
	if (sealed.len < MAGIC_LEN + SALT_LEN + 16 || memcmp(sealed.data, magic, MAGIC_LEN) != 0)
		return -1;
	if (!EVP_PKEY_is_a(key, "RSA") || blob.len != (size_t)EVP_PKEY_get_size(key))
		return -1;
	if (decrypt_password(&password, key, &blob) < 0)
		return -1;
	used = passphrase_len(&password);
	if (decrypt_with(out, &sealed, password.data, used) == 0)
		return 0;
	if (used == password.len)
		return -1;
	return decrypt_with(out, &sealed, password.data, password.len);
}

int hpl_token_decrypt(struct hpl_buf *out, const char *token, size_t len, EVP_PKEY *private_key,
	struct hpl_err *err)
{
	struct hpl_token_parts p;

	out->wipe = 1;
	if (hpl_token_split(&p, token, len) < 0 || decrypt_parts(out, &p, private_key) < 0) {
		HPL_FAIL(err, 0, 0, "the token cannot be opened with this image's key");
		hpl_err_cure(err, "encrypt the section again with the encryption certificate of "
				  "exactly this image");
		return -1;
	}
	return 0;
}

static int encrypt_password(struct hpl_buf *out, EVP_PKEY *key, const struct hpl_secret *password)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t sealed[2048]; /* RSA-16384 */
	size_t len = sizeof(sealed);
	int rc = -1;

	if (ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
		EVP_PKEY_encrypt(ctx, sealed, &len, password->data, password->len) > 0) {
		hpl_b64_encode(out, sealed, len);
		rc = 0;
	}
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

/* 32 characters of 64 possible ones: 192 bits. */
static int make_password(struct hpl_secret *ret)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";

	if (hpl_secret_alloc(ret, PASSWORD_LEN, NULL) < 0 ||
		RAND_priv_bytes(ret->data, PASSWORD_LEN) != 1)
		return -1;
	for (size_t i = 0; i < PASSWORD_LEN; i++)
		ret->data[i] = (uint8_t)chars[ret->data[i] & 63];
	return 0;
}

int hpl_token_encrypt(struct hpl_buf *out, const char *prefix, const void *data, size_t len,
	EVP_PKEY *public_key, struct hpl_err *err)
{
	_cleanup_secret_ struct hpl_secret password = HPL_SECRET_NULL, key_iv = HPL_SECRET_NULL;
	_cleanup_buf_ struct hpl_buf sealed = HPL_BUF_NULL;
	uint8_t salt[SALT_LEN];

	if (!EVP_PKEY_is_a(public_key, "RSA"))
		return HPL_FAIL(err, 0, 0, "the key to encrypt to is no RSA key");
	if (make_password(&password) < 0 || RAND_bytes(salt, sizeof(salt)) != 1 ||
		derive(&key_iv, password.data, password.len, salt) < 0)
		return HPL_FAIL(err, 0, 0, "no random bytes for the token");
	hpl_buf_add(&sealed, magic, MAGIC_LEN);
	hpl_buf_add(&sealed, salt, sizeof(salt));
	if (cipher(&sealed, 1, key_iv.data, data, len) < 0)
		return HPL_FAIL(err, 0, 0, "AES-256-CBC failed");
	hpl_buf_str(out, prefix);
	hpl_buf_str(out, ".");
	if (encrypt_password(out, public_key, &password) < 0)
		return HPL_FAIL(err, 0, 0, "RSA encryption failed");
	hpl_buf_str(out, ".");
	hpl_b64_encode(out, sealed.data, sealed.len);
	return out->failed ? HPL_OOM(err) : 0;
}

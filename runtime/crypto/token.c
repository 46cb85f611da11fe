/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#1 v1.5 tells whoever can send tokens and watch what becomes of them something about the
 * password of a stranger's token, unless a wrong padding looks like a wrong password. So RSA is
 * asked for the padded block, the padding is judged here without a branch on it, and when it is wrong
 * the work goes on with a password made from the private key and the block: always the same one
 * for the same token, because one that changed would now and then open to rubbish and give itself away.
 */
#include "runtime/crypto/token.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "runtime/base/b64.h"
#include "runtime/base/utf8.h"

/* facts 02, section 2.1 */
enum { SALT_LEN = 8, MAGIC_LEN = 8, KEY_LEN = 32, IV_LEN = 16, PBKDF2_ITERATIONS = 10000 };
static const char magic[] = "Salted__";

/* OpenSSL's programs read a password into 1024 bytes, the last of them a NUL. */
enum { PASSWORD_LEN = 32, PASSPHRASE_MAX = 1023, PAD_MIN = 8 };

/* The padded block; all zero, which is no padding, when the number is larger than the modulus. */
static int decrypt_block(struct hpl_secret *block, EVP_PKEY *key, const struct hpl_buf *blob)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t len = blob->len;
	int rc = -1;

	if (!ctx || hpl_secret_alloc(block, len, NULL) < 0 || EVP_PKEY_decrypt_init(ctx) <= 0 ||
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) <= 0)
		goto out;
	if (EVP_PKEY_decrypt(ctx, block->data, &len, (const uint8_t *)blob->data, blob->len) <= 0)
		hpl_wipe(block->data, block->len);
	rc = 0;
out:
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

/* HMAC-SHA-256 of the encrypted password under a hash of the private exponent. */
static int make_substitute(uint8_t ret[PASSWORD_LEN], EVP_PKEY *key, const struct hpl_buf *blob)
{
	_cleanup_secret_ struct hpl_secret d = HPL_SECRET_NULL;
	uint8_t mac_key[PASSWORD_LEN];
	unsigned mac_len = 0;
	BIGNUM *n = NULL;
	int ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &n) == 1 &&
		hpl_secret_alloc(&d, blob->len, NULL) == 0 &&
		BN_bn2binpad(n, d.data, (int)d.len) == (int)d.len &&
		EVP_Digest(d.data, d.len, mac_key, NULL, EVP_sha256(), NULL) == 1 &&
		HMAC(EVP_sha256(), mac_key, sizeof(mac_key), (const uint8_t *)blob->data, blob->len, ret,
			&mac_len);

	BN_clear_free(n);
	hpl_wipe(mac_key, sizeof(mac_key));
	ERR_clear_error();
	return ok ? 0 : -1;
}

/* All bits set where a < b, where a is zero; none otherwise. No branch. */
static size_t mask_less(size_t a, size_t b)
{
	return 0 - ((a ^ ((a ^ b) | ((a - b) ^ b))) >> (8 * sizeof(size_t) - 1));
}

static size_t mask_zero(size_t a)
{
	return mask_less(a, 1);
}

/* Where the password begins in the block 00 02 <8 or more bytes that are not 00> 00 <password>. A block of
 * another form gets the substitute at its end instead. */
static size_t unpad(struct hpl_secret *block, const uint8_t substitute[PASSWORD_LEN])
{
	size_t n = block->len, at = 0, found = 0, good, start;

	for (size_t i = 2; i < n; i++) {
		size_t here = mask_zero(block->data[i]) & ~found;

		at |= here & i;
		found |= here;
	}
	good = mask_zero(block->data[0]) & mask_zero(block->data[1] ^ 2u) & found &
		~mask_less(at, 2 + PAD_MIN);
	for (size_t i = 0; i < PASSWORD_LEN; i++) {
		uint8_t *p = &block->data[n - PASSWORD_LEN + i];

		*p = (uint8_t)((*p & good) | (substitute[i] & ~good));
	}
	start = (good & (at + 1)) | (~good & (n - PASSWORD_LEN));
	return start;
}

static int decrypt_password(struct hpl_secret *ret, EVP_PKEY *key, const struct hpl_buf *blob)
{
	_cleanup_secret_ struct hpl_secret block = HPL_SECRET_NULL;
	uint8_t substitute[PASSWORD_LEN];
	size_t start;
	int rc;

	if (make_substitute(substitute, key, blob) < 0 || decrypt_block(&block, key, blob) < 0)
		return -1;
	start = unpad(&block, substitute);
	rc = hpl_secret_copy(ret, block.data + start, block.len - start, NULL);
	hpl_wipe(substitute, sizeof(substitute));
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
	size_t n = 0;

	while (n < password->len && n < PASSPHRASE_MAX && password->data[n] && password->data[n] != '\n')
		n++;
	return n;
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

/* A wrong key passes the check of CBC's padding once in 256 times, and what comes out is not text. */
static bool is_text(const struct hpl_buf *b)
{
	size_t step;

	for (size_t i = 0; i < b->len; i += step) {
		step = hpl_utf8_step((const unsigned char *)b->data + i, b->len - i);
		if (!step || !b->data[i])
			return false;
	}
	return true;
}

/* The password as the program takes it, then the whole one. Who fails has done both in any case: how many
 * there are to try is a property of the password. */
static int decrypt_data(struct hpl_buf *out, const struct hpl_buf *sealed, const struct hpl_secret *password)
{
	_cleanup_buf_ struct hpl_buf cut = {.wipe = 1}, whole = {.wipe = 1};
	size_t used = passphrase_len(password);
	int cut_rc = decrypt_with(&cut, sealed, password->data, used), whole_rc;

	if (cut_rc < 0 || (used < password->len && !is_text(&cut))) {
		whole_rc = decrypt_with(&whole, sealed, password->data, password->len);
		if (whole_rc == 0 && (cut_rc < 0 || is_text(&whole))) {
			hpl_buf_add(out, whole.len ? whole.data : "", whole.len);
			return out->failed ? -1 : 0;
		}
	}
	if (cut_rc == 0)
		hpl_buf_add(out, cut.len ? cut.data : "", cut.len);
	return out->failed ? -1 : cut_rc;
}

/* What returns early here, returns for something that everyone who has the token can see. */
static int decrypt_parts(struct hpl_buf *out, const struct hpl_token_parts *p, EVP_PKEY *key)
{
	_cleanup_buf_ struct hpl_buf blob = HPL_BUF_NULL, sealed = HPL_BUF_NULL;
	_cleanup_secret_ struct hpl_secret password = HPL_SECRET_NULL;

	if (!EVP_PKEY_is_a(key, "RSA") || hpl_key_size_check(key, NULL) < 0)
		return -1;
	if (hpl_b64_decode(&blob, p->rsa, p->rsa_len, HPL_B64_STRICT, NULL) < 0 ||
		hpl_b64_decode(&sealed, p->data, p->data_len, HPL_B64_STRICT, NULL) < 0)
		return -1;
	if (sealed.len < MAGIC_LEN + SALT_LEN + IV_LEN || sealed.len % IV_LEN ||
		memcmp(sealed.data, magic, MAGIC_LEN) != 0)
		return -1;
	if (blob.len != (size_t)EVP_PKEY_get_size(key) || decrypt_password(&password, key, &blob) < 0)
		return -1;
	return decrypt_data(out, &sealed, &password);
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
	uint8_t sealed[HPL_KEY_BITS_MAX / 8];
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
	_cleanup_buf_ struct hpl_buf sealed = HPL_BUF_NULL, blob = HPL_BUF_NULL;
	uint8_t salt[SALT_LEN];

	if (!EVP_PKEY_is_a(public_key, "RSA"))
		return HPL_FAIL(err, 0, 0, "the key to encrypt to is no RSA key");
	if (hpl_key_size_check(public_key, err) < 0)
		return HPL_WRAP(err, 0, "the key to encrypt to");
	if (make_password(&password) < 0 || RAND_bytes(salt, sizeof(salt)) != 1 ||
		derive(&key_iv, password.data, password.len, salt) < 0)
		return HPL_FAIL(err, 0, 0, "no random bytes for the token");
	hpl_buf_add(&sealed, magic, MAGIC_LEN);
	hpl_buf_add(&sealed, salt, sizeof(salt));
	if (cipher(&sealed, 1, key_iv.data, data, len) < 0)
		return HPL_FAIL(err, 0, 0, "AES-256-CBC failed");
	if (encrypt_password(&blob, public_key, &password) < 0 || blob.failed)
		return HPL_FAIL(err, 0, 0, "RSA encryption failed");
	hpl_buf_fmt(out, "%s.", prefix);
	hpl_buf_add(out, blob.data, blob.len);
	hpl_buf_str(out, ".");
	hpl_b64_encode(out, sealed.data, sealed.len);
	return out->failed ? HPL_OOM(err) : 0;
}

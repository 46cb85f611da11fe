/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed secrets (facts 1.6): "sealed." and a compact JWS (RFC 7515) with RS512. The three parts of the
 * JWS are base64url without padding; inside the payload the field's tool writes plain base64 with
 * padding, in the alphabetical order of the members. Both alphabets are read.
 */
#include "runtime/crypto/sealed.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "runtime/base/b64.h"
#include "runtime/crypto/flat_json.h"
#include "runtime/crypto/keys.h"

enum { AES_LEN = 32, IV_LEN = 12, TAG_LEN = 16, TEXT_MAX = 4 << 20, SECRET_MAX = 1 << 20 };

static const char prefix[] = "sealed.", envelope_version[] = "0.1.0", provider[] = "ibm-hpcr-contract";
static const char wrap_type[] = "A256GCM", alg[] = "RS512";

static const struct {
	const char *verify, *decrypt;
} sides[] = {
	[HPL_SEALED_WORKLOAD] = {"workload_verify", "workload_decrypt"},
	[HPL_SEALED_ENV] = {"env_verify", "env_decrypt"},
};

/* ---- base64url ---- */

static void url_encode(struct hpl_buf *out, const void *data, size_t len)
{
	size_t from = out->len;

	hpl_b64_encode(out, data, len);
	if (out->failed || out->len == from)
		return;
	while (out->data[out->len - 1] == '=')
		out->data[--out->len] = 0;
	for (size_t i = from; i < out->len; i++)
		out->data[i] = out->data[i] == '+' ? '-' : out->data[i] == '/' ? '_' : out->data[i];
}

static int url_decode(struct hpl_buf *out, const char *text, size_t len)
{
	_cleanup_buf_ struct hpl_buf plain = HPL_BUF_NULL;

	hpl_buf_add(&plain, text, len);
	for (size_t i = 0; i < plain.len; i++) {
		if (plain.data[i] == '=' || plain.data[i] == '+' || plain.data[i] == '/')
			return -1;
		plain.data[i] = plain.data[i] == '-' ? '+' : plain.data[i] == '_' ? '/' : plain.data[i];
	}
	if (len % 4)
		hpl_buf_add(&plain, "===", 4 - len % 4);
	return plain.failed ? -1
			    : hpl_b64_decode(out, plain.len ? plain.data : "", plain.len, HPL_B64_STRICT, NULL);
}

/* A member of the envelope, in either alphabet. */
static int either_decode(struct hpl_buf *out, const struct hpl_buf *text)
{
	const char *data = text->len ? text->data : "";

	if (hpl_b64_decode(out, data, text->len, HPL_B64_STRICT, NULL) == 0)
		return 0;
	hpl_buf_clear(out);
	return url_decode(out, data, text->len);
}

/* ---- cryptography ---- */

/* data with its tag behind it; both directions. */
static int gcm(struct hpl_buf *out, int encrypt, const uint8_t *key, const uint8_t *iv, const uint8_t *data,
	size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	_cleanup_secret_ struct hpl_secret work = HPL_SECRET_NULL;
	size_t body = encrypt ? len : len - TAG_LEN;
	int n = 0, last = 0, ok;

	ok = ctx && hpl_secret_alloc(&work, len + TAG_LEN, NULL) == 0 &&
		EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv, encrypt) == 1 &&
		(body == 0 || EVP_CipherUpdate(ctx, work.data, &n, data, (int)body) == 1) &&
		(encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN,
				    (void *)(uintptr_t)(data + body)) == 1) &&
		EVP_CipherFinal_ex(ctx, work.data + n, &last) == 1 &&
		(!encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, work.data + body) == 1);
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	if (ok)
		hpl_buf_add(out, work.data, encrypt ? body + TAG_LEN : body);
	return ok && !out->failed ? 0 : -1;
}

static int wrap_key(struct hpl_buf *out, EVP_PKEY *key, const struct hpl_secret *aes)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t sealed[HPL_KEY_BITS_MAX / 8];
	size_t len = sizeof(sealed);
	int ok = ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
		EVP_PKEY_encrypt(ctx, sealed, &len, aes->data, aes->len) > 0;

	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	if (ok)
		hpl_buf_add(out, sealed, len);
	return ok && !out->failed ? 0 : -1;
}

static int unwrap_key(struct hpl_secret *aes, EVP_PKEY *key, const struct hpl_buf *wrapped)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	_cleanup_secret_ struct hpl_secret plain = HPL_SECRET_NULL;
	size_t len = (size_t)EVP_PKEY_get_size(key);
	int ok = ctx && hpl_secret_alloc(&plain, len, NULL) == 0 && EVP_PKEY_decrypt_init(ctx) > 0 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
		EVP_PKEY_decrypt(ctx, plain.data, &len, (const uint8_t *)wrapped->data, wrapped->len) > 0 &&
		len == AES_LEN && hpl_secret_copy(aes, plain.data, len, NULL) == 0;

	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : -1;
}

static int rs512_sign(struct hpl_buf *out, EVP_PKEY *key, const void *data, size_t len)
{
	uint8_t signature[HPL_KEY_BITS_MAX / 8];
	size_t n = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	int ok = ctx && EVP_DigestSignInit(ctx, &pctx, EVP_sha512(), NULL, key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) == 1 &&
		EVP_DigestSign(ctx, signature, &n, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (ok)
		url_encode(out, signature, n);
	return ok && !out->failed ? 0 : -1;
}

static int rs512_verify(EVP_PKEY *key, const struct hpl_buf *signature, const void *data, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	int ok = ctx && EVP_DigestVerifyInit(ctx, &pctx, EVP_sha512(), NULL, key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) == 1 &&
		EVP_DigestVerify(ctx, (const uint8_t *)signature->data, signature->len, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : -1;
}

static int check_rsa(EVP_PKEY *key, const char *what, struct hpl_err *err)
{
	if (!EVP_PKEY_is_a(key, "RSA"))
		return HPL_FAIL(err, 0, 0, "%s: sealed secrets need an RSA key, this is a %s key", what,
			EVP_PKEY_get0_type_name(key));
	return hpl_key_size_check(key, err) < 0 ? HPL_WRAP(err, 0, "%s", what) : 0;
}

/* ---- making ---- */

static void put_member(struct hpl_buf *out, const char *name, const char *value, size_t len)
{
	hpl_buf_str(out, out->len == 1 ? "" : ",");
	hpl_flat_string(out, name, strlen(name));
	hpl_buf_str(out, ":");
	hpl_flat_string(out, value, len);
}

static void put_base64(struct hpl_buf *out, const char *name, const void *data, size_t len)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;

	hpl_b64_encode(&text, data, len);
	put_member(out, name, text.len ? text.data : "", text.len);
}

static int make_envelope(struct hpl_buf *out, enum hpl_sealed_side side, const void *secret, size_t len,
	EVP_PKEY *key)
{
	_cleanup_secret_ struct hpl_secret aes = HPL_SECRET_NULL;
	_cleanup_buf_ struct hpl_buf data = HPL_BUF_NULL, wrapped = HPL_BUF_NULL;
	const char *key_id = sides[side].decrypt;
	uint8_t iv[IV_LEN];

	if (hpl_secret_alloc(&aes, AES_LEN, NULL) < 0 || RAND_priv_bytes(aes.data, AES_LEN) != 1 ||
		RAND_bytes(iv, sizeof(iv)) != 1 || gcm(&data, 1, aes.data, iv, secret, len) < 0 ||
		wrap_key(&wrapped, key, &aes) < 0)
		return -1;
	hpl_buf_str(out, "{");
	put_base64(out, "encrypted_data", data.data, data.len);
	put_base64(out, "encrypted_key", wrapped.data, wrapped.len);
	put_base64(out, "iv", iv, sizeof(iv));
	put_member(out, "key_id", key_id, strlen(key_id));
	put_member(out, "provider", provider, strlen(provider));
	put_member(out, "type", "kms", 3);
	put_member(out, "version", envelope_version, strlen(envelope_version));
	put_member(out, "wrap_type", wrap_type, strlen(wrap_type));
	hpl_buf_str(out, "}");
	return out->failed ? -1 : 0;
}

int hpl_sealed_make(struct hpl_buf *out, enum hpl_sealed_side side, const void *secret, size_t len,
	EVP_PKEY *encrypt_key, EVP_PKEY *sign_key, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf envelope = HPL_BUF_NULL, header = HPL_BUF_NULL, jws = HPL_BUF_NULL;

	if (!len || len > SECRET_MAX)
		return HPL_FAIL(err, 0, 0, "a secret has 1 to %d bytes, this has %zu", SECRET_MAX, len);
	if (check_rsa(encrypt_key, "encryption key", err) < 0 ||
		check_rsa(sign_key, "signing key", err) < 0)
		return -1;
	hpl_buf_fmt(&header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", alg, sides[side].verify);
	if (header.failed || make_envelope(&envelope, side, secret, len, encrypt_key) < 0)
		return HPL_FAIL(err, 0, 0, "the secret cannot be encrypted");
	url_encode(&jws, header.data, header.len);
	hpl_buf_str(&jws, ".");
	url_encode(&jws, envelope.data, envelope.len);
	if (jws.failed)
		return HPL_OOM(err);
	hpl_buf_str(out, prefix);
	hpl_buf_add(out, jws.data, jws.len);
	hpl_buf_str(out, ".");
	if (rs512_sign(out, sign_key, jws.data, jws.len) < 0)
		return HPL_FAIL(err, 0, 0, "the signing key does not sign: is it a private one?");
	return 0;
}

/* ---- opening ---- */

struct jws {
	const char *signed_text; /* header and payload with the dot between */
	size_t signed_len;
	struct hpl_buf header, payload, signature;
};

static void jws_done(struct jws *j)
{
	hpl_buf_done(&j->header);
	hpl_buf_done(&j->payload);
	hpl_buf_done(&j->signature);
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int split(struct jws *j, const char *text, size_t len)
{
	const char *dot1, *dot2, *end;

	while (len && is_space(text[0]))
		text++, len--;
	while (len && is_space(text[len - 1]))
		len--;
	if (len < strlen(prefix) || len > TEXT_MAX || memcmp(text, prefix, strlen(prefix)) != 0)
		return -1;
	end = text + len;
	text += strlen(prefix);
	dot1 = memchr(text, '.', (size_t)(end - text));
	dot2 = dot1 ? memchr(dot1 + 1, '.', (size_t)(end - dot1 - 1)) : NULL;
	if (!dot2)
		return -1;
	j->signed_text = text;
	j->signed_len = (size_t)(dot2 - text);
	return url_decode(&j->header, text, (size_t)(dot1 - text)) < 0 ||
			url_decode(&j->payload, dot1 + 1, (size_t)(dot2 - dot1 - 1)) < 0 ||
			url_decode(&j->signature, dot2 + 1, (size_t)(end - dot2 - 1)) < 0
		? -1
		: 0;
}

static bool equal(const struct hpl_flat *f, const char *value)
{
	return f->value.len == strlen(value) && memcmp(f->value.data, value, f->value.len) == 0;
}

static int read_header(enum hpl_sealed_side *ret, const struct hpl_buf *json, struct hpl_err *err)
{
	struct hpl_flat f[] = {{.name = "alg"}, {.name = "kid"}};
	int rc = hpl_flat_parse(f, 2, json->len ? json->data : "", json->len, err);

	if (rc < 0)
		HPL_WRAP(err, 0, "JWS header");
	else if (!equal(&f[0], alg))
		rc = HPL_FAIL(err, 0, 0, "JWS header: alg is not %s", alg);
	else if (equal(&f[1], sides[HPL_SEALED_WORKLOAD].verify))
		*ret = HPL_SEALED_WORKLOAD;
	else if (equal(&f[1], sides[HPL_SEALED_ENV].verify))
		*ret = HPL_SEALED_ENV;
	else
		rc = HPL_FAIL(err, 0, 0, "JWS header: kid is neither %s nor %s",
			sides[HPL_SEALED_WORKLOAD].verify, sides[HPL_SEALED_ENV].verify);
	hpl_flat_done(f, 2);
	return rc;
}

enum { DATA, KEY, IV, KEY_ID, PROVIDER, TYPE, VERSION, WRAP, MEMBERS };

static int decrypt_envelope(struct hpl_buf *out, const struct hpl_flat *f, EVP_PKEY *key)
{
	_cleanup_buf_ struct hpl_buf data = HPL_BUF_NULL, wrapped = HPL_BUF_NULL, iv = HPL_BUF_NULL;
	_cleanup_secret_ struct hpl_secret aes = HPL_SECRET_NULL;

	if (either_decode(&data, &f[DATA].value) < 0 || either_decode(&wrapped, &f[KEY].value) < 0 ||
		either_decode(&iv, &f[IV].value) < 0 || iv.len != IV_LEN || data.len < TAG_LEN ||
		unwrap_key(&aes, key, &wrapped) < 0)
		return -1;
	return gcm(out, 0, aes.data, (const uint8_t *)iv.data, (const uint8_t *)data.data, data.len);
}

static int open_envelope(struct hpl_buf *out, const struct hpl_buf *json, enum hpl_sealed_side side,
	EVP_PKEY *key, struct hpl_err *err)
{
	struct hpl_flat f[MEMBERS] = {{.name = "encrypted_data"}, {.name = "encrypted_key"}, {.name = "iv"},
		{.name = "key_id"}, {.name = "provider"}, {.name = "type"}, {.name = "version"},
		{.name = "wrap_type"}};
	const char *const fixed[MEMBERS] = {[KEY_ID] = sides[side].decrypt, [PROVIDER] = provider,
		[TYPE] = "kms", [VERSION] = envelope_version, [WRAP] = wrap_type};
	int rc = hpl_flat_parse(f, MEMBERS, json->len ? json->data : "", json->len, err);

	if (rc < 0)
		HPL_WRAP(err, 0, "envelope");
	for (size_t i = 0; i < MEMBERS && rc == 0; i++)
		if (fixed[i] && !equal(&f[i], fixed[i]))
			rc = HPL_FAIL(err, 0, 0, "envelope: %s is not %s", f[i].name, fixed[i]);
	if (rc == 0 && decrypt_envelope(out, f, key) < 0) {
		rc = HPL_FAIL(err, 0, 0, "the secret cannot be opened with this key");
		hpl_err_cure(err, "give the private key that belongs to %s", sides[side].decrypt);
	}
	hpl_flat_done(f, MEMBERS);
	return rc;
}

int hpl_sealed_open(struct hpl_buf *out, enum hpl_sealed_side *ret_side, const char *text, size_t len,
	EVP_PKEY *decrypt_key, EVP_PKEY *verify_key, struct hpl_err *err)
{
	HPL_CLEANUP(jws_done) struct jws j = {.signed_len = 0};
	enum hpl_sealed_side side = HPL_SEALED_WORKLOAD;

	out->wipe = 1;
	if (check_rsa(decrypt_key, "decryption key", err) < 0 ||
		check_rsa(verify_key, "verification key", err) < 0)
		return -1;
	if (split(&j, text, len) < 0)
		return HPL_FAIL(err, 0, 0, "no sealed secret: \"%s\" and three parts of base64url are "
					   "expected", prefix);
	if (read_header(&side, &j.header, err) < 0)
		return -1;
	/* nothing of the payload is looked at before */
	if (rs512_verify(verify_key, &j.signature, j.signed_text, j.signed_len) < 0) {
		HPL_FAIL(err, 0, 0, "the signature of the sealed secret is not by this key");
		hpl_err_cure(err, "give the public key that belongs to %s", sides[side].verify);
		return -1;
	}
	if (open_envelope(out, &j.payload, side, decrypt_key, err) < 0)
		return -1;
	*ret_side = side;
	return 0;
}

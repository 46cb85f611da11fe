/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/base/b64.h"
#include "runtime/crypto/keys.h"

static int fail(enum hpl_msg msg, const char *place, const char *cure, struct hpl_err *err)
{
	if (err)
		err->msg = msg;
	hpl_err_place(err, "contract: %s", place);
	hpl_err_cure(err, "%s", cure);
	return -1;
}

static int read_key(EVP_PKEY **ret, struct hpl_signature_result *result,
	const struct hpl_signature_input *in, struct hpl_err *err)
{
	EVP_PKEY *key = NULL;
	int bits;

	if (hpl_public_key_parse(&key, &result->not_after, in->key, in->key_len, err) < 0) {
		HPL_WRAP(err, 0, "signingKey");
		return fail(HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE, "env.signingKey",
			"give a PEM public key or certificate, or base64 of it", err);
	}
	bits = EVP_PKEY_get_bits(key);
	if (!EVP_PKEY_is_a(key, "RSA") || hpl_key_size_check(key, NULL) < 0) {
		HPL_FAIL(err, 0, 0, "signingKey: %s key of %d bits", EVP_PKEY_get0_type_name(key), bits);
		EVP_PKEY_free(key);
		return fail(HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE, "env.signingKey",
			"use an RSA key of 2048 to 16384 bits; 4096 is the documented size", err);
	}
	result->bits = bits;
	*ret = key;
	return 0;
}

static int check_expiry(int64_t not_after, int64_t now, struct hpl_err *err)
{
	time_t t = (time_t)not_after;
	char day[40] = "";
	struct tm tm;

	if (!not_after || now <= not_after)
		return 0;
	if (gmtime_r(&t, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S UTC", &tm);
	HPL_FAIL(err, 0, 0, "the certificate in signingKey expired on %s", day);
	return fail(HPL_MSG_SIGNATURE_CONTRACT_EXPIRED, "env.signingKey",
		"have the certificate issued again, put it into the contract, sign anew", err);
}

struct part {
	const char *data;
	size_t len;
};

/* Workload and env piece by piece into a digest; strip: without the bytes CR and LF. */
static int feed(EVP_MD_CTX *ctx, int (*update)(EVP_MD_CTX *, const void *, size_t),
	const struct part parts[2], bool strip)
{
	int ok = 1;

	for (size_t i = 0; i < 2 && ok; i++)
		for (size_t at = 0; at < parts[i].len && ok;) {
			const char *p = parts[i].data + at;
			size_t n = 0, left = parts[i].len - at;

			while (n < left && !(strip && (p[n] == '\r' || p[n] == '\n')))
				n++;
			ok = update(ctx, p, n) == 1;
			at += n + (n < left);
		}
	return ok;
}

/* 1: verifies. */
static int verify(EVP_PKEY *key, const struct hpl_buf *signature, const struct hpl_signature_input *in,
	bool strip)
{
	const struct part parts[] = {{in->workload, in->workload_len}, {in->env, in->env_len}};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	int ok = ctx && EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL, key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) == 1 &&
		feed(ctx, EVP_DigestVerifyUpdate, parts, strip) &&
		EVP_DigestVerifyFinal(ctx, (const unsigned char *)signature->data, signature->len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

static int check_signature(struct hpl_signature_result *result, EVP_PKEY *key,
	const struct hpl_signature_input *in, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf raw = HPL_BUF_NULL;
	static const char place[] = "envWorkloadSignature";

	if (hpl_b64_decode(&raw, in->signature, in->signature_len, HPL_B64_WHITESPACE, err) < 0) {
		HPL_WRAP(err, 0, "envWorkloadSignature");
		return fail(HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE, place,
			"give the signature as base64", err);
	}
	if (raw.len != (size_t)EVP_PKEY_get_size(key)) {
		HPL_FAIL(err, 0, 0, "the signature has %zu bytes, this key makes %d", raw.len,
			EVP_PKEY_get_size(key));
		return fail(HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE, place,
			"sign with the private key that belongs to env.signingKey", err);
	}
	result->stripped = 0;
	if (verify(key, &raw, in, false))
		return 0;
	result->stripped = 1;
	if (verify(key, &raw, in, true))
		return 0;
	HPL_FAIL(err, 0, 0, "the signature does not belong to workload and env of this contract, or was "
			    "made with another key");
	return fail(HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE, place,
		"sign workload and env exactly as they stand in user-data, workload first, nothing "
		"between, RSA PKCS#1 v1.5 with SHA-256, with the key of env.signingKey", err);
}

int hpl_signature_verify(struct hpl_signature_result *ret, const struct hpl_signature_input *in,
	struct hpl_err *err)
{
	struct hpl_signature_result result = {0};
	EVP_PKEY *key = NULL;
	int rc;

	if (read_key(&key, &result, in, err) < 0)
		return -1;
	rc = check_signature(&result, key, in, err);
	EVP_PKEY_free(key);
	/* only a contract that is the signer's own is worth the word that it has expired */
	if (rc == 0)
		rc = check_expiry(result.not_after, in->now, err);
	if (rc == 0)
		*ret = result;
	return rc;
}

int hpl_signature_make(struct hpl_buf *out, EVP_PKEY *private_key, const void *workload,
	size_t workload_len, const void *env, size_t env_len, bool strip, struct hpl_err *err)
{
	const struct part parts[] = {{workload, workload_len}, {env, env_len}};
	unsigned char signature[HPL_KEY_BITS_MAX / 8];
	size_t len = sizeof(signature);
	EVP_PKEY_CTX *pctx = NULL;
	EVP_MD_CTX *ctx;
	int ok;

	if (!EVP_PKEY_is_a(private_key, "RSA"))
		return HPL_FAIL(err, 0, 0, "contracts are signed with an RSA key, this is a %s key",
			EVP_PKEY_get0_type_name(private_key));
	if (hpl_key_size_check(private_key, err) < 0)
		return -1;
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, private_key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) == 1 &&
		feed(ctx, EVP_DigestSignUpdate, parts, strip) &&
		EVP_DigestSignFinal(ctx, signature, &len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!ok)
		return HPL_FAIL(err, 0, 0, "the key does not sign: is it a private one?");
	hpl_b64_encode(out, signature, len);
	return out->failed ? HPL_OOM(err) : 0;
}

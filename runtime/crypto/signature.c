/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/base/b64.h"
#include "runtime/crypto/token.h"

/* RSA-1024 was given up by everyone; above 16384 a check takes seconds. */
enum { BITS_MIN = 2048, BITS_MAX = 16384 };

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
	if (!EVP_PKEY_is_a(key, "RSA") || bits < BITS_MIN || bits > BITS_MAX) {
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

/* 1: verifies. strip: bytes CR and LF are left out. */
static int verify(EVP_PKEY *key, const struct hpl_buf *signature, const struct hpl_signature_input *in,
	int strip)
{
	const struct {
		const char *data;
		size_t len;
	} parts[] = {{in->workload, in->workload_len}, {in->env, in->env_len}};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	int ok = ctx && EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL, key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) == 1;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(parts) && ok; i++)
		for (size_t at = 0; at < parts[i].len && ok;) {
			const char *p = parts[i].data + at;
			size_t n = 0, left = parts[i].len - at;

			while (n < left && !(strip && (p[n] == '\r' || p[n] == '\n')))
				n++;
			ok = EVP_DigestVerifyUpdate(ctx, p, n) == 1;
			at += n + (n < left);
		}
	ok = ok && EVP_DigestVerifyFinal(ctx, (const unsigned char *)signature->data, signature->len) == 1;
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
	if (verify(key, &raw, in, 0))
		return 0;
	result->stripped = 1;
	if (verify(key, &raw, in, 1))
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/signing.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/base/b64.h"

void hpl_signer_done(struct hpl_signer *s)
{
	EVP_PKEY_free(s->key);
	*s = HPL_SIGNER_NULL;
}

static int fingerprint(char hex[65], EVP_PKEY *key)
{
	unsigned char *der = NULL, sum[SHA256_DIGEST_LENGTH];
	int n = i2d_PUBKEY(key, &der);
	if (n <= 0)
		return -1;
	SHA256(der, (size_t)n, sum);
	OPENSSL_free(der);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

int hpl_signer_read(struct hpl_signer *ret, const char *text, size_t len, struct hpl_err *err)
{
	_cleanup_x509_ X509 *cert = NULL;
	_cleanup_signer_ struct hpl_signer s = HPL_SIGNER_NULL;

	if (hpl_public_key_read(&s.key, &cert, text, len, err) < 0)
		return -1;
	s.bits = EVP_PKEY_get_bits(s.key);
	s.has_cert = cert != NULL;
	if (cert) {
		hpl_cert_describe(&s.cert, cert);
		snprintf(s.fingerprint, sizeof(s.fingerprint), "%s", s.cert.fingerprint);
	} else if (fingerprint(s.fingerprint, s.key) < 0) {
		return HPL_FAIL(err, 0, 0, "the key cannot be written in DER");
	}
	*ret = s;
	s = HPL_SIGNER_NULL;
	return 0;
}

int hpl_signing_key_of(struct hpl_buf *ret, const char *env, size_t len, struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *n;
	if (hpl_yaml_read(&doc, env, len, &hpl_contract_limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return HPL_WRAP(err, 0, "env");
	n = hpl_node_get(hpl_doc_root(doc), "signingKey");
	if (!n)
		return 1;
	if (n->kind != HPL_STRING)
		return HPL_FAIL(err, 0, 0, "env.signingKey is no string");
	hpl_buf_add(ret, n->str.text, n->str.len);
	return ret->failed ? HPL_OOM(err) : 0;
}

static int parse_days(unsigned *ret, struct hpl_source *s, const char *text,
	 struct hpl_err *err)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (*end || text[0] < '0' || text[0] > '9' || n < 1 || n > 36500)
		return hpl_source_wrong(s, err, "--expiry-days: from 1 to 36500");
	*ret = (unsigned)n;
	return 0;
}

/* The request: a file, or made here for the signer's key. */
static int request(struct hpl_buf *csr, struct hpl_source *s, EVP_PKEY *private_key,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf params = HPL_BUF_NULL;
	bool file = hpl_source_has(s, "csr"), made = hpl_source_has(s, "csr-params");
	if (file == made)
		return hpl_source_wrong(s, err, "--expiry-days needs one of --csr and --csr-params");
	if (file)
		return hpl_source_text(s, "csr", csr, err);
	if (hpl_source_text(s, "csr-params", &params, err) < 0)
		return -1;
	return hpl_csr_make(csr, private_key, params.data ? params.data : "", params.len, err);
}

static int issue(struct hpl_buf *pem, struct hpl_source *s, const char *days, EVP_PKEY *private_key,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf csr = HPL_BUF_NULL;
	_cleanup_pkey_ EVP_PKEY *ca_public = NULL, *ca_key = NULL;
	_cleanup_x509_ X509 *ca = NULL;
	_cleanup_signer_ struct hpl_signer signer = HPL_SIGNER_NULL;
	unsigned n = 0;

	if (parse_days(&n, s, days, err) < 0)
		return -1;
	if (!hpl_source_has(s, "ca-cert") || !hpl_source_has(s, "ca-key"))
		return hpl_source_wrong(s, err, "--expiry-days needs --ca-cert and --ca-key");
	if (hpl_material_public(&ca_public, &ca, s, "ca-cert", err) < 0 ||
		hpl_material_key(&ca_key, s, "ca-key", "ca-passphrase", err) < 0)
		return -1;
	if (!ca)
		return HPL_FAIL(err, 0, 0, "%s: is no certificate", hpl_source_file(s, "ca-cert"));
	if (EVP_PKEY_eq(ca_public, ca_key) != 1)
		return HPL_FAIL(err, 0, 0, "--ca-key is not the key of --ca-cert");
	if (request(&csr, s, private_key, err) < 0 ||
		hpl_cert_issue(pem, csr.data ? csr.data : "", csr.len, ca, ca_key, n, time(NULL), err) < 0 ||
		hpl_signer_read(&signer, pem->data, pem->len, err) < 0)
		return -1;
	if (EVP_PKEY_eq(signer.key, private_key) != 1)
		return HPL_FAIL(err, 0, 0, "--csr is for another key than --key");
	return 0;
}

int hpl_signing_key_make(struct hpl_buf *out, bool *ret_issued, struct hpl_source *s,
	EVP_PKEY *private_key, struct hpl_err *err)
{
	static const char *const only_with_days[] = {"ca-cert", "ca-key", "csr", "csr-params"};
	_cleanup_buf_ struct hpl_buf pem = HPL_BUF_NULL, once = HPL_BUF_NULL;
	const char *days = hpl_source_value(s, "expiry-days");

	for (size_t i = 0; !days && i < HPL_ARRAY_SIZE(only_with_days); i++) {
		if (hpl_source_has(s, only_with_days[i]))
			return hpl_source_wrong(s, err, "--%s is for --expiry-days", only_with_days[i]);
	}

	if (days ? issue(&pem, s, days, private_key, err) < 0 :
		hpl_public_key_write(&pem, private_key, err) < 0)
		return -1;
	hpl_b64_encode(&once, pem.data, pem.len);
	if (hpl_source_flag(s, "compat") && days)
		hpl_b64_encode(out, once.data, once.len);
	else
		hpl_buf_add(out, once.data, once.len);
	*ret_issued = days != NULL;
	return once.failed || out->failed ? HPL_OOM(err) : 0;
}

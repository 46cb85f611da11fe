/* SPDX-License-Identifier: Apache-2.0 */
/* Contract expiry (facts 2.4): a request for the signer's key, and a certificate made from one. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "runtime/crypto/flat_json.h"
#include "runtime/crypto/keys.h"
#include "runtime/crypto/pem.h"

enum { DAYS_MAX = 36500, DAY_S = 86400, SERIAL_BYTES = 20, JSON_BYTES = 16 << 10 };

static int failed(const char *what, struct hpl_err *err)
{
	char text[128];

	ERR_error_string_n(ERR_peek_last_error(), text, sizeof(text));
	ERR_clear_error();
	return HPL_FAIL(err, 0, 0, "%s: %s", what, text);
}

/* ---- the request ---- */

static const struct {
	const char *name;
	int nid;
} parts[] = { /* in the order of a subject as openssl req writes it */
	{"country", NID_countryName},
	{"state", NID_stateOrProvinceName},
	{"location", NID_localityName},
	{"org", NID_organizationName},
	{"unit", NID_organizationalUnitName},
	{"domain", NID_commonName},
	{"mail", NID_pkcs9_emailAddress},
};

static int fill_subject(X509_NAME *name, const struct hpl_flat *fields, struct hpl_err *err)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(parts); i++) {
		const struct hpl_buf *v = &fields[i].value;

		if (!v->len)
			continue;
		if (X509_NAME_add_entry_by_NID(name, parts[i].nid, MBSTRING_UTF8,
			    (const unsigned char *)v->data, (int)v->len, -1, 0) != 1) {
			ERR_clear_error();
			HPL_FAIL(err, 0, 0, "%s: a subject cannot hold it", parts[i].name);
			hpl_err_cure(err, "country is two letters, mail is ASCII, a name has at most 64 "
					  "characters");
			return -1;
		}
	}
	if (X509_NAME_entry_count(name))
		return 0;
	HPL_FAIL(err, 0, 0, "no part of a subject is given");
	hpl_err_cure(err, "give a JSON object with some of country, state, location, org, unit, domain, mail");
	return -1;
}

static int write_request(struct hpl_buf *out, EVP_PKEY *key, const struct hpl_flat *fields,
	struct hpl_err *err)
{
	X509_REQ *req = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	int rc = -1;
	char *data;
	long len;

	if (!req || !bio || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
		X509_REQ_set_pubkey(req, key) != 1) {
		rc = failed("certificate request", err);
	} else if (fill_subject(X509_REQ_get_subject_name(req), fields, err) == 0) {
		if (X509_REQ_sign(req, key, EVP_sha256()) > 0 && PEM_write_bio_X509_REQ(bio, req) == 1) {
			len = BIO_get_mem_data(bio, &data);
			hpl_buf_add(out, data, (size_t)len);
			rc = out->failed ? HPL_OOM(err) : 0;
		} else {
			rc = failed("certificate request", err);
		}
	}
	BIO_free(bio);
	X509_REQ_free(req);
	return rc;
}

int hpl_csr_make(struct hpl_buf *out, EVP_PKEY *key, const char *json, size_t len,
	struct hpl_err *err)
{
	struct hpl_flat fields[HPL_ARRAY_SIZE(parts)] = {0};
	int rc;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(parts); i++)
		fields[i].name = parts[i].name;
	if (len > JSON_BYTES)
		return HPL_FAIL(err, 0, 0, "the subject is larger than %d bytes", JSON_BYTES);
	rc = hpl_flat_parse(fields, HPL_ARRAY_SIZE(fields), json, len, err);
	if (rc == 0)
		rc = write_request(out, key, fields, err);
	else
		hpl_err_cure(err, "give a JSON object of strings: country, state, location, org, unit, domain, "
				  "mail");
	hpl_flat_done(fields, HPL_ARRAY_SIZE(fields));
	return rc;
}

/* ---- the certificate ---- */

static int read_request(X509_REQ **ret, const char *pem, size_t len, struct hpl_err *err)
{
	BIO *bio = len && len <= HPL_KEY_BYTES ? BIO_new_mem_buf(pem, (int)len) : NULL;
	X509_REQ *req = bio ? PEM_read_bio_X509_REQ(bio, NULL, hpl_pem_no_passphrase, NULL) : NULL;
	EVP_PKEY *key = req ? X509_REQ_get0_pubkey(req) : NULL;
	int rc = 0;

	BIO_free(bio);
	if (!key)
		rc = HPL_FAIL(err, 0, 0, "no readable PEM certificate request");
	else if (X509_REQ_verify(req, key) != 1)
		rc = HPL_FAIL(err, 0, 0, "the certificate request is not signed by its own key");
	else if (!EVP_PKEY_is_a(key, "RSA"))
		rc = HPL_FAIL(err, 0, 0, "the certificate request is for a %s key; contracts are signed with "
				      "RSA", EVP_PKEY_get0_type_name(key));
	else if (hpl_key_size_check(key, err) < 0)
		rc = HPL_WRAP(err, 0, "certificate request");
	ERR_clear_error();
	if (rc == 0)
		*ret = req;
	else
		X509_REQ_free(req);
	return rc;
}

/* 159 random bits: positive and within the 20 bytes that RFC 5280 allows. */
static int set_serial(X509 *cert)
{
	unsigned char raw[SERIAL_BYTES];
	BIGNUM *n;
	int ok;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return -1;
	raw[0] = (raw[0] & 0x7f) | 0x40;
	n = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok ? 0 : -1;
}

static int add_extensions(X509 *cert, X509 *ca)
{
	static const struct {
		int nid;
		const char *value;
	} list[] = {
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_subject_key_identifier, "hash"},
		{NID_authority_key_identifier, "keyid"},
	};
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, ca, cert, NULL, NULL, 0);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(list); i++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, list[i].nid, list[i].value);
		int ok = e && X509_add_ext(cert, e, -1) == 1;

		X509_EXTENSION_free(e);
		/* a CA without an identifier of its key (openssl req -x509 with an empty configuration)
		 * gives none to name */
		if (!ok && list[i].nid != NID_authority_key_identifier)
			return -1;
	}
	return 0;
}

static int build(X509 *cert, X509_REQ *req, X509 *ca, EVP_PKEY *ca_key, unsigned days, int64_t now)
{
	time_t from = (time_t)now;

	if (X509_set_version(cert, X509_VERSION_3) != 1 || set_serial(cert) < 0 ||
		X509_set_subject_name(cert, X509_REQ_get_subject_name(req)) != 1 ||
		X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1 ||
		X509_set_pubkey(cert, X509_REQ_get0_pubkey(req)) != 1 ||
		!X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &from) ||
		!X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, &from) ||
		add_extensions(cert, ca) < 0)
		return -1;
	ERR_clear_error();
	return X509_sign(cert, ca_key, EVP_sha256()) > 0 ? 0 : -1;
}

int hpl_cert_issue(struct hpl_buf *out, const char *csr_pem, size_t csr_len, X509 *ca, EVP_PKEY *ca_key,
	unsigned days, int64_t now, struct hpl_err *err)
{
	X509_REQ *req = NULL;
	X509 *cert;
	int rc;

	if (days < 1 || days > DAYS_MAX)
		return HPL_FAIL(err, 0, 0, "a certificate is issued for 1 to %d days", DAYS_MAX);
	if (X509_check_private_key(ca, ca_key) != 1) {
		ERR_clear_error();
		return HPL_FAIL(err, 0, 0, "the CA's key does not belong to its certificate");
	}
	if (!EVP_PKEY_is_a(ca_key, "RSA") && !EVP_PKEY_is_a(ca_key, "EC"))
		return HPL_FAIL(err, 0, 0, "the CA's key is of type %s; RSA and EC are taken",
			EVP_PKEY_get0_type_name(ca_key));
	if (read_request(&req, csr_pem, csr_len, err) < 0)
		return -1;
	cert = X509_new();
	if (!cert || build(cert, req, ca, ca_key, days, now) < 0)
		rc = failed("certificate", err);
	else
		rc = hpl_pem_add_cert(out, cert, err);
	X509_free(cert);
	X509_REQ_free(req);
	return rc;
}

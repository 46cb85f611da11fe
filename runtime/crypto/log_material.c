/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/log_material.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/crypto/pem.h"

/* A chain of ten RSA-4096 certificates is 20 KiB; ten times that is nobody's logging section. */
enum { FIELD_MAX = 256 << 10 };

static const char place[] = "contract: env.logging.syslog";

static int no_pem(const char *field, const char *why, struct hpl_err *err)
{
	HPL_FAIL(err, HPL_MSG_LOGGING_MISSING_PEM_BLOCK, 0, "%s: %s", field, why);
	hpl_err_place(err, "%s.%s", place, field);
	hpl_err_cure(err, "give %s as PEM (with its -----BEGIN line) or as base64 of the PEM", field);
	return -1;
}

/* The field as PEM text, base64 layers taken off. */
static int to_pem(struct hpl_buf *out, const char *field, const void *data, size_t len,
	struct hpl_err *err)
{
	out->wipe = 1;
	if (!len)
		return no_pem(field, "empty or absent", err);
	if (len > FIELD_MAX || memchr(data, 0, len))
		return no_pem(field, "no text, or larger than 256 KiB", err);
	if (hpl_pem_text(out, data, len, FIELD_MAX) < 0)
		return no_pem(field, "neither PEM nor base64 of PEM", err);
	return 0;
}

static int bad_cert(const char *field, enum hpl_msg msg, unsigned number, const char *why,
	struct hpl_err *err)
{
	HPL_FAIL(err, msg, 0, "%s: certificate %u %s", field, number, why);
	hpl_err_place(err, "%s.%s", place, field);
	hpl_err_cure(err, "check each certificate of %s with openssl x509 -noout -text", field);
	return -1;
}

/* "expired on 2026-01-02" or "is valid only from ...". 0: valid now. */
static int check_time(const char *field, const X509 *cert, unsigned number, int64_t now,
	struct hpl_err *err)
{
	time_t t = (time_t)now;
	const ASN1_TIME *end = X509_get0_notAfter(cert), *begin = X509_get0_notBefore(cert);
	bool expired = X509_cmp_time(end, &t) < 0;
	char subject[200] = "", day[32] = "?";
	struct tm tm;

	if (!expired && X509_cmp_time(begin, &t) < 0)
		return 0;
	if (ASN1_TIME_to_tm(expired ? end : begin, &tm) == 1)
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S UTC", &tm);
	X509_NAME_oneline(X509_get_subject_name(cert), subject, sizeof(subject));
	HPL_FAIL(err, HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG, 0,
		"%s: certificate %u (%s) %s %s", field, number, subject,
		expired ? "expired on" : "is not valid before", day);
	hpl_err_place(err, "%s.%s", place, field);
	hpl_err_cure(err, "have it issued again and encrypt the contract anew");
	return -1;
}

struct certs_in {
	const char *field;
	enum hpl_msg msg;
	bool all_must_be_valid; /* client chain: yes; CAs: one valid one is enough */
	int64_t now;
};

/* Appends each certificate of the PEM text; *ret_first (may be NULL) gets the first. */
static int read_certs(struct hpl_buf *out, const struct hpl_buf *pem, const struct certs_in *in,
	X509 **ret_first, struct hpl_err *err)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	struct hpl_err late = HPL_ERR_NULL;
	unsigned count = 0, valid = 0;
	int rc = 0;

	while (bio && rc == 0 && count < HPL_CERTS_MAX) {
		X509 *cert = PEM_read_bio_X509(bio, NULL, hpl_pem_no_passphrase, NULL);
		unsigned long code = ERR_peek_last_error();

		if (!cert) {
			if (ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
				rc = bad_cert(in->field, in->msg, count + 1, "cannot be read", err);
			break;
		}
		count++;
		if (check_time(in->field, cert, count, in->now, &late) == 0)
			valid++;
		rc = hpl_pem_add_cert(out, cert, err);
		if (rc == 0 && ret_first && !*ret_first)
			*ret_first = TAKE(cert);
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (rc < 0)
		return rc;
	if (!count)
		return bad_cert(in->field, in->msg, 1, "is missing: the PEM holds none", err);
	if (valid == 0 || (in->all_must_be_valid && valid < count)) {
		if (err)
			*err = late;
		return -1;
	}
	return 0;
}

static int bad_key(enum hpl_msg msg, const char *why, struct hpl_err *err)
{
	HPL_FAIL(err, msg, 0, "key: %s", why);
	hpl_err_place(err, "%s.key", place);
	hpl_err_cure(err, "give an unencrypted RSA or EC key: openssl pkcs8 -topk8 -nocrypt");
	return -1;
}

/* 0: a block of a known private key type is there. */
static int check_key_block(const struct hpl_buf *pem, struct hpl_err *err)
{
	static const char *const known[] = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"};
	const char *at = pem->data;
	char type[64] = "", text[128];

	while ((at = strstr(at, "-----BEGIN "))) {
		at += strlen("-----BEGIN ");
		for (size_t i = 0; i < HPL_ARRAY_SIZE(known); i++)
			if (!strncmp(at, known[i], strlen(known[i])) &&
				!strncmp(at + strlen(known[i]), "-----", 5))
				return 0;
		if (!strncmp(at, "ENCRYPTED PRIVATE KEY", 21))
			return bad_key(HPL_MSG_LOGGING_MISSING_PRIVATE_KEY,
				"is encrypted with a pass phrase", err);
		if (!type[0])
			snprintf(type, sizeof(type), "%.*s", (int)strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "), at);
	}
	snprintf(text, sizeof(text), "the PEM block is of type \"%s\"", type);
	return bad_key(HPL_MSG_LOGGING_UNKNOWN_PRIVATE_KEY_TYPE, text, err);
}

static int read_key(struct hpl_buf *out, const struct hpl_buf *pem, const X509 *cert,
	struct hpl_err *err)
{
	BIO *bio;
	EVP_PKEY *key;
	int rc;

	if (check_key_block(pem, err) < 0)
		return -1;
	bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	key = bio ? PEM_read_bio_PrivateKey(bio, NULL, hpl_pem_no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!key)
		return bad_key(HPL_MSG_LOGGING_MISSING_PRIVATE_KEY,
			strstr(pem->data, "ENCRYPTED") ? "is encrypted with a pass phrase"
						      : "the private key cannot be read", err);
	if (X509_check_private_key(cert, key) != 1) {
		ERR_clear_error();
		rc = bad_key(HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG,
			"does not belong to the certificate in cert", err);
	} else {
		rc = hpl_pem_add_private(out, key, err);
	}
	EVP_PKEY_free(key);
	return rc;
}

int hpl_log_material_parse(struct hpl_log_material *ret, const struct hpl_log_input *in, int64_t now,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf server = HPL_BUF_NULL, cert = HPL_BUF_NULL, key = HPL_BUF_NULL;
	_cleanup_material_ struct hpl_log_material m = HPL_LOG_MATERIAL_NULL;
	const struct certs_in ca_in = {"server", HPL_MSG_LOGGING_MISSING_SERVER_CERTIFICATE, false, now};
	const struct certs_in client_in = {"cert", HPL_MSG_LOGGING_MISSING_CLIENT_CERTIFICATE, true, now};
	X509 *leaf = NULL;
	int rc;

	if (to_pem(&server, "server", in->server, in->server_len, err) < 0 ||
		to_pem(&cert, "cert", in->cert, in->cert_len, err) < 0 ||
		to_pem(&key, "key", in->key, in->key_len, err) < 0)
		return -1;
	if (read_certs(&m.ca, &server, &ca_in, NULL, err) < 0)
		return -1;
	rc = read_certs(&m.cert, &cert, &client_in, &leaf, err);
	if (rc == 0)
		rc = read_key(&m.key, &key, leaf, err);
	X509_free(leaf);
	if (rc < 0)
		return rc;
	*ret = m;
	m = HPL_LOG_MATERIAL_NULL;
	return 0;
}

void hpl_log_material_done(struct hpl_log_material *m)
{
	hpl_buf_done(&m->ca);
	hpl_buf_done(&m->cert);
	m->key.wipe = 1;
	hpl_buf_done(&m->key);
}

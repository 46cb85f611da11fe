/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and revocation lists: reading, describing, checking along a chain. */
#include <inttypes.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "runtime/crypto/keys.h"
#include "runtime/crypto/pem.h"

/* A certification authority with a million revoked certificates has a list of about 40 MB; an image
 * family has one of a few hundred bytes. */
enum { CRL_BYTES = 16 << 20, DAY_LEN = 40 };

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static const char *day_of(char out[DAY_LEN], int64_t t)
{
	time_t when = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(out, DAY_LEN, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(out, DAY_LEN, "an unreadable time");
	return out;
}

/* ---- reading ---- */

static int no_certs(struct hpl_err *err)
{
	hpl_err_cure(err, "DER becomes PEM by: openssl x509 -inform DER -in CERT -out CERT.pem");
	return -1;
}

/* Why reading ended, 0: at the end of a text that held some. */
static int end_of_certs(int count, unsigned long code, struct hpl_err *err)
{
	if (count > HPL_CERTS_MAX)
		return HPL_FAIL(err, 0, 0, "more than %d certificates", HPL_CERTS_MAX);
	if (ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
		HPL_FAIL(err, 0, 0, "certificate %d cannot be read", count + 1);
		return no_certs(err);
	}
	if (count == 0) {
		HPL_FAIL(err, 0, 0, "the PEM holds no certificate");
		return no_certs(err);
	}
	return 0;
}

int hpl_certs_parse(STACK_OF(X509) **ret, const char *text, size_t len, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf pem = HPL_BUF_NULL;
	STACK_OF(X509) *certs;
	X509 *cert;
	BIO *bio;
	int rc;

	if (hpl_pem_text(&pem, text, len, HPL_CERTS_BYTES) < 0) {
		HPL_FAIL(err, 0, 0, "neither PEM nor base64 of PEM (certificates)");
		return no_certs(err);
	}
	ERR_clear_error();
	certs = sk_X509_new_null();
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	while (certs && bio && sk_X509_num(certs) <= HPL_CERTS_MAX &&
		(cert = PEM_read_bio_X509(bio, NULL, hpl_pem_no_passphrase, NULL)))
		if (!sk_X509_push(certs, cert))
			X509_free(cert);
	rc = certs && bio ? end_of_certs(sk_X509_num(certs), ERR_peek_last_error(), err) : HPL_OOM(err);
	BIO_free(bio);
	ERR_clear_error();
	if (rc == 0)
		*ret = certs;
	else
		sk_X509_pop_free(certs, X509_free);
	return rc;
}

int hpl_crl_parse(X509_CRL **ret, const void *data, size_t len, struct hpl_err *err)
{
	const unsigned char *der = data;
	X509_CRL *crl = NULL;
	BIO *bio;

	if (!len || len > CRL_BYTES)
		return HPL_FAIL(err, 0, 0, "a revocation list has 1 to %d bytes, this has %zu", CRL_BYTES,
			len);
	if (*der == 0x30) { /* SEQUENCE, which no text begins with: it is the digit 0 */
		crl = d2i_X509_CRL(NULL, &der, (long)len);
	}
	if (!crl) {
		bio = BIO_new_mem_buf(data, (int)len);
		crl = bio ? PEM_read_bio_X509_CRL(bio, NULL, hpl_pem_no_passphrase, NULL) : NULL;
		BIO_free(bio);
	}
	ERR_clear_error();
	if (!crl)
		return HPL_FAIL(err, 0, 0, "no certificate revocation list, neither PEM nor DER");
	*ret = crl;
	return 0;
}

/* ---- describing ---- */

static void name_of(char *out, size_t size, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		len = BIO_get_mem_data(bio, &data);
	snprintf(out, size, "%.*s", (int)len, len ? data : "");
	BIO_free(bio);
}

static void serial_of(char *out, size_t size, const X509 *cert)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL;

	snprintf(out, size, "%s", hex ? hex : "");
	OPENSSL_free(hex);
	BN_free(n);
}

/* The first URI, if it is of printable ASCII and fits. */
static void crl_url_of(char *out, size_t size, X509 *cert)
{
	STACK_OF(DIST_POINT) *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);

	for (int i = 0; i < sk_DIST_POINT_num(points) && !*out; i++) {
		const DIST_POINT *p = sk_DIST_POINT_value(points, i);
		const GENERAL_NAMES *names =
			p->distpoint && p->distpoint->type == 0 ? p->distpoint->name.fullname : NULL;

		for (int k = 0; k < sk_GENERAL_NAME_num(names) && !*out; k++) {
			const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, k);
			const unsigned char *text;
			size_t n, ok = 0;

			if (g->type != GEN_URI)
				continue;
			text = ASN1_STRING_get0_data(g->d.uniformResourceIdentifier);
			n = (size_t)ASN1_STRING_length(g->d.uniformResourceIdentifier);
			while (ok < n && text[ok] > 0x20 && text[ok] < 0x7f)
				ok++;
			if (ok == n && n < size)
				snprintf(out, size, "%.*s", (int)n, (const char *)text);
		}
	}
	sk_DIST_POINT_pop_free(points, DIST_POINT_free);
}

void hpl_cert_describe(struct hpl_cert_info *ret, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	*ret = (struct hpl_cert_info){
		.not_before = seconds_of(X509_get0_notBefore(cert)),
		.not_after = seconds_of(X509_get0_notAfter(cert)),
		.bits = key ? EVP_PKEY_get_bits(key) : 0,
	};
	snprintf(ret->key_type, sizeof(ret->key_type), "%s", type ? type : "unknown");
	name_of(ret->subject, sizeof(ret->subject), X509_get_subject_name(cert));
	name_of(ret->issuer, sizeof(ret->issuer), X509_get_issuer_name(cert));
	serial_of(ret->serial, sizeof(ret->serial), cert);
	if (X509_digest(cert, EVP_sha256(), sum, &n) == 1)
		for (unsigned i = 0; i < n; i++)
			snprintf(ret->fingerprint + 2 * i, 3, "%02x", sum[i]);
	crl_url_of(ret->crl_url, sizeof(ret->crl_url), cert);
	ERR_clear_error();
}

/* ---- checking ---- */

/* Who is being looked at, for the error: "certificate CN=...". */
static int fault(X509 *cert, const char *why, struct hpl_err *err)
{
	char subject[200];

	name_of(subject, sizeof(subject), X509_get_subject_name(cert));
	return HPL_FAIL(err, 0, 0, "certificate %s: %s", subject, why);
}

static int check_times(X509 *cert, int64_t now, struct hpl_err *err)
{
	int64_t from = seconds_of(X509_get0_notBefore(cert)), to = seconds_of(X509_get0_notAfter(cert));
	char why[128], day[DAY_LEN];

	if (!from || !to)
		return fault(cert, "its times of validity cannot be read", err);
	if (now >= from && now <= to)
		return 0;
	snprintf(why, sizeof(why), now < from ? "not valid before %s" : "expired on %s",
		day_of(day, now < from ? from : to));
	fault(cert, why, err);
	hpl_err_cure(err, now < from ? "check the clock of this machine"
				     : "take the certificate of a newer image");
	return -1;
}

static int check_key(X509 *cert, struct hpl_err *err)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	char why[128];

	if (!key)
		return fault(cert, "its key cannot be read", err);
	if (EVP_PKEY_is_a(key, "RSA") && hpl_key_size_check(key, NULL) == 0)
		return 0;
	snprintf(why, sizeof(why), "%s key of %d bits; an RSA key of %d bits or more is needed",
		EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key), HPL_KEY_BITS_MIN);
	return fault(cert, why, err);
}

/* MD5 and SHA-1 can be collided: a signature over them binds nobody. */
static int check_digest(X509 *cert, struct hpl_err *err)
{
	int nid = NID_undef;

	if (X509_get_signature_info(cert, &nid, NULL, NULL, NULL) == 1 &&
		(nid == NID_md5 || nid == NID_sha1 || nid == NID_md5_sha1))
		return fault(cert, "signed over MD5 or SHA-1", err);
	return 0;
}

static int check_link(X509 *cert, X509 *issuer, struct hpl_err *err)
{
	char issuer_name[200], why[300];
	int ok;

	if (check_digest(cert, err) < 0)
		return -1;
	name_of(issuer_name, sizeof(issuer_name), X509_get_subject_name(issuer));
	if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(issuer)) != 0) {
		snprintf(why, sizeof(why), "not issued by the next one, %s", issuer_name);
		fault(cert, why, err);
		hpl_err_cure(err, "give the issuers in their order, the one that signed first, none left out");
		return -1;
	}
	ok = X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
	ERR_clear_error();
	if (ok)
		return 0;
	snprintf(why, sizeof(why), "its signature is not by the key of %s", issuer_name);
	fault(cert, why, err);
	hpl_err_cure(err, "take certificate and issuers from one and the same image's files");
	return -1;
}

/* A list for some certificates only, or one that amends another, cannot clear the leaf. */
static bool crl_is_partial(X509_CRL *crl)
{
	ISSUING_DIST_POINT *idp = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
	bool partial = X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0;

	if (idp)
		partial = partial || idp->onlyCA > 0 || idp->onlyattr > 0 || idp->indirectCRL > 0 ||
			idp->onlysomereasons;
	else if (X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) >= 0)
		partial = true; /* there, but unreadable */
	ISSUING_DIST_POINT_free(idp);
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *e = X509_CRL_get_ext(crl, i);

		if (X509_EXTENSION_get_critical(e) &&
			OBJ_obj2nid(X509_EXTENSION_get_object(e)) != NID_issuing_distribution_point)
			partial = true; /* says something we do not understand */
	}
	ERR_clear_error();
	return partial;
}

static int check_crl(X509 *leaf, X509 *issuer, X509_CRL *crl, int64_t now, struct hpl_err *err)
{
	int64_t from = seconds_of(X509_CRL_get0_lastUpdate(crl));
	int64_t to = seconds_of(X509_CRL_get0_nextUpdate(crl));
	X509_REVOKED *entry = NULL;
	char day[DAY_LEN], why[128];
	int ok;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
		return HPL_FAIL(err, 0, 0, "the revocation list is by another issuer");
	ok = X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
	ERR_clear_error();
	if (!ok)
		return HPL_FAIL(err, 0, 0, "the signature of the revocation list is not by the issuer's key");
	if (crl_is_partial(crl))
		return HPL_FAIL(err, 0, 0, "the revocation list is one for some certificates only");
	if (!from || !to)
		return HPL_FAIL(err, 0, 0, "the revocation list has no readable times of validity");
	if (now < from || now > to) {
		HPL_FAIL(err, 0, 0, "the revocation list %s %s",
			now < from ? "is not valid before" : "was valid until",
			day_of(day, now < from ? from : to));
		hpl_err_cure(err, "download the list anew; the certificate names its address");
		return -1;
	}
	/* 2: listed as one that is valid again */
	if (X509_CRL_get0_by_cert(crl, &entry, leaf) != 1)
		return 0;
	snprintf(why, sizeof(why), "revoked on %s",
		day_of(day, seconds_of(X509_REVOKED_get0_revocationDate(entry))));
	fault(leaf, why, err);
	hpl_err_cure(err, "encrypt for another image: this certificate is no longer to be trusted");
	return -1;
}

static int check_chain(X509 *leaf, const STACK_OF(X509) *issuers, int64_t now, struct hpl_err *err)
{
	X509 *cert = leaf;

	for (int i = 0; i < sk_X509_num(issuers); i++) {
		X509 *issuer = sk_X509_value(issuers, i);

		if (check_link(cert, issuer, err) < 0 || check_times(issuer, now, err) < 0)
			return -1;
		cert = issuer;
	}
	/* a root stands for itself; a chain may also end below it */
	if (cert != leaf &&
		X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(cert)) == 0 &&
		X509_verify(cert, X509_get0_pubkey(cert)) != 1) {
		ERR_clear_error();
		return fault(cert, "a root whose signature is not by its own key", err);
	}
	return 0;
}

static int check_all(X509 *leaf, const STACK_OF(X509) *issuers, X509_CRL *crl, int64_t now,
	struct hpl_err *err)
{
	if (check_key(leaf, err) < 0 || check_times(leaf, now, err) < 0 ||
		check_chain(leaf, issuers, now, err) < 0)
		return -1;
	if (!crl)
		return 0;
	if (sk_X509_num(issuers) < 1)
		return HPL_FAIL(err, 0, 0, "a revocation list cannot be checked without the certificate "
					   "of its issuer");
	return check_crl(leaf, sk_X509_value(issuers, 0), crl, now, err);
}

int hpl_cert_check(X509 *leaf, const STACK_OF(X509) *issuers, const X509_CRL *crl, int64_t now,
	struct hpl_err *err)
{
	/* OpenSSL sorts the list when it looks something up, and takes no const for it */
	int rc = check_all(leaf, issuers, (X509_CRL *)(uintptr_t)crl, now, err);

	ERR_clear_error(); /* even a key that is only asked for leaves one when it cannot be read */
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keys and certificates that people hand over: reading them in every form the field uses, saying
 * what they are, checking a certificate against its issuer. OpenSSL does the cryptography.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "runtime/base/buf.h"
#include "runtime/base/secret.h"

/* RSA-1024 was given up by everyone; above 16384 bits OpenSSL refuses and a check takes seconds. */
enum {
	HPL_KEY_BITS_MIN = 2048,
	HPL_KEY_BITS_MAX = 16384,
	HPL_KEY_BYTES = 64 << 10,    /* text of one key or certificate */
	HPL_CERTS_BYTES = 256 << 10, /* text of a chain; ten RSA-4096 certificates are 20 KiB */
};

/* -1: an RSA key outside the two limits. Keys of other types are not judged. */
int hpl_key_size_check(EVP_PKEY *key, struct hpl_err *err);

/* A private key as PEM (PKCS#8, PKCS#1, SEC 1), encrypted or not. passphrase: NULL when there is
 * none; it is never asked for on a terminal. -1: not a key, a passphrase is missing or wrong,
 * or an RSA key outside the limits. The caller frees *ret with EVP_PKEY_free. */
int hpl_private_key_parse(EVP_PKEY **ret, const char *text, size_t len,
	const struct hpl_secret *passphrase, struct hpl_err *err);

/* A public key or certificate in any form a contract may hold: PEM PUBLIC KEY, PEM CERTIFICATE,
 * base64 of either, base64 of base64 of either, and base64 of a PEM whose line ends are the two
 * characters \ n (facts 1.8). *ret_cert (optional) is the certificate or NULL for a bare key. The
 * caller frees both. The size of the key is not judged. */
int hpl_public_key_read(EVP_PKEY **ret, X509 **ret_cert, const char *text, size_t len,
	struct hpl_err *err);
/* The same for who needs of a certificate only its end of validity: *ret_not_after (optional) is that in
 * seconds since 1970, 0 for a bare key. */
int hpl_public_key_parse(EVP_PKEY **ret, int64_t *ret_not_after, const char *text, size_t len,
	struct hpl_err *err);

/* All certificates of a text in their order, 1 to 32 (the forms of hpl_public_key_read; text around the
 * blocks is skipped). The caller frees with sk_X509_pop_free. */
int hpl_certs_parse(STACK_OF(X509) **ret, const char *text, size_t len, struct hpl_err *err);

/* What a certificate says of itself. Times in seconds since 1970; names in RFC 2253 form, cut to
 * the arrays; fingerprint: SHA-256 as lower-case hex. */
struct hpl_cert_info {
	int64_t not_before, not_after;
	int bits;
	char key_type[16];          /* "RSA", "EC" */
	char subject[256], issuer[256], serial[64], fingerprint[65];
	char crl_url[512];          /* first CRL distribution point, or empty */
};
void hpl_cert_describe(struct hpl_cert_info *ret, X509 *cert);

/* An image's encryption or attestation certificate checked as facts 2.3 say: RSA of
 * HPL_KEY_BITS_MIN or more, inside its validity at now, issued by the first certificate of
 * issuers (names equal and signature good), each issuer by the next one, the last one by
 * itself when it is a root; with crl: the CRL is inside its validity, signed by the issuer
 * and does not list the leaf; each issuer is inside its validity as well, and nothing but a root is
 * signed over MD5 or SHA-1. What an issuer's extensions permit is not looked at (the field's check
 * does not, facts 2.3). issuers and crl may be NULL: then that part is not checked, but a crl needs
 * its issuer. -1: *err says which link failed, and why. */
int hpl_cert_check(X509 *leaf, const STACK_OF(X509) *issuers, const X509_CRL *crl, int64_t now,
	struct hpl_err *err);
/* PEM or DER. */
int hpl_crl_parse(X509_CRL **ret, const void *data, size_t len, struct hpl_err *err);

/* A certificate for contract expiry (facts 2.4): the signer's CSR (PEM, of an RSA key) signed by a personal
 * CA (RSA or EC) for 1 to 36500 days from now, SHA-256. The CSR's own extensions are not taken over.
 * Appends PEM. */
int hpl_cert_issue(struct hpl_buf *out, const char *csr_pem, size_t csr_len, X509 *ca, EVP_PKEY *ca_key,
	unsigned days, int64_t now, struct hpl_err *err);
/* A CSR for key with the subject of the JSON object that the field's contract tool takes: country,
 * state, location, org, unit, domain (CN), mail; any of them may be absent, not all. Appends PEM. */
int hpl_csr_make(struct hpl_buf *out, EVP_PKEY *key, const char *json, size_t len,
	struct hpl_err *err);
/* PEM of the public half. */
int hpl_public_key_write(struct hpl_buf *out, EVP_PKEY *key, struct hpl_err *err);

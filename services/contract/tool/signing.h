/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The signing key of a contract: what it is, whose it is, and how it gets into env. */
#include "runtime/crypto/keys.h"
#include "services/contract/tool/document.h"

struct hpl_signer {
	EVP_PKEY *key;               /* public */
	bool has_cert;
	struct hpl_cert_info cert;   /* of the certificate, when there is one */
	char fingerprint[65];        /* SHA-256 of the certificate, else of the public key (DER) */
	int bits;
};
#define HPL_SIGNER_NULL ((struct hpl_signer){0})
void hpl_signer_done(struct hpl_signer *s);
#define _cleanup_signer_ HPL_CLEANUP(hpl_signer_done)
/* text: as in env.signingKey. */
int hpl_signer_read(struct hpl_signer *ret, const char *text, size_t len, struct hpl_err *err);

/* Appends the value of signingKey in the text of env; 1: it has none. */
int hpl_signing_key_of(struct hpl_buf *ret, const char *env, size_t len, struct hpl_err *err);

/* What --expiry-days, --ca-cert, --ca-key and --csr or --csr-params ask for, as env takes it: base64 of
 * a certificate for private_key; or base64 of the public key when they are not given. *ret_issued:
 * a certificate was made. */
int hpl_signing_key_make(struct hpl_buf *out, bool *ret_issued, struct hpl_source *s,
	EVP_PKEY *private_key, struct hpl_err *err);

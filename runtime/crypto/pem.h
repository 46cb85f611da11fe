/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * PEM as people hand it over: as it is, as base64 of it, as base64 of base64 of it, its line ends LF,
 * CR LF or the two characters \ n (facts 1.8). For the files of this folder.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "runtime/base/buf.h"

enum { HPL_CERTS_MAX = 32 }; /* certificates of one text; a public chain has four */

/* Appends the plain PEM text to out, which must be empty. 0: it holds a "-----BEGIN"; -1: neither PEM
 * nor base64 of it, no text, empty, or longer than limit bytes; no error is set, for the caller
 * knows what the text should have been. out->wipe says whether what is thrown away is wiped. */
int hpl_pem_text(struct hpl_buf *out, const void *data, size_t len, size_t limit);

/* What people do to the end of a block, named: NULL, or text that goes behind "the PEM block". */
const char *hpl_pem_trouble(const char *pem);

/* Append the object as PEM. A private key goes out as unencrypted PKCS#8, and out->wipe is set. */
int hpl_pem_add_cert(struct hpl_buf *out, X509 *cert, struct hpl_err *err);
int hpl_pem_add_private(struct hpl_buf *out, EVP_PKEY *key, struct hpl_err *err);

/* A passphrase callback of OpenSSL that has none: nothing is ever asked for on a terminal. */
int hpl_pem_no_passphrase(char *buf, int size, int rwflag, void *ud);

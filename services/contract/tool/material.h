/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Keys and certificates that a verb is given, read and checked. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "services/contract/tool/source.h"

enum { HPL_KEYS_MAX = 16 }; /* decryption keys of one call: one per image that may be in use */

struct hpl_keys {
	EVP_PKEY *items[HPL_KEYS_MAX];
	size_t count;
};
void hpl_keys_done(struct hpl_keys *k);
#define _cleanup_keys_ HPL_CLEANUP(hpl_keys_done)

/* The private keys of an option that may be repeated, all with the one passphrase. 0 keys: not given. */
int hpl_keys_read(struct hpl_keys *ret, struct hpl_source *s, const char *name, struct hpl_err *err);
/* One private key; passphrase: the member or option that holds its passphrase, NULL: none does. 1: not
 * given. */
int hpl_material_key(EVP_PKEY **ret, struct hpl_source *s, const char *name, const char *passphrase,
	struct hpl_err *err);
/* A public key or certificate in any of the field's forms; *ret_cert may be NULL. 1: not given. */
int hpl_material_public(EVP_PKEY **ret, X509 **ret_cert, struct hpl_source *s, const char *name,
	struct hpl_err *err);
/* All certificates of an option's files, in their order. 1: not given. */
int hpl_material_chain(STACK_OF(X509) **ret, struct hpl_source *s, const char *name,
	struct hpl_err *err);
int hpl_material_crl(X509_CRL **ret, struct hpl_source *s, const char *name, struct hpl_err *err);

/* The encryption certificate of --cert, checked with --issuer and --crl where they are given. Whoever
 * has only an expired one may still encrypt for the image that it belongs to: a warning, unless
 * there is a CRL, which cannot be asked about the past. 1: not given. */
int hpl_material_encrypt_key(EVP_PKEY **ret, struct hpl_source *s, struct hpl_err *err);

static inline void hpl_pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}
static inline void hpl_x509_freep(X509 **c)
{
	X509_free(*c);
}
static inline void hpl_crl_freep(X509_CRL **c)
{
	X509_CRL_free(*c);
}
static inline void hpl_x509s_freep(STACK_OF(X509) **c)
{
	sk_X509_pop_free(*c, X509_free);
}
#define _cleanup_pkey_ HPL_CLEANUP(hpl_pkey_freep)
#define _cleanup_x509_ HPL_CLEANUP(hpl_x509_freep)
#define _cleanup_crl_ HPL_CLEANUP(hpl_crl_freep)
#define _cleanup_x509s_ HPL_CLEANUP(hpl_x509s_freep)

/* "2026-11-21 05:38:06 UTC" */
enum { HPL_TIME_TEXT = 32 };
const char *hpl_time_text(char buf[HPL_TIME_TEXT], int64_t t);

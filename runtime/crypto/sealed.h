/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What confidential containers take beside a contract: sealed secrets and initdata (facts 1.6).
 */
#include <openssl/evp.h>
#include <stdbool.h>

#include "runtime/base/buf.h"
#include "runtime/base/secret.h"

enum hpl_sealed_side { HPL_SEALED_WORKLOAD, HPL_SEALED_ENV };

/* Appends "sealed." and the compact JWS: the secret under a fresh AES-256-GCM key, that key under
 * encrypt_key (RSA PKCS#1 v1.5), all signed with sign_key (RS512). The secret has 1 byte to 1 MiB.
 * Library: dep_sealed of runtime/crypto/meson.build (it needs zlib, which the guest does not). */
int hpl_sealed_make(struct hpl_buf *out, enum hpl_sealed_side side, const void *secret, size_t len,
	EVP_PKEY *encrypt_key, EVP_PKEY *sign_key, struct hpl_err *err);
/* Verifies, then opens; out->wipe is set. *ret_side says whose keys it names. White space at the
 * ends of text is skipped. */
int hpl_sealed_open(struct hpl_buf *out, enum hpl_sealed_side *ret_side, const char *text, size_t len,
	EVP_PKEY *decrypt_key, EVP_PKEY *verify_key, struct hpl_err *err);

/* base64 of gzip of the TOML text around a contract, byte for byte as the field's tool makes it
 * before compression; sehdr (one line of base64, may be NULL) adds the boot section of bare metal. A
 * contract that holds ''', a control character or bytes that are not UTF-8 is refused: the TOML string
 * around it could not hold it. */
int hpl_initdata_make(struct hpl_buf *out, const char *contract, size_t len, const char *sehdr,
	struct hpl_err *err);
/* The contract text of an initdata string; at most 16 MiB after gzip. */
int hpl_initdata_open(struct hpl_buf *out, const char *text, size_t len, struct hpl_err *err);

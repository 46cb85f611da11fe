/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The token: "<prefix>.base64(RSA(password)).base64("Salted__" salt[8] AES-256-CBC(data))".
 * Format and numbers: facts 02, sections 2.1 and 2.2 (RSA PKCS#1 v1.5; PBKDF2-HMAC-SHA-256 with
 * 10000 iterations; the passphrase ends before the first NUL or LF of the password, as
 * `openssl enc -pass stdin` takes it; the whole password is the second try).
 *
 * Decryption has one uniform failure, in words and, past what everyone can see of a token (its
 * base64, its lengths, the word "Salted__"), in work: a padding of RSA that is wrong costs what a wrong
 * password costs. There is no MAC in the format, so a changed token may open to rubbish; what a
 * section says is protected by the contract's signature only.
 */
#include <openssl/evp.h>

#include "runtime/base/buf.h"
#include "runtime/base/secret.h"
#include "runtime/base/token_form.h"
#include "runtime/crypto/keys.h"

/* Decrypts into out (out->wipe is set), with an RSA key within the limits of keys.h. -1: not
 * openable with this key (uniform text). */
int hpl_token_decrypt(struct hpl_buf *out, const char *token, size_t len, EVP_PKEY *private_key,
	struct hpl_err *err);
/* Encrypts data for the RSA public key (of the same limits); appends the token, no LF. The password is 32 printable
 * characters (as the runtime itself makes for the attestation record, facts 3.3). */
int hpl_token_encrypt(struct hpl_buf *out, const char *prefix, const void *data, size_t len,
	EVP_PKEY *public_key, struct hpl_err *err);

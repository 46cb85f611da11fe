/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * envWorkloadSignature (facts 2.4): base64 of RSASSA-PKCS1-v1_5 with SHA-256 over the value strings
 * of workload and env as they stand in user-data, workload first, nothing between. The documented
 * command removes CR and LF before it signs, other tools do not: both are accepted.
 */
#include <openssl/evp.h>
#include <stdbool.h>

#include "runtime/base/buf.h"

struct hpl_signature_input {
	const void *key, *signature, *workload, *env;
	size_t key_len, signature_len, workload_len, env_len;
	int64_t now; /* seconds since 1970, for the end of a certificate */
};
struct hpl_signature_result {
	int stripped;      /* 1: it verified without line ends only */
	int64_t not_after; /* of the signing certificate, 0: a bare key */
	int bits;          /* of the key */
};

/* -1: HPL12001E with the cause, or HPL12007E when the certificate has expired. */
int hpl_signature_verify(struct hpl_signature_result *ret, const struct hpl_signature_input *in,
	struct hpl_err *err);

/* The other way: appends the signature as one line of base64. strip: CR and LF are left out of what is
 * signed, as the documented command does (the same for tokens). private_key: RSA. */
int hpl_signature_make(struct hpl_buf *out, EVP_PKEY *private_key, const void *workload,
	size_t workload_len, const void *env, size_t env_len, bool strip, struct hpl_err *err);

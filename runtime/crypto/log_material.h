/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The TLS material of logging.syslog: what the contract gives (PEM, base64 of PEM, in any of the
 * forms people paste) in, clean PEM out: the CA certificates, the client's certificate with the
 * chain below it, its private key as PKCS#8.
 */
#include <stdbool.h>

#include "runtime/base/buf.h"

struct hpl_log_material {
	struct hpl_buf ca;
	struct hpl_buf cert;
	struct hpl_buf key; /* wiped when freed */
};
#define HPL_LOG_MATERIAL_NULL ((struct hpl_log_material){0})

struct hpl_log_input {
	const void *server, *cert, *key;
	size_t server_len, cert_len, key_len;
};

/* Checks and normalises. now: seconds since 1970, for the ends of validity. -1: err names the
 * message (HPL01005E ... HPL01009E, HPL01011E) and the field, never a content. */
int hpl_log_material_parse(struct hpl_log_material *ret, const struct hpl_log_input *in, int64_t now,
	struct hpl_err *err);
void hpl_log_material_done(struct hpl_log_material *m);
#define _cleanup_material_ HPL_CLEANUP(hpl_log_material_done)

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * certificate_expiry_date.json: until when the image's two certificates are valid. The original
 * runtime's form is not public; ours, one line with LF:
 *   {"encryption":{"valid_until":"2027-07-06T06:44:41Z"},"attestation":{"valid_until":"..."}}
 */
#include "runtime/base/buf.h"

/* End of validity of a PEM certificate, seconds since 1970 (UTC). */
int hpl_expiry_of(int64_t *ret, const char *pem, size_t len, struct hpl_err *err);
int hpl_expiry_json(struct hpl_buf *out, int64_t encryption, int64_t attestation,
	struct hpl_err *err);

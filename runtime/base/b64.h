/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Base64 of RFC 4648 section 4 (standard alphabet, padded). */
#include "runtime/base/buf.h"

enum hpl_b64_mode {
	HPL_B64_STRICT,     /* one line, full padding, no white space (token fields) */
	HPL_B64_WHITESPACE, /* blanks, tabs, CR, LF are skipped anywhere (contract fields) */
};
/* Appends the decoded bytes to out. -1: not base64; err->text names the offset, not the bytes. */
int hpl_b64_decode(struct hpl_buf *out, const char *text, size_t len, enum hpl_b64_mode mode,
	struct hpl_err *err);
/* Appends one line without LF. */
void hpl_b64_encode(struct hpl_buf *out, const void *data, size_t len);

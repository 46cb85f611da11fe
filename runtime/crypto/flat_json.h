/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The JSON objects of this folder's formats (JWS header, envelope of a sealed secret, parameters
 * of a CSR): one level, all values strings. Reading is strict: RFC 8259, UTF-8, no member twice,
 * no member that is not asked for, no NUL in a value.
 */
#include "runtime/base/buf.h"

struct hpl_flat {
	const char *name;
	struct hpl_buf value; /* of the caller: hpl_flat_done */
	int seen;
};

/* fields: what may be there; value and seen are filled. -1: the cause names a member or an offset,
 * never a value. The caller frees with hpl_flat_done in both cases. */
int hpl_flat_parse(struct hpl_flat *fields, size_t count, const char *text, size_t len,
	struct hpl_err *err);
/* Appends a string with its quotes. */
void hpl_flat_string(struct hpl_buf *out, const char *text, size_t len);
void hpl_flat_done(struct hpl_flat *fields, size_t count);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A contract as a set of top-level members whose texts can be exchanged: sections become tokens,
 * tokens become text, a signature is added. Written with sorted keys, as the field's contract tool
 * writes it.
 */
#include <openssl/evp.h>

#include "runtime/base/buf.h"
#include "schema/node.h"
#include "services/contract/tool/material.h"

struct hpl_member {
	char *key;
	struct hpl_buf text;   /* a string's value, or YAML text */
	bool is_text;          /* a string; else YAML text of another kind of value */
	bool is_token;
};
struct hpl_document {
	struct hpl_member *members;
	size_t count;
};
#define HPL_DOCUMENT_NULL ((struct hpl_document){0})
void hpl_document_done(struct hpl_document *d);
#define _cleanup_document_ HPL_CLEANUP(hpl_document_done)

enum hpl_form {
	HPL_FORM_CONTRACT,     /* a mapping with one of the keys of a contract */
	HPL_FORM_SECTION,      /* a mapping with type: workload or type: env */
	HPL_FORM_TOKEN,
	HPL_FORM_OTHER,
};
/* What a text is. YAML that cannot be read is HPL_FORM_OTHER, and *err (may be NULL) says why; err->text is
 * empty otherwise. */
enum hpl_form hpl_form_of(const char *text, size_t len, struct hpl_err *err);

/* The members of a contract's text. */
int hpl_document_read(struct hpl_document *ret, const char *text, size_t len, struct hpl_err *err);
/* NULL: there is none */
struct hpl_member *hpl_document_find(const struct hpl_document *d, const char *key);
/* Sets a member's text, or adds it. */
int hpl_document_set(struct hpl_document *d, const char *key, const char *text, size_t len,
	struct hpl_err *err);
int hpl_document_write(struct hpl_buf *out, const struct hpl_document *d, struct hpl_err *err);

/* Opens a token with the first key that does. -1: none does. */
int hpl_token_open(struct hpl_buf *out, const char *token, size_t len, const struct hpl_keys *keys,
	struct hpl_err *err);
/* Makes tokens of workload, env and attestationPublicKey, as far as they are there and no tokens
 * yet; only: of this one alone (NULL: all). */
int hpl_document_encrypt(struct hpl_document *d, const char *only, const char *prefix,
	EVP_PKEY *key, struct hpl_err *err);

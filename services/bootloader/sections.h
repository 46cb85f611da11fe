/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * user-data: its sections, their hashes for the record, and the decrypted text.
 *
 * user-data is a YAML mapping. A value that is a token (runtime/crypto/token.h) is opened with the
 * image's contract key; in the decrypted text it stands as a block scalar in the token's place.
 * Everything else of the text is kept byte for byte when the keys stand at the beginning of their
 * lines (the documented form); otherwise (JSON, one line) each entry is written again in YAML.
 *
 * Not this program's business: which sections there are and what is in them. A missing workload or
 * env is reported by the contract service, which can say it to the user's log backend.
 */
#include <openssl/evp.h>
#include <stdbool.h>

#include "runtime/base/buf.h"
#include "services/bootloader/record.h"

enum {
	HPL_USER_DATA_LIMIT = 16 << 20, /* the contract's limit everywhere in this runtime */
	HPL_SECTION_LIMIT = 64,         /* top-level keys; a contract has five */
};

struct hpl_sections {
	struct hpl_buf text;            /* user-data.decrypted; holds secrets */
	unsigned decrypted;             /* tokens opened */
	unsigned ignored;               /* look like a token, do not open */
	const char *refused;            /* "workload" or "env" when that one is among the ignored */
	bool has_key;                   /* attestationPublicKey is there */
	struct hpl_buf attestation_key; /* its text, decrypted; empty when it is no text or did not open */
	struct hpl_record_section list[HPL_SECTION_LIMIT]; /* in the order of the record; names owned */
	size_t count;
};

/*
 * hash of a section: SHA-256 of its value string in user-data (the token, the block text) without
 * one final LF. A section written as a mapping has no value string: then of its JSON form without
 * blanks, keys in the order of the document.
 * -1: empty, no YAML, no mapping, too many keys (HPL11001E with the place). Tokens that do not open
 * are no error here: the caller prints the count first, then looks at refused.
 */
int hpl_sections_open(struct hpl_sections *ret, const char *user_data, size_t len, EVP_PKEY *key,
	struct hpl_err *err);
void hpl_sections_done(struct hpl_sections *s);

/* The auditor's key of a contract: RSA, 2048 bits or more, in any of the accepted forms. Every
 * failure is HPL11002E. The caller frees *ret. */
int hpl_sections_auditor_key(EVP_PKEY **ret, const struct hpl_sections *s, struct hpl_err *err);

/* local-hostname of meta-data into out. 1: meta-data is no YAML mapping or has none. -1: it is no
 * host name (RFC 1123 labels, 64 characters, the limit of the kernel). */
int hpl_hostname_parse(char *out, size_t size, const char *meta_data, size_t len,
	struct hpl_err *err);

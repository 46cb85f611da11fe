/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A contract as validate, show and plan look at it: its tokens opened where a key was given, and the
 * way from a place in the text that was read back to what the user has: the file, or the
 * decrypted text of a section.
 *
 * A section alone (a file with type: workload or type: env at its top, or one that is named as
 * such) is read as a contract whose other section is still encrypted.
 */
#include <openssl/evp.h>

#include "runtime/base/buf.h"
#include "runtime/tool/options.h"
#include "schema/contract.h"

struct hpl_opened_span;
struct hpl_opened {
	const char *file;               /* how places call it; borrowed */
	struct hpl_buf delivered_text;  /* the file's bytes */
	struct hpl_buf text;            /* what contract was read from */
	struct hpl_contract *delivered; /* as the file has it; NULL for a section alone */
	struct hpl_contract *contract;  /* with what could be opened in clear */
	const char *section;            /* the section that the file is, NULL: a whole contract */
	bool key;                       /* a key was given */
	struct hpl_opened_span *spans;
	size_t span_count;
};
#define HPL_OPENED_NULL ((struct hpl_opened){0})

struct hpl_opened_options {
	const char *section;            /* "workload", "env", "attestationPublicKey"; NULL: see the file */
	EVP_PKEY *key;                  /* NULL: tokens stay closed */
};
/* file: a path or "-". 0; 1: what it holds is no contract, *ret_fault says why and ret is
 * good for hpl_opened_place(); -1: it could not be read. */
int hpl_opened_read(struct hpl_opened *ret, const char *file, const struct hpl_opened_options *o,
	struct hpl_fault *ret_fault, struct hpl_err *err);
/* The same for a text that is no file; name is what places call it. */
int hpl_opened_text(struct hpl_opened *ret, const char *name, const void *text, size_t len,
	const struct hpl_opened_options *o, struct hpl_fault *ret_fault, struct hpl_err *err);
void hpl_opened_done(struct hpl_opened *o);
#define _cleanup_opened_ HPL_CLEANUP(hpl_opened_done)

struct hpl_opened_place {
	char file[512];                 /* "contract.yaml", "contract.yaml (workload, decrypted)" */
	struct hpl_pos pos;             /* in there; line 0: none */
	const char *line;               /* the text of that line; NULL: there is none to show */
	size_t line_len;
};
void hpl_opened_place(struct hpl_opened_place *ret, const struct hpl_opened *o, struct hpl_pos pos);

/* The n-th section that is still a token, NULL behind the last. */
const char *hpl_opened_closed(const struct hpl_opened *o, size_t n);

/* The key of --key and --passphrase-file; *ret stays NULL when there is none. Returns an exit
 * code; what is wrong has been said. */
int hpl_opened_key(EVP_PKEY **ret, const struct hpl_tool_call *c);
/* The first argument of a call, opened with its --key. HPL_EXIT_GOOD; HPL_EXIT_BAD: no contract,
 * *ret_fault says why; HPL_EXIT_CALL: it has been said. */
int hpl_opened_argument(struct hpl_opened *ret, const struct hpl_tool_call *c, const char *section,
	struct hpl_fault *ret_fault);

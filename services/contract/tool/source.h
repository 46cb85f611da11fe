/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a verb's inputs come from and its result goes. A call from a command line names files in
 * options and arguments and gets a text; with --external (the protocol of Terraform's external
 * data source) one JSON object of strings on standard input holds the same inputs, and one JSON
 * object of strings on standard output the results. A verb asks here and does not see which it is.
 *
 * A member is named as the option, with _ for -: "no_validate". What an option would name a file
 * for is the member itself (its text), or the member with _file behind it (a path).
 */
#include "runtime/base/buf.h"
#include "runtime/base/secret.h"
#include "runtime/tool/options.h"
#include "runtime/tool/output.h"
#include "schema/node.h"

enum { HPL_SOURCE_RESULTS = 8 };

struct hpl_source {
	const struct hpl_tool_call *call;
	const char *argument;       /* the member that stands for FILE: "contract" */
	struct hpl_doc *query;      /* NULL: a command line */
	int failed;                 /* what a failure means: HPL_EXIT_BAD, or CALL: a file is not there */
};
#define HPL_SOURCE_NULL ((struct hpl_source){.failed = HPL_EXIT_BAD})

/* Reads the query when the call has --external. 0, or an exit code: what is wrong has been said. */
int hpl_source_open(struct hpl_source *ret, const struct hpl_tool_call *c, const char *argument);
void hpl_source_done(struct hpl_source *s);
#define _cleanup_source_ HPL_CLEANUP(hpl_source_done)

/* Is there one? Name is an option, or the argument's. */
bool hpl_source_has(const struct hpl_source *s, const char *name);
/* The text of an option that names a file ("key"; "passphrase" stands for --passphrase-file), or of
 * the argument. 1: not given. At most 16 MiB. */
int hpl_source_text(struct hpl_source *s, const char *name, struct hpl_buf *ret, struct hpl_err *err);
/* The same for the n-th of an option that may be repeated; a query has one of each only. */
int hpl_source_nth(struct hpl_source *s, const char *name, size_t n, struct hpl_buf *ret,
	struct hpl_err *err);
/* The n-th argument as it was given; of a query, the member itself for 0. NULL: there is none. */
const char *hpl_source_argument(const struct hpl_source *s, size_t n);
/* How places call the file: its path, or the member's name. */
const char *hpl_source_file(const struct hpl_source *s, const char *name);
/* The word of an option, NULL: not given. */
const char *hpl_source_value(const struct hpl_source *s, const char *name);
bool hpl_source_flag(const struct hpl_source *s, const char *name);

/* Inputs that do not go together. Fills err; the exit code becomes HPL_EXIT_CALL. Returns -1. */
int hpl_source_wrong(struct hpl_source *s, struct hpl_err *err, const char *fmt, ...)
	HPL_PRINTF(3, 4);

/* Says what failed and returns the exit code for it. */
int hpl_source_fail(const struct hpl_source *s, const struct hpl_err *err);
/* To standard error. */
void hpl_source_warn(const struct hpl_source *s, const char *fmt, ...) HPL_PRINTF(2, 3);

struct hpl_result {
	const char *name;           /* of the member */
	const char *text;
	size_t len;
};
/* The first result is the text of a command line, to --output FILE (0600) or standard output; a
 * query gets all of them. Returns an exit code. */
int hpl_source_write(const struct hpl_source *s, const struct hpl_result *results, size_t count);

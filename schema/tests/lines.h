/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tables of contracts that are each wrong in one line: a base contract, one line of which is written
 * anew, and the one fault that has to be said, with its place, its id, its words and its cure.
 */
#include <criterion/criterion.h>

#include "schema/contract.h"

struct wrong {
	const char *line;         /* of the base, as it stands there */
	const char *with;         /* what stands there instead; "" removes the line */
	int down;                 /* place of the fault: so many lines below */
	unsigned col;
	const char *path, *text, *cure; /* the path; words that text and cure hold */
	enum hpl_fix fix;
	const char *fix_text;
	const char *id;           /* NULL: HPL05001E */
	enum hpl_product product; /* HPVS when not given */
	bool legacy;
	size_t more;              /* faults that the same mistake has beyond the first one */
};

/* Each row: the first fault is as the row says, and there is no other one (but .more). */
void check_wrong(const char *base, const struct wrong *rows, size_t count);
/* No fault at all. */
void check_right(const char *base, enum hpl_product product, bool legacy);
/* Each pair {line, with} leaves the base right, without a warning. */
void check_right_lines(const char *base, const char *const (*rows)[2], size_t count);

/* Right for every product but ccrv; every key of the parts but those of pods and other products. */
extern const char contract_base[];
#define BASE contract_base

#define RENAME(name) HPL_FIX_RENAME, name
#define REPLACE(value) HPL_FIX_REPLACE, value
#define ADD(line) HPL_FIX_ADD, line
#define REMOVE HPL_FIX_REMOVE, NULL
#define NONE HPL_FIX_NONE, NULL
#define UNKNOWN "HPL05013W"
#define LEGACY "HPL05012W"

#define CHECK_WRONG(base, rows) check_wrong((base), (rows), HPL_ARRAY_SIZE(rows))
#define CHECK_RIGHT_LINES(base, rows) check_right_lines((base), (rows), HPL_ARRAY_SIZE(rows))

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Faults as people and programs read them. No value of a contract is shown: of the line that a
 * fault points to, its key only.
 */
#include "runtime/tool/output.h"
#include "services/contract/tool/opened.h"

struct hpl_verdict {
	const char *product;      /* "hpvs" */
	bool valid;
	size_t errors, warnings;
};
/* Counts; valid is left to the caller. */
void hpl_verdict_count(struct hpl_verdict *v, const struct hpl_faults *faults);

/* out is for standard output: its colours. */
void hpl_faults_text(struct hpl_buf *out, const struct hpl_opened *o, const struct hpl_faults *faults,
	const struct hpl_verdict *v);
/* One object: file, product, valid, faults, unopened. */
void hpl_faults_json(struct hpl_json *j, const struct hpl_opened *o, const struct hpl_faults *faults,
	const struct hpl_verdict *v);

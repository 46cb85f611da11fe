/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A fault as people and programs read it: the same lines and the same JSON members whatever kind of
 * file was checked. The lines of the file itself are the caller's: some hold secrets.
 */
#include "runtime/tool/output.h"
#include "schema/schema.h"

/* "error", "warning", "note" */
const char *hpl_report_severity(const struct hpl_fault *f);
/* How many of each. */
void hpl_report_count(const struct hpl_faults *faults, size_t *ret_errors, size_t *ret_warnings);

/* "file:12:3: error HPL05001E path: text" and a line end; pos.line 0: without a place. For standard
 * output: its colours. */
void hpl_report_head(struct hpl_buf *out, const char *file, struct hpl_pos pos,
	const struct hpl_fault *f);
/* "  cure: ...", nothing when there is none. */
void hpl_report_cure(struct hpl_buf *out, const struct hpl_fault *f);
/* "1 error", "2 errors" */
void hpl_report_number(struct hpl_buf *out, size_t n, const char *what);
/* The verdict: "file: valid<rest>", or "file: 2 errors"; ", 1 warning" behind it. */
void hpl_report_verdict(struct hpl_buf *out, const char *file, bool valid, const char *rest,
	size_t errors, size_t warnings);

/* One object: id, severity, file, line, column, path, keyword, text, cure, fix. */
void hpl_report_json(struct hpl_json *j, const char *file, struct hpl_pos pos,
	const struct hpl_fault *f);

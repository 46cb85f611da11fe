/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/gate.h"

#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/base/token_form.h"
#include "runtime/contract/check.h"
#include "runtime/report/report.h"

/* Stands for the section that is not there: a token is not looked into. */
#define UNSEEN HPL_TOKEN_PREFIX ".AAAA.AAAA"
enum { WRAP_LINES = 2, WRAP_COLS = 2 };

/* The section as a whole contract; its places are WRAP_LINES below and WRAP_COLS right of the file's. */
static int wrap_section(struct hpl_buf *out, const char *text, size_t len, struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	bool env;
	if (hpl_yaml_read(&doc, text, len, &hpl_contract_limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return -1;
	env = hpl_streq(hpl_node_get_str(hpl_doc_root(doc), "type"), "env");
	hpl_buf_fmt(out, "%s: " UNSEEN "\n%s: |2\n", env ? "workload" : "env",
		env ? "env" : "workload");
	for (const char *end = text + len; text < end;) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		const char *next = lf ? lf + 1 : end;
		hpl_buf_str(out, "  ");
		hpl_buf_add(out, text, (size_t)(next - text));
		text = next;
	}
	return out->failed ? HPL_OOM(err) : 0;
}

static void say_fault(const struct hpl_source *s, const struct hpl_fault *f, bool wrapped)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_pos p = f->pos;

	if (wrapped && p.line > WRAP_LINES)
		p = (struct hpl_pos){p.line - WRAP_LINES, p.col > WRAP_COLS ? p.col - WRAP_COLS : 1};
	else if (wrapped)
		p = (struct hpl_pos){0, 0};
	hpl_report_head(&b, hpl_source_file(s, s->argument), p, f);
	hpl_report_cure(&b, f);
	fputs(b.data ? b.data : "", stderr);
}

/* The signature is made, or made anew, over what comes out. */
static bool is_of_signature(const struct hpl_fault *f)
{
	return f->msg == HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE ||
		f->msg == HPL_MSG_SIGNATURE_DEPENDENCY_ARGS_MISSING_ERROR ||
		f->msg == HPL_MSG_SIGNATURE_NOT_COVERED;
}

static int check(const struct hpl_source *s, const struct hpl_contract *c, bool wrapped,
	struct hpl_err *err)
{
	const char *product = hpl_source_value(s, "product");
	struct hpl_check_options o = {.form.legacy = hpl_source_flag(s, "legacy"), .now = time(NULL)};
	struct hpl_faults faults = {0};
	bool valid = false;
	size_t errors = 0;
	int rc = product ? hpl_product_parse(&o.form.product, product) : 0;

	if (rc < 0)
		return HPL_FAIL(err, 0, 0, "unknown product %.20s", product);
	rc = hpl_contract_check(c, &o, &faults, &valid, err);
	for (size_t i = 0; i < faults.count; i++) {
		if (is_of_signature(&faults.items[i]))
			continue;
		say_fault(s, &faults.items[i], wrapped);
		errors += hpl_fault_is_error(&faults.items[i]);
	}
	hpl_faults_done(&faults);
	if (rc == 0 && errors) {
		HPL_FAIL(err, 0, 0, "%s: %zu fault%s; nothing was made of it",
			hpl_source_file(s, s->argument), errors, errors == 1 ? "" : "s");
		hpl_err_cure(err, "mend what is said above, or give --no-validate");
		return -1;
	}
	return rc;
}

int hpl_gate(const struct hpl_source *s, enum hpl_form form, const char *text, size_t len,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf whole = {.wipe = 1};
	struct hpl_contract *c = NULL;
	bool section = form == HPL_FORM_SECTION;
	int rc;

	if (hpl_source_flag(s, "no-validate"))
		return 0;
	if (section && wrap_section(&whole, text, len, err) < 0)
		return -1;
	if (hpl_contract_read(&c, hpl_source_file(s, s->argument), section ? whole.data : text,
		section ? whole.len : len, true, err) < 0)
		return -1;
	rc = check(s, c, section, err);
	hpl_contract_free(c);
	return rc;
}

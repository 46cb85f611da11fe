/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/gate.h"

#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/contract/check.h"
#include "runtime/report/report.h"
#include "schema/key_sources.h"
#include "services/contract/tool/opened.h"
#include "services/contract/tool/place_holder.h"

static void say(const struct hpl_opened *o, const struct hpl_fault *f)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_opened_place at;

	hpl_opened_place(&at, o, f->pos);
	hpl_report_head(&b, at.file, at.pos, f);
	hpl_report_cure(&b, f);
	fputs(b.data ? b.data : "", stderr);
}

static bool is_of_signature(const struct hpl_fault *f)
{
	return f->msg == HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE ||
		f->msg == HPL_MSG_SIGNATURE_DEPENDENCY_ARGS_MISSING_ERROR ||
		f->msg == HPL_MSG_SIGNATURE_NOT_COVERED;
}

/* Of a section alone, what the other one lacks is no fault. */
static bool is_of_section(const struct hpl_fault *f, const char *section)
{
	size_t n = section ? strlen(section) : 0;
	return !section || (strncmp(f->path, section, n) == 0 && (!f->path[n] || f->path[n] == '.'));
}

static int check(const struct hpl_source *s, const struct hpl_opened *o, size_t *ret_errors,
	struct hpl_err *err)
{
	const char *product = hpl_source_value(s, "product");
	struct hpl_check_options options = {.form.legacy = hpl_source_flag(s, "legacy"),
		.form.providers = hpl_key_source_set(hpl_source_value(s, "provider")),
		.now = time(NULL), .delivered = o->delivered};
	struct hpl_faults faults = {0};
	bool valid;
	int rc;

	if (product && hpl_product_parse(&options.form.product, product) < 0)
		return HPL_FAIL(err, 0, 0, "unknown product %.20s", product);
	rc = hpl_contract_check(o->contract, &options, &faults, &valid, err);
	if (rc == 0)
		rc = hpl_place_holders_find(o->contract, &faults, err);
	for (size_t i = 0; i < faults.count; i++) {
		const struct hpl_fault *f = &faults.items[i];
		if (is_of_signature(f) || !is_of_section(f, o->section))
			continue;
		say(o, f);
		*ret_errors += hpl_fault_is_error(f);
	}
	hpl_faults_done(&faults);
	return rc;
}

int hpl_gate(const struct hpl_source *s, const char *text, size_t len, struct hpl_err *err)
{
	_cleanup_opened_ struct hpl_opened o = HPL_OPENED_NULL;
	const struct hpl_opened_options options = {0};
	const char *name = hpl_source_file(s, s->argument);
	struct hpl_fault why;
	size_t errors = 0;
	int rc;

	if (hpl_source_flag(s, "no-validate"))
		return 0;
	rc = hpl_opened_text(&o, name, text, len, &options, &why, err);
	if (rc < 0)
		return -1;
	if (rc > 0)
		say(&o, &why);
	if (rc > 0)
		errors = 1;
	else if (check(s, &o, &errors, err) < 0)
		return -1;
	if (errors == 0)
		return 0;
	HPL_FAIL(err, 0, 0, "%s: %zu fault%s; nothing was made of it", name, errors,
		errors == 1 ? "" : "s");
	hpl_err_cure(err, "mend what is said above, or give --no-validate");
	return -1;
}

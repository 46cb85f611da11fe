/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/contract/check.h"
#include "schema/key_sources.h"
#include "services/contract/tool/faults.h"
#include "services/contract/tool/plan.h"
#include "services/contract/tool/verbs.h"
#include "tool-spec.h"

/* Is the form of the contract wrong, so that nothing can be said of the rest? Faults of certificates,
 * signatures and images are what a boot stops at later. */
static bool form_is_wrong(const struct hpl_faults *f)
{
	for (size_t i = 0; i < f->count; i++) {
		if (hpl_fault_is_error(&f->items[i]) && !hpl_streq(f->items[i].keyword, "gate"))
			return true;
	}
	return false;
}

static int print_faults(const struct hpl_tool_call *c, const struct hpl_opened *o,
	const struct hpl_faults *faults, const char *product)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_verdict v = {.product = product};
	hpl_verdict_count(&v, faults);
	hpl_faults_text(&out, o, faults, &v);
	fprintf(stderr, "%s%s: no plan for a contract with a wrong form\n", out.data ? out.data : "",
		c->verb->command);
	return HPL_EXIT_BAD;
}

static int print_plan(const struct hpl_tool_call *c, struct hpl_plan *p)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	const struct hpl_buf *out = &text;
	bool json = hpl_streq(hpl_tool_value(c, "format"), "json");
	int rc;

	if (hpl_plan_make(p, &err) < 0 || (!json && hpl_plan_text(&text, &p->json.buf, &err) < 0))
		return hpl_tool_fail(c, &err, HPL_EXIT_CALL);
	if (json)
		out = &p->json.buf;
	rc = hpl_tool_write(c, out);
	return rc != HPL_EXIT_GOOD ? rc : p->valid ? HPL_EXIT_GOOD : HPL_EXIT_BAD;
}

static int plan_opened(const struct hpl_tool_call *c, const struct hpl_opened *o,
	struct hpl_faults *faults, const struct hpl_fault *unreadable)
{
	const char *name = hpl_tool_value(c, "product");
	struct hpl_plan p = {.opened = o, .c = o->contract, .product = name ? name : "hpvs",
		.faults = faults};
	struct hpl_check_options check = {.form.legacy = hpl_tool_has(c, "legacy"), .now = time(NULL),
		.form.providers = hpl_key_source_set(hpl_tool_value(c, "provider")), .delivered = o->delivered};
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_fault *f;
	int rc;

	if (name)
		hpl_product_parse(&check.form.product, name);
	if (unreadable && hpl_faults_add(&f, faults, &err) == 0) {
		*f = *unreadable;
		return print_faults(c, o, faults, p.product);
	}
	if (o->section)
		return hpl_tool_usage_error(c->verb, "a section alone has no plan; give the contract");
	if (hpl_contract_check(o->contract, &check, faults, &p.valid, &err) < 0)
		return hpl_tool_fail(c, &err, HPL_EXIT_CALL);
	rc = form_is_wrong(faults) ? print_faults(c, o, faults, p.product) : print_plan(c, &p);
	hpl_plan_done(&p);
	return rc;
}

int hpl_verb_plan(const struct hpl_tool_call *c)
{
	_cleanup_opened_ struct hpl_opened o = HPL_OPENED_NULL;
	struct hpl_faults faults = {0};
	struct hpl_fault why;
	int rc = hpl_opened_argument(&o, c, NULL, &why);

	if (rc == HPL_EXIT_CALL)
		return rc;
	rc = plan_opened(c, &o, &faults, rc == HPL_EXIT_BAD ? &why : NULL);
	hpl_faults_done(&faults);
	return rc;
}

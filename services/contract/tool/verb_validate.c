/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/tool/input.h"
#include "runtime/tool/output.h"
#include "schema/contract.h"
#include "services/contract/tool/verbs.h"
#include "tool-spec.h"

static int check_file(const struct hpl_tool_call *c, const char *file,
	const struct hpl_validate_options *o)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	struct hpl_contract *contract = NULL;
	struct hpl_faults faults = {0};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = HPL_EXIT_BAD;

	if (hpl_tool_read(&text, file, HPL_TOOL_INPUT, &err) < 0)
		return hpl_tool_fail(c, &err, HPL_EXIT_CALL);
	if (hpl_contract_read(&contract, file, text.data, text.len, true, &err) < 0)
		return hpl_tool_fail(c, &err, HPL_EXIT_BAD);
	int found = hpl_contract_validate(contract, o, &faults, &err);
	if (found < 0)
		rc = hpl_tool_fail(c, &err, HPL_EXIT_CALL);
	for (size_t i = 0; i < faults.count; i++) {
		const struct hpl_fault *f = &faults.items[i];
		printf("%s:%u:%u: %s %s: %s\n", file, f->pos.line, f->pos.col,
			hpl_msg_info(f->msg)->id, f->path, f->text);
	}
	if (found >= 0)
		rc = found ? HPL_EXIT_BAD : HPL_EXIT_GOOD;
	hpl_faults_done(&faults);
	hpl_contract_free(contract);
	return rc;
}

int hpl_verb_validate(const struct hpl_tool_call *c)
{
	struct hpl_validate_options o = {.legacy = hpl_tool_has(c, "legacy")};
	const char *product = hpl_tool_value(c, "product");
	int worst = HPL_EXIT_GOOD;

	if (product)
		hpl_product_parse(&o.product, product);
	for (size_t i = 0; i < c->arg_count; i++) {
		int rc = check_file(c, c->args[i], &o);
		worst = rc > worst ? rc : worst;
	}
	return worst;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/report/report.h"
#include "runtime/tool/input.h"
#include "services/network/netconfig.h"
#include "services/network/tool/verbs.h"

/* The errors only, to standard error: there is nothing to show. */
static int refuse(const struct hpl_tool_call *c, const struct hpl_faults *faults)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	size_t errors, warnings;

	hpl_report_count(faults, &errors, &warnings);
	hpl_report_number(&out, errors, "error");
	fprintf(stderr, "%s: %s: %s; hpl network validate tells them\n", c->verb->command, c->args[0],
		out.data ? out.data : "");
	return HPL_EXIT_BAD;
}

int hpl_verb_show(const struct hpl_tool_call *c)
{
	_cleanup_free_ struct hpl_net_config *config = calloc(1, sizeof(*config));
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL, out = HPL_BUF_NULL;
	struct hpl_faults faults = {0};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = config ? hpl_tool_read(&text, c->args[0], HPL_NET_CONFIG_BYTES, &err) : HPL_OOM(&err);

	if (rc == 0)
		rc = hpl_net_config_read(config, text.data ? text.data : "", text.len, &faults, &err);
	if (rc < 0) {
		rc = hpl_tool_fail(c, &err, HPL_EXIT_CALL);
	} else if (rc > 0) {
		rc = refuse(c, &faults);
	} else {
		hpl_net_config_show(&out, config);
		rc = hpl_tool_write(c, &out);
	}
	hpl_faults_done(&faults);
	return rc;
}

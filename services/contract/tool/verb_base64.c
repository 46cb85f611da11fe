/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/b64.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/verbs.h"

int hpl_verb_base64(const struct hpl_tool_call *c)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	_cleanup_buf_ struct hpl_buf in = {.wipe = 1}, out = {.wipe = 1};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_source_open(&s, c, "file");

	if (rc)
		return rc;
	if (!hpl_source_has(&s, "file"))
		return hpl_source_missing(&s, "file");
	if (hpl_source_text(&s, "file", &in, &err) < 0)
		return hpl_source_fail(&s, &err);
	if (!hpl_source_flag(&s, "decode"))
		hpl_b64_encode(&out, in.data ? in.data : "", in.len);
	else if (hpl_b64_decode(&out, in.len ? in.data : "", in.len, HPL_B64_WHITESPACE, &err) < 0)
		return hpl_source_fail(&s, &err);
	if (!hpl_source_flag(&s, "decode") && !s.query)
		hpl_buf_str(&out, "\n");
	return hpl_result_write(&s, "base64", &out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "runtime/crypto/sealed.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/verbs.h"

static void trim(struct hpl_buf *b)
{
	while (b->len && isspace((unsigned char)b->data[b->len - 1]))
		b->data[--b->len] = '\0';
}

static int initdata(struct hpl_source *s, struct hpl_buf *out, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1}, sehdr = HPL_BUF_NULL;
	int rc;

	if (hpl_source_text(s, "contract", &text, err) < 0)
		return -1;
	if (hpl_source_flag(s, "open")) {
		if (hpl_source_has(s, "sehdr"))
			return hpl_source_wrong(s, err, "--sehdr does not go with --open");
		trim(&text);
		return hpl_initdata_open(out, text.len ? text.data : "", text.len, err);
	}
	rc = hpl_source_text(s, "sehdr", &sehdr, err);
	if (rc < 0)
		return -1;
	trim(&sehdr);
	if (hpl_initdata_make(out, text.len ? text.data : "", text.len, rc ? NULL : sehdr.data, err) < 0)
		return -1;
	if (!s->query)
		hpl_buf_str(out, "\n");
	return out->failed ? HPL_OOM(err) : 0;
}

int hpl_verb_initdata(const struct hpl_tool_call *c)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	_cleanup_buf_ struct hpl_buf out = {.wipe = 1};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_source_open(&s, c, "contract");

	if (rc)
		return rc;
	if (!hpl_source_has(&s, "contract"))
		return hpl_source_missing(&s, "contract");
	if (initdata(&s, &out, &err) < 0)
		return hpl_source_fail(&s, &err);
	return hpl_result_write(&s, hpl_source_flag(&s, "open") ? "contract" : "initdata", &out);
}

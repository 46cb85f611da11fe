/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/token.h"
#include "services/contract/tool/document.h"
#include "services/contract/tool/gate.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/verbs.h"

static int encrypt_contract(struct hpl_source *s, struct hpl_buf *out, const struct hpl_buf *text,
	EVP_PKEY *key, struct hpl_err *err)
{
	_cleanup_document_ struct hpl_document d = HPL_DOCUMENT_NULL;
	const char *only = hpl_source_value(s, "only");

	if (hpl_gate(s, text->data, text->len, err) < 0 ||
		hpl_document_read(&d, text->data, text->len, err) < 0)
		return -1;
	if (only && !hpl_document_find(&d, only))
		return HPL_FAIL(err, 0, 0, "the contract has no %s", only);
	/* what is signed is the text; encrypting changes it */
	if (hpl_document_find(&d, "envWorkloadSignature"))
		hpl_source_warn(s, "envWorkloadSignature is of what was there before: sign the result");
	if (hpl_document_encrypt(&d, only, hpl_token_prefix(s), key, err) < 0)
		return -1;
	return hpl_document_write(out, &d, err);
}

static int encrypt_text(struct hpl_source *s, struct hpl_buf *out, const struct hpl_buf *text,
	EVP_PKEY *key, struct hpl_err *err)
{
	enum hpl_form form = HPL_FORM_OTHER;
	struct hpl_err why = HPL_ERR_NULL;
	const char *data = text->len ? text->data : "";

	if (!hpl_source_flag(s, "raw"))
		form = hpl_form_of(data, text->len, &why);
	else if (hpl_source_value(s, "only"))
		return hpl_source_wrong(s, err, "--only is for contracts; --raw takes the text as it is");
	if (form == HPL_FORM_CONTRACT)
		return encrypt_contract(s, out, text, key, err);
	if (form == HPL_FORM_TOKEN)
		return HPL_FAIL(err, 0, 0, "%s: is a token already", hpl_source_file(s, "contract"));
	if (form == HPL_FORM_OTHER && !hpl_source_flag(s, "raw")) {
		HPL_FAIL(err, 0, 0, "%s: is no contract and no section%s%s",
			hpl_source_file(s, "contract"), *why.text ? ": " : "", why.text);
		if (*why.place)
			hpl_err_place(err, "%s", why.place);
		hpl_err_cure(err, "--raw encrypts any text as it is");
		return -1;
	}
	if (form == HPL_FORM_SECTION && hpl_gate(s, data, text->len, err) < 0)
		return -1;
	if (hpl_token_encrypt(out, hpl_token_prefix(s), data, text->len, key, err) < 0)
		return -1;
	if (!s->query)
		hpl_buf_str(out, "\n");
	return out->failed ? HPL_OOM(err) : 0;
}

int hpl_verb_encrypt(const struct hpl_tool_call *c)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1}, out = HPL_BUF_NULL;
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_source_open(&s, c, "contract");

	if (rc)
		return rc;
	if (!hpl_source_has(&s, "cert"))
		return hpl_source_missing(&s, "cert");
	if (!hpl_source_has(&s, "contract"))
		return hpl_source_missing(&s, "contract");
	if (hpl_material_encrypt_key(&key, &s, &err) < 0 ||
		hpl_source_text(&s, "contract", &text, &err) < 0 ||
		encrypt_text(&s, &out, &text, key, &err) < 0)
		return hpl_source_fail(&s, &err);
	return hpl_result_write(&s, "contract", &out);
}

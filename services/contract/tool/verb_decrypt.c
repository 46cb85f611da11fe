/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/token_form.h"
#include "services/contract/tool/document.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/verbs.h"

/* Each token of the contract as text; those that no key opens are named, and stay. */
static int decrypt_contract(struct hpl_source *s, struct hpl_buf *out, const struct hpl_buf *text,
	const struct hpl_keys *keys, size_t *ret_closed, struct hpl_err *err)
{
	_cleanup_document_ struct hpl_document d = HPL_DOCUMENT_NULL;
	size_t tokens = 0;

	if (hpl_document_read(&d, text->data, text->len, err) < 0)
		return -1;
	for (size_t i = 0; i < d.count; i++) {
		_cleanup_buf_ struct hpl_buf plain = {.wipe = 1};
		struct hpl_member *m = &d.members[i];
		struct hpl_err why = HPL_ERR_NULL;
		if (!m->is_token)
			continue;
		tokens++;
		if (hpl_token_open(&plain, m->text.data, m->text.len, keys, &why) < 0) {
			hpl_source_warn(s, "%s stays encrypted: %s", m->key, why.text);
			++*ret_closed;
			continue;
		}
		if (hpl_document_set(&d, m->key, plain.len ? plain.data : "", plain.len, err) < 0)
			return -1;
	}
	if (tokens == 0)
		hpl_source_warn(s, "%s: nothing in it is encrypted", hpl_source_file(s, "contract"));
	if (hpl_document_write(out, &d, err) < 0) {
		hpl_err_cure(err, "decrypt that token alone");
		return -1;
	}
	return 0;
}

static int decrypt(struct hpl_source *s, struct hpl_buf *out, size_t *ret_closed,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	_cleanup_keys_ struct hpl_keys keys = {.count = 0};
	struct hpl_err why = HPL_ERR_NULL;
	enum hpl_form form;

	if (hpl_keys_read(&keys, s, "key", err) < 0 || hpl_source_text(s, "contract", &text, err) < 0)
		return -1;
	hpl_buf_str(&text, "");
	form = hpl_form_of(text.data ? text.data : "", text.len, &why);
	if (form == HPL_FORM_TOKEN)
		return hpl_token_open(out, text.data, text.len, &keys, err);
	if (form == HPL_FORM_CONTRACT)
		return decrypt_contract(s, out, &text, &keys, ret_closed, err);
	if (form == HPL_FORM_SECTION)
		return HPL_FAIL(err, 0, 0, "%s: is a section that is not encrypted",
			hpl_source_file(s, "contract"));
	return HPL_FAIL(err, 0, 0, "%s: is no token and no contract%s%s",
		hpl_source_file(s, "contract"), *why.text ? ": " : "", why.text);
}

int hpl_verb_decrypt(const struct hpl_tool_call *c)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	_cleanup_buf_ struct hpl_buf out = {.wipe = 1};
	struct hpl_err err = HPL_ERR_NULL;
	size_t closed = 0;
	int rc = hpl_source_open(&s, c, "contract");

	if (rc)
		return rc;
	if (!hpl_source_has(&s, "key"))
		return hpl_source_missing(&s, "key");
	if (!hpl_source_has(&s, "contract"))
		return hpl_source_missing(&s, "contract");
	if (decrypt(&s, &out, &closed, &err) < 0)
		return hpl_source_fail(&s, &err);
	if (closed && s.query)
		return HPL_EXIT_BAD; /* half a result is none for a program */
	rc = hpl_result_write(&s, "contract", &out);
	return rc == HPL_EXIT_GOOD && closed ? HPL_EXIT_BAD : rc;
}

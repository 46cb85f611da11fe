/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "runtime/crypto/sealed.h"
#include "services/contract/tool/material.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/verbs.h"

static int seal(struct hpl_source *s, struct hpl_buf *out, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf secret = {.wipe = 1};
	_cleanup_pkey_ EVP_PKEY *encrypt_key = NULL, *sign_key = NULL;
	bool env = hpl_streq(hpl_source_value(s, "side"), "env");

	if (hpl_material_public(&encrypt_key, NULL, s, "encrypt-key", err) < 0 ||
		hpl_material_key(&sign_key, s, "sign-key", "passphrase", err) < 0 ||
		hpl_source_text(s, "secret", &secret, err) < 0)
		return -1;
	if (hpl_sealed_make(out, env ? HPL_SEALED_ENV : HPL_SEALED_WORKLOAD,
		secret.len ? secret.data : "", secret.len, encrypt_key, sign_key, err) < 0)
		return -1;
	if (!s->query)
		hpl_buf_str(out, "\n");
	return out->failed ? HPL_OOM(err) : 0;
}

static int open_sealed(struct hpl_source *s, struct hpl_buf *out, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	_cleanup_pkey_ EVP_PKEY *decrypt_key = NULL, *verify_key = NULL;
	const char *side = hpl_source_value(s, "side");
	enum hpl_sealed_side found;

	if (hpl_material_key(&decrypt_key, s, "decrypt-key", "passphrase", err) < 0 ||
		hpl_material_public(&verify_key, NULL, s, "verify-key", err) < 0 ||
		hpl_source_text(s, "secret", &text, err) < 0)
		return -1;
	while (text.len && isspace((unsigned char)text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	if (hpl_sealed_open(out, &found, text.len ? text.data : "", text.len, decrypt_key, verify_key,
		err) < 0)
		return -1;
	if (side && hpl_streq(side, "env") != (found == HPL_SEALED_ENV))
		return HPL_FAIL(err, 0, 0, "the secret names the keys of %s, not of %s",
			found == HPL_SEALED_ENV ? "env" : "workload", side);
	return 0;
}

int hpl_verb_sealed_secret(const struct hpl_tool_call *c)
{
	static const char *const to_seal[] = {"encrypt-key", "sign-key"};
	static const char *const to_open[] = {"decrypt-key", "verify-key"};
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	_cleanup_buf_ struct hpl_buf out = {.wipe = 1};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_source_open(&s, c, "secret");

	if (rc)
		return rc;
	bool opens = hpl_source_flag(&s, "open");
	for (int i = 0; i < 2; i++) {
		const char *needed = (opens ? to_open : to_seal)[i];
		if (!hpl_source_has(&s, needed))
			return hpl_source_missing(&s, needed);
	}
	if (!opens && !hpl_source_value(&s, "side"))
		return hpl_source_missing(&s, "side");
	if (!hpl_source_has(&s, "secret"))
		return hpl_source_missing(&s, "secret");
	if ((opens ? open_sealed(&s, &out, &err) : seal(&s, &out, &err)) < 0)
		return hpl_source_fail(&s, &err);
	return hpl_result_write(&s, opens ? "secret" : "sealed", &out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "runtime/crypto/signature.h"
#include "services/contract/tool/document.h"
#include "services/contract/tool/gate.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/signing.h"
#include "services/contract/tool/verbs.h"
#include "services/contract/tool/yaml_text.h"

/* workload and env as strings: what is signed is their text. */
static int find_sections(struct hpl_member *ret[2], struct hpl_document *d, struct hpl_err *err)
{
	static const char *const names[2] = {"workload", "env"};
	for (int i = 0; i < 2; i++) {
		struct hpl_member *m = hpl_document_find(d, names[i]);
		if (!m)
			return HPL_FAIL(err, 0, 0, "the contract has no %s", names[i]);
		m->is_text = true;
		ret[i] = m;
	}
	return 0;
}

/* env gets the key when it has none; a certificate takes the place of what is there. */
static int put_key(struct hpl_source *s, struct hpl_document *d, const struct hpl_buf *value,
	bool issued, EVP_PKEY *private_key, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf now = HPL_BUF_NULL, text = {.wipe = 1};
	_cleanup_signer_ struct hpl_signer signer = HPL_SIGNER_NULL;
	const struct hpl_member *env = hpl_document_find(d, "env");
	int rc = hpl_signing_key_of(&now, env->text.data ? env->text.data : "", env->text.len, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		if (hpl_signer_read(&signer, now.data ? now.data : "", now.len, err) < 0)
			return HPL_WRAP(err, 0, "env.signingKey");
		if (EVP_PKEY_eq(signer.key, private_key) != 1) {
			HPL_FAIL(err, 0, 0, "env.signingKey is another key than that of --key");
			hpl_err_cure(err, "sign with the key of env.signingKey, or remove it from env");
			return -1;
		}
		if (!issued)
			return 0;
	}
	if (hpl_yaml_set_key(&text, env->text.data ? env->text.data : "", env->text.len, "signingKey",
		value->data, err) < 0)
		return HPL_WRAP(err, 0, "env");
	return hpl_document_set(d, "env", text.data, text.len, err);
}

/* Signs what the members hold now, and looks whether a guest would agree. */
static int sign_sections(struct hpl_document *d, EVP_PKEY *private_key, const struct hpl_buf *key,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf signature = HPL_BUF_NULL;
	struct hpl_signature_result result;
	struct hpl_member *m[2] = {NULL};

	if (find_sections(m, d, err) < 0)
		return -1;
	const struct hpl_buf *w = &m[0]->text, *e = &m[1]->text;
	if (hpl_signature_make(&signature, private_key, w->data ? w->data : "", w->len,
		e->data ? e->data : "", e->len, true, err) < 0)
		return -1;
	const struct hpl_signature_input in = {.key = key->data, .key_len = key->len,
		.signature = signature.data, .signature_len = signature.len, .workload = w->data,
		.workload_len = w->len, .env = e->data, .env_len = e->len, .now = time(NULL)};
	if (hpl_signature_verify(&result, &in, err) < 0)
		return -1;
	return hpl_document_set(d, "envWorkloadSignature", signature.data, signature.len, err);
}

/* The key by which a guest will verify: that of env, where it can be seen. */
static int key_for_check(struct hpl_buf *ret, const struct hpl_document *d,
	const struct hpl_buf *value, struct hpl_err *err)
{
	const struct hpl_member *env = hpl_document_find(d, "env");
	if (!env->is_token)
		return hpl_signing_key_of(ret, env->text.data, env->text.len, err) ? -1 : 0;
	hpl_buf_add(ret, value->data, value->len);
	return ret->failed ? HPL_OOM(err) : 0;
}

static void warn_uncovered(struct hpl_source *s, const struct hpl_document *d)
{
	const struct hpl_member *m = hpl_document_find(d, "attestationPublicKey");
	if (m && !m->is_token)
		hpl_source_warn(s, "attestationPublicKey is neither signed nor encrypted: the host can "
			"put another one in its place");
}

static int sign_document(struct hpl_source *s, struct hpl_document *d, EVP_PKEY *private_key,
	EVP_PKEY *encrypt_key, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf value = HPL_BUF_NULL, check = HPL_BUF_NULL;
	struct hpl_member *m[2] = {NULL};
	bool issued;

	if (find_sections(m, d, err) < 0 ||
		hpl_signing_key_make(&value, &issued, s, private_key, err) < 0)
		return -1;
	if (m[1]->is_token && issued)
		return HPL_FAIL(err, 0, 0, "env is encrypted: the certificate cannot be put into it");
	if (m[1]->is_token)
		hpl_source_warn(s, "env is encrypted: a guest verifies with the signingKey in it, which "
			"cannot be seen here");
	else if (put_key(s, d, &value, issued, private_key, err) < 0)
		return -1;
	if (key_for_check(&check, d, &value, err) < 0)
		return -1;
	if (encrypt_key && hpl_document_encrypt(d, NULL, hpl_token_prefix(s), encrypt_key, err) < 0)
		return -1;
	if (sign_sections(d, private_key, &check, err) < 0)
		return -1;
	warn_uncovered(s, d);
	return 0;
}

static int sign(struct hpl_source *s, struct hpl_buf *out, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	_cleanup_document_ struct hpl_document d = HPL_DOCUMENT_NULL;
	_cleanup_pkey_ EVP_PKEY *private_key = NULL, *encrypt_key = NULL;
	struct hpl_err why = HPL_ERR_NULL;

	if (hpl_material_key(&private_key, s, "key", "passphrase", err) < 0 ||
		hpl_material_encrypt_key(&encrypt_key, s, err) < 0 ||
		hpl_source_text(s, "contract", &text, err) < 0)
		return -1;
	if (hpl_form_of(text.len ? text.data : "", text.len, &why) != HPL_FORM_CONTRACT)
		return HPL_FAIL(err, 0, 0, "%s: is no contract%s%s", hpl_source_file(s, "contract"),
			*why.text ? ": " : "", why.text);
	if (hpl_gate(s, text.data, text.len, err) < 0 ||
		hpl_document_read(&d, text.data, text.len, err) < 0 ||
		sign_document(s, &d, private_key, encrypt_key, err) < 0)
		return -1;
	return hpl_document_write(out, &d, err);
}

int hpl_verb_sign(const struct hpl_tool_call *c)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	_cleanup_buf_ struct hpl_buf out = {.wipe = 1};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_source_open(&s, c, "contract");

	if (rc)
		return rc;
	if (!hpl_source_has(&s, "key"))
		return hpl_source_missing(&s, "key");
	if (!hpl_source_has(&s, "contract"))
		return hpl_source_missing(&s, "contract");
	if (sign(&s, &out, &err) < 0)
		return hpl_source_fail(&s, &err);
	return hpl_result_write(&s, "contract", &out);
}

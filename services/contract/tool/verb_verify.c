/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/crypto/signature.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/signing.h"
#include "services/contract/tool/verbs.h"

struct verdict {
	struct hpl_signer signer;
	struct hpl_signature_result result;
	struct hpl_document contract;
	int64_t now;
};

static const struct hpl_member *string_member(const struct hpl_document *d, const char *key,
	struct hpl_err *err)
{
	const struct hpl_member *m = hpl_document_find(d, key);
	if (!m) {
		HPL_FAIL(err, 0, 0, "the contract has no %s", key);
		return NULL;
	}
	if (!m->is_text) {
		HPL_FAIL(err, 0, 0, "%s is no string: a signature is over texts", key);
		hpl_err_cure(err, "hpl contract sign writes the section as text and signs it");
		return NULL;
	}
	return m;
}

/* The signingKey of env, 1: it cannot be seen or is not there. */
static int key_in_env(struct hpl_buf *ret, struct hpl_source *s, const struct hpl_member *env,
	struct hpl_err *err)
{
	_cleanup_keys_ struct hpl_keys keys = {.count = 0};
	_cleanup_buf_ struct hpl_buf plain = {.wipe = 1};
	const struct hpl_buf *text = &env->text;

	if (env->is_token) {
		if (hpl_keys_read(&keys, s, "key", err) < 0)
			return -1;
		if (keys.count == 0)
			return 1;
		if (hpl_token_open(&plain, text->data, text->len, &keys, err) < 0)
			return HPL_WRAP(err, 0, "env");
		text = &plain;
	}
	return hpl_signing_key_of(ret, text->len ? text->data : "", text->len, err);
}

/* Who a guest would take for the signer. */
static int find_signer(struct hpl_buf *ret_text, struct verdict *v, struct hpl_source *s,
	const struct hpl_member *env, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf given = HPL_BUF_NULL;
	_cleanup_signer_ struct hpl_signer other = HPL_SIGNER_NULL;
	int inside = key_in_env(ret_text, s, env, err);
	int outside = inside < 0 ? -1 : hpl_source_text(s, "signing-key", &given, err);

	if (inside < 0 || outside < 0)
		return -1;
	if (inside > 0 && outside > 0) {
		HPL_FAIL(err, 0, 0, env->is_token ? "env is encrypted, and with it signingKey" :
			"env has no signingKey");
		hpl_err_cure(err, "%s", env->is_token ? "give the key that opens env (--key), or the "
			"signer's (--signing-key)" : "sign with hpl contract sign, which puts it there");
		return -1;
	}
	if (inside == 0 && hpl_signer_read(&v->signer, ret_text->len ? ret_text->data : "",
		ret_text->len, err) < 0)
		return HPL_WRAP(err, 0, "env.signingKey");
	if (outside > 0)
		return 0;
	if (hpl_signer_read(&other, given.len ? given.data : "", given.len, err) < 0)
		return HPL_WRAP(err, 0, "--signing-key");
	if (inside == 0)
		return EVP_PKEY_eq(other.key, v->signer.key) == 1 ? 0 : HPL_FAIL(err, 0, 0,
			"env.signingKey is another key than that of --signing-key");
	hpl_buf_add(ret_text, given.data, given.len);
	v->signer = other;
	other = HPL_SIGNER_NULL;
	return ret_text->failed ? HPL_OOM(err) : 0;
}

static int verify(struct verdict *v, struct hpl_source *s, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1}, key = HPL_BUF_NULL;
	const struct hpl_member *w, *e, *sig;

	if (hpl_source_text(s, "contract", &text, err) < 0)
		return -1;
	if (hpl_document_read(&v->contract, text.len ? text.data : "", text.len, err) < 0)
		return HPL_WRAP(err, 0, "%s", hpl_source_file(s, "contract"));
	w = string_member(&v->contract, "workload", err);
	e = w ? string_member(&v->contract, "env", err) : NULL;
	sig = e ? string_member(&v->contract, "envWorkloadSignature", err) : NULL;
	if (!sig || find_signer(&key, v, s, e, err) < 0)
		return -1;
	const struct hpl_signature_input in = {.key = key.data, .key_len = key.len,
		.signature = sig->text.data, .signature_len = sig->text.len,
		.workload = w->text.data, .workload_len = w->text.len,
		.env = e->text.data, .env_len = e->text.len, .now = v->now};
	return hpl_signature_verify(&v->result, &in, err);
}

/* The n-th key that the signature does not cover, NULL behind the last. */
static const struct hpl_member *uncovered(const struct hpl_document *d, size_t n)
{
	for (size_t i = 0; i < d->count; i++) {
		const char *k = d->members[i].key;
		if (!hpl_streq(k, "workload") && !hpl_streq(k, "env") &&
			!hpl_streq(k, "envWorkloadSignature") && n-- == 0)
			return &d->members[i];
	}
	return NULL;
}

static bool swappable(const struct hpl_document *d)
{
	const struct hpl_member *m = hpl_document_find(d, "attestationPublicKey");
	return m && !m->is_token;
}

static void print_expiry(struct hpl_buf *out, const struct verdict *v)
{
	char when[HPL_TIME_TEXT];
	int64_t left = v->result.not_after - v->now, days = left / 86400;
	if (!v->result.not_after) {
		hpl_buf_str(out, "expires: never (a key without certificate)\n");
		return;
	}
	hpl_buf_fmt(out, "expires: %s, in %lld %s\n", hpl_time_text(when, v->result.not_after),
		(long long)(days ? days : left / 3600), days == 1 ? "day" : days ? "days" : "hours");
}

static void print_text(struct hpl_buf *out, const struct verdict *v)
{
	const struct hpl_member *m;
	hpl_buf_str(out, "signature: good\n");
	if (v->signer.has_cert) {
		hpl_buf_str(out, "signer: ");
		hpl_tool_escape(out, v->signer.cert.subject, strlen(v->signer.cert.subject));
		hpl_buf_str(out, "\nissuer: ");
		hpl_tool_escape(out, v->signer.cert.issuer, strlen(v->signer.cert.issuer));
		hpl_buf_str(out, " (a guest does not check it)\n");
	}
	hpl_buf_fmt(out, "%s: SHA-256 %s\nkey: RSA, %d bits\n",
		v->signer.has_cert ? "certificate" : "signer", v->signer.fingerprint, v->result.bits);
	print_expiry(out, v);
	hpl_buf_fmt(out, "covers: workload, env%s\n", v->result.stripped ?
		" (without their line ends)" : "");
	hpl_buf_str(out, "does not cover:");
	for (size_t n = 0; (m = uncovered(&v->contract, n)); n++) {
		hpl_buf_str(out, n ? ", " : " ");
		hpl_tool_escape(out, m->key, strlen(m->key));
	}
	hpl_buf_str(out, uncovered(&v->contract, 0) ? "\n" : " nothing else is in the contract\n");
}

static void print_json(struct hpl_json *j, const struct verdict *v, const struct hpl_err *err)
{
	const struct hpl_member *m;
	hpl_json_open(j, NULL, '{');
	hpl_json_bool(j, "valid", !err);
	if (err) {
		hpl_json_string(j, "id", err->msg ? hpl_msg_info(err->msg)->id : NULL);
		hpl_json_string(j, "error", err->text);
		hpl_json_string(j, "cure", *err->cure ? err->cure : NULL);
	} else {
		hpl_json_string(j, "signer", v->signer.has_cert ? v->signer.cert.subject : NULL);
		hpl_json_string(j, "fingerprint", v->signer.fingerprint);
		hpl_json_number(j, "bits", v->result.bits);
		if (v->result.not_after)
			hpl_json_number(j, "not_after", v->result.not_after);
		else
			hpl_json_string(j, "not_after", NULL);
		hpl_json_bool(j, "line_ends_removed", v->result.stripped);
		hpl_json_bool(j, "attestation_key_swappable", swappable(&v->contract));
		hpl_json_open(j, "not_covered", '[');
		for (size_t n = 0; (m = uncovered(&v->contract, n)); n++)
			hpl_json_string(j, NULL, m->key);
		hpl_json_close(j, ']');
	}
	hpl_json_close(j, '}');
}

static int report(struct hpl_source *s, const struct verdict *v)
{
	_cleanup_json_ struct hpl_json j = HPL_JSON_NULL;
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	if (swappable(&v->contract))
		hpl_source_warn(s, "attestationPublicKey is neither signed nor encrypted: the host can "
			"put another one in its place");
	if (hpl_streq(hpl_source_value(s, "format"), "json")) {
		print_json(&j, v, NULL);
		return hpl_tool_write(s->call, &j.buf);
	}
	print_text(&b, v);
	return hpl_tool_write(s->call, &b);
}

static int report_bad(struct hpl_source *s, const struct verdict *v, struct hpl_err *err)
{
	_cleanup_json_ struct hpl_json j = HPL_JSON_NULL;
	if (s->failed == HPL_EXIT_BAD && hpl_streq(hpl_source_value(s, "format"), "json")) {
		print_json(&j, v, err);
		hpl_tool_write(s->call, &j.buf);
		return HPL_EXIT_BAD;
	}
	if (err->msg)
		HPL_WRAP(err, 0, "%s", hpl_msg_info(err->msg)->id);
	return hpl_source_fail(s, err);
}

int hpl_verb_verify(const struct hpl_tool_call *c)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	struct verdict v = {.now = time(NULL)};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_source_open(&s, c, "contract");

	if (rc)
		return rc;
	rc = verify(&v, &s, &err) < 0 ? report_bad(&s, &v, &err) : report(&s, &v);
	hpl_signer_done(&v.signer);
	hpl_document_done(&v.contract);
	return rc;
}

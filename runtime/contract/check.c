/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates of a boot, one after another, each by the code that the guest runs there. A gate looks
 * only at what the gates before it left without error: a certificate that is no PEM is not parsed
 * once more.
 */
#include "runtime/contract/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/contract/place.h"
#include "runtime/contract/slices.h"
#include "runtime/crypto/keys.h"
#include "runtime/crypto/log_material.h"
#include "runtime/crypto/registry.h"
#include "runtime/crypto/signature.h"
#include "runtime/crypto/token.h"
#include "runtime/workload/image_rule.h"

enum { DAY_S = 86400, SOON_DAYS = 30, KEY_BITS_MIN = 2048 };

struct checks {
	const struct hpl_contract *c, *delivered;
	const struct hpl_check_options *o;
	struct hpl_faults *faults;
	struct hpl_err *err;
	size_t before;
	bool broken;
};

/* Adds what a service's code said. fallback: the path when its place names none of the contract. */
static void add(struct checks *k, const struct hpl_err *why, enum hpl_msg msg, const char *fallback)
{
	struct hpl_fault *f;
	int rc = k->broken ? -1 : hpl_faults_add(&f, k->faults, k->err);

	k->broken |= rc < 0;
	if (rc)
		return;
	f->msg = why->msg ? why->msg : msg;
	f->keyword = "gate";
	snprintf(f->cure, sizeof(f->cure), "%.*s", (int)sizeof(f->cure) - 1, why->cure);
	if (hpl_place_in_contract(k->c, why->place, f))
		snprintf(f->text, sizeof(f->text), "%.*s", (int)sizeof(f->text) - 1, why->text);
	else
		snprintf(f->text, sizeof(f->text), "%.120s%s%.260s", why->place,
			*why->place ? ": " : "", why->text);
	if (!*f->path)
		hpl_place_in_contract(k->c, fallback, f);
	if (!*f->cure)
		snprintf(f->cure, sizeof(f->cure), "%s", hpl_msg_info(f->msg)->action);
}

HPL_PRINTF(5, 6)
static void warn(struct checks *k, enum hpl_msg msg, const char *path, const char *cure,
	const char *fmt, ...)
{
	struct hpl_err e = HPL_ERR_NULL;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	snprintf(e.cure, sizeof(e.cure), "%s", cure);
	add(k, &e, msg, path);
}

/* Did nothing at path or below it fail? */
static bool clean(const struct checks *k, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = k->before; i < k->faults->count; i++) {
		const struct hpl_fault *f = &k->faults->items[i];
		if (hpl_fault_is_error(f) && (strncmp(f->path, path, len) == 0 ||
			strncmp(f->path, path, strlen(f->path)) == 0))
			return false;
	}
	return true;
}

static const struct hpl_node *root_get(const struct hpl_contract *c, const char *key)
{
	return hpl_node_get(hpl_contract_root(c), key);
}

/* ---- the bootloader ---- */

/* Does the bootloader take it? */
static bool usable_auditor_key(const char *text, size_t len, struct hpl_err *why)
{
	EVP_PKEY *key = NULL;

	if (hpl_public_key_parse(&key, NULL, text, len, why) < 0)
		return false;
	if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < KEY_BITS_MIN)
		HPL_FAIL(why, 0, 0, "it is no RSA key of %d bits or more", KEY_BITS_MIN);
	EVP_PKEY_free(key);
	return !*why->text;
}

/* What is left encrypted, and an auditor's key of no use, end the boot before there is a service. */
static void bootloader(struct checks *k)
{
	static const char path[] = "attestationPublicKey";
	const struct hpl_node *n = root_get(k->c, path);
	const char *text = hpl_node_str(n);
	bool token = text && hpl_token_looks_like(text, n->str.len), said = false;
	struct hpl_err why = HPL_ERR_NULL;
	bool usable = text && !token && usable_auditor_key(text, n->str.len, &why);

	for (size_t i = k->before; i < k->faults->count; i++) {
		struct hpl_fault *f = &k->faults->items[i];
		if (hpl_streq(f->path, path) && !usable) {
			f->msg = HPL_MSG_BOOTLOADER_ENCRYPT_ATTESTATION;
			said = true;
		} else if (hpl_streq(f->keyword, "token")) {
			f->msg = HPL_MSG_BOOTLOADER_INVALID_CONTRACT;
		}
	}
	if (!text || token || usable || said)
		return;
	hpl_err_cure(&why, "give an RSA public key as PEM, base64 of PEM, or a token holding one");
	add(k, &why, HPL_MSG_BOOTLOADER_ENCRYPT_ATTESTATION, path);
}

/* ---- logging ---- */

/* Certificates that are good today and not for long: the next boot may be the first that fails. Of
 * several CAs the one that lasts longest counts, of a client's chain the first to end. */
static void ends_soon(struct checks *k, const struct hpl_buf *pem, bool any, const char *path)
{
	STACK_OF(X509) *certs = NULL;
	struct hpl_cert_info at = {0};
	long long days;

	if (!pem->len || hpl_certs_parse(&certs, pem->data, pem->len, NULL) < 0)
		return;
	for (int i = 0; i < sk_X509_num(certs); i++) {
		struct hpl_cert_info info;

		hpl_cert_describe(&info, sk_X509_value(certs, i));
		if (i == 0 || (any ? info.not_after > at.not_after : info.not_after < at.not_after))
			at = info;
	}
	sk_X509_pop_free(certs, X509_free);
	days = (long long)((at.not_after - k->o->now) / DAY_S);
	if (days <= SOON_DAYS)
		warn(k, HPL_MSG_CONTRACT_CERTIFICATE_EXPIRED, path,
			"renew the certificate and encrypt the contract again",
			"the certificate of %.100s ends in %lld days", at.subject, days);
}

static void logging(struct checks *k)
{
	_cleanup_slice_ struct hpl_slice slice = HPL_SLICE_NULL;
	_cleanup_material_ struct hpl_log_material material = HPL_LOG_MATERIAL_NULL;
	struct hpl_err why = HPL_ERR_NULL;
	Hpl__LoggingSlice in;
	Hpl__LogTarget target;

	if (!clean(k, "env.logging") || hpl_slice_logging(&slice, k->c, &in, &target, k->err) < 0)
		return;
	if (in.kind == HPL__LOGGING_SLICE__KIND__LOG_ROUTER)
		warn(k, HPL_MSG_CONTRACT_NOT_AVAILABLE, "env.logging.logRouter",
			"log to env.logging.syslog", "a guest of this release says HPL01012E for it");
	if (in.kind != HPL__LOGGING_SLICE__KIND__SYSLOG)
		return;
	const struct hpl_log_input input = {
		.server = in.server_pem.data, .server_len = in.server_pem.len,
		.cert = in.cert_pem.data, .cert_len = in.cert_pem.len,
		.key = in.key_pem.data, .key_len = in.key_pem.len,
	};
	if (hpl_log_material_parse(&material, &input, k->o->now, &why) < 0)
		add(k, &why, HPL_MSG_LOGGING_VALIDATE_CONTRACT, "env.logging.syslog");
	ends_soon(k, &material.ca, true, "env.logging.syslog.server");
	ends_soon(k, &material.cert, false, "env.logging.syslog.cert");
}

/* ---- registries ---- */

static void registries(struct checks *k)
{
	_cleanup_slice_ struct hpl_slice slice = HPL_SLICE_NULL;
	_cleanup_buf_ struct hpl_buf pem = HPL_BUF_NULL;
	Hpl__RegistrySlice in;

	if (!clean(k, "env.cacerts") || hpl_slice_registry(&slice, k->c, &in, k->err) < 0)
		return;
	for (size_t i = 0; i < in.n_cacerts; i++) {
		struct hpl_err why = HPL_ERR_NULL;
		if (hpl_registry_ca_parse(&pem, in.cacerts[i]->name, in.cacerts[i]->certificate.data,
			in.cacerts[i]->certificate.len, &why) < 0)
			add(k, &why, HPL_MSG_REGISTRY_VALIDATE_CONTRACT, "env.cacerts");
	}
	if (in.n_cacerts && !in.n_auths && hpl_contract_workload(k->c) && hpl_contract_env(k->c))
		warn(k, HPL_MSG_CONTRACT_UNKNOWN_FIELD, "env.cacerts",
			"name the registry in auths", "has no effect: auths names no registry");
}

/* ---- signature ---- */

static void signature_expiry(struct checks *k, int64_t not_after)
{
	if (not_after && not_after - k->o->now <= SOON_DAYS * (int64_t)DAY_S)
		warn(k, HPL_MSG_SIGNATURE_CONTRACT_EXPIRES_SOON, "env.signingKey",
			"have the certificate issued again and sign anew",
			"the certificate ends in %lld days",
			(long long)((not_after - k->o->now) / DAY_S));
}

static void signature(struct checks *k)
{
	Hpl__SigningSlice in;
	struct hpl_signature_result result = {0};
	struct hpl_err why = HPL_ERR_NULL;

	if (!hpl_contract_env(k->c) || !clean(k, "env.signingKey") || !clean(k, "envWorkloadSignature"))
		return;
	hpl_slice_signing(k->c, k->delivered, &in);
	if (in.has_signing_key != in.has_signature) {
		HPL_FAIL(&why, 0, 0, "%s", in.has_signing_key ? "is there, but the contract has no "
			"envWorkloadSignature" : "is there, but env has no signingKey");
		hpl_err_cure(&why, "give both or none: hpl contract sign makes them");
		add(k, &why, HPL_MSG_SIGNATURE_DEPENDENCY_ARGS_MISSING_ERROR,
			in.has_signing_key ? "env.signingKey" : "envWorkloadSignature");
		return;
	}
	if (!in.has_signature)
		return;
	const struct hpl_signature_input input = {
		.key = in.signing_key.data, .key_len = in.signing_key.len,
		.signature = in.signature.data, .signature_len = in.signature.len,
		.workload = in.workload.data, .workload_len = in.workload.len,
		.env = in.env.data, .env_len = in.env.len,
		.now = k->o->now,
	};
	if (hpl_signature_verify(&result, &input, &why) < 0) {
		add(k, &why, HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE, "envWorkloadSignature");
		return;
	}
	signature_expiry(k, result.not_after);
	if (root_get(k->delivered, "attestationPublicKey"))
		warn(k, HPL_MSG_SIGNATURE_NOT_COVERED, "attestationPublicKey",
			"compare the key's hash in the attestation record with your own",
			"is not covered by envWorkloadSignature: whoever hands the contract to the guest "
			"can exchange it");
}

/* ---- images ---- */

/* Where files of an archive stand: what names them is not in the contract. */
static const char *archive_path(const struct hpl_contract *c)
{
	const struct hpl_node *play = hpl_node_get(hpl_contract_workload(c), "play");

	return !play ? "workload.compose.archive" : hpl_node_get(play, "archive") ?
		"workload.play.archive" : "workload.play";
}

static void add_image(void *ud, const struct hpl_err *why)
{
	struct checks *k = ud;

	add(k, why, HPL_MSG_PLAY_POD_STARTUP_FAILED, archive_path(k->c));
}

static void compose(struct checks *k, struct hpl_image_rule *rule)
{
	struct hpl_compose compose = HPL_COMPOSE_NULL;
	struct hpl_err why = HPL_ERR_NULL;
	int rc = hpl_compose_load(&compose, rule->slice->workload, &why);

	if (rc)
		add(k, &why, hpl_compose_msg(rc), "workload.compose.archive");
	else if (hpl_image_rule_compose(rule, &compose, &why) < 0)
		add(k, &why, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, "workload.compose.archive");
	hpl_compose_done(&compose);
}

static void play(struct checks *k, struct hpl_image_rule *rule)
{
	struct hpl_play p = HPL_PLAY_NULL;
	struct hpl_err why = HPL_ERR_NULL;
	if (hpl_play_load(&p, rule->slice->workload, &why) < 0)
		add(k, &why, HPL_MSG_PLAY_PROCESSING_FAILED, archive_path(k->c));
	else if (hpl_image_rule_play(rule, &p, &why) < 0)
		add(k, &why, HPL_MSG_PLAY_POD_STARTUP_FAILED, archive_path(k->c));
	hpl_play_done(&p);
}

static void images(struct checks *k)
{
	_cleanup_slice_ struct hpl_slice slice = HPL_SLICE_NULL;
	_cleanup_buf_ struct hpl_buf policy = HPL_BUF_NULL;
	struct hpl_err why = HPL_ERR_NULL;
	Hpl__WorkloadSlice w;
	Hpl__ImagesSlice in;
	struct hpl_image_rule rule = {.slice = &in, .fault = add_image, .ud = k};
	size_t before = k->faults->count;

	/* variables of a section that is still encrypted may stand in image names */
	if (!hpl_contract_workload(k->c) || !hpl_contract_env(k->c) || !clean(k, "workload") ||
		!clean(k, "env.env") || hpl_slice_workload(&slice, k->c, &w, k->err) < 0 ||
		hpl_slice_images(&slice, k->c, &w, &in, k->err) < 0)
		return;
	if (w.kind == HPL__WORKLOAD_SLICE__KIND__COMPOSE)
		compose(k, &rule);
	else if (w.kind == HPL__WORKLOAD_SLICE__KIND__PLAY)
		play(k, &rule);
	else
		warn(k, HPL_MSG_CONTRACT_NOT_AVAILABLE, "workload.confidential-containers",
			"use compose or play", "a guest of this release says HPL08001E for it");
	if (k->faults->count == before && hpl_image_policy(&policy, &rule, &why) < 0)
		add(k, &why, HPL_MSG_IMAGE_PLAY_PROCESSING_FAILED, "workload.images");
	hpl_image_rule_done(&rule);
}

/* ---- order ---- */

/* The gate of a boot that says an id: bootloader, contract, logging is set up before the contract's
 * verdict is said, ... (docs/ARCHITECTURE.md). */
static int gate_of(const struct hpl_fault *f)
{
	static const char order[][3] = {"11", "01", "05", "09", "12", "07", "06", "15", "08"};
	const char *id = hpl_msg_info(f->msg)->id;

	if (!hpl_fault_is_error(f))
		return HPL_ARRAY_SIZE(order) + 1;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(order); i++) {
		if (strncmp(id + 3, order[i], 2) == 0)
			return (int)i;
	}
	return HPL_ARRAY_SIZE(order);
}

/* Stable: what a gate found first stays first. */
static void sort_by_gate(struct hpl_faults *f, size_t from)
{
	for (size_t i = from + 1; i < f->count; i++) {
		struct hpl_fault x = f->items[i];
		size_t at = i;
		while (at > from && gate_of(&f->items[at - 1]) > gate_of(&x)) {
			f->items[at] = f->items[at - 1];
			at--;
		}
		f->items[at] = x;
	}
}

int hpl_contract_check(const struct hpl_contract *c, const struct hpl_check_options *o,
	struct hpl_faults *faults, bool *ret_valid, struct hpl_err *err)
{
	struct checks k = {.c = c, .delivered = o->delivered ? o->delivered : c, .o = o,
		.faults = faults, .err = err, .before = faults->count};

	if (hpl_contract_validate(c, &o->form, faults, err) < 0)
		return -1;
	bootloader(&k);
	logging(&k);
	registries(&k);
	signature(&k);
	images(&k);
	if (k.broken)
		return -1;
	sort_by_gate(faults, k.before);
	*ret_valid = true;
	for (size_t i = k.before; i < faults->count; i++)
		*ret_valid &= !hpl_fault_is_error(&faults->items[i]);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/base/b64.h"
#include "runtime/base/buf.h"
#include "runtime/base/proc.h"
#include "runtime/contract/check.h"

#define SEED_A "abcdefghijklmno-a"
#define SEED_B "abcdefghijklmno-b"
#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LOGGING "  logging: {logRouter: {hostname: log.example.com, iamApiKey: key-of-iam}}\n"
#define POD(image) \
	"workload: |\n" \
	"  type: workload\n" \
	"  play:\n" \
	"    resources:\n" \
	"      - apiVersion: v1\n" \
	"        kind: Pod\n" \
	"        metadata: {name: p}\n" \
	"        spec:\n" \
	"          containers:\n" \
	"            - name: c\n" \
	"              image: " image "\n"
#define ENV "env: |\n  type: env\n" LOGGING

/* Checks and compares the first fault; id NULL: valid. Returns with the faults in *f. */
static void check(struct hpl_faults *f, const char *text, const char *id, unsigned line, const char *path)
{
	struct hpl_contract *c = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_check_options o = {.form = {HPL_PRODUCT_HPVS, false}, .now = (int64_t)time(NULL)};
	bool valid = false;

	cr_assert_eq(hpl_contract_read(&c, "contract", text, strlen(text), true, &err), 0, "%s %s",
		err.place, err.text);
	cr_assert_eq(hpl_contract_check(c, &o, f, &valid, &err), 0, "%s", err.text);
	for (size_t i = 0; i < f->count; i++)
		fprintf(stderr, "# %s %u:%u %s: %s; %s\n", hpl_msg_info(f->items[i].msg)->id,
			f->items[i].pos.line, f->items[i].pos.col, f->items[i].path, f->items[i].text,
			f->items[i].cure);
	cr_expect_eq(valid, id == NULL, "valid is %d", valid);
	if (id) {
		cr_assert(f->count);
		cr_expect_str_eq(hpl_msg_info(f->items[0].msg)->id, id);
		cr_expect_eq(f->items[0].pos.line, line, "line %u", f->items[0].pos.line);
		cr_expect_str_eq(f->items[0].path, path, "%s", f->items[0].path);
		cr_expect(*f->items[0].text && *f->items[0].cure, "%s", f->items[0].text);
	}
	hpl_contract_free(c);
}

static void first(const char *text, const char *id, unsigned line, const char *path)
{
	struct hpl_faults f = {0};
	check(&f, text, id, line, path);
	hpl_faults_done(&f);
}

static size_t count_of(const struct hpl_faults *f, enum hpl_msg msg)
{
	size_t n = 0;
	for (size_t i = 0; i < f->count; i++)
		n += f->items[i].msg == msg;
	return n;
}

Test(contract_check, what_a_guest_of_this_release_lacks_is_a_warning)
{
	struct hpl_faults f = {0};
	check(&f, POD("reg.example/a/b" DIGEST) ENV, NULL, 0, NULL);
	cr_expect_eq(count_of(&f, HPL_MSG_CONTRACT_NOT_AVAILABLE), 1);
	hpl_faults_done(&f);
}

Test(contract_check, an_image_without_digest_is_named_where_it_stands)
{
	first(POD("reg.example/a/b:latest") ENV, "HPL15005E", 11,
		"workload.play.resources[0].spec.containers[0].image");
}

Test(contract_check, every_image_without_digest_is_named)
{
	struct hpl_faults f = {0};
	check(&f, POD("reg.example/a/b:latest\n            - {name: d, image: reg.example/a/c}") ENV,
		"HPL15005E", 11, "workload.play.resources[0].spec.containers[0].image");
	cr_assert_geq(f.count, 2);
	cr_expect_eq(f.items[1].pos.line, 12);
	cr_expect_str_eq(f.items[1].path, "workload.play.resources[0].spec.containers[1].image");
	hpl_faults_done(&f);
}

Test(contract_check, an_archive_that_is_none)
{
	first("workload: |\n  type: workload\n  compose:\n    archive: aGVsbG8gd29ybGQ=\n" ENV,
		"HPL06006E", 4, "workload.compose.archive");
}

Test(contract_check, key_and_signature_go_together)
{
	first(POD("reg.example/a/b" DIGEST) ENV "  signingKey: aGVsbG8=\n", "HPL12004E", 15,
		"env.signingKey");
	first(POD("reg.example/a/b" DIGEST) ENV "envWorkloadSignature: aGVsbG8=\n", "HPL12004E", 15,
		"envWorkloadSignature");
	first(POD("reg.example/a/b" DIGEST) ENV "  signingKey: aGVsbG8=\nenvWorkloadSignature: aGVsbG8=\n",
		"HPL12001E", 15, "env.signingKey");
}

Test(contract_check, the_auditors_key)
{
	first(POD("reg.example/a/b" DIGEST) ENV "attestationPublicKey: aGVsbG8=\n", "HPL11002E", 15,
		"attestationPublicKey");
}

Test(contract_check, a_registry_ca)
{
	first(POD("reg.example/a/b" DIGEST) ENV "  cacerts:\n    - mine: aGVsbG8=\n", "HPL09001E", 16,
		"env.cacerts.mine");
}

Test(contract_check, a_syslog_ca)
{
	first(POD("reg.example/a/b" DIGEST) "env: |\n  type: env\n  logging:\n    syslog:\n"
		"      hostname: log.example.com\n      server: aGVsbG8=\n", "HPL01005E", 17,
		"env.logging.syslog.server");
}

/* PEM of a certificate for days from now, with its key behind it, made by the openssl program. */
static void make_certificate(struct hpl_buf *pem, const char *days)
{
	const char *const argv[] = {"/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
		"-subj", "/CN=log.example.com", "-days", days, "-keyout", "-", "-out", "-", NULL};
	struct hpl_buf noise = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000, .out = pem, .errout = &noise};
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert_eq(status, 0, "%s", noise.data);
	hpl_buf_done(&noise);
}

static size_t soon_with(const char *days)
{
	_cleanup_buf_ struct hpl_buf pem = HPL_BUF_NULL, text = HPL_BUF_NULL, one = HPL_BUF_NULL;
	struct hpl_faults f = {0};
	char *cert;

	make_certificate(&pem, days);
	cert = strstr(pem.data, "-----BEGIN CERTIFICATE");
	cr_assert(cert);
	hpl_buf_fmt(&text, "%senv: |\n  type: env\n  logging:\n    syslog:\n"
		"      hostname: log.example.com\n      server: ", POD("reg.example/a/b" DIGEST));
	hpl_b64_encode(&text, cert, strlen(cert));
	hpl_buf_str(&text, "\n      cert: ");
	hpl_b64_encode(&text, cert, strlen(cert));
	hpl_buf_str(&text, "\n      key: ");
	hpl_b64_encode(&text, pem.data, (size_t)(cert - pem.data));
	hpl_buf_str(&text, "\n");
	check(&f, text.data, NULL, 0, NULL);
	size_t n = count_of(&f, HPL_MSG_CONTRACT_CERTIFICATE_EXPIRED);
	hpl_faults_done(&f);
	return n;
}

Test(contract_check, a_certificate_that_ends_soon_is_a_warning)
{
	cr_expect_eq(soon_with("10"), 2, "server and cert");
	cr_expect_eq(soon_with("90"), 0);
}

Test(contract_check, what_is_encrypted_is_not_looked_at)
{
	struct hpl_faults f = {0};
	check(&f, POD("reg.example/a/b:latest") "env: hyper-protect-basic.YWJj.YWJj\n"
		"envWorkloadSignature: aGVsbG8=\n", NULL, 0, NULL);
	cr_expect_eq(f.count, 0);
	hpl_faults_done(&f);
}

Test(contract_check, the_first_gate_comes_first)
{
	struct hpl_faults f = {0};
	check(&f, POD("reg.example/a/b:latest") "env: |\n  type: environment\n" LOGGING
		"attestationPublicKey: aGVsbG8=\n", "HPL11002E", 15, "attestationPublicKey");
	cr_expect_eq(f.items[1].msg, HPL_MSG_CONTRACT_VALIDATE_CONTRACT);
	hpl_faults_done(&f);
}

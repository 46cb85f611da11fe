/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "proto/messages.h"
#include "runtime/contract/slices.h"
#include "runtime/contract/tests/sample.h"

static struct hpl_contract *contract;
static struct hpl_slice slice;
static struct hpl_err err;

static struct hpl_contract *read_ok(const char *text, bool tokens)
{
	struct hpl_contract *c = NULL;
	cr_assert_eq(hpl_contract_read(&c, "contract", text, strlen(text), tokens, &err), 0, "%s",
		err.text);
	return c;
}

static void setup(void)
{
	contract = read_ok(SAMPLE, false);
}

static void teardown(void)
{
	hpl_slice_done(&slice);
	hpl_contract_free(contract);
}

TestSuite(contract_slices, .init = setup, .fini = teardown);

static bool is(ProtobufCBinaryData b, const char *text)
{
	return b.len == strlen(text) && memcmp(b.data, text, b.len) == 0;
}

static void use(const char *text)
{
	hpl_contract_free(contract);
	contract = read_ok(text, false);
}

Test(contract_slices, logging_to_syslog_has_the_documented_port)
{
	Hpl__LoggingSlice l;
	Hpl__LogTarget t;
	cr_assert_eq(hpl_slice_logging(&slice, contract, &l, &t, &err), 0);
	cr_expect_eq(l.kind, HPL__LOGGING_SLICE__KIND__SYSLOG);
	cr_expect_str_eq(l.hostname, "log.example");
	cr_expect_eq(l.port, 6514);
	cr_expect(is(l.server_pem, "TUlJRA==") && is(l.cert_pem, "TUlJRB==") &&
		is(l.key_pem, "TUlJRC=="));
	cr_expect_str_eq(t.hostname, "log.example");
	cr_expect_eq(t.port, 6514);
}

Test(contract_slices, logging_to_log_router)
{
	Hpl__LoggingSlice l;
	Hpl__LogTarget t;
	use("env: {type: env, logging: {logRouter: {hostname: r.example, iamApiKey: k, tags: [a, b]}}}\n");
	cr_assert_eq(hpl_slice_logging(&slice, contract, &l, &t, &err), 0);
	cr_expect_eq(l.kind, HPL__LOGGING_SLICE__KIND__LOG_ROUTER);
	cr_expect_eq(l.port, 443);
	cr_assert_eq(l.n_tags, 2);
	cr_expect_str_eq(l.tags[1], "b");
	cr_expect(is(l.iam_api_key, "k"));
}

Test(contract_slices, logging_is_found_in_a_contract_that_is_wrong_elsewhere)
{
	Hpl__LoggingSlice l;
	Hpl__LogTarget t;
	use("env: {type: x, volumes: 5, logging: {syslog: {hostname: h, port: 99, server: TUlJRA==}}}\n");
	cr_assert_eq(hpl_slice_logging(&slice, contract, &l, &t, &err), 0);
	cr_expect_eq(l.kind, HPL__LOGGING_SLICE__KIND__SYSLOG);
	cr_expect_eq(t.port, 99);
}

Test(contract_slices, logging_that_is_absent_or_unusable_is_none)
{
	static const char *const texts[] = {
		"env: {type: env}\n",
		"workload: {type: workload}\n",
		"env: {type: env, logging: 5}\n",
		"env: {type: env, logging: {syslog: {hostname: \"a b\", server: TUlJRA==}}}\n",
		"env: {type: env, logging: {syslog: {hostname: a, server: [x]}}}\n",
		"env: {type: env, logging: {logRouter: {hostname: a, iamApiKey: k, tags: [1]}}}\n",
	};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(texts); i++) {
		Hpl__LoggingSlice l;
		Hpl__LogTarget t;
		use(texts[i]);
		cr_assert_eq(hpl_slice_logging(&slice, contract, &l, &t, &err), 0);
		cr_expect_eq(l.kind, HPL__LOGGING_SLICE__KIND__NONE, "%s", texts[i]);
		cr_expect_str_eq(t.hostname, "");
	}
}

Test(contract_slices, workload_wins_over_env_in_registries)
{
	Hpl__RegistrySlice r;
	cr_assert_eq(hpl_slice_registry(&slice, contract, &r, &err), 0);
	cr_assert_eq(r.n_auths, 2);
	cr_expect_str_eq(r.auths[0]->registry, "other.example");
	cr_expect_str_eq(r.auths[1]->registry, "reg.example:5000");
	cr_expect(is(r.auths[1]->username, "winner") && is(r.auths[1]->password, "secret-w"));
	cr_assert_eq(r.n_cacerts, 1);
	cr_expect_str_eq(r.cacerts[0]->name, "ca1");
	cr_expect(is(r.cacerts[0]->certificate, "QUJDRA=="));
}

Test(contract_slices, signing_takes_the_strings_that_were_delivered)
{
	struct hpl_contract *d = read_ok(SAMPLE_DELIVERED, true);
	Hpl__SigningSlice s;
	hpl_slice_signing(contract, d, &s);
	cr_expect(s.has_signing_key && s.has_signature);
	cr_expect(is(s.signing_key, "QUJDRA==") && is(s.signature, "QUJDRA=="));
	cr_expect(is(s.workload, "hyper-protect-basic.QUJD.REVG"));
	cr_expect(is(s.env, "hyper-protect-basic.QUJD.QUJD"));
	hpl_contract_free(d);
	d = read_ok("workload: |\n  a: 1\nenv: |\n  b: 2\n", true);
	hpl_slice_signing(d, d, &s);
	cr_expect(!s.has_signing_key && !s.has_signature);
	cr_expect(is(s.workload, "a: 1\n") && is(s.env, "b: 2\n"));
	hpl_contract_free(d);
}

Test(contract_slices, volumes_and_seeds)
{
	Hpl__VolumesSlice v;
	Hpl__SeedsSlice s;
	cr_assert_eq(hpl_slice_volumes(&slice, contract, &v, &err), 0);
	cr_assert_eq(v.n_volumes, 1);
	cr_expect_str_eq(v.volumes[0]->name, "data");
	cr_expect_str_eq(v.volumes[0]->mount, "/mnt/x");
	cr_expect_str_eq(v.volumes[0]->filesystem, "ext4");
	cr_expect_str_eq(v.volumes[0]->volume_id, "serial-1");
	cr_expect_str_eq(v.volumes[0]->volume_name, "");
	cr_assert_eq(hpl_slice_seeds(&slice, contract, &s, &err), 0);
	cr_assert_eq(s.n_volumes, 1);
	cr_expect(is(s.volumes[0]->env_seed, SEED_E) && is(s.volumes[0]->workload_seed, SEED_W));
	cr_expect(is(s.volumes[0]->env_previous, SEED_OLD));
	cr_expect_eq(s.volumes[0]->workload_previous.len, 0);
}

Test(contract_slices, environment_is_merged_and_sorted)
{
	Hpl__WorkloadSlice w;
	cr_assert_eq(hpl_slice_workload(&slice, contract, &w, &err), 0);
	cr_expect_eq(w.kind, HPL__WORKLOAD_SLICE__KIND__COMPOSE);
	cr_expect(is(w.compose_archive, "H4sIAAAA"));
	cr_assert_eq(w.n_env, 3);
	cr_expect_str_eq(w.env[0]->name, "A");
	cr_expect(is(w.env[1]->value, "from workload"));
	cr_expect_str_eq(w.env[2]->name, "C");
}

Test(contract_slices, pods_become_json)
{
	Hpl__WorkloadSlice w;
	use("workload:\n  type: workload\n  play:\n    resources:\n"
		"    - {apiVersion: v1, kind: Pod, spec: {n: 1, x: \"a\\\"b\", y: yes, z: true}}\n"
		"    templates:\n    - {kind: ConfigMap}\n    archive: QUJD\n");
	cr_assert_eq(hpl_slice_workload(&slice, contract, &w, &err), 0);
	cr_expect_eq(w.kind, HPL__WORKLOAD_SLICE__KIND__PLAY);
	cr_assert_eq(w.n_resources, 1);
	cr_expect(is(w.resources[0], "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"n\":1,"
		"\"x\":\"a\\\"b\",\"y\":\"yes\",\"z\":true}}"));
	cr_assert_eq(w.n_templates, 1);
	cr_expect(is(w.templates[0], "{\"kind\":\"ConfigMap\"}"));
	cr_expect(is(w.play_archive, "QUJD"));
	cr_expect_eq(w.n_env, 0);
}

Test(contract_slices, images_carry_the_workload)
{
	Hpl__WorkloadSlice w;
	Hpl__ImagesSlice i;
	cr_assert_eq(hpl_slice_workload(&slice, contract, &w, &err), 0);
	cr_assert_eq(hpl_slice_images(&slice, contract, &w, &i, &err), 0);
	cr_expect_eq(i.workload, &w);
	cr_assert_eq(i.n_dct, 1);
	cr_expect_str_eq(i.dct[0]->notary, "https://n.example");
	cr_expect_eq(i.n_rhs, 0);
}

Test(contract_slices, classic_layout)
{
	Hpl__AttestationSlice a;
	hpl_slice_attestation(contract, &a);
	cr_expect_not(a.classic_layout);
	use("env: {type: env, attestation: {layout: classic}}\n");
	hpl_slice_attestation(contract, &a);
	cr_expect(a.classic_layout);
}

Test(contract_slices, what_a_key_provider_needs)
{
	static const char text[] =
		"workload:\n  volumes:\n    data: {seed: " SEED_W "}\n    logs: {seed: " SEED_W "}\n"
		"    more: {seed: " SEED_W "}\n"
		"env:\n  volumes:\n"
		"    data: {seed: " SEED_E ", kms: [{apiKey: 'a \"key\"', crn: 'crn:v1'}], kmsTimeout: 3}\n"
		"    logs: {seed: " SEED_E "}\n"
		"    more: {seed: " SEED_E ", kms: [{apiKey: b, crn: c, type: private}], volumeID: xyz}\n";
	const struct hpl_key_source *kms = hpl_key_source_find("kms");
	struct hpl_contract *c = NULL;
	Hpl__KeyRequests r;
	Hpl__SeedsSlice s;

	cr_assert_eq(hpl_contract_read(&c, "x", text, strlen(text), true, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_slice_key_requests(&slice, c, kms, &r, &err), 0, "%s", err.text);
	cr_expect_eq(r.version, 1);
	cr_assert_eq(r.n_volumes, 2);
	cr_expect_str_eq(r.volumes[0]->volume, "data");
	cr_expect_eq(r.volumes[0]->timeout_s, 180);
	cr_expect(is(r.volumes[0]->parameters,
		"{\"kms\":[{\"apiKey\":\"a \\\"key\\\"\",\"crn\":\"crn:v1\"}]}"));
	cr_expect_str_eq(r.volumes[1]->volume, "more");
	cr_expect_eq(r.volumes[1]->timeout_s, 600);
	/* neither seeds nor what is storage's */
	cr_expect(is(r.volumes[1]->parameters,
		"{\"kms\":[{\"apiKey\":\"b\",\"crn\":\"c\",\"type\":\"private\"}]}"));
	cr_assert_eq(hpl_slice_key_requests(&slice, c, hpl_key_source_find("grep11"), &r, &err), 0);
	cr_expect_eq(r.n_volumes, 0);
	cr_assert_eq(hpl_slice_seeds(&slice, c, &s, &err), 0);
	cr_assert_eq(s.n_volumes, 3);
	cr_expect_str_eq(s.volumes[0]->provider, "key-kms");
	cr_expect_eq(s.volumes[0]->provider_s, 180);
	cr_expect_str_eq(s.volumes[1]->provider, "");
	cr_expect_str_eq(s.volumes[2]->provider, "key-kms");
	hpl_contract_free(c);
}

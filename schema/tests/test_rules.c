/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that a schema cannot say, each with id, place and cure. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "proto/messages.h"
#include "schema/contract.h"
#include "schema/key_sources.h"

#define S1 "abcdefghijklmno-1"
#define S2 "abcdefghijklmno-2"
#define S3 "abcdefghijklmno-3"
#define S4 "abcdefghijklmno-4"

/* One line each, so that columns can be counted: line 1 workload, line 2 env. */
static void contract_of(char *out, size_t size, const char *workload, const char *env)
{
	snprintf(out, size, "workload: {type: workload, compose: {archive: H4sI}, %s}\n"
		"env: {type: env, logging: {logRouter: {hostname: a.b, iamApiKey: abc}}, %s}\n", workload,
		env);
}

static uint32_t providers; /* of the image */
static bool legacy;

/* The n-th fault; id NULL: there is none. place "line:col path" */
static void nth(size_t n, const char *workload, const char *env, const char *id, const char *place,
	const char *text)
{
	const struct hpl_validate_options o = {HPL_PRODUCT_HPVS, legacy, providers};
	struct hpl_contract *c = NULL;
	struct hpl_faults f = {0};
	struct hpl_err err = HPL_ERR_NULL;
	char contract[2000], got[320];

	contract_of(contract, sizeof(contract), workload, env);
	cr_assert_eq(hpl_contract_read(&c, "contract", contract, strlen(contract), true, &err), 0,
		"%s %s", err.place, err.text);
	int rc = hpl_contract_validate(c, &o, &f, &err);
	cr_assert_geq(rc, 0, "%s", err.text);
	for (size_t i = 0; i < f.count; i++)
		fprintf(stderr, "# %s %u:%u %s: %s\n", hpl_msg_info(f.items[i].msg)->id,
			f.items[i].pos.line, f.items[i].pos.col, f.items[i].path, f.items[i].text);
	if (!id) {
		cr_expect_eq(f.count, n);
	} else {
		cr_assert_gt(f.count, n);
		snprintf(got, sizeof(got), "%u:%u %s", f.items[n].pos.line, f.items[n].pos.col,
			f.items[n].path);
		cr_expect_str_eq(hpl_msg_info(f.items[n].msg)->id, id);
		cr_expect_str_eq(got, place, "%s", got);
		cr_expect(strstr(f.items[n].text, text), "%s", f.items[n].text);
		cr_expect(*f.items[n].cure);
		cr_expect_eq(rc, hpl_fault_is_error(&f.items[0]));
	}
	hpl_faults_done(&f);
	hpl_contract_free(c);
}

#define W(v) "volumes: {" v "}"
#define FIRST(w, e, id, place, text) nth(0, (w), (e), (id), (place), (text))
#define FINE(w, e) nth(0, (w), (e), NULL, NULL, NULL)

Test(rules, volume_names_are_the_same_in_both_sections)
{
	FINE(W("a: {seed: " S1 "}"), W("a: {seed: " S2 "}"));
	FIRST(W("a: {seed: " S1 "}"), W("b: {seed: " S2 "}"), "HPL07015E", "1:64 workload.volumes.a",
		"the env section has no volume of this name");
	nth(1, W("a: {seed: " S1 "}"), W("b: {seed: " S2 "}"), "HPL07015E", "2:83 env.volumes.b",
		"the workload section has no volume");
	FIRST("env: {}", W("b: {seed: " S2 "}"), "HPL07015E", "2:83 env.volumes.b", "workload section");
}

Test(rules, a_source_of_keys_that_is_not_there_is_refused)
{
	FIRST(W("a: {seed: " S1 "}"), W("a: {uv-secret-id: index-1}"), "HPL05018E",
		"2:87 env.volumes.a.uv-secret-id", "volume 'a' asks by uv-secret-id for the key provider "
		"'uv-secret', which no image has");
}

#define KMS "kms: [{apiKey: 0123456789a, crn: \"crn:v1:bluemix:public:kms:us-south:a/1:2:key:3\"}]"

Test(rules, a_provider_of_the_image_is_let_through_and_no_other_one)
{
	static const char w[] = W("a: {seed: " S1 "}"), kms[] = W("a: {seed: " S2 ", " KMS "}");

	FIRST(w, kms, "HPL05018E", "2:112 env.volumes.a.kms",
		"volume 'a' asks by kms for the key provider 'kms', which is not in this image");
	providers = hpl_key_source_bit(hpl_key_source_find("kms"));
	FINE(w, kms);
	/* installed or not, nobody knows what its key would be joined to */
	providers = UINT32_MAX;
	FIRST(w, W("a: {uv-secret-id: index-1}"), "HPL05018E", "2:87 env.volumes.a.uv-secret-id",
		"is not decided");
	FIRST(w, W("a: {uv-secret-id: index-1, " KMS "}"), "HPL05018E",
		"2:87 env.volumes.a.uv-secret-id", "is not decided");
	cr_expect_null(hpl_key_source_find("kms2"));
	cr_expect_null(hpl_key_source_find("key-kms"));
}

Test(rules, mounts_neither_collide_nor_leave_their_place)
{
	FINE(W("a: {seed: " S1 ", mount: /mnt/a}, b: {seed: " S2 ", mount: /mnt/a/b}"),
		W("a: {seed: " S3 "}, b: {seed: " S4 "}"));
	FIRST(W("a: {seed: " S1 ", mount: /mnt/a}, b: {seed: " S2 ", mount: /mnt/a}"),
		W("a: {seed: " S1 "}, b: {seed: " S2 "}"), "HPL07022E",
		"1:145 workload.volumes.b.mount", "mount point of volume 'a' already");
	FIRST(W("a: {seed: " S1 "}, b: {seed: " S2 "}"), W("a: {seed: " S1 "}, b: {seed: " S2 "}"),
		"HPL07022E", "1:94 workload.volumes.b", "it is the default");
	FIRST(W("a: {seed: " S1 ", mount: /etc}"), W("a: {seed: " S2 "}"), "HPL07022E",
		"1:100 workload.volumes.a.mount", "needed by the guest itself");
	FIRST(W("a: {seed: " S1 ", mount: /usr/local/x}"), W("a: {seed: " S2 "}"), "HPL07022E",
		"1:100 workload.volumes.a.mount", "needed by the guest itself");
	FIRST(W("a: {seed: " S1 ", mount: /var}"), W("a: {seed: " S2 "}"), "HPL07022E",
		"1:100 workload.volumes.a.mount", "needed by the guest itself");
}

Test(rules, a_seed_that_is_used_twice_is_a_warning)
{
	static const char two[] = W("a: {seed: " S2 "}, b: {seed: " S3 "}");

	FIRST(W("a: {seed: " S1 ", mount: /mnt/a}, b: {seed: " S1 ", mount: /mnt/b}"), two, "HPL05015W",
		"1:113 workload.volumes.b.seed", "one of volume 'a'");
	nth(1, W("a: {seed: " S1 ", mount: /mnt/a}, b: {seed: " S1 ", mount: /mnt/b}"), two, NULL, NULL,
		NULL);
	/* what a had before is known as well; but who leaves another's seed does what is right */
	FIRST(W("a: {seed: " S4 ", previousSeed: " S1 ", mount: /mnt/a}, b: {seed: " S1 "}"), two,
		"HPL05015W", "1:146 workload.volumes.b.seed", "one of volume 'a'");
	FINE(W("a: {seed: " S1 ", mount: /mnt/a}, b: {seed: " S4 ", previousSeed: " S1 "}"), two);
}

Test(rules, a_previous_seed_that_is_the_seed_is_a_warning)
{
	static const char e[] = W("a: {seed: " S2 "}");

	FIRST(W("a: {seed: " S1 ", previousSeed: " S1 "}"), e, "HPL05015W",
		"1:93 workload.volumes.a.previousSeed", "is the same as seed: it changes nothing");
	nth(1, W("a: {seed: " S1 ", previousSeed: " S1 "}"), e, NULL, NULL, NULL);
	FIRST(W("a: {seed: " S1 "}"), W("a: {seed: " S2 ", previousSeed: " S2 "}"), "HPL05015W",
		"2:112 env.volumes.a.previousSeed", "is the same as seed: it changes nothing");
	FINE(W("a: {seed: " S1 ", previousSeed: " S3 "}"), e);
}

Test(rules, a_seed_that_both_sections_have_is_a_warning)
{
	FIRST(W("a: {seed: " S1 "}"), W("a: {seed: " S1 "}"), "HPL05015W", "2:87 env.volumes.a.seed",
		"is the same as the seed of the workload section");
	/* of another volume: nobody derives a passphrase of these two alone */
	FINE(W("a: {seed: " S1 ", mount: /mnt/a}, b: {seed: " S2 "}"),
		W("a: {seed: " S3 "}, b: {seed: " S1 "}"));
}

#define MASK "****************"

Test(rules, a_contract_whose_seeds_are_masked_is_refused)
{
	static const char why[] = "is masked: this is the contract that a guest stored";

	FIRST(W("a: {seed: \"" MASK "\"}"), W("a: {seed: " S2 "}"), "HPL05001E",
		"1:74 workload.volumes.a.seed", why);
	FIRST(W("a: {seed: " S1 "}"), W("a: {seed: " S2 ", previousSeed: \"" MASK "\"}"), "HPL05001E",
		"2:126 env.volumes.a.previousSeed", why);
	/* each is said, and nothing of their being equal */
	nth(2, W("a: {seed: \"" MASK "\", previousSeed: \"" MASK "\"}"), W("a: {seed: \"" MASK "\"}"),
		"HPL05001E", "2:93 env.volumes.a.seed", why);
	nth(3, W("a: {seed: \"" MASK "\", previousSeed: \"" MASK "\"}"), W("a: {seed: \"" MASK "\"}"),
		NULL, NULL, NULL);
	FINE(W("a: {seed: \"" MASK "x\"}"), W("a: {seed: " S2 "}"));
	/* too short a mask is said once, as every seed that is */
	FIRST(W("a: {seed: \"***\"}"), W("a: {seed: " S2 "}"), "HPL05001E",
		"1:74 workload.volumes.a.seed", "has 3 characters");
	nth(1, W("a: {seed: \"***\"}"), W("a: {seed: " S2 "}"), NULL, NULL, NULL);
	legacy = true;
	FIRST(W("a: {seed: \"***\"}"), W("a: {seed: " S2 "}"), "HPL05001E",
		"1:74 workload.volumes.a.seed", why);
}

Test(rules, two_volumes_with_one_volume_id)
{
	static const char w[] = W("a: {seed: " S1 ", mount: /mnt/a}, b: {seed: " S2 "}");

	FIRST(w, W("a: {seed: " S3 ", volumeID: d-1}, b: {seed: " S4 ", volumeID: d-1}"), "HPL07018E",
		"2:167 env.volumes.b.volumeID", "is the volumeID of volume 'a' already");
	FINE(w, W("a: {seed: " S3 ", volumeID: d-1}, b: {seed: " S4 ", volumeID: d-2}"));
	/* each may find its disk by its key */
	FINE(w, W("a: {seed: " S3 ", volumeName: d-1}, b: {seed: " S4 ", volumeName: d-1}"));
	FINE(w, W("a: {seed: " S3 ", volumeID: d-1}, b: {seed: " S4 ", volumeName: d-1}"));
	/* serials have small and capital letters; that both are one UUID only the disk tells */
	FINE(w, W("a: {seed: " S3 ", volumeID: d-a}, b: {seed: " S4 ", volumeID: d-A}"));
}

Test(rules, what_the_registry_file_cannot_hold)
{
	FIRST("auths: {reg.example: {username: 'a:b', password: abc}}", "env: {}", "HPL09001E",
		"1:86 workload.auths[\"reg.example\"].username", "colon");
	FIRST("env: {}", "auths: {'reg.example:70000': {username: abc, password: abc}}", "HPL09001E",
		"2:81 env.auths[\"reg.example:70000\"]", "port");
	FINE("auths: {'reg.example:65535': {username: abc, password: abc}}", "env: {}");
}

Test(rules, more_volumes_than_a_guest_takes)
{
	static char w[12000], e[12000];
	size_t n = (size_t)snprintf(w, sizeof(w), "volumes: {"), m = (size_t)snprintf(e, sizeof(e), "volumes: {");

	for (int i = 0; i < 65; i++) {
		n += (size_t)snprintf(w + n, sizeof(w) - n, "v%d: {seed: workload-seed-%02d-x, mount: /mnt/%d}, ", i, i, i);
		m += (size_t)snprintf(e + m, sizeof(e) - m, "v%d: {seed: env-seed-number-%02d-x}, ", i, i);
	}
	snprintf(w + n, sizeof(w) - n, "}");
	snprintf(e + m, sizeof(e) - m, "}");
	static char text[25000];
	static const struct hpl_validate_options o = {HPL_PRODUCT_HPVS, false};
	struct hpl_contract *c = NULL;
	struct hpl_faults f = {0};
	struct hpl_err err = HPL_ERR_NULL;
	contract_of(text, sizeof(text), w, e);
	cr_assert_eq(hpl_contract_read(&c, "contract", text, strlen(text), true, &err), 0, "%s", err.text);
	cr_expect_eq(hpl_contract_validate(c, &o, &f, &err), 1);
	cr_assert_eq(f.count, 1);
	cr_expect_str_eq(f.items[0].path, "workload.volumes.v64.mount", "%s", f.items[0].path);
	hpl_faults_done(&f);
	hpl_contract_free(c);
}

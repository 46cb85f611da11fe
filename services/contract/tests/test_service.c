/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>

#include "bus/fake/fake.h"
#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "services/contract/contract.h"
#include "runtime/contract/tests/sample.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_contract_service state;
static char dir[] = "/tmp/hpl-contract-XXXXXX";

static void path_of(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/contract/%s", dir, name);
}

static void put(const char *name, const char *text)
{
	char path[200];
	struct hpl_err err = HPL_ERR_NULL;
	path_of(path, sizeof(path), name);
	cr_assert_eq(hpl_file_write(path, text, strlen(text), 0600, &err), 0, "%s", err.text);
}

static void setup(void)
{
	char path[200];
	struct hpl_err err = HPL_ERR_NULL;
	cr_assert_not_null(mkdtemp(dir));
	path_of(path, sizeof(path), "");
	cr_assert_eq(hpl_mkdir_p(path, 0700, &err), 0);
	fake = hpl_fake_new("contract");
	hpl_fake_setting(fake, "boot_dir", dir);
}

static void teardown(void)
{
	static const char *const names[] = {"user-data", "user-data.decrypted", ""};
	char path[200];
	if (service)
		hpl_service_free(service);
	hpl_fake_free(fake);
	hpl_contract_service_done(&state);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
		path_of(path, sizeof(path), names[i]);
		remove(path);
	}
	rmdir(dir);
}

TestSuite(contract_service, .init = setup, .fini = teardown);

static void begin(const char *decrypted, const char *delivered)
{
	struct hpl_err err = HPL_ERR_NULL;
	if (decrypted)
		put("user-data.decrypted", decrypted);
	if (delivered)
		put("user-data", delivered);
	cr_assert_eq(hpl_service_new(&service, &hpl_contract_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static Hpl__Event *expect(const char *topic)
{
	return hpl_fake_expect(fake, topic);
}

static void drop(Hpl__Event *ev)
{
	hpl__event__free_unpacked(ev, NULL);
}

static void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), status);
}

/* The failure that follows logging.ready. */
static void fails(const char *id, const char *place, const char *word)
{
	hpl_fake_send(fake, "logging", HPL_TOPIC_LOGGING_READY, NULL);
	Hpl__Event *ev = expect(HPL_TOPIC_SERVICE_FAILED);
	cr_expect_str_eq(ev->message_id, id);
	cr_expect_str_eq(ev->failure->place, place, "%s", ev->failure->place);
	cr_expect(strstr(ev->text, word), "%s", ev->text);
	drop(ev);
	wait_end(1);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_CONTRACT_VALID), 0);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_CONTRACT_SEEDS), 0);
}

Test(contract_service, good_contract_from_start_to_end)
{
	begin(SAMPLE, SAMPLE_DELIVERED);
	Hpl__Event *ev = expect(HPL_TOPIC_CONTRACT_LOGHOST);
	cr_expect_str_eq(ev->log_target->hostname, "log.example");
	drop(ev);
	ev = expect(HPL_TOPIC_CONTRACT_LOGGING);
	cr_expect_eq(ev->logging->kind, HPL__LOGGING_SLICE__KIND__SYSLOG);
	drop(ev);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_CONTRACT_VALID), 0, "before logging.ready");

	hpl_fake_send(fake, "logging", HPL_TOPIC_LOGGING_READY, NULL);
	drop(expect(HPL_TOPIC_CONTRACT_VALID));
	ev = expect(HPL_TOPIC_CONTRACT_REGISTRY);
	cr_expect_eq(ev->registry->n_auths, 2);
	drop(ev);
	ev = expect(HPL_TOPIC_CONTRACT_SIGNING);
	cr_expect_eq(ev->signing->workload.len, strlen("hyper-protect-basic.QUJD.REVG"));
	drop(ev);
	ev = expect(HPL_TOPIC_CONTRACT_ATTESTATION);
	cr_expect_not(ev->attestation->classic_layout);
	drop(ev);
	hpl_fake_settle(fake);
	static const char *const later[] = {HPL_TOPIC_CONTRACT_SEEDS, HPL_TOPIC_CONTRACT_VOLUMES,
		HPL_TOPIC_CONTRACT_IMAGES, HPL_TOPIC_CONTRACT_WORKLOAD, HPL_TOPIC_CONTRACT_MASKED};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(later); i++)
		cr_expect_eq(hpl_fake_count(fake, later[i]), 0, "%s before signature.verified", later[i]);

	hpl_fake_send(fake, "signature", HPL_TOPIC_SIGNATURE_VERIFIED, NULL);
	ev = expect(HPL_TOPIC_CONTRACT_VOLUMES);
	cr_expect_str_eq(ev->volumes->volumes[0]->name, "data");
	drop(ev);
	ev = expect(HPL_TOPIC_CONTRACT_SEEDS);
	cr_expect_eq(ev->seeds->volumes[0]->env_seed.len, strlen(SEED_E));
	drop(ev);
	ev = expect(HPL_TOPIC_CONTRACT_IMAGES);
	cr_expect_eq(ev->images->workload->kind, HPL__WORKLOAD_SLICE__KIND__COMPOSE);
	drop(ev);
	ev = expect(HPL_TOPIC_CONTRACT_WORKLOAD);
	cr_expect_eq(ev->workload->n_env, 3);
	drop(ev);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_CONTRACT_MASKED), 0, "before storage.ready");

	Hpl__MountedVolumes mounted = HPL__MOUNTED_VOLUMES__INIT;
	hpl_fake_send(fake, "storage", HPL_TOPIC_STORAGE_READY, &mounted.base);
	drop(expect(HPL_TOPIC_CONTRACT_MASKED));
	wait_end(0);

	char path[200];
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	path_of(path, sizeof(path), "user-data.decrypted");
	cr_assert_eq(hpl_file_read(&b, path, 1 << 20, NULL), 0);
	cr_expect_null(strstr(b.data, SEED_W));
	cr_expect_null(strstr(b.data, SEED_E));
	cr_expect_not_null(strstr(b.data, "mount: /mnt/x"));
}

Test(contract_service, pods)
{
	static const char text[] = "workload: |\n  type: workload\n  play:\n    resources:\n"
		"    - {apiVersion: v1, kind: Pod, metadata: {name: p}, "
		"spec: {containers: [{name: c, image: i}]}}\n"
		"env: |\n  type: env\n  logging: {syslog: {hostname: h, server: TUlJRA==}}\n"
		"  attestation: {layout: classic}\n";
	begin(text, text);
	hpl_fake_send(fake, "logging", HPL_TOPIC_LOGGING_READY, NULL);
	Hpl__Event *ev = expect(HPL_TOPIC_CONTRACT_ATTESTATION);
	cr_expect(ev->attestation->classic_layout);
	drop(ev);
	hpl_fake_send(fake, "signature", HPL_TOPIC_SIGNATURE_VERIFIED, NULL);
	ev = expect(HPL_TOPIC_CONTRACT_WORKLOAD);
	cr_expect_eq(ev->workload->kind, HPL__WORKLOAD_SLICE__KIND__PLAY);
	cr_expect_eq(ev->workload->n_resources, 1);
	drop(ev);
	ev = expect(HPL_TOPIC_CONTRACT_SEEDS);
	cr_expect_eq(ev->seeds->n_volumes, 0);
	drop(ev);
}

Test(contract_service, a_schema_fault_is_said_after_logging_and_logging_goes_on)
{
	static const char text[] = "workload: |\n  type: workload\n  compose: {archive: 5}\n"
		"env: |\n  type: env\n  logging: {syslog: {hostname: h, server: TUlJRA==}}\n"
		"  volumes: {a: {sed: x}}\n";
	begin(text, text);
	Hpl__Event *ev = expect(HPL_TOPIC_CONTRACT_LOGHOST);
	cr_expect_str_eq(ev->log_target->hostname, "h");
	drop(ev);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_service_status(service), -1);
	fails("HPL05001E", "contract:3:22 workload.compose.archive",
		"HPL05001E: Unable to validate the contract semantically. -> "
		"contract:3:22 workload.compose.archive: is an integer, must be a string" + 11);
}

Test(contract_service, a_missing_section)
{
	static const char text[] = "env: |\n  type: env\n"
		"  logging: {syslog: {hostname: h, server: TUlJRA==}}\n";
	begin(text, text);
	fails("HPL05001E", "contract:1:1", "lacks \"workload\"");
}

Test(contract_service, an_unreadable_env_gives_no_loghost_and_then_the_failure)
{
	static const char text[] = "workload: {type: workload, compose: {archive: QUJD}}\nenv: |\n  a: [\n";
	begin(text, text);
	Hpl__Event *ev = expect(HPL_TOPIC_CONTRACT_LOGHOST);
	cr_expect_str_eq(ev->log_target->hostname, "");
	drop(ev);
	ev = expect(HPL_TOPIC_CONTRACT_LOGGING);
	cr_expect_eq(ev->logging->kind, HPL__LOGGING_SLICE__KIND__NONE);
	drop(ev);
	fails("HPL05001E", "contract:4:3 env", "not YAML");
}

Test(contract_service, no_logging_where_it_is_required)
{
	static const char text[] = "workload: {type: workload, compose: {archive: QUJD}}\n"
		"env: {type: env}\n";
	begin(text, text);
	Hpl__Event *ev = expect(HPL_TOPIC_CONTRACT_LOGGING);
	cr_expect_eq(ev->logging->kind, HPL__LOGGING_SLICE__KIND__NONE);
	drop(ev);
	fails("HPL05001E", "contract:2:1 env", "lacks \"logging\"");
}

Test(contract_service, another_product_may_go_without_logging)
{
	static const char text[] = "workload: {type: workload, compose: {archive: QUJD}}\n"
		"env: {type: env}\n";
	hpl_fake_setting(fake, "product", "ccco");
	begin(text, text);
	hpl_fake_send(fake, "logging", HPL_TOPIC_LOGGING_READY, NULL);
	drop(expect(HPL_TOPIC_CONTRACT_VALID));
}

Test(contract_service, text_that_is_no_contract)
{
	begin("hello", "hello");
	drop(expect(HPL_TOPIC_CONTRACT_LOGGING));
	fails("HPL05000E", "contract:1:1", "plain text");
}

Test(contract_service, no_file)
{
	begin(NULL, NULL);
	drop(expect(HPL_TOPIC_CONTRACT_LOGGING));
	fails("HPL05002E", "", "user-data.decrypted");
}

Test(contract_service, volume_names_that_differ)
{
	static const char text[] = "workload: {type: workload, compose: {archive: QUJD}, "
		"volumes: {a: {seed: " SEED_W "}}}\n"
		"env: {type: env, logging: {syslog: {hostname: h, server: TUlJRA==}}}\n";
	begin(text, text);
	fails("HPL07015E", "contract:1:64 workload.volumes.a", "env section has no volume");
}

Test(contract_service, a_token_that_was_not_opened)
{
	begin("workload: hyper-protect-basic.QUJD.QUJD\n"
		"env: {type: env, logging: {syslog: {hostname: h, server: TUlJRA==}}}\n",
		SAMPLE_DELIVERED);
	fails("HPL05001E", "contract:1:1 workload", "not decrypted");
}

#define OLD_E "old-seed-of-env-1"
#define OLD_W "old-seed-of-workload-1"
#define KMS_VOLUME \
	"workload:\n  type: workload\n  compose: {archive: QUJD}\n" \
	"  volumes: {data: {seed: " SEED_W ", previousSeed: " OLD_W "}}\n" \
	"env:\n  type: env\n  logging: {syslog: {hostname: h, server: TUlJRA==}}\n" \
	"  volumes:\n    data:\n      seed: " SEED_E "\n      previousSeed: " OLD_E "\n" \
	"      kms: [{apiKey: canary-api-key, crn: \"crn:v1:bluemix:public:kms:us:a/1:2:key:3\"}]\n"

Test(contract_service, a_key_provider_that_the_image_has_not)
{
	begin(KMS_VOLUME, KMS_VOLUME);
	fails("HPL05018E", "contract:12:7 env.volumes.data.kms",
		"volume 'data' asks by kms for the key provider 'kms', which is not in this image; "
		"use seeds alone, or an image with that provider");
}

Test(contract_service, a_key_provider_of_the_image_gets_its_part_and_all_seeds_are_masked)
{
	static const char *const secrets[] = {SEED_W, OLD_W, SEED_E, OLD_E};
	char path[200];
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	hpl_fake_service(fake, "storage");
	hpl_fake_service(fake, "key-kms");
	begin(KMS_VOLUME, KMS_VOLUME);
	hpl_fake_send(fake, "logging", HPL_TOPIC_LOGGING_READY, NULL);
	drop(expect(HPL_TOPIC_CONTRACT_VALID));
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_CONTRACT_KEY_KMS), 0, "before signature.verified");
	hpl_fake_send(fake, "signature", HPL_TOPIC_SIGNATURE_VERIFIED, NULL);
	Hpl__Event *seeds = expect(HPL_TOPIC_CONTRACT_SEEDS), *ev = expect(HPL_TOPIC_CONTRACT_KEY_KMS);
	cr_expect_lt(seeds->seq, ev->seq, "luks-passphrase must know before it is answered");
	cr_expect_str_eq(seeds->seeds->volumes[0]->provider, "key-kms");
	cr_assert_eq(ev->key_requests->n_volumes, 1);
	Hpl__KeyRequest *r = ev->key_requests->volumes[0];
	cr_expect_str_eq(r->volume, "data");
	cr_expect_not_null(memmem(r->parameters.data, r->parameters.len, "canary-api-key", 14));
	for (size_t i = 0; i < HPL_ARRAY_SIZE(secrets); i++)
		cr_expect_null(memmem(r->parameters.data, r->parameters.len, secrets[i],
			strlen(secrets[i])), "a provider sees no seed");
	drop(seeds);
	drop(ev);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_CONTRACT_KEY_GREP11), 0);

	Hpl__MountedVolumes mounted = HPL__MOUNTED_VOLUMES__INIT;
	hpl_fake_send(fake, "storage", HPL_TOPIC_STORAGE_READY, &mounted.base);
	drop(expect(HPL_TOPIC_CONTRACT_MASKED));
	wait_end(0);
	path_of(path, sizeof(path), "user-data.decrypted");
	cr_assert_eq(hpl_file_read(&b, path, 1 << 20, NULL), 0);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(secrets); i++)
		cr_expect_null(strstr(b.data, secrets[i]), "%s", b.data);
}

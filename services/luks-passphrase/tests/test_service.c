/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bus/fake/fake.h"
#include "proto/topics.h"
#include "runtime/base/buf.h"
#include "runtime/base/proc.h"
#include "services/luks-passphrase/luks_passphrase.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_luks_passphrase state;

static void setup(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	fake = hpl_fake_new("luks-passphrase");
	hpl_fake_setting(fake, "provider_grace_s", "1");
	cr_assert_eq(hpl_service_new(&service, &hpl_luks_passphrase_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void teardown(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
	/* nothing is left, however it ended */
	for (size_t i = 0; i < HPL_KEY_VOLUMES_MAX; i++) {
		const struct hpl_collect_entry *e = &state.passphrases.entries[i];

		cr_expect(!e->current.data && !e->previous.count);
		for (size_t k = 0; k < HPL_SECRETS_MAX; k++)
			cr_expect(!e->previous.list[k].data);
	}
}

TestSuite(luks_passphrase_service, .init = setup, .fini = teardown);

static void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), status);
}

static ProtobufCBinaryData bytes(const char *text)
{
	return (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
}

static Hpl__VolumeSeeds seeds(const char *name, const char *env, const char *workload)
{
	Hpl__VolumeSeeds v = HPL__VOLUME_SEEDS__INIT;

	v.volume = (char *)name;
	v.env_seed = bytes(env);
	v.workload_seed = bytes(workload);
	return v;
}

/* printf abc | sha256sum, printf xbc | sha256sum */
static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Test(luks_passphrase_service, no_volumes_give_an_empty_list_and_the_end)
{
	Hpl__SeedsSlice in = HPL__SEEDS_SLICE__INIT;

	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_SEEDS, &in.base);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_LUKS_PASSPHRASES);
	cr_assert_eq(ev->passphrases->n_volumes, 0);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
}

Test(luks_passphrase_service, each_volume_gets_its_passphrase)
{
	Hpl__VolumeSeeds a = seeds("data", "ab", "c"), b = seeds("logs", "x", "c");
	Hpl__VolumeSeeds *list[] = {&a, &b};
	Hpl__SeedsSlice in = HPL__SEEDS_SLICE__INIT;

	b.env_previous = bytes("ab");
	in.n_volumes = 2;
	in.volumes = list;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_SEEDS, &in.base);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_LUKS_PASSPHRASES);
	cr_assert_eq(ev->passphrases->n_volumes, 2);
	Hpl__VolumePassphrase *v = ev->passphrases->volumes[0];
	cr_assert_str_eq(v->volume, "data");
	cr_assert_eq(v->passphrase.len, 64);
	cr_assert_eq(memcmp(v->passphrase.data, abc, 64), 0);
	cr_assert_eq(v->previous.len, 0);
	/* one side rolled: its old seed with the other side's current one */
	v = ev->passphrases->volumes[1];
	cr_assert_neq(memcmp(v->passphrase.data, abc, 64), 0);
	cr_assert_eq(v->previous.len, 64);
	cr_assert_eq(memcmp(v->previous.data, abc, 64), 0);
	cr_assert_eq(v->n_mixed, 0);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
}

Test(luks_passphrase_service, a_missing_seed_fails_with_its_id_and_place)
{
	Hpl__VolumeSeeds a = seeds("data", "", "workload seed");
	Hpl__VolumeSeeds *list[] = {&a};
	Hpl__SeedsSlice in = HPL__SEEDS_SLICE__INIT;

	in.n_volumes = 1;
	in.volumes = list;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_SEEDS, &in.base);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);
	cr_assert_str_eq(ev->message_id, "HPL07013E");
	cr_assert(strstr(ev->failure->place, "volumes.data.seed"));
	cr_assert(strstr(ev->failure->cause, "env"));
	cr_assert_null(strstr(ev->failure->cause, "workload seed"));
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_LUKS_PASSPHRASES), 0);
}

/* ---- third seeds ---- */

#define CANARY "canary-third-seed-9f3a7c"

/* What `printf %s%s first second | sha256sum` prints. */
static void by_program(char out[65], const char *first, const char *second)
{
	static const char *const argv[] = {"/usr/bin/sha256sum", NULL};
	_cleanup_buf_ struct hpl_buf in = HPL_BUF_NULL, text = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	hpl_buf_str(&in, first);
	hpl_buf_str(&in, second);
	struct hpl_proc p = {.argv = argv, .input = in.data, .input_len = in.len,
		.timeout_ms = 10000, .out = &text};
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert(status == 0 && text.len >= 64);
	memcpy(out, text.data, 64);
	out[64] = 0;
}

static void expect_pair(const ProtobufCBinaryData *b, const char *env, const char *workload)
{
	char want[65];

	by_program(want, env, workload);
	cr_assert_eq(b->len, 64);
	cr_expect_eq(memcmp(b->data, want, 64), 0, "%s with %s", env, workload);
}

Test(luks_passphrase_service, where_both_sides_give_a_previous_seed_each_alone_may_be_the_one_that_changes)
{
	Hpl__VolumeSeeds a = seeds("data", "env new", "workload new");
	Hpl__VolumeSeeds *list[] = {&a};
	Hpl__SeedsSlice in = HPL__SEEDS_SLICE__INIT;

	a.env_previous = bytes("env old");
	a.workload_previous = bytes("workload old");
	in.n_volumes = 1;
	in.volumes = list;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_SEEDS, &in.base);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_LUKS_PASSPHRASES);
	Hpl__VolumePassphrase *v = ev->passphrases->volumes[0];
	expect_pair(&v->passphrase, "env new", "workload new");
	expect_pair(&v->previous, "env old", "workload old");
	cr_assert_eq(v->n_mixed, 2);
	expect_pair(&v->mixed[0], "env new", "workload old");
	expect_pair(&v->mixed[1], "env old", "workload new");
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
}

/* Two volumes with a provider and one without, between them. */
static void send_seeds(uint32_t provider_s)
{
	Hpl__VolumeSeeds a = seeds("data", "new env", "workload"), b = seeds("plain", "ab", "c"),
		c = seeds("logs", "env", "workload");
	Hpl__VolumeSeeds *list[] = {&a, &b, &c};
	Hpl__SeedsSlice in = HPL__SEEDS_SLICE__INIT;

	a.env_previous = bytes("old env");
	a.provider = c.provider = (char *)"key-kms";
	a.provider_s = c.provider_s = provider_s;
	in.n_volumes = 3;
	in.volumes = list;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_SEEDS, &in.base);
}

static void answer(const char *source, uint32_t version, const char *volume, const char *seed,
	const char *second)
{
	Hpl__KeySeed a = HPL__KEY_SEED__INIT, b = HPL__KEY_SEED__INIT, *list[] = {&a, &b};
	Hpl__KeySeeds in = HPL__KEY_SEEDS__INIT;

	in.version = version;
	a.volume = (char *)volume;
	a.seed = b.seed = bytes(seed);
	b.volume = (char *)second;
	in.n_volumes = second ? 2 : 1;
	in.volumes = list;
	hpl_fake_send(fake, source, HPL_TOPIC_KEY_SEEDS, &in.base);
}

static void expect_passphrase(const ProtobufCBinaryData *b, const char *env, const char *third)
{
	char interim[65], want[65];

	by_program(interim, env, "workload");
	by_program(want, interim, third);
	cr_assert_eq(b->len, 64);
	cr_expect_eq(memcmp(b->data, want, 64), 0);
}

Test(luks_passphrase_service, the_third_seed_is_waited_for_and_joined)
{
	send_seeds(3600);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_LUKS_PASSPHRASES), 0);
	answer("key-kms", 1, "logs", "third of logs", NULL);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_LUKS_PASSPHRASES), 0);
	cr_expect_eq(hpl_service_status(service), -1);
	answer("key-kms", 1, "data", CANARY, NULL);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_LUKS_PASSPHRASES);
	cr_assert_eq(ev->passphrases->n_volumes, 3);
	Hpl__VolumePassphrase **v = ev->passphrases->volumes;
	cr_expect_str_eq(v[0]->volume, "data");
	expect_passphrase(&v[0]->passphrase, "new env", CANARY);
	/* the old seeds go with the third one too */
	expect_passphrase(&v[0]->previous, "old env", CANARY);
	cr_expect_eq(memcmp(v[1]->passphrase.data, abc, 64), 0);
	expect_passphrase(&v[2]->passphrase, "env", "third of logs");
	cr_expect_eq(v[2]->previous.len, 0);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
}

/* The id, a word of the cause, and never a seed. */
static void fails(const char *id, const char *word)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_expect_str_eq(ev->message_id, id, "%s", ev->message_id);
	cr_expect(strstr(ev->failure->cause, word), "%s", ev->failure->cause);
	cr_expect_null(strstr(ev->text, CANARY));
	cr_expect_null(strstr(ev->failure->cause, CANARY));
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_LUKS_PASSPHRASES), 0);
}

#define REFUSED(name, text, ...)                                                                   \
	Test(luks_passphrase_service, name)                                                        \
	{                                                                                          \
		send_seeds(3600);                                                                  \
		answer(__VA_ARGS__);                                                               \
		fails("HPL07029E", text);                                                          \
	}

static char too_long[1026];

REFUSED(an_answer_of_another_provider, "'data' waits for no seed of it", "key-grep11", 1, "data",
	CANARY, NULL)
REFUSED(an_answer_of_another_version, "version 2", "key-kms", 2, "data", CANARY, NULL)
REFUSED(an_answer_for_an_unknown_volume, "'nowhere'", "key-kms", 1, "nowhere", CANARY, NULL)
REFUSED(an_answer_for_a_volume_without_provider, "'plain'", "key-kms", 1, "plain", CANARY, NULL)
REFUSED(an_answer_with_a_volume_twice, "twice", "key-kms", 1, "data", CANARY, "data")
REFUSED(an_answer_whose_second_half_is_wrong, "'plain'", "key-kms", 1, "data", CANARY, "plain")
REFUSED(an_empty_seed, "0 bytes", "key-kms", 1, "data", "", NULL)

Test(luks_passphrase_service, a_seed_that_is_too_long)
{
	memset(too_long, 'x', sizeof(too_long) - 1);
	send_seeds(3600);
	answer("key-kms", 1, "data", too_long, NULL);
	fails("HPL07029E", "1025 bytes");
}

Test(luks_passphrase_service, a_second_answer_for_one_volume)
{
	send_seeds(3600);
	answer("key-kms", 1, "data", CANARY, NULL);
	answer("key-kms", 1, "data", CANARY, NULL);
	fails("HPL07029E", "'data' waits for no seed of it");
}

Test(luks_passphrase_service, an_answer_before_the_seeds)
{
	answer("key-kms", 1, "data", CANARY, NULL);
	fails("HPL07029E", "before the seeds");
}

Test(luks_passphrase_service, a_provider_that_stays_silent)
{
	send_seeds(0); /* and one second of grace, set above */
	answer("key-kms", 1, "data", CANARY, NULL);
	fails("HPL07028E", "no answer for logs (key-kms)");
}

Test(luks_passphrase_service, passphrases_reach_storage_alone_and_third_seeds_this_service)
{
	cr_expect_str_eq(hpl_topic_find(HPL_TOPIC_LUKS_PASSPHRASES)->reader, "storage");
	cr_expect_str_eq(hpl_topic_find(HPL_TOPIC_KEY_SEEDS)->reader, "luks-passphrase");
	cr_expect_str_eq(hpl_topic_find(HPL_TOPIC_CONTRACT_SEEDS)->reader, "luks-passphrase");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The harness of key providers with a provider that does what its parameters say. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bus/fake/fake.h"
#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "runtime/harness/key_provider.h"

#define CANARY "canary-third-seed-51c08e"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_key_provider *provider;
static char log_path[] = "/tmp/hpl-key-provider-XXXXXX";
static sem_t hang;
static atomic_int asked;

static bool wants(const struct hpl_key_ask *in, const char *word)
{
	return memmem(in->parameters, in->parameters_len, word, strlen(word)) != NULL;
}

static int give(struct hpl_key_answer *out, size_t seed_len, size_t blob_len, struct hpl_err *err)
{
	if (hpl_secret_alloc(&out->seed, seed_len, err) < 0)
		return -1;
	memset(out->seed.data, 's', seed_len);
	for (size_t i = 0; i < blob_len; i++)
		hpl_buf_add(&out->blob, "b", 1);
	return 0;
}

/* The seed that an ask gives: "<volume>:<blob>:<canary>". */
static int good(const struct hpl_key_ask *in, struct hpl_key_answer *out, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};

	hpl_buf_fmt(&b, "%s:%.*s:" CANARY, in->volume, (int)in->blob_len,
		in->blob ? (const char *)in->blob : "");
	if (!in->blob_len && wants(in, "wrap"))
		hpl_buf_str(&out->blob, "wrapped");
	return hpl_secret_copy(&out->seed, b.data, b.len, err);
}

static int ask(const struct hpl_key_ask *in, struct hpl_key_answer *out, struct hpl_err *err)
{
	int before = atomic_fetch_add(&asked, 1);

	if (wants(in, "hang"))
		sem_wait(&hang);
	if (wants(in, "empty"))
		return give(out, 0, 0, err);
	if (wants(in, "long-seed"))
		return give(out, HPL_KEY_SEED_MAX + 1, 0, err);
	if (wants(in, "long-blob"))
		return give(out, 8, HPL_KEY_BLOB_MAX + 1, err);
	if (wants(in, "longest"))
		return give(out, HPL_KEY_SEED_MAX, HPL_KEY_BLOB_MAX, err);
	if (wants(in, "denied"))
		return HPL_FAIL(err, 0, 0, "the key is\nnot active");
	if (wants(in, "unreachable"))
		return HPL_FAIL(err, HPL_MSG_STORAGE_HPCS_CONNECTION_FAILED, 0, "no route");
	if (wants(in, "busy") && (before < 1 || wants(in, "always"))) {
		out->retry_after_s = 1;
		HPL_FAIL(err, 0, 0, "busy");
		/* what is left over from a try is not used */
		return give(out, 8, 8, NULL) < 0 ? -1 : HPL_KEY_RETRY;
	}
	return good(in, out, err);
}

static void begin(bool stored)
{
	static struct hpl_key_provider_def def = {.name = "key-kms",
		.topic = HPL_TOPIC_CONTRACT_KEY_KMS, .ask = ask};
	struct hpl_err err = HPL_ERR_NULL;

	def.stored = stored;
	cr_assert_eq(hpl_key_provider_new(&provider, &def, &err), 0);
	cr_assert_eq(hpl_service_new(&service, hpl_key_provider_service(provider), provider,
		hpl_fake_loop(fake), hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void setup(void)
{
	int fd = mkstemp(log_path);

	cr_assert_geq(fd, 0);
	sem_init(&hang, 0, 0);
	fake = hpl_fake_new("key-kms");
	fflush(stderr);
	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

/* Whatever happened, no seed stands in the log. */
static void teardown(void)
{
	_cleanup_buf_ struct hpl_buf log = HPL_BUF_NULL;

	sem_post(&hang);
	hpl_service_free(service);
	hpl_fake_free(fake); /* runs the loop until the last ask has returned */
	hpl_key_provider_free(provider);
	fflush(stderr);
	cr_assert_eq(hpl_file_read(&log, log_path, 1 << 20, NULL), 0);
	unlink(log_path);
	cr_assert_gt(log.len, 0, "the service has said something");
	cr_assert_null(memmem(log.data, log.len, CANARY, strlen(CANARY)));
	cr_assert_null(memmem(log.data, log.len, "canary-parameter", 16));
}

TestSuite(key_provider, .init = setup, .fini = teardown);

static ProtobufCBinaryData bytes(const char *text)
{
	return (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
}

/* One volume "data", or two, with these parameters. */
static void request(const char *parameters, uint32_t timeout_s, const char *second)
{
	Hpl__KeyRequest a = HPL__KEY_REQUEST__INIT, b = HPL__KEY_REQUEST__INIT, *list[] = {&a, &b};
	Hpl__KeyRequests in = HPL__KEY_REQUESTS__INIT;

	in.version = 1;
	a.volume = (char *)"data";
	b.volume = (char *)second;
	a.parameters = b.parameters = bytes(parameters);
	a.timeout_s = b.timeout_s = timeout_s;
	in.n_volumes = second ? 2 : 1;
	in.volumes = list;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_KEY_KMS, &in.base);
}

static void keyfile(const char *volume, const char *blob)
{
	Hpl__StoredKey k = HPL__STORED_KEY__INIT, *list[] = {&k};
	Hpl__StoredKeys in = HPL__STORED_KEYS__INIT;

	in.version = 1;
	k.volume = (char *)volume;
	k.blob = bytes(blob);
	in.n_volumes = 1;
	in.volumes = list;
	hpl_fake_send(fake, "storage", HPL_TOPIC_STORAGE_KEYFILES, &in.base);
}

static void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), status);
}

static uint64_t seed_is(const char *volume, const char *seed)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_KEY_SEEDS);
	uint64_t seq = ev->seq;

	cr_expect_eq(ev->key_seeds->version, 1);
	cr_assert_eq(ev->key_seeds->n_volumes, 1);
	const Hpl__KeySeed *k = ev->key_seeds->volumes[0];
	cr_expect_str_eq(k->volume, volume);
	cr_expect(k->seed.len == strlen(seed) && !memcmp(k->seed.data, seed, k->seed.len), "%.*s",
		(int)k->seed.len, (char *)k->seed.data);
	hpl__event__free_unpacked(ev, NULL);
	return seq;
}

static void fails(const char *id, const char *word)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_expect_str_eq(ev->message_id, id, "%s", ev->message_id);
	cr_expect(strstr(ev->failure->cause, word), "%s", ev->failure->cause);
	cr_expect_str_eq(ev->failure->place, "contract: env.volumes.data");
	cr_expect_null(strchr(ev->text, '\n'));
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_KEY_SEEDS), 0);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_KEY_STORED), 0);
}

Test(key_provider, each_volume_gets_its_seed_and_the_service_ends)
{
	begin(false);
	request("{\"kms\":\"canary-parameter\"}", 600, "logs");
	seed_is("data", "data::" CANARY);
	seed_is("logs", "logs::" CANARY);
	wait_end(0);
	cr_expect_eq(atomic_load(&asked), 2);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_KEY_STORED), 0);
}

Test(key_provider, without_a_volume_the_service_ends)
{
	Hpl__KeyRequests in = HPL__KEY_REQUESTS__INIT;

	begin(true);
	hpl_log(HPL_SEV_INFO, "the log is not empty");
	in.version = 1;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_KEY_KMS, &in.base);
	wait_end(0);
}

Test(key_provider, what_the_disk_holds_is_waited_for_and_what_comes_is_stored_first)
{
	begin(true);
	request("wrap", 600, "logs");
	hpl_fake_settle(fake);
	cr_expect_eq(atomic_load(&asked), 0, "a seed made now could replace one that is there");
	keyfile("logs", "old blob");
	seed_is("logs", "logs:old blob:" CANARY);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_KEY_STORED), 0, "the blob stays as it is");
	cr_expect_eq(atomic_load(&asked), 1);
	keyfile("data", "");
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_KEY_STORED);
	cr_expect_str_eq(ev->stored_keys->volumes[0]->volume, "data");
	cr_expect_eq(ev->stored_keys->volumes[0]->blob.len, 7);
	uint64_t stored = ev->seq;
	hpl__event__free_unpacked(ev, NULL);
	cr_expect_gt(seed_is("data", "data::" CANARY), stored);
	wait_end(0);
}

Test(key_provider, the_disk_may_be_known_before_the_request)
{
	begin(true);
	keyfile("data", "early");
	keyfile("data", "late");
	request("x", 600, NULL);
	seed_is("data", "data:early:" CANARY);
	wait_end(0);
}

Test(key_provider, the_largest_answer)
{
	begin(false);
	request("longest", 600, NULL);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_KEY_SEEDS);
	cr_expect_eq(ev->key_seeds->volumes[0]->seed.len, HPL_KEY_SEED_MAX);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
}

Test(key_provider, a_busy_key_service_is_asked_again)
{
	begin(false);
	request("busy once", 600, NULL);
	seed_is("data", "data::" CANARY);
	wait_end(0);
	cr_expect_eq(atomic_load(&asked), 2);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_KEY_STORED), 0, "of the first try");
}

Test(key_provider, a_key_service_that_stays_busy)
{
	begin(false);
	request("busy always", 2, NULL);
	fails("HPL07028E", "no seed after 2 s: busy");
	cr_expect_geq(atomic_load(&asked), 2);
}

Test(key_provider, no_second_try_where_none_is_wanted)
{
	begin(false);
	request("busy", 0, NULL);
	fails("HPL07028E", "busy");
	cr_expect_eq(atomic_load(&asked), 1);
}

Test(key_provider, an_ask_that_hangs_and_answers_after_the_limit)
{
	begin(false);
	request("hang", 1, NULL);
	fails("HPL07028E", "no seed after 1 s: the key service has not answered");
	/* teardown lets it answer: nobody listens any more */
}

Test(key_provider, a_failure_is_final)
{
	begin(false);
	request("denied", 600, "logs");
	fails("HPL07027E", "not active");
	cr_expect_eq(atomic_load(&asked), 1);
}

Test(key_provider, a_failure_keeps_its_own_id)
{
	begin(false);
	request("unreachable", 600, NULL);
	fails("HPL07010E", "no route");
}

Test(key_provider, an_empty_seed)
{
	begin(false);
	request("empty", 600, NULL);
	fails("HPL07029E", "0 bytes");
}

Test(key_provider, a_seed_that_is_too_long)
{
	begin(false);
	request("long-seed", 600, NULL);
	fails("HPL07029E", "1025 bytes");
}

Test(key_provider, a_blob_that_is_too_long)
{
	begin(false);
	request("long-blob", 600, NULL);
	fails("HPL07029E", "16385 bytes to be stored");
}

Test(key_provider, requests_of_another_version)
{
	Hpl__KeyRequests in = HPL__KEY_REQUESTS__INIT;

	begin(false);
	in.version = 2;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_KEY_KMS, &in.base);
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);
	cr_expect_str_eq(ev->message_id, "HPL07027E");
	cr_expect(strstr(ev->failure->cause, "version 2"));
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
}

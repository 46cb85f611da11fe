/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bus/fake/fake.h"
#include "services/luks-passphrase/luks_passphrase.h"

static struct hpl_fake *fake;
static struct hpl_service *service;

static void setup(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	fake = hpl_fake_new("luks-passphrase");
	cr_assert_eq(hpl_service_new(&service, &hpl_luks_passphrase_def, NULL, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void teardown(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
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

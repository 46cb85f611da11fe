/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "bus/fake/fake.h"
#include "runtime/archive/tests/tar.h"
#include "runtime/base/b64.h"
#include "runtime/base/file.h"
#include "services/image/image.h"

#define D "@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct hpl_fake *fake;
static struct hpl_service *service;
static char dir[] = "/tmp/hpl-image-XXXXXX", policy[64];

static void setup(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert(mkdtemp(dir));
	snprintf(policy, sizeof(policy), "%s/policy.json", dir);
	fake = hpl_fake_new("image");
	hpl_fake_setting(fake, "policy", policy);
	cr_assert_eq(hpl_service_new(&service, &hpl_image_def, NULL, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void teardown(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
	unlink(policy);
	rmdir(dir);
}

TestSuite(image_service, .init = setup, .fini = teardown);

static void wait_end(int status)
{
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(hpl_service_status(service), status);
}

static void send_compose(const char *name, const char *text)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL, b64 = HPL_BUF_NULL;
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;
	Hpl__ImagesSlice s = HPL__IMAGES_SLICE__INIT;

	tar_file(&tar, name, text);
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	hpl_b64_encode(&b64, gz.data, gz.len);
	w.kind = HPL__WORKLOAD_SLICE__KIND__COMPOSE;
	w.compose_archive = (ProtobufCBinaryData){b64.len, (uint8_t *)b64.data};
	s.workload = &w;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_IMAGES, &s.base);
}

static void expect_failure(const char *id, const char *text)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_assert_str_eq(ev->message_id, id, "%s", ev->failure->cause);
	cr_assert(strstr(ev->failure->cause, text), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_IMAGE_VERIFIED), 0);
	cr_assert_lt(access(policy, F_OK), 0, "no policy is written for a refused workload");
}

Test(image_service, a_pinned_workload_is_verified_and_its_policy_written)
{
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;

	send_compose("docker-compose.yml", "services: {web: {image: reg.example/a" D "}}\n");
	hpl__event__free_unpacked(hpl_fake_expect(fake, HPL_TOPIC_IMAGE_VERIFIED), NULL);
	wait_end(0);
	cr_assert_eq(hpl_file_read(&got, policy, 10000, NULL), 0);
	cr_assert(strstr(got.data, "reg.example/a" D));
}

Test(image_service, an_image_without_digest_fails)
{
	send_compose("docker-compose.yml", "services: {web: {image: reg.example/a}}\n");
	expect_failure("HPL06010E", "service 'web': image 'reg.example/a' has no digest");
}

Test(image_service, an_archive_without_compose_file_fails)
{
	send_compose("compose.yml", "services: {}\n");
	expect_failure("HPL06008E", "docker-compose.yaml");
}

Test(image_service, a_name_that_leads_outside_fails)
{
	send_compose("../docker-compose.yml", "services: {}\n");
	expect_failure("HPL06006E", "leads outside");
}

Test(image_service, text_that_is_no_yaml_fails)
{
	send_compose("docker-compose.yml", "services: [\n");
	expect_failure("HPL06009E", "docker-compose.yml");
}

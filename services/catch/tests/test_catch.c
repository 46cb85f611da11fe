/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bus/fake/fake.h"
#include "services/catch/catch.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct catch_service state;

static void begin(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	state = (struct catch_service){0};
	fake = hpl_fake_new("catch");
	hpl_fake_setting(fake, "grace_s", "0");
	hpl_fake_setting(fake, "success", "workload.started disk.checked");
	cr_assert_eq(hpl_service_new(&service, &catch_def, &state, hpl_fake_loop(fake),
			     hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void finish(void)
{
	uv_close((uv_handle_t *)&state.timer, NULL);
	hpl_service_free(service);
	hpl_fake_free(fake);
}

TestSuite(catch, .init = begin, .fini = finish);

static void send_failure(void)
{
	Hpl__Failure f = HPL__FAILURE__INIT;

	f.service = (char *)"storage";
	f.cause = (char *)"no key slot opens";
	hpl_fake_send(fake, "storage", HPL_TOPIC_SERVICE_FAILED, &f.base);
}

Test(catch, says_success_when_everything_happened)
{
	Hpl__WorkloadState w = HPL__WORKLOAD_STATE__INIT;
	Hpl__DiskReport d = HPL__DISK_REPORT__INIT;
	Hpl__Event *ev;

	hpl_fake_send(fake, "container", HPL_TOPIC_WORKLOAD_STARTED, &w.base);
	hpl_fake_send(fake, "disk-check", HPL_TOPIC_DISK_CHECKED, &d.base);
	ev = hpl_fake_expect(fake, HPL_TOPIC_CATCH_SUCCESS);
	cr_expect_str_eq(ev->message_id, "HPL10001I");
	hpl__event__free_unpacked(ev, NULL);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_SYSTEM_SHUTDOWN), 0);
}

Test(catch, failure_is_said_and_then_the_guest_is_shut_down)
{
	Hpl__Event *ev;

	hpl_fake_send(fake, "logging", HPL_TOPIC_LOGGING_READY, NULL);
	send_failure();
	ev = hpl_fake_expect(fake, HPL_TOPIC_CATCH_FAILURE);
	cr_expect_str_eq(ev->message_id, "HPL10000E");
	cr_expect_str_eq(ev->failure->service, "storage");
	cr_expect_str_eq(ev->failure->cause, "no key slot opens");
	hpl__event__free_unpacked(ev, NULL);
	ev = hpl_fake_expect(fake, HPL_TOPIC_SYSTEM_SHUTDOWN);
	cr_expect(ev->shutdown->failure);
	hpl__event__free_unpacked(ev, NULL);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_CATCH_SUCCESS), 0);
}

Test(catch, failure_waits_until_logging_is_up)
{
	Hpl__Event *ev;

	send_failure();
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_CATCH_FAILURE), 0);
	hpl_fake_send(fake, "logging", HPL_TOPIC_LOGGING_READY, NULL);
	ev = hpl_fake_expect(fake, HPL_TOPIC_CATCH_FAILURE);
	hpl__event__free_unpacked(ev, NULL);
}

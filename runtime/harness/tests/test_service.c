/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "bus/fake/fake.h"
#include "runtime/harness/service.h"

struct state {
	int boots, later, stopped, ended;
	uint64_t later_seq;
	int child_done, child_status, lines, err_lines, work_result, work_done;
	char first_line[64];
	struct hpl_err child_err;
	struct hpl_service *service;
};

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct state st;

static int on_boot(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct state *me = state;

	me->boots++;
	cr_expect_str_eq(ev->boot->build, "26.11.0");
	cr_expect_str_eq(ev->source, "hpld");
	return hpl_service_publish(s, HPL_TOPIC_REGISTRY_READY, NULL, HPL_MSG_NONE, err);
}

static int on_valid(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	HPL_FAIL(err, HPL_MSG_SIGNATURE_VALIDATE_CONTRACT_SIGNATURE, 0, "does not verify");
	hpl_err_place(err, "contract:3:1 envWorkloadSignature");
	hpl_err_cure(err, "sign again");
	return -1;
}

static int on_masked(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	hpl_service_done(s);
	return 0;
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_SYSTEM_BOOT, on_boot},
	{HPL_TOPIC_CONTRACT_VALID, on_valid},
	{HPL_TOPIC_CONTRACT_MASKED, on_masked},
	{NULL, NULL},
};
static void on_ended(void *state)
{
	((struct state *)state)->ended++;
}

static const struct hpl_service_def def = {.name = "sample", .handlers = handlers, .ended = on_ended};

static void begin(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	st = (struct state){0};
	fake = hpl_fake_new("sample");
	hpl_fake_setting(fake, "wait_s", "60");
	hpl_fake_setting(fake, "bad", "60x");
	cr_assert_eq(hpl_service_new(&service, &def, &st, hpl_fake_loop(fake),
			     hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
	st.service = service;
}

static void finish(void)
{
	hpl_service_free(service);
	cr_expect_eq(st.ended, 1, "whichever way it ended");
	hpl_fake_free(fake);
}

TestSuite(service, .init = begin, .fini = finish);

static void send_boot(void)
{
	Hpl__BootInfo b = HPL__BOOT_INFO__INIT;

	b.build = (char *)"26.11.0";
	hpl_fake_send(fake, "hpld", HPL_TOPIC_SYSTEM_BOOT, &b.base);
}

Test(service, handler_sees_the_event_and_publishes)
{
	Hpl__Event *ev;

	send_boot();
	ev = hpl_fake_expect(fake, HPL_TOPIC_REGISTRY_READY);
	cr_expect_str_eq(ev->source, "sample");
	cr_expect_eq(st.boots, 1);
	hpl__event__free_unpacked(ev, NULL);
	cr_expect_eq(hpl_service_status(service), -1);
}

Test(service, failing_handler_ends_it_with_one_event_naming_cause_place_and_cure)
{
	Hpl__Event *ev;

	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_VALID, NULL);
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_VALID, NULL);
	ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);
	cr_expect_str_eq(ev->message_id, "HPL12001E");
	cr_expect_str_eq(ev->failure->cause, "does not verify");
	cr_expect_str_eq(ev->failure->place, "contract:3:1 envWorkloadSignature");
	cr_expect_str_eq(ev->failure->cure, "sign again");
	hpl__event__free_unpacked(ev, NULL);
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_service_status(service), 1);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_SERVICE_FAILED), 1);
}

Test(service, done_ends_it_with_zero)
{
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_MASKED, NULL);
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_expect_eq(hpl_service_status(service), 0);
}

Test(service, a_lost_bus_ends_it_with_one)
{
	hpl_fake_settle(fake);
	hpl_fake_break(fake);
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_expect_eq(hpl_service_status(service), 1);
	cr_expect_eq(st.ended, 1, "before it is freed");
}

Test(service, settings_are_checked)
{
	uint64_t v = 0;
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(hpl_service_setting_u64(service, "wait_s", 9, 1, 100, &v, &err), 0);
	cr_expect_eq(v, 60);
	cr_expect_eq(hpl_service_setting_u64(service, "none", 9, 1, 100, &v, &err), 0);
	cr_expect_eq(v, 9);
	cr_expect_eq(hpl_service_setting_u64(service, "wait_s", 9, 1, 59, &v, &err), -1);
	cr_expect_eq(hpl_service_setting_u64(service, "bad", 9, 1, 100, &v, &err), -1);
	cr_expect_eq(v, 9);
}

static void on_line(void *ud, const char *text, size_t len, int is_err)
{
	struct state *me = ud;

	if (is_err)
		me->err_lines++;
	else if (me->lines++ == 0)
		snprintf(me->first_line, sizeof(me->first_line), "%.*s", (int)len, text);
}

static void on_done(void *ud, int status, struct hpl_err *err)
{
	struct state *me = ud;

	me->child_done++;
	me->child_status = status;
	me->child_err = *err;
}

static void run_child(const char *script, const char *input, int timeout_ms)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct hpl_proc p = {.argv = argv, .input = input, .input_len = input ? strlen(input) : 0,
		.timeout_ms = timeout_ms};
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_child_run(service, &p, on_line, on_done, &st, NULL, &err), 0, "%s", err.text);
	hpl_fake_run_until(fake, &st.child_done);
	cr_expect_eq(st.child_done, 1);
}

Test(service, child_gives_its_lines_and_status)
{
	run_child("cat; echo two; echo bad >&2; printf unfinished; exit 3", "one\n", 20000);
	cr_expect_eq(st.child_status, 3);
	cr_expect_eq(st.lines, 3);
	cr_expect_eq(st.err_lines, 1);
	cr_expect_str_eq(st.first_line, "one");
}

Test(service, child_over_its_deadline_is_killed_with_its_group)
{
	run_child("sleep 1000 & sleep 1000", NULL, 50);
	cr_expect_eq(st.child_status, -1);
	cr_expect_eq(st.child_err.sys, ETIMEDOUT);
}

Test(service, child_whose_grandchild_keeps_the_output_is_not_waited_for)
{
	run_child("setsid sleep 20 & exit 0", NULL, 15000);
	cr_expect_eq(st.child_status, 0);
}

Test(service, missing_program_is_an_error_at_once)
{
	const char *argv[] = {"/nonexistent", NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 1000};
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(hpl_child_run(service, &p, NULL, on_done, &st, NULL, &err), -1);
	cr_expect_eq(err.sys, ENOENT);
	hpl_fake_settle(fake);
	cr_expect_eq(st.child_done, 0);
}

static int pool_work(void *ud, struct hpl_err *err)
{
	return HPL_FAIL(err, 5, EIO, "pool");
}

static void pool_done(void *ud, int result, struct hpl_err *err)
{
	struct state *me = ud;

	me->work_done = 1;
	me->work_result = result;
	me->child_err = *err;
}

Test(service, work_on_a_pool_thread_reports_on_the_loop)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_work_run(service, pool_work, pool_done, &st, &err), 0);
	hpl_fake_run_until(fake, &st.work_done);
	cr_expect_eq(st.work_result, -1);
	cr_expect_eq(st.child_err.msg, 5);
}

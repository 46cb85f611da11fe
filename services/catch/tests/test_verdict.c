/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "services/catch/verdict.h"

static struct verdict v;

static void begin(void)
{
	cr_assert_eq(verdict_init(&v, "a.b  c.d", NULL), 0);
}

TestSuite(verdict, .init = begin);

Test(verdict, success_once_when_all_topics_came)
{
	cr_expect_eq(verdict_topic(&v, "c.d"), VERDICT_NOTHING);
	cr_expect_eq(verdict_topic(&v, "c.d"), VERDICT_NOTHING);
	cr_expect_eq(verdict_topic(&v, "a.b"), VERDICT_SAY_SUCCESS);
	cr_expect_eq(verdict_topic(&v, "a.b"), VERDICT_NOTHING);
}

Test(verdict, first_failure_decides_and_success_can_not_follow)
{
	verdict_logging_ready(&v);
	cr_expect_eq(verdict_failed(&v, "HPL1", "x", "t"), VERDICT_SAY_FAILURE);
	cr_expect_eq(verdict_failed(&v, "HPL2", "y", "t"), VERDICT_NOTHING);
	cr_expect_eq(verdict_topic(&v, "a.b"), VERDICT_NOTHING);
	cr_expect_eq(verdict_topic(&v, "c.d"), VERDICT_NOTHING);
	cr_expect_eq(v.cause_count, 1);
	cr_expect_eq(verdict_timeout(&v), VERDICT_SHUT_DOWN);
	cr_expect_eq(verdict_timeout(&v), VERDICT_NOTHING);
}

Test(verdict, failure_before_logging_waits_for_it)
{
	cr_expect_eq(verdict_failed(&v, "HPL1", "contract", "t"), VERDICT_START_SETTLING);
	cr_expect_eq(verdict_failed(&v, "HPL2", "storage", "t"), VERDICT_NOTHING);
	cr_expect_eq(verdict_logging_ready(&v), VERDICT_SAY_FAILURE);
	cr_expect_eq(v.cause_count, 2);
	cr_expect_str_eq(v.causes[0].service, "contract");
}

Test(verdict, failure_before_logging_does_not_wait_for_ever)
{
	cr_expect_eq(verdict_failed(&v, "HPL1", "contract", "t"), VERDICT_START_SETTLING);
	cr_expect_eq(verdict_timeout(&v), VERDICT_SAY_FAILURE);
	cr_expect_eq(verdict_timeout(&v), VERDICT_SHUT_DOWN);
}

Test(verdict, failed_logging_or_network_is_not_waited_for)
{
	cr_expect_eq(verdict_failed(&v, "HPL1", "contract", "t"), VERDICT_START_SETTLING);
	cr_expect_eq(verdict_failed(&v, "HPL01011E", "logging", "t"), VERDICT_SAY_FAILURE);
	begin();
	cr_expect_eq(verdict_failed(&v, "HPL14002E", "network", "t"), VERDICT_SAY_FAILURE);
}

Test(verdict, failure_after_success_ends_the_guest_too)
{
	verdict_logging_ready(&v);
	verdict_topic(&v, "a.b");
	verdict_topic(&v, "c.d");
	cr_expect_eq(verdict_failed(&v, "HPL13", "disk-check", "t"), VERDICT_SAY_FAILURE);
}

/* every state takes every event without leaving the table of the README */
Test(verdict, every_state_and_event)
{
	const enum verdict_state states[] = {VERDICT_WAITING, VERDICT_SETTLING, VERDICT_SUCCEEDED,
		VERDICT_GRACE, VERDICT_ENDED};
	/* next state per event: last topic, logging.ready, failed, failed(logging), timeout */
	const enum verdict_state next[][5] = {
		{VERDICT_SUCCEEDED, VERDICT_WAITING, VERDICT_SETTLING, VERDICT_GRACE, VERDICT_WAITING},
		{VERDICT_SETTLING, VERDICT_GRACE, VERDICT_SETTLING, VERDICT_GRACE, VERDICT_GRACE},
		{VERDICT_SUCCEEDED, VERDICT_SUCCEEDED, VERDICT_GRACE, VERDICT_GRACE, VERDICT_SUCCEEDED},
		{VERDICT_GRACE, VERDICT_GRACE, VERDICT_GRACE, VERDICT_GRACE, VERDICT_ENDED},
		{VERDICT_ENDED, VERDICT_ENDED, VERDICT_ENDED, VERDICT_ENDED, VERDICT_ENDED},
	};

	for (size_t s = 0; s < 5; s++) {
		for (size_t e = 0; e < 5; e++) {
			verdict_init(&v, "x", NULL);
			v.state = states[s];
			if (e == 0)
				verdict_topic(&v, "x");
			else if (e == 1)
				verdict_logging_ready(&v);
			else if (e == 2)
				verdict_failed(&v, "i", "storage", "t");
			else if (e == 3)
				verdict_failed(&v, "i", "logging", "t");
			else
				verdict_timeout(&v);
			cr_expect_eq(v.state, next[s][e], "state %zu event %zu", s, e);
		}
	}
}

Test(verdict, lists_have_limits)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(verdict_init(&v, "", &err), -1);
	cr_expect_eq(verdict_init(&v, "a b c d e f g h i j k l m n o p q", &err), -1);
	begin();
	for (int i = 0; i < 40; i++)
		verdict_failed(&v, "HPL05001E", "contract", "t");
	cr_expect_eq(v.cause_count, VERDICT_CAUSES_MAX);
	cr_expect_eq(v.causes_more, 40 - VERDICT_CAUSES_MAX);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/catch/catch.h"

#include <inttypes.h>
#include <stdio.h>

#define TAG_SUCCESS "hpcr-catch-success"
#define TAG_FAILURE "hpcr-catch-failure"

enum { GRACE_MAX_S = 86400 };

static int act(struct catch_service *c, enum verdict_action action, struct hpl_err *err);

static void on_timer(uv_timer_t *t)
{
	struct catch_service *c = t->data;
	struct hpl_err err = HPL_ERR_NULL;

	if (act(c, verdict_timeout(&c->verdict), &err) < 0)
		hpl_service_fail(c->service, TAG_FAILURE, &err);
}

/* Console and log texts: facts 09; automation greps for them. */
static int say_success(struct catch_service *c, struct hpl_err *err)
{
	hpl_log_tag(HPL_SEV_INFO, TAG_SUCCESS, "VSI has started successfully.");
	hpl_service_say(c->service, TAG_SUCCESS, HPL_MSG_CATCH_SERVICE_SUCCESS,
		"systemd triggered hpl-catch-success service");
	return hpl_service_publish(c->service, HPL_TOPIC_CATCH_SUCCESS, NULL,
		HPL_MSG_CATCH_SERVICE_SUCCESS, err);
}

static int say_failure(struct catch_service *c, struct hpl_err *err)
{
	const struct verdict *v = &c->verdict;
	Hpl__Failure f = HPL__FAILURE__INIT;

	hpl_log_tag(HPL_SEV_ERR, TAG_FAILURE, "VSI has failed to start!");
	for (size_t i = 0; i < v->cause_count; i++)
		hpl_service_say(c->service, TAG_FAILURE, HPL_MSG_CATCH_SERVICE_FAILED,
			"%s (%s): %s", v->causes[i].id, v->causes[i].service, v->causes[i].text);
	if (v->causes_more)
		hpl_log_tag(HPL_SEV_WARNING, TAG_FAILURE, "%zu more failures", v->causes_more);
	hpl_log_tag(HPL_SEV_WARNING, TAG_FAILURE, "Triggering shutdown in %" PRIu64 " s", c->grace_s);
	uv_timer_start(&c->timer, on_timer, c->grace_s * 1000, 0);
	f.service = (char *)v->causes[0].service;
	f.cause = (char *)v->causes[0].text;
	return hpl_service_publish(c->service, HPL_TOPIC_CATCH_FAILURE, &f.base,
		HPL_MSG_CATCH_SERVICE_FAILED, err);
}

static int shut_down(struct catch_service *c, struct hpl_err *err)
{
	Hpl__Shutdown down = HPL__SHUTDOWN__INIT;

	down.failure = 1;
	down.reason = (char *)c->verdict.causes[0].text;
	down.message_id = (char *)c->verdict.causes[0].id;
	return hpl_service_publish(c->service, HPL_TOPIC_SYSTEM_SHUTDOWN, &down.base,
		HPL_MSG_CATCH_SERVICE_FAILED, err);
}

static int act(struct catch_service *c, enum verdict_action action, struct hpl_err *err)
{
	switch (action) {
	case VERDICT_NOTHING:
		return 0;
	case VERDICT_SAY_SUCCESS:
		return say_success(c, err);
	case VERDICT_START_SETTLING:
		uv_timer_start(&c->timer, on_timer, c->logging_wait_s * 1000, 0);
		return 0;
	case VERDICT_SAY_FAILURE:
		return say_failure(c, err);
	case VERDICT_SHUT_DOWN:
		return shut_down(c, err);
	}
	return 0;
}

static int on_topic(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct catch_service *c = state;

	return act(c, verdict_topic(&c->verdict, ev->topic), err);
}

static int on_logging_ready(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	struct catch_service *c = state;

	return act(c, verdict_logging_ready(&c->verdict), err);
}

static int on_failed(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct catch_service *c = state;
	const Hpl__Failure *f = ev->failure;
	char text[VERDICT_CAUSE_LEN];
	/* the orchestrator reports for a service that could not speak for itself any more */
	const char *who = f->service[0] ? f->service : ev->source;

	snprintf(text, sizeof(text), "%s%s%s%s%s", f->place, f->place[0] ? ": " : "", f->cause,
		f->cure[0] ? "; " : "", f->cure);
	return act(c, verdict_failed(&c->verdict, ev->message_id, who, text), err);
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_SERVICE_FAILED, on_failed},
	{HPL_TOPIC_LOGGING_READY, on_logging_ready},
	{HPL_TOPIC_WORKLOAD_STARTED, on_topic},
	{HPL_TOPIC_ATTESTATION_READY, on_topic},
	{HPL_TOPIC_DISK_CHECKED, on_topic},
	{NULL, NULL},
};

/* A topic that no handler hears would never come. */
static int check_topics(const struct verdict *v, struct hpl_err *err)
{
	for (size_t i = 0; i < v->wanted_count; i++) {
		const struct hpl_handler *h = handlers;

		while (h->topic && !(h->fn == on_topic && hpl_streq(h->topic, v->wanted[i])))
			h++;
		if (!h->topic)
			return HPL_FAIL(err, 0, 0, "success list: catch does not receive %s",
				v->wanted[i]);
	}
	return 0;
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct catch_service *c = state;
	const char *success = hpl_service_setting(s, "success", "workload.started");

	c->service = s;
	uv_timer_init(hpl_service_loop(s), &c->timer);
	c->timer.data = c;
	if (verdict_init(&c->verdict, success, err) < 0 || check_topics(&c->verdict, err) < 0)
		return HPL_WRAP(err, HPL_MSG_ORCHESTRATOR_PROFILE, "catch");
	if (hpl_service_setting_u64(s, "grace_s", 300, 0, GRACE_MAX_S, &c->grace_s, err) < 0)
		return -1;
	return hpl_service_setting_u64(s, "logging_wait_s", 120, 0, GRACE_MAX_S, &c->logging_wait_s,
		err);
}

const struct hpl_service_def catch_def = {.name = "catch", .handlers = handlers, .start = start};

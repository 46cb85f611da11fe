/* SPDX-License-Identifier: Apache-2.0 */
#include "services/catch/verdict.h"

#include <stdio.h>

int verdict_init(struct verdict *v, const char *success, struct hpl_err *err)
{
	*v = (struct verdict){.state = VERDICT_WAITING};
	while (*(success += strspn(success, " "))) {
		size_t n = strcspn(success, " ");

		if (v->wanted_count == VERDICT_TOPICS_MAX || n >= sizeof(v->wanted[0]))
			return HPL_FAIL(err, 0, 0,
				"success list: at most %d topics of at most %zu characters",
				VERDICT_TOPICS_MAX, sizeof(v->wanted[0]) - 1);
		memcpy(v->wanted[v->wanted_count++], success, n);
		success += n;
	}
	if (!v->wanted_count)
		return HPL_FAIL(err, 0, 0, "success list: empty");
	return 0;
}

enum verdict_action verdict_topic(struct verdict *v, const char *topic)
{
	bool all = true;

	for (size_t i = 0; i < v->wanted_count; i++) {
		if (hpl_streq(v->wanted[i], topic))
			v->wanted[i][0] = 0;
		if (v->wanted[i][0])
			all = false;
	}
	if (v->state != VERDICT_WAITING || !all)
		return VERDICT_NOTHING;
	v->state = VERDICT_SUCCEEDED;
	return VERDICT_SAY_SUCCESS;
}

static enum verdict_action to_grace(struct verdict *v)
{
	v->state = VERDICT_GRACE;
	return VERDICT_SAY_FAILURE;
}

enum verdict_action verdict_logging_ready(struct verdict *v)
{
	v->logging_up = true;
	return v->state == VERDICT_SETTLING ? to_grace(v) : VERDICT_NOTHING;
}

static void remember(struct verdict *v, const char *id, const char *service, const char *text)
{
	struct verdict_cause *c;

	if (v->cause_count == VERDICT_CAUSES_MAX) {
		v->causes_more++;
		return;
	}
	c = &v->causes[v->cause_count++];
	snprintf(c->id, sizeof(c->id), "%s", id);
	snprintf(c->service, sizeof(c->service), "%s", service);
	snprintf(c->text, sizeof(c->text), "%s", text);
}

enum verdict_action verdict_failed(struct verdict *v, const char *id, const char *service,
	const char *text)
{
	/* without these two no log line will ever get out: nothing to wait for */
	bool hopeless = hpl_streq(service, "logging") || hpl_streq(service, "network");

	if (v->state == VERDICT_GRACE || v->state == VERDICT_ENDED)
		return VERDICT_NOTHING;
	remember(v, id, service, text);
	if (v->logging_up || hopeless || v->state == VERDICT_SUCCEEDED)
		return to_grace(v);
	if (v->state == VERDICT_SETTLING)
		return VERDICT_NOTHING;
	v->state = VERDICT_SETTLING;
	return VERDICT_START_SETTLING;
}

enum verdict_action verdict_timeout(struct verdict *v)
{
	if (v->state == VERDICT_SETTLING)
		return to_grace(v);
	if (v->state != VERDICT_GRACE)
		return VERDICT_NOTHING;
	v->state = VERDICT_ENDED;
	return VERDICT_SHUT_DOWN;
}

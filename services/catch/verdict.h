/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a boot ended, as a pure state machine: topics and failures go in, one action comes out.
 * The table of states is in the service's README.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

enum { VERDICT_TOPICS_MAX = 16, VERDICT_CAUSES_MAX = 16, VERDICT_CAUSE_LEN = 512 };

enum verdict_state { VERDICT_WAITING, VERDICT_SETTLING, VERDICT_SUCCEEDED, VERDICT_GRACE, VERDICT_ENDED };

enum verdict_action {
	VERDICT_NOTHING,
	VERDICT_SAY_SUCCESS,
	VERDICT_START_SETTLING, /* start the timer of logging_wait_s */
	VERDICT_SAY_FAILURE,    /* the causes, then start the timer of grace_s */
	VERDICT_SHUT_DOWN,
};

struct verdict_cause {
	char id[16];
	char service[64];
	char text[VERDICT_CAUSE_LEN];
};

struct verdict {
	enum verdict_state state;
	bool logging_up;
	char wanted[VERDICT_TOPICS_MAX][64]; /* an empty one has come */
	size_t wanted_count;
	struct verdict_cause causes[VERDICT_CAUSES_MAX];
	size_t cause_count;
	size_t causes_more; /* beyond the table */
};

/* success: topics separated by blanks. */
int verdict_init(struct verdict *v, const char *success, struct hpl_err *err);
enum verdict_action verdict_topic(struct verdict *v, const char *topic);
enum verdict_action verdict_logging_ready(struct verdict *v);
enum verdict_action verdict_failed(struct verdict *v, const char *id, const char *service,
	const char *text);
/* The running timer (settling or grace) went off. */
enum verdict_action verdict_timeout(struct verdict *v);

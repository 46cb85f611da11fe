/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of the harness share; services do not see it. */
#include "bus/client.h"
#include "bus/wire.h"
#include "runtime/harness/service.h"

enum { HPL_BOOTSTRAP_MAX = 64 << 10 }; /* keys and some dozen settings */

struct hpl_service {
	const struct hpl_service_def *def;
	void *state;
	uv_loop_t *loop;
	Hpl__Bootstrap *boot;
	struct hpl_bus *bus;
	uv_signal_t sigterm;
	uv_timer_t flush_limit;
	unsigned open_handles;      /* of the two above */
	struct hpl_child *children; /* every running one; they die with the service */
	struct hpl_work *works;     /* running on pool threads; their done is dropped at the end */
	int own_loop;               /* made by hpl_service_main: stopped at the end */
	int ending;                 /* done or failed was called: no handler runs any more */
	int bus_closed;
	int status;                 /* -1 while running */
	int exit_status;            /* what status becomes when everything is flushed */
};

/* Kills all children without calling their done. */
void hpl_children_drop(struct hpl_service *s);
/* No done of running work is called any more. */
void hpl_works_drop(struct hpl_service *s);

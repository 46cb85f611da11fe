/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way down, in bounded time: the container service first (workloads stop while everything they
 * use is there), then the others, the log service last, so that every line has its chance.
 */
#include "runtime/orchestrator/hpld.h"

enum {
	STAGE_WORKLOAD, STAGE_OTHERS, STAGE_LOGGING, STAGE_OVER,
	LOGS_MS = 2000,     /* for rsyslog to take what waits */
	CONSOLE_MS = 500,
	SPARE_MS = 5000,    /* on top of the longest stop_s of a stage */
};

static int stage_of(const struct hpl_unit *u)
{
	if (hpl_streq(u->m->name, "container"))
		return STAGE_WORKLOAD;
	return hpl_streq(u->m->name, "logging") ? STAGE_LOGGING : STAGE_OTHERS;
}

static void over(struct hpld *h)
{
	if (h->end_stage == STAGE_OVER)
		return;
	h->end_stage = STAGE_OVER;
	hpl_console_drain(&h->console, CONSOLE_MS);
	uv_stop(h->loop);
}

/* Stops the services of the stage; returns how many still run. */
static size_t stop_stage(struct hpld *h, uint64_t *ret_longest_ms)
{
	size_t running = 0;

	*ret_longest_ms = 0;
	for (size_t i = 0; i < h->unit_count; i++) {
		struct hpl_unit *u = &h->units[i];

		if (stage_of(u) != h->end_stage)
			continue;
		hpl_unit_stop(u);
		if (!hpl_unit_runs(u))
			continue;
		running++;
		if (u->m->stop_s * 1000ULL > *ret_longest_ms)
			*ret_longest_ms = u->m->stop_s * 1000ULL;
	}
	return running;
}

static void next_stage(struct hpld *h);

/* A process that even SIGKILL does not end (it hangs in the kernel) does not hold us up. */
static void on_stage_over(uv_timer_t *timer)
{
	struct hpld *h = timer->data;

	h->end_stage++;
	next_stage(h);
}

static void next_stage(struct hpld *h)
{
	uint64_t longest_ms;

	for (; h->end_stage < STAGE_OVER; h->end_stage++) {
		if (h->end_stage == STAGE_LOGGING)
			hpl_sink_drain(&h->sink, LOGS_MS);
		if (stop_stage(h, &longest_ms)) {
			uv_timer_start(&h->end_timer, on_stage_over, longest_ms + SPARE_MS, 0);
			return;
		}
	}
	h->end_stage = STAGE_LOGGING;
	over(h);
}

void hpld_end_progress(struct hpld *h)
{
	if (!h->ending || h->end_stage == STAGE_OVER)
		return;
	for (size_t i = 0; i < h->unit_count; i++)
		if (stage_of(&h->units[i]) == h->end_stage && hpl_unit_runs(&h->units[i]))
			return;
	h->end_stage++;
	next_stage(h);
}

void hpld_end(struct hpld *h, bool failure, const char *reason)
{
	if (h->ending)
		return;
	h->ending = true;
	h->end_failure = failure;
	uv_timer_stop(&h->boot_deadline);
	uv_timer_stop(&h->catch_deadline);
	hpld_log(h, HPL_SEV_INFO, HPL_MSG_ORCHESTRATOR_POWER_OFF, "%s", reason);
	h->end_stage = STAGE_WORKLOAD;
	next_stage(h);
}

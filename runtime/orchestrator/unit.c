/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a service; states and edges are drawn in hpld.h. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "proto/topics.h"
#include "runtime/base/clock.h"
#include "runtime/launcher/sandbox.h"
#include "runtime/orchestrator/hpld.h"

enum {
	BACKOFF_FIRST_MS = 100,   /* doubled with each start */
	BACKOFF_LAST_MS = 10000,
	READ_BUDGET = 16,         /* reads of 16 KiB in one turn: a flooding service stops nobody */
};

static const char *const state_names[] = {
	[HPL_UNIT_IDLE] = "idle", [HPL_UNIT_STARTING] = "starting", [HPL_UNIT_READY] = "ready",
	[HPL_UNIT_BACKOFF] = "waiting to be started again", [HPL_UNIT_STOPPING] = "stopping",
	[HPL_UNIT_DONE] = "done", [HPL_UNIT_FAILED] = "failed",
};

const char *hpl_unit_state_name(enum hpl_unit_state s)
{
	return state_names[s];
}

bool hpl_unit_runs(const struct hpl_unit *u)
{
	return u->pid > 0;
}

void hpl_unit_init(struct hpl_unit *u, struct hpld *h, const struct hpl_manifest *m)
{
	u->h = h;
	u->m = m;
	u->spec_fd = u->cgroup_fd = u->log_fd = u->status_fd = -1;
	u->console = m->console;
	hpl_lines_init(&u->lines, &m->tags);
	uv_timer_init(h->loop, &u->deadline);
	uv_timer_init(h->loop, &u->watch);
	u->deadline.data = u->watch.data = u;
}

/* ---- log lines */

static void on_line(void *ud, const struct hpl_line *line)
{
	hpld_forward(ud, line);
}

static void say_dropped(struct hpl_unit *u)
{
	uint64_t n = hpl_lines_take_dropped(&u->lines);

	if (n)
		hpld_log(u->h, HPL_SEV_WARNING, HPL_MSG_NONE, "%s: %llu lines were dropped, it writes more than %d a second",
			u->m->name, (unsigned long long)n, HPL_LINE_RATE);
}

/* Returns false at the end of the pipe. */
static bool read_log(struct hpl_unit *u, int budget)
{
	char chunk[16384];
	ssize_t n = 0;

	while (budget-- > 0) {
		n = read(u->log_fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		hpl_lines_feed(&u->lines, chunk, (size_t)n, hpl_mono_us(), on_line, u);
	}
	return n != 0;
}

static void log_closed(uv_handle_t *handle)
{
	close((int)(intptr_t)handle->data);
	free(handle);
}

static void close_log(struct hpl_unit *u)
{
	if (!u->log_poll)
		return;
	u->log_poll->data = (void *)(intptr_t)u->log_fd;
	uv_close((uv_handle_t *)u->log_poll, log_closed);
	u->log_poll = NULL;
	u->log_fd = -1;
}

static void on_log(uv_poll_t *poll, int status, int events)
{
	struct hpl_unit *u = poll->data;

	if (!read_log(u, READ_BUDGET))
		close_log(u);
}

static int open_log(struct hpl_unit *u)
{
	u->log_poll = calloc(1, sizeof(*u->log_poll));
	if (!u->log_poll || uv_poll_init(u->h->loop, u->log_poll, u->log_fd) < 0) {
		free(u->log_poll);
		u->log_poll = NULL;
		return -1;
	}
	u->log_poll->data = u;
	return uv_poll_start(u->log_poll, UV_READABLE, on_log);
}

/* ---- what is wrong with it */

/* Says it once for each process: a warning when it is started again, else the failure. */
static void fault(struct hpl_unit *u, enum hpl_msg msg, int exit_code, int sig, const char *text)
{
	struct hpld *h = u->h;

	u->reported = true;
	u->again = !h->ending && msg != HPL_MSG_ORCHESTRATOR_SPAWN_FAILED && u->starts <= u->m->restart;
	if (u->again) {
		hpld_report_warning(h, u, HPL_MSG_ORCHESTRATOR_RESTART, "%s %s; start %u of %u follows",
			u->m->name, text, u->starts + 1, u->m->restart + 1);
		return;
	}
	hpld_report_failure(h, u, msg, exit_code, sig, "%s %s", u->m->name, text);
}

static void kill_group(const struct hpl_unit *u, int sig)
{
	/* the process is not reaped yet, so its number is still its own */
	if (u->pid > 0 && kill(-u->pid, sig) < 0)
		kill(u->pid, sig);
}

void hpl_unit_kill(struct hpl_unit *u, enum hpl_msg why, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!hpl_unit_runs(u) || u->reported || u->state == HPL_UNIT_STOPPING)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (u->log_fd >= 0)
		read_log(u, READ_BUDGET);
	fault(u, why, 0, SIGKILL, text);
	kill_group(u, SIGKILL);
}

/* ---- timers */

static void on_deadline(uv_timer_t *timer)
{
	struct hpl_unit *u = timer->data;

	switch (u->state) {
	case HPL_UNIT_STARTING:
		hpl_unit_kill(u, HPL_MSG_ORCHESTRATOR_SERVICE_DEADLINE, "was not ready within %u s",
			u->m->ready_s);
		break;
	case HPL_UNIT_READY:
		hpl_unit_kill(u, HPL_MSG_ORCHESTRATOR_SERVICE_DEADLINE, "was not done within %u s",
			u->m->done_s);
		break;
	case HPL_UNIT_BACKOFF:
		if (!u->h->ending)
			hpl_unit_start(u);
		break;
	case HPL_UNIT_STOPPING:
		kill_group(u, SIGKILL);
		break;
	default:
		break;
	}
}

static void on_watch(uv_timer_t *timer)
{
	struct hpl_unit *u = timer->data;
	uint64_t silence = hpl_broker_silence_ms(u->h->broker, u->peer);

	say_dropped(u);
	if (u->state != HPL_UNIT_READY || !u->m->watchdog_s)
		return;
	if (silence != UINT64_MAX && silence >= (uint64_t)u->m->watchdog_s * 1000)
		hpl_unit_kill(u, HPL_MSG_ORCHESTRATOR_SERVICE_HANGS, "has not answered for %u s",
			u->m->watchdog_s);
	else
		hpl_broker_ping(u->h->broker, u->peer);
}

/* ---- edges */

static void settle(struct hpl_unit *u, enum hpl_unit_state state)
{
	u->state = state;
	u->ended_us = hpl_mono_us();
	uv_timer_stop(&u->deadline);
	uv_timer_stop(&u->watch);
	if (state == HPL_UNIT_FAILED)
		hpld_unit_failed(u);
}

void hpl_unit_start(struct hpl_unit *u)
{
	struct hpl_err err = HPL_ERR_NULL;

	u->starts++;
	u->said_failed = u->reported = u->again = false;
	u->started_us = hpl_mono_us();
	u->state = HPL_UNIT_STARTING;
	hpl_lines_init(&u->lines, &u->m->tags);
	if ((u->spec_fd < 0 && hpl_unit_prepare(u, &err) < 0) || hpl_unit_spawn(u, &err) < 0) {
		fault(u, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, 0, 0, err.text);
		settle(u, HPL_UNIT_FAILED);
		return;
	}
	if (open_log(u) < 0)
		hpld_log(u->h, HPL_SEV_WARNING, HPL_MSG_NONE, "%s: its lines cannot be read", u->m->name);
	uv_timer_start(&u->deadline, on_deadline, (uint64_t)u->m->ready_s * 1000, 0);
	/* also where no watchdog is asked for: dropped lines are said here */
	uv_timer_start(&u->watch, on_watch, 1000, u->m->watchdog_s ? u->m->watchdog_s * 1000 / 3 : 1000);
}

void hpl_unit_on_ready(struct hpl_unit *u)
{
	uint64_t since_ms;

	if (u->state != HPL_UNIT_STARTING)
		return;
	u->state = HPL_UNIT_READY;
	u->ready_us = hpl_mono_us();
	hpld_step(u->h, u->m->name, "ready", u->started_us, u->ready_us);
	uv_timer_stop(&u->deadline);
	if (u->m->lifetime == HPL_ONESHOT && u->m->done_s) {
		since_ms = (u->ready_us - u->started_us) / 1000;
		uv_timer_start(&u->deadline, on_deadline, u->m->done_s * 1000ULL - since_ms, 0);
	}
	hpld_publish_state(u, HPL_TOPIC_SERVICE_READY, 0, 0);
}

void hpl_unit_stop(struct hpl_unit *u)
{
	if (u->state == HPL_UNIT_BACKOFF)
		settle(u, HPL_UNIT_DONE);
	if (!hpl_unit_runs(u) || u->state == HPL_UNIT_STOPPING)
		return;
	u->state = HPL_UNIT_STOPPING;
	/* its leader only: what it has started itself it ends itself, in its own order */
	kill(u->pid, SIGTERM);
	uv_timer_start(&u->deadline, on_deadline, (uint64_t)u->m->stop_s * 1000, 0);
}

/* Did the launcher get as far as the service? */
static bool read_report(struct hpl_unit *u, struct hpl_launch_report *r)
{
	ssize_t n = read(u->status_fd, r, sizeof(*r));

	r->step[sizeof(r->step) - 1] = '\0';
	return n == (ssize_t)sizeof(*r);
}

static void back_off(struct hpl_unit *u)
{
	uint64_t ms = BACKOFF_FIRST_MS;

	for (uint32_t i = 1; i < u->starts && ms < BACKOFF_LAST_MS; i++)
		ms *= 2;
	settle(u, HPL_UNIT_BACKOFF);
	uv_timer_start(&u->deadline, on_deadline, ms < BACKOFF_LAST_MS ? ms : BACKOFF_LAST_MS, 0);
}

static void died(struct hpl_unit *u, int exit_code, int sig)
{
	struct hpl_launch_report report;
	char text[400];

	if (read_report(u, &report)) {
		snprintf(text, sizeof(text), "could not be started: %s: %s", report.step,
			strerror(report.sys));
		fault(u, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, exit_code, sig, text);
		return;
	}
	if (sig)
		snprintf(text, sizeof(text), "was ended by signal %d (%s)", sig, strsignal(sig));
	else
		snprintf(text, sizeof(text), "ended with exit status %d", exit_code);
	fault(u, HPL_MSG_ORCHESTRATOR_SERVICE_DIED, exit_code, sig, text);
}

void hpl_unit_on_exit(struct hpl_unit *u, int exit_code, int sig)
{
	bool good = !sig && !exit_code && u->m->lifetime == HPL_ONESHOT;
	bool stopped = u->state == HPL_UNIT_STOPPING;

	if (u->log_fd >= 0)
		read_log(u, READ_BUDGET * 4);
	hpl_lines_finish(&u->lines, hpl_mono_us(), on_line, u);
	say_dropped(u);
	if (!stopped && !good && !u->reported && !u->said_failed)
		died(u, exit_code, sig);
	close_log(u);
	close(u->status_fd);
	u->status_fd = -1;
	hpl_broker_revoke(u->h->broker, u->peer);
	u->peer = 0;
	u->pid = 0;
	if (stopped) {
		settle(u, HPL_UNIT_DONE);
	} else if (u->again) {
		back_off(u);
	} else if (good && !u->reported) {
		settle(u, HPL_UNIT_DONE);
		hpld_step(u->h, u->m->name, "done", u->started_us, u->ended_us);
		hpld_publish_state(u, HPL_TOPIC_SERVICE_EXITED, 0, 0);
	} else {
		settle(u, HPL_UNIT_FAILED);
	}
	hpld_end_progress(u->h);
}

void hpl_unit_close(struct hpl_unit *u)
{
	close_log(u);
	uv_close((uv_handle_t *)&u->deadline, NULL);
	uv_close((uv_handle_t *)&u->watch, NULL);
	if (u->spec_fd >= 0)
		close(u->spec_fd);
	if (u->cgroup_fd >= 0)
		close(u->cgroup_fd);
}

/*
 * Looks at a dead child before it takes it: until then its number, which is also that of its
 * group, cannot belong to anyone else, so that what is left of the group can be killed safely.
 * Orphans (conmon's, podman's) are taken as well: nobody else will.
 */
void hpld_reap(struct hpld *h)
{
	for (;;) {
		siginfo_t info = {0};
		struct hpl_unit *u;
		bool killed;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
			return;
		u = hpld_unit_of_pid(h, info.si_pid);
		if (u)
			kill(-info.si_pid, SIGKILL);
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED);
		killed = info.si_code != CLD_EXITED;
		if (u)
			hpl_unit_on_exit(u, killed ? 0 : info.si_status, killed ? info.si_status : 0);
	}
}

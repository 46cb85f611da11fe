/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/buf.h"
#include "services/storage/job.h"
#include "services/storage/worker.h"

enum member_state {
	WAITING,   /* not started */
	OPENING,
	OPENED,    /* waits for the mounts it lies beneath */
	MOUNTING,
	MOUNTED,
};

struct member {
	struct hpl_crew *crew;
	struct hpl_volume *v;
	enum member_state state;
	uv_process_t process;
	uv_pipe_t in, out;
	bool started, exited, out_open; /* alive: started, and not both over */
	bool mapped;                    /* may have made v->mapping */
	bool left;                      /* and has ended without closing it */
	int64_t status;
	int signal;
	struct hpl_buf got;             /* of the answer that is coming in */
};

struct hpl_crew {
	struct hpl_crew_plan plan;
	struct member *members;
	unsigned alive, handles;
	uv_timer_t timer;
	uv_work_t work;
	bool failed, concluding, dropped;
	struct hpl_err err;             /* the first failure */
};

struct send {
	uv_write_t req;
	struct hpl_secret frame;
};

unsigned hpl_crew_fit(unsigned wanted, uint64_t memory)
{
	uint64_t fit = memory / 2 / HPL_CREW_WORKER_BYTES;

	return fit < 1 ? 1 : fit < wanted ? (unsigned)fit : wanted;
}

bool hpl_crew_beneath(const char *a, const char *b)
{
	size_t len = strlen(a);

	return strncmp(a, b, len) == 0 && b[len] == '/';
}

/* ---- handles ---- */

static void crew_free(struct hpl_crew *c)
{
	for (size_t i = 0; i < c->plan.count; i++)
		hpl_buf_done(&c->members[i].got);
	free(c->members);
	free(c);
}

static void release(struct hpl_crew *c)
{
	if (--c->handles == 0)
		crew_free(c);
}

static void on_closed(uv_handle_t *h)
{
	release(h->data);
}

static void close_one(void *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

static void close_member(struct member *m)
{
	close_one(&m->process);
	close_one(&m->in);
	close_one(&m->out);
}

/* The program that it runs (mkfs) leads a group of its own and dies with it: proc.h. */
static void kill_member(struct member *m)
{
	if (m->started && !m->exited)
		(void)kill(-m->process.pid, SIGKILL);
}

/* ---- failure ---- */

static void on_stop_limit(uv_timer_t *t)
{
	struct hpl_crew *c = t->data;

	for (size_t i = 0; i < c->plan.count; i++)
		kill_member(&c->members[i]);
}

/* The first failure counts. The others see the end of their pipes. */
static void fail_crew(struct hpl_crew *c, const struct hpl_err *err)
{
	if (c->failed)
		return;
	c->failed = true;
	c->err = *err;
	for (size_t i = 0; i < c->plan.count; i++)
		if (c->members[i].started)
			close_one(&c->members[i].in);
	uv_timer_start(&c->timer, on_stop_limit, c->plan.stop_ms, 0);
}

static void fail_member(struct member *m, const char *what)
{
	struct hpl_err err = HPL_ERR_NULL;

	HPL_FAIL(&err, HPL_MSG_LUKS_UNEXPECTED_ERROR, 0, "volume '%s': its worker %s", m->v->name, what);
	fail_crew(m->crew, &err);
}

static void died(struct member *m)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (m->signal)
		HPL_FAIL(&err, HPL_MSG_LUKS_UNEXPECTED_ERROR, 0,
			"volume '%s': its worker was ended by signal %d (%s)", m->v->name, m->signal,
			strsignal(m->signal));
	else
		HPL_FAIL(&err, HPL_MSG_LUKS_UNEXPECTED_ERROR, 0,
			"volume '%s': its worker ended with status %d %s", m->v->name, (int)m->status,
			m->state == MOUNTED ? "after it had mounted" : "and said nothing");
	if (m->signal == SIGKILL)
		hpl_err_cure(&err, "if the kernel's log says that memory ran out, give the guest more");
	fail_crew(m->crew, &err);
}

/* ---- the end ---- */

static void on_pool(uv_work_t *req)
{
	struct hpl_crew *c = HPL_CONTAINER(req, struct hpl_crew, work);

	for (size_t i = 0; i < c->plan.count; i++) {
		struct hpl_err why = HPL_ERR_NULL;

		if (c->members[i].left && hpl_volume_forget(c->members[i].v->mapping, &why) < 0)
			HPL_WRAP(&c->err, HPL_MSG_LUKS_UNEXPECTED_ERROR, "(%s)", why.text);
	}
}

static void on_pool_done(uv_work_t *req, int status)
{
	struct hpl_crew *c = HPL_CONTAINER(req, struct hpl_crew, work);

	if (!c->dropped) {
		close_one(&c->timer);
		c->plan.done(c->plan.ud, c->failed ? -1 : 0, &c->err);
	}
	release(c);
}

/* Removing a mapping blocks; libdevmapper is used by nobody else here. */
static void conclude(struct hpl_crew *c)
{
	if (c->concluding)
		return;
	c->concluding = true;
	c->handles++;
	(void)uv_queue_work(c->plan.loop, &c->work, on_pool, on_pool_done); /* fails without on_pool only */
}

/* ---- a worker ---- */

static void step(struct hpl_crew *c);

static void maybe_ended(struct member *m)
{
	struct hpl_crew *c = m->crew;

	if (!m->exited || m->out_open || c->dropped)
		return;
	c->alive--;
	m->left = m->mapped && m->state != MOUNTED && (m->signal || m->status != HPL_WORKER_FAILED);
	if (m->state != MOUNTED || m->signal || m->status != HPL_WORKER_MOUNTED)
		died(m); /* has no effect when it has said why, or another has failed before */
	close_member(m);
	hpl_buf_done(&m->got);
	step(c);
}

static void on_exit_status(uv_process_t *p, int64_t status, int signal)
{
	struct member *m = HPL_CONTAINER(p, struct member, process);

	m->exited = true;
	m->status = status;
	m->signal = signal;
	maybe_ended(m);
}

static void on_written(uv_write_t *w, int status)
{
	struct send *s = HPL_CONTAINER(w, struct send, req);

	hpl_secret_done(&s->frame); /* a pipe that broke: the worker's end says more */
	free(s);
}

/* Takes the frame. */
static void send_frame(struct member *m, struct hpl_secret *frame)
{
	struct send *s = calloc(1, sizeof *s);
	uv_buf_t buf = uv_buf_init((char *)frame->data, (unsigned)frame->len);

	if (s) {
		s->frame = *frame;
		*frame = HPL_SECRET_NULL;
		if (uv_write(&s->req, (uv_stream_t *)&m->in, &buf, 1, on_written) == 0)
			return;
		hpl_secret_done(&s->frame);
		free(s);
	}
	hpl_secret_done(frame);
	fail_member(m, "cannot be told what to do");
}

static void send_go(struct member *m, Hpl__WorkerCommand__WhatCase what)
{
	struct hpl_secret frame = HPL_SECRET_NULL;

	if (hpl_job_pack_go(&frame, what, NULL) < 0)
		fail_member(m, "cannot be told what to do");
	else
		send_frame(m, &frame);
}

/* ---- answers ---- */

/* The name becomes ours to remove, so it must be the worker's alone: of a disk and its copy, which have
 * the same one, the second is refused here. */
static void on_mapping(struct member *m, const char *name)
{
	struct hpl_crew *c = m->crew;
	struct hpl_err err = HPL_ERR_NULL;

	if (!name[0] || strlen(name) >= sizeof m->v->mapping || strchr(name, '/')) {
		fail_member(m, "named a mapping that cannot be");
		return;
	}
	for (size_t i = 0; i < c->plan.count; i++) {
		const struct member *o = &c->members[i];

		if (o == m || !o->mapped || !hpl_streq(o->v->mapping, name))
			continue;
		HPL_FAIL(&err, HPL_MSG_LUKS_ALREADY_IN_USE, 0, "volume '%s': %s has the LUKS UUID of %s, "
			"the disk of volume '%s'", m->v->name, m->v->disk.path, o->v->disk.path,
			o->v->name);
		hpl_err_cure(&err, "a disk and its copy cannot be volumes of one guest: detach one");
		fail_crew(c, &err);
		return;
	}
	snprintf(m->v->mapping, sizeof m->v->mapping, "%s", name);
	m->mapped = true;
	send_go(m, HPL__WORKER_COMMAND__WHAT_ACTIVATE);
}

static void on_answer(struct member *m, const Hpl__WorkerAnswer *a)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (a->what_case == HPL__WORKER_ANSWER__WHAT_FAILED && m->state != MOUNTED) {
		(void)hpl_job_take_failure(a->failed, &err);
		fail_crew(m->crew, &err);
	} else if (m->crew->failed && m->state != MOUNTING) {
		return; /* was said before it saw the end of its pipe */
	} else if (a->what_case == HPL__WORKER_ANSWER__WHAT_MAPPING && m->state == OPENING && !m->mapped) {
		on_mapping(m, a->mapping);
	} else if (a->what_case == HPL__WORKER_ANSWER__WHAT_OPENED && m->state == OPENING && m->mapped) {
		m->state = OPENED;
		step(m->crew);
	} else if (a->what_case == HPL__WORKER_ANSWER__WHAT_MOUNTED && m->state == MOUNTING &&
		hpl_streq(a->mounted->mapping, m->v->mapping)) {
		hpl_job_take_mounted(m->v, a->mounted);
		m->state = MOUNTED;
		step(m->crew);
	} else {
		fail_member(m, "said what was not asked");
		kill_member(m);
	}
}

static void not_understood(struct member *m)
{
	fail_member(m, "cannot be understood");
	kill_member(m);
	hpl_buf_clear(&m->got);
	uv_read_stop((uv_stream_t *)&m->out);
	m->out_open = false;
	maybe_ended(m);
}

/* Every whole answer in m->got. */
static void take_answers(struct member *m)
{
	while (m->out_open && m->got.len >= HPL_FRAME_HEAD) {
		size_t len = hpl_frame_length(m->got.data), whole = HPL_FRAME_HEAD + len;
		Hpl__WorkerAnswer *a;

		if (len > HPL_FRAME_MAX) {
			not_understood(m);
			return;
		}
		if (m->got.len < whole)
			return;
		a = hpl__worker_answer__unpack(NULL, len, (uint8_t *)m->got.data + HPL_FRAME_HEAD);
		m->got.len -= whole;
		memmove(m->got.data, m->got.data + whole, m->got.len);
		if (!a) {
			not_understood(m);
			return;
		}
		on_answer(m, a);
		hpl__worker_answer__free_unpacked(a, NULL);
	}
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	static char chunk[4096]; /* one read at a time on the one loop */

	*buf = uv_buf_init(chunk, sizeof chunk);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct member *m = HPL_CONTAINER(stream, struct member, out);

	if (n > 0) {
		hpl_buf_add(&m->got, buf->base, (size_t)n);
		if (m->got.failed)
			not_understood(m);
		else
			take_answers(m);
	} else if (n < 0) {
		uv_read_stop(stream);
		m->out_open = false;
		/* it ends, or would never be heard again; who ends already keeps its status */
		if (m->state != MOUNTED && !m->crew->failed)
			kill_member(m);
		maybe_ended(m);
	}
}

/* ---- order ---- */

static int spawn(struct member *m)
{
	static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", NULL};
	const char *const argv[] = {m->crew->plan.program, NULL};
	uv_stdio_container_t io[3] = {
		{.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&m->in},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&m->out},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	};
	uv_process_options_t o = {
		.exit_cb = on_exit_status,
		.file = m->crew->plan.program,
		.args = (char **)argv,
		.env = (char **)env,
		.cwd = "/",
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = io,
	};

	return uv_spawn(m->crew->plan.loop, &m->process, &o);
}

static int start_member(struct member *m, struct hpl_err *err)
{
	struct hpl_secret frame = HPL_SECRET_NULL;
	struct hpl_crew *c = m->crew;
	int r;

	if (hpl_job_pack(&frame, m->v, err) < 0)
		return -1;
	uv_pipe_init(c->plan.loop, &m->in, 0);
	uv_pipe_init(c->plan.loop, &m->out, 0);
	m->in.data = m->out.data = m->process.data = c;
	c->handles += 3;
	r = spawn(m);
	if (r < 0) {
		hpl_secret_done(&frame);
		close_member(m); /* uv_close is due for the process handle as well */
		return HPL_FAIL(err, HPL_MSG_LUKS_RESOURCE_NOT_FOUND, -r, "cannot run %s", c->plan.program);
	}
	m->state = OPENING;
	m->started = true;
	m->out_open = uv_read_start((uv_stream_t *)&m->out, on_alloc, on_output) == 0;
	c->alive++;
	send_frame(m, &frame);
	return 0;
}

static bool may_mount(const struct member *m)
{
	const struct hpl_crew *c = m->crew;

	for (size_t i = 0; i < c->plan.count; i++)
		if (c->members[i].state != MOUNTED &&
			hpl_crew_beneath(c->members[i].v->mount, m->v->mount))
			return false;
	return true;
}

static void start_more(struct hpl_crew *c)
{
	for (size_t i = 0; i < c->plan.count && c->alive < c->plan.parallel && !c->failed; i++) {
		struct member *m = &c->members[i];
		struct hpl_err err = HPL_ERR_NULL;

		if (m->state == WAITING && start_member(m, &err) < 0) {
			HPL_WRAP(&err, HPL_MSG_LUKS_UNEXPECTED_ERROR, "volume '%s'", m->v->name);
			fail_crew(c, &err);
		}
	}
}

static void step(struct hpl_crew *c)
{
	start_more(c);
	for (size_t i = 0; i < c->plan.count && !c->failed; i++) {
		struct member *m = &c->members[i];

		if (m->state == OPENED && may_mount(m)) {
			m->state = MOUNTING;
			send_go(m, HPL__WORKER_COMMAND__WHAT_MOUNT);
		}
	}
	if (c->alive == 0)
		conclude(c);
}

int hpl_crew_start(struct hpl_crew **ret, const struct hpl_crew_plan *plan, struct hpl_err *err)
{
	struct hpl_crew *c = calloc(1, sizeof *c);

	if (!c)
		return HPL_OOM(err);
	c->members = calloc(plan->count ? plan->count : 1, sizeof *c->members);
	if (!c->members) {
		free(c);
		return HPL_OOM(err);
	}
	c->plan = *plan;
	c->plan.volumes = NULL; /* the caller's list */
	for (size_t i = 0; i < plan->count; i++) {
		c->members[i].crew = c;
		c->members[i].v = plan->volumes[i];
		c->members[i].got.limit = 2 * HPL_FRAME_MAX;
	}
	uv_timer_init(plan->loop, &c->timer);
	c->timer.data = c;
	c->handles = 1;
	*ret = c;
	step(c);
	return 0;
}

void hpl_crew_quit(struct hpl_crew *c)
{
	if (!c || c->dropped)
		return;
	c->dropped = true;
	for (size_t i = 0; i < c->plan.count; i++) {
		if (c->members[i].started)
			close_member(&c->members[i]);
	}
	close_one(&c->timer);
}

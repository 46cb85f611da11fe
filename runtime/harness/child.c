/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child programs on the loop. uv_spawn makes the process; it leads its own process group, which
 * is killed as a whole. done is called once the process has exited and its outputs are at their
 * end; a grandchild that keeps an output open is not waited for longer than DRAIN_MS.
 */
#include "runtime/harness/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "runtime/base/secret.h"

enum { LINE_MAX_BYTES = 8000, DRAIN_MS = 2000, HANDLES = 5 };

struct output {
	uv_pipe_t pipe;
	struct hpl_child *child;
	char line[LINE_MAX_BYTES];
	size_t len;
	int open;
};

struct hpl_child {
	struct hpl_service *service; /* NULL: dropped */
	uv_process_t process;
	uv_timer_t timer;
	uv_pipe_t input;
	struct output out[2];
	uv_write_t write;
	char *data;                  /* a copy of the input */
	size_t data_len;
	void (*on_line)(void *ud, const char *text, size_t len, int is_err);
	void (*on_done)(void *ud, int status, struct hpl_err *err);
	void *ud;
	int exited, status, late, reported, timeout_ms;
	unsigned handles;            /* still to be closed */
	char name[64];
	struct hpl_child *next;
};

static void on_closed(uv_handle_t *h)
{
	struct hpl_child *c = h->data;

	if (--c->handles)
		return;
	hpl_wipe(c->data, c->data_len);
	free(c->data);
	free(c);
}

static void close_one(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, on_closed);
}

static void close_all(struct hpl_child *c)
{
	close_one((uv_handle_t *)&c->process);
	close_one((uv_handle_t *)&c->timer);
	close_one((uv_handle_t *)&c->input);
	close_one((uv_handle_t *)&c->out[0].pipe);
	close_one((uv_handle_t *)&c->out[1].pipe);
}

static void emit(struct output *o)
{
	struct hpl_child *c = o->child;

	if (o->len && c->service && !c->service->ending && c->on_line)
		c->on_line(c->ud, o->line, o->len, o == &c->out[1]);
	o->len = 0;
}

static void unlink_child(struct hpl_child *c)
{
	struct hpl_child **at = &c->service->children;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}

/* Everything is over: tells the owner once and closes the handles. */
static void conclude(struct hpl_child *c)
{
	struct hpl_service *s = c->service;
	struct hpl_err err = HPL_ERR_NULL;

	if (c->reported)
		return;
	c->reported = 1;
	emit(&c->out[0]);
	emit(&c->out[1]);
	if (s) {
		unlink_child(c);
		if (c->late)
			HPL_FAIL(&err, 0, ETIMEDOUT, "%s did not end within %d ms", c->name,
				c->timeout_ms);
		if (!s->ending)
			c->on_done(c->ud, c->late ? -1 : c->status, &err);
	}
	close_all(c);
}

static void maybe_conclude(struct hpl_child *c)
{
	if (c->exited && !c->out[0].open && !c->out[1].open)
		conclude(c);
}

static void on_drain_limit(uv_timer_t *t)
{
	conclude(t->data);
}

static void on_process_exit(uv_process_t *p, int64_t status, int signal)
{
	struct hpl_child *c = p->data;

	c->exited = 1;
	c->status = signal ? 128 + signal : (int)status;
	uv_timer_start(&c->timer, on_drain_limit, DRAIN_MS, 0);
	maybe_conclude(c);
}

static void on_deadline(uv_timer_t *t)
{
	struct hpl_child *c = t->data;

	c->late = 1;
	hpl_child_kill(c, SIGKILL);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	static char chunk[16384]; /* one read at a time on the one loop */

	*buf = uv_buf_init(chunk, sizeof(chunk));
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct output *o = HPL_CONTAINER(stream, struct output, pipe);

	for (ssize_t i = 0; i < n; i++) {
		if (buf->base[i] == '\n')
			emit(o);
		else if (o->len < sizeof(o->line))
			o->line[o->len++] = buf->base[i];
	}
	if (n < 0) {
		o->open = 0;
		uv_read_stop(stream);
		maybe_conclude(o->child);
	}
}

static void on_written(uv_write_t *w, int status)
{
	close_one((uv_handle_t *)w->handle);
}

void hpl_child_kill(struct hpl_child *c, int signal)
{
	if (!c->exited && c->process.pid > 0)
		kill(-c->process.pid, signal);
}

void hpl_children_drop(struct hpl_service *s)
{
	while (s->children) {
		struct hpl_child *c = s->children;

		s->children = c->next;
		hpl_child_kill(c, SIGKILL);
		c->service = NULL;
	}
}

static void init_handles(struct hpl_child *c, uv_loop_t *loop)
{
	uv_timer_init(loop, &c->timer);
	uv_pipe_init(loop, &c->input, 0);
	uv_pipe_init(loop, &c->out[0].pipe, 0);
	uv_pipe_init(loop, &c->out[1].pipe, 0);
	c->out[0].child = c->out[1].child = c;
	c->timer.data = c->input.data = c->process.data = c;
	c->out[0].pipe.data = c->out[1].pipe.data = c;
	c->handles = HANDLES;
}

static int spawn(struct hpl_child *c, uv_loop_t *loop, const struct hpl_proc *spec)
{
	static const char *const plain_env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", NULL};
	const uv_stdio_flags out = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
	uv_stdio_container_t io[3] = {
		{.flags = spec->input ? UV_CREATE_PIPE | UV_READABLE_PIPE : UV_IGNORE,
			.data.stream = (uv_stream_t *)&c->input},
		{.flags = out, .data.stream = (uv_stream_t *)&c->out[0].pipe},
		{.flags = out, .data.stream = (uv_stream_t *)&c->out[1].pipe},
	};
	uv_process_options_t o = {
		.exit_cb = on_process_exit,
		.file = spec->argv[0],
		.args = (char **)spec->argv,
		.env = (char **)(spec->envp ? spec->envp : plain_env),
		.cwd = spec->cwd ? spec->cwd : "/",
		.flags = UV_PROCESS_DETACHED, /* its own process group */
		.stdio_count = 3,
		.stdio = io,
	};

	return uv_spawn(loop, &c->process, &o);
}

/* Takes the copy of the input; starts reading, writing and the clock. */
static void start_io(struct hpl_child *c, const struct hpl_proc *spec)
{
	uv_buf_t buf = uv_buf_init(c->data, (unsigned)c->data_len);

	for (int i = 0; i < 2; i++) {
		c->out[i].open = 1;
		if (uv_read_start((uv_stream_t *)&c->out[i].pipe, on_alloc, on_output) < 0)
			c->out[i].open = 0;
	}
	if (!spec->input || uv_write(&c->write, (uv_stream_t *)&c->input, &buf, 1, on_written) < 0)
		close_one((uv_handle_t *)&c->input);
	uv_timer_start(&c->timer, on_deadline, (uint64_t)c->timeout_ms, 0);
}

int hpl_child_run(struct hpl_service *s, const struct hpl_proc *spec,
	void (*line)(void *ud, const char *text, size_t len, int is_err),
	void (*done)(void *ud, int status, struct hpl_err *err), void *ud, struct hpl_child **ret,
	struct hpl_err *err)
{
	struct hpl_child *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return HPL_OOM(err);
	if (spec->input && spec->input_len) {
		c->data = malloc(spec->input_len);
		if (!c->data) {
			free(c);
			return HPL_OOM(err);
		}
		memcpy(c->data, spec->input, spec->input_len);
		c->data_len = spec->input_len;
	}
	c->on_line = line;
	c->on_done = done;
	c->ud = ud;
	c->timeout_ms = spec->timeout_ms;
	snprintf(c->name, sizeof(c->name), "%s", spec->argv[0]);
	init_handles(c, s->loop);
	rc = spawn(c, s->loop, spec);
	if (rc < 0) {
		c->reported = 1;
		close_all(c); /* uv_close is due for the process handle as well */
		return HPL_FAIL(err, 0, -rc, "cannot run %s", spec->argv[0]);
	}
	c->service = s;
	c->next = s->children;
	s->children = c;
	start_io(c, spec);
	if (ret)
		*ret = c;
	return 0;
}

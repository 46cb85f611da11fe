/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what three workers say, and any order of their ends: the crew ends once, frees all, obeys its
 * order, and removes only mappings that it was told of. Workers are pipes: crew.c is compiled in here, with
 * other functions for those that make and end processes.
 *
 * The first byte says how: low two bits how many workers live at once; bit 2: who does not stop is killed at
 * once; bit 3: the crew is left alone at the end. Then come steps of two bytes: which worker (low two bits)
 * does what (the next two), and the length of what it says, which follows, or its exit status.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

static int begin_process(uv_loop_t *loop, uv_process_t *handle, const uv_process_options_t *o);
static int end_process(pid_t pid, int sig);
#define uv_spawn begin_process
#define kill end_process
#include "services/storage/crew.c" /* NOLINT(bugprone-suspicious-include) */
#undef uv_spawn
#undef kill

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORKERS = 3, INPUT_MAX = 32 << 10, FIRST_PID = 1 << 24 };
enum { SAY, EXIT, SILENCE, CRASH };

struct worker {
	uv_process_t *process;
	uv_exit_cb on_exit;
	int heard, says;             /* our ends of its pipes */
	bool killed;
	int last;                    /* enum of the command it got last */
};

static struct worker workers[WORKERS];
static unsigned count;               /* started so far */
static struct hpl_volume volumes[WORKERS];
static int ended, result;

static void need(bool truth)
{
	if (!truth)
		abort();
}

/* ---- instead of processes ---- */

static int begin_process(uv_loop_t *loop, uv_process_t *handle, const uv_process_options_t *o)
{
	uv_stdio_container_t none = {.flags = UV_INHERIT_FD, .data.fd = -1};
	uv_process_options_t refused = {.file = "/", .stdio_count = 1, .stdio = &none};
	struct worker *w = &workers[count];
	int in[2], out[2];

	/* makes the handle one that can be closed, before it refuses the descriptor */
	need(uv_spawn(loop, handle, &refused) == UV_EINVAL);
	need(count < WORKERS && pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0);
	need(uv_pipe_open((uv_pipe_t *)o->stdio[0].data.stream, in[1]) == 0);
	need(uv_pipe_open((uv_pipe_t *)o->stdio[1].data.stream, out[0]) == 0);
	handle->pid = FIRST_PID + (int)count++;
	*w = (struct worker){.process = handle, .on_exit = o->exit_cb, .heard = in[0], .says = out[1]};
	return 0;
}

static int end_process(pid_t pid, int sig)
{
	unsigned i = (unsigned)(-pid - FIRST_PID);

	need(pid < 0 && i < count && workers[i].process && sig == SIGKILL);
	workers[i].killed = true;
	return 0;
}

int hpl_volume_forget(const char *mapping, struct hpl_err *err)
{
	bool known = false;

	for (int i = 0; i < WORKERS; i++)
		known |= hpl_streq(volumes[i].mapping, mapping);
	need(known && mapping[0] && !strchr(mapping, '/'));
	return 0;
}

/* ---- the crew's side ---- */

static void on_end(void *ud, int r, struct hpl_err *err)
{
	need(!ended && (r == 0 || (r == -1 && err->msg && err->text[0])));
	ended = 1;
	result = r;
}

static void close_says(struct worker *w)
{
	if (w->says >= 0)
		close(w->says);
	w->says = -1;
}

static void leave(struct worker *w, int status, int sig)
{
	uv_process_t *p = w->process;

	w->process = NULL;
	close_says(w);
	if (p && !uv_is_closing((uv_handle_t *)p))
		w->on_exit(p, status, sig);
}

static void hear(struct worker *w)
{
	struct pollfd p = {w->heard, POLLIN, 0};

	while (poll(&p, 1, 0) == 1 && (p.revents & POLLIN)) {
		_cleanup_secret_ struct hpl_secret frame = HPL_SECRET_NULL;
		Hpl__WorkerCommand *c;

		need(hpl_frame_read(&frame, w->heard, NULL) == 0);
		c = hpl__worker_command__unpack(NULL, frame.len, frame.data);
		need(c && (int)c->what_case == w->last + 1); /* job, activate, mount */
		w->last = c->what_case;
		hpl__worker_command__free_unpacked(c, NULL);
	}
}

/* What the steps before have caused. */
static void turn(uv_loop_t *loop)
{
	for (int i = 0; i < 2; i++) {
		uv_run(loop, UV_RUN_NOWAIT);
		for (unsigned k = 0; k < count; k++) {
			hear(&workers[k]);
			if (workers[k].killed && workers[k].process)
				leave(&workers[k], 0, SIGKILL);
		}
	}
	/* /a/b lies beneath /a, and both were started in this order */
	need(workers[1].last < HPL__WORKER_COMMAND__WHAT_MOUNT ||
		workers[0].last == HPL__WORKER_COMMAND__WHAT_MOUNT);
}

static void check_mounted(void)
{
	need(count == WORKERS);
	for (int i = 0; i < WORKERS; i++) {
		need(volumes[i].mapping[0] && workers[i].last == HPL__WORKER_COMMAND__WHAT_MOUNT);
		for (int k = 0; k < i; k++)
			need(!hpl_streq(volumes[i].mapping, volumes[k].mapping));
	}
}

struct input {
	const uint8_t *data;
	size_t size;
};

static void one_step(struct input *in)
{
	struct worker *w = &workers[(in->data[0] & 3) % WORKERS];
	unsigned what = (in->data[0] >> 2) & 3;
	uint8_t n = in->data[1];

	in->data += 2;
	in->size -= 2;
	if (what == SAY) {
		size_t len = n < in->size ? n : in->size;

		if (w->says >= 0)
			(void)!write(w->says, in->data, len); /* whole, or the crew has hung up */
		in->data += len;
		in->size -= len;
	} else if (what == SILENCE) {
		close_says(w);
	} else if (w->process) {
		leave(w, what == EXIT ? n : 0, what == CRASH ? SIGSEGV : 0);
	}
}

static void begin(struct hpl_crew **crew, uv_loop_t *loop, uint8_t how)
{
	static struct hpl_secret pass;
	static const char *const names[] = {"a", "b", "c"}, *const mounts[] = {"/a", "/a/b", "/c"};
	struct hpl_volume *list[WORKERS];
	struct hpl_crew_plan plan = {.loop = loop, .program = "/worker", .volumes = list, .count = WORKERS,
		.parallel = (how & 3) ? how & 3 : 1, .stop_ms = (how & 4) ? 0 : 3600000, .done = on_end};

	need(pass.data || hpl_secret_copy(&pass, "secret", 6, NULL) == 0);
	for (int i = 0; i < WORKERS; i++) {
		volumes[i] = (struct hpl_volume){.name = names[i], .mount = mounts[i], .filesystem = "ext4",
			.passphrase = &pass, .mkfs_dir = "/sbin", .root = "/"};
		workers[i] = (struct worker){.heard = -1, .says = -1};
		list[i] = &volumes[i];
	}
	ended = count = 0;
	need(hpl_crew_start(crew, &plan, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct hpl_crew *crew;
	uv_loop_t loop;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	need(uv_loop_init(&loop) == 0);
	begin(&crew, &loop, data[0]);
	in.data++;
	in.size--;
	while (in.size >= 2 && !ended) {
		one_step(&in);
		turn(&loop);
	}
	if ((data[0] & 8) && !ended) {
		hpl_crew_quit(crew);
		ended = 2;
	}
	for (unsigned i = 0; i < count; i++) { /* an end may start the next */
		leave(&workers[i], 1, 0);
		turn(&loop);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	need(ended && uv_loop_close(&loop) == 0);
	if (ended == 1 && result == 0)
		check_mounted();
	for (unsigned i = 0; i < count; i++)
		close(workers[i].heard);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ZMQ_FD says only that something changed, once; any send or receive may swallow the signal. So
 * the state is asked for (ZMQ_EVENTS) each time before the loop sleeps, in prepare: when there
 * is work an idle handle keeps the loop from sleeping, and check does the work, a bounded part of
 * it in each turn so that timers and children get theirs. The poll handle only wakes the loop.
 */
#include "bus/socket.h"

#include <errno.h>
#include <malloc.h>
#include <zmq.h>

#include "proto/messages.h"
#include "bus/wire.h"
#include "runtime/base/secret.h"

#define FAIL(err, ...) HPL_FAIL(err, HPL_MSG_BUS_FAILED, __VA_ARGS__)

/*
 * libzmq's CURVE encoder copies what it encrypts into a C++ vector and frees it as it is. C++ lets
 * a program replace the operator that frees, so this one wipes first (plain and sized form, by
 * their mangled names). The sanitizers bring their own.
 */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void _ZdlPv(void *p);
void _ZdlPvm(void *p, size_t size);

void _ZdlPv(void *p)
{
	if (p)
		hpl_wipe(p, malloc_usable_size(p));
	free(p);
}

void _ZdlPvm(void *p, size_t size)
{
	(void)size;
	_ZdlPv(p);
}
#endif

/* ---- factory ---- */

int hpl_zmq_context(void **ret, struct hpl_err *err)
{
	void *ctx;

	ctx = zmq_ctx_new();
	if (!ctx)
		return FAIL(err, errno, "context");
	if (zmq_ctx_set(ctx, ZMQ_BLOCKY, 0) < 0 || zmq_ctx_set(ctx, ZMQ_IO_THREADS, 1) < 0 ||
		zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 64) < 0) {
		FAIL(err, errno, "options of the context");
		zmq_ctx_term(ctx);
		return -1;
	}
	*ret = ctx;
	return 0;
}

int hpl_zmq_set(void *sock, int option, const void *value, size_t len, struct hpl_err *err)
{
	if (zmq_setsockopt(sock, option, value, len) < 0)
		return FAIL(err, errno, "socket option %d", option);
	return 0;
}

struct option {
	int option, value;
};

/* HWM counts frames. What waits for a peer that reads nothing is bounded by its window and, frame
 * by frame, by SNDHWM; received frames are few because each may have HPL_BUS_FRAME_MAX. */
static const struct option broker_options[] = {
	{ZMQ_LINGER, 0}, {ZMQ_SNDHWM, 256}, {ZMQ_RCVHWM, 4}, {ZMQ_ROUTER_MANDATORY, 1},
	{ZMQ_HANDSHAKE_IVL, 20000}, {ZMQ_BACKLOG, HPL_BUS_PEERS}, {ZMQ_CURVE_SERVER, 1}, {0, 0},
};
static const struct option client_options[] = {
	{ZMQ_LINGER, 100}, {ZMQ_SNDHWM, 8}, {ZMQ_RCVHWM, 256}, {ZMQ_IMMEDIATE, 1},
	{ZMQ_HANDSHAKE_IVL, 20000}, {ZMQ_RECONNECT_IVL, 50}, {ZMQ_RECONNECT_IVL_MAX, 1000}, {0, 0},
};
static const struct option zap_options[] = {
	{ZMQ_LINGER, 0}, {ZMQ_SNDHWM, 0}, {ZMQ_RCVHWM, 0}, {0, 0},
};

int hpl_zmq_socket(void **ret, void *ctx, enum hpl_socket_kind kind, struct hpl_err *err)
{
	static const struct {
		int type;
		const struct option *options;
	} kinds[] = {
		[HPL_SOCKET_BROKER] = {ZMQ_ROUTER, broker_options},
		[HPL_SOCKET_CLIENT] = {ZMQ_DEALER, client_options},
		[HPL_SOCKET_ZAP] = {ZMQ_REP, zap_options},
	};
	const int64_t max = HPL_BUS_FRAME_MAX;
	void *sock = zmq_socket(ctx, kinds[kind].type);
	int rc;

	if (!sock)
		return FAIL(err, errno, "socket");
	rc = hpl_zmq_set(sock, ZMQ_MAXMSGSIZE, &max, sizeof(max), err);
	for (const struct option *o = kinds[kind].options; rc == 0 && o->option; o++)
		rc = hpl_zmq_set(sock, o->option, &o->value, sizeof(o->value), err);
	if (rc < 0) {
		zmq_close(sock);
		return -1;
	}
	*ret = sock;
	return 0;
}

/* ---- frames ---- */

struct hpl_frame_memory {
	size_t wipe; /* bytes to wipe before it is freed */
	uint8_t data[];
};

/* called on a thread of libzmq when the frame has been sent */
static void free_memory(void *data, void *hint)
{
	struct hpl_frame_memory *m = hint;

	(void)data;
	hpl_wipe(m->data, m->wipe);
	free(m);
}

uint8_t *hpl_frame_add(struct hpl_frame *f, size_t size)
{
	if (f->cap - f->len < size) {
		size_t cap = f->cap ? f->cap : 1024;
		struct hpl_frame_memory *m;

		while (cap - f->len < size)
			cap *= 2;
		m = malloc(sizeof(*m) + cap);
		if (!m)
			return NULL;
		m->wipe = 0;
		if (f->mem) {
			memcpy(m->data, f->mem->data, f->len);
			f->mem->wipe = f->wipe ? f->len : 0;
			free_memory(NULL, f->mem);
		}
		f->mem = m;
		f->cap = cap;
	}
	f->len += size;
	return f->mem->data + f->len - size;
}

int hpl_frame_send(void *sock, const void *route, size_t route_len, struct hpl_frame *f)
{
	if (route && zmq_send(sock, route, route_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
		return errno;
	if (!f->sealed) {
		f->mem->wipe = f->wipe ? f->len : 0;
		if (zmq_msg_init_data(&f->msg, f->mem->data, f->len, free_memory, f->mem) < 0)
			return errno;
		f->sealed = 1;
	}
	if (zmq_msg_send(&f->msg, sock, ZMQ_DONTWAIT) < 0)
		return errno;
	*f = (struct hpl_frame){.next = f->next};
	return 0;
}

void hpl_frame_done(struct hpl_frame *f)
{
	if (f->sealed) {
		zmq_msg_close(&f->msg);
	} else if (f->mem) {
		f->mem->wipe = f->wipe ? f->len : 0;
		free_memory(NULL, f->mem);
	}
	*f = (struct hpl_frame){0};
}

int hpl_frame_cover(struct hpl_frame *f)
{
	uint8_t *p = hpl_frame_add(f, HPL_WIRE_COVER);

	if (!p)
		return -1;
	hpl_wire_header(p, HPL_OP_COVER, 0, HPL_WIRE_COVER - HPL_WIRE_HEADER);
	f->closed = 1;
	memset(p + HPL_WIRE_HEADER, 0x5a, HPL_WIRE_COVER - HPL_WIRE_HEADER);
	return 0;
}

__attribute__((noinline)) void hpl_stack_wipe(void)
{
	static const uint8_t zeros[1024];
	volatile size_t size;
	uint8_t used[16 << 10];

	/* the C library copies through vector registers, others for each size, and the dynamic
	 * linker saves them on the stack: let it copy zeros through the same ones */
	for (size = 1; size <= sizeof(zeros); size *= 2) {
		memcpy(used, zeros, size);
		memmove(used + 1, used, size);
	}
	hpl_wipe(used, sizeof(used));
}

/* ---- watch ---- */

static int events_of(struct hpl_watch *w)
{
	int events = 0;
	size_t len = sizeof(events);

	if (zmq_getsockopt(w->sock, ZMQ_EVENTS, &events, &len) < 0)
		return 0;
	return events;
}

static void on_idle(uv_idle_t *h)
{
	(void)h; /* its being active is what keeps the loop from sleeping */
}

static void on_prepare(uv_prepare_t *h)
{
	struct hpl_watch *w = h->data;
	enum hpl_watch_more more = w->out ? w->out(w->ud) : HPL_WATCH_IDLE;

	if (w->touched) {
		w->touched = 0;
		w->events = events_of(w);
		if (w->state)
			w->state(w->ud, w->events);
	}
	if (w->again || more == HPL_WATCH_AGAIN || w->events & ZMQ_POLLIN ||
		(more == HPL_WATCH_WRITABLE && w->events & ZMQ_POLLOUT))
		uv_idle_start(&w->idle, on_idle);
}

/* A socket that was not touched since it had nothing to read, and has given no signal, still has
 * nothing: it is not asked, because asking costs two system calls. */
static void on_check(uv_check_t *h)
{
	struct hpl_watch *w = h->data;

	uv_idle_stop(&w->idle);
	if (w->signaled || w->again || w->events & ZMQ_POLLIN) {
		w->signaled = 0;
		w->events = 0;
		w->again = w->in(w->ud) == HPL_WATCH_AGAIN;
	}
	if (w->out)
		(void)w->out(w->ud); /* what is left is asked for again in prepare */
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct hpl_watch *w = h->data;

	(void)status;
	(void)events;
	w->signaled = 1; /* check does the work */
}

int hpl_watch_start(struct hpl_watch *w, uv_loop_t *loop, struct hpl_err *err)
{
	int fd, rc;
	size_t len = sizeof(fd);

	if (zmq_getsockopt(w->sock, ZMQ_FD, &fd, &len) < 0)
		return FAIL(err, errno, "descriptor of the socket");
	rc = uv_poll_init(loop, &w->poll, fd);
	if (rc < 0)
		return FAIL(err, -rc, "poll handle");
	uv_prepare_init(loop, &w->prepare);
	uv_check_init(loop, &w->check);
	uv_idle_init(loop, &w->idle);
	w->poll.data = w->prepare.data = w->check.data = w->idle.data = w;
	w->open = 4;
	w->touched = 1; /* something may have come before */
	uv_prepare_start(&w->prepare, on_prepare);
	uv_check_start(&w->check, on_check);
	rc = uv_poll_start(&w->poll, UV_READABLE, on_poll);
	if (rc < 0)
		return FAIL(err, -rc, "poll handle");
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct hpl_watch *w = h->data;

	if (--w->open == 0)
		w->closed(w->ud);
}

void hpl_watch_close(struct hpl_watch *w, void (*closed)(void *ud))
{
	w->closed = closed;
	if (w->open == 0) {
		closed(w->ud);
		return;
	}
	uv_close((uv_handle_t *)&w->poll, on_closed);
	uv_close((uv_handle_t *)&w->prepare, on_closed);
	uv_close((uv_handle_t *)&w->check, on_closed);
	uv_close((uv_handle_t *)&w->idle, on_closed);
}

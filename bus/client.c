/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client: frames to send wait in a list, the last of them is still open and takes records until
 * the loop turn ends. Events come in the order of their sequence; those not yet acknowledged
 * are remembered, so that a run of acknowledged ones becomes one cumulative acknowledgement.
 */
#include "bus/client.h"

#include <errno.h>

#include "bus/event.h"
#include "bus/socket.h"
#include "bus/wire.h"
#include "proto/messages.h"
#include "proto/topics.h"
#include "runtime/base/secret.h"

enum { FRAMES_PER_TURN = 16 };

struct flush {
	struct flush *next;
	void (*done)(void *ud);
	void *ud;
	uint64_t token;
};

/* Events handed to the handler and not acknowledged, oldest first: a ring. */
struct pending {
	struct { uint64_t seq; int done; } *items;
	size_t first, count, cap; /* cap: a power of two */
};

struct hpl_bus {
	struct hpl_watch watch;
	uv_timer_t timer;         /* WELCOME must come; later: the connection is down */
	void *ctx;
	const struct hpl_bus_handlers *handlers;
	void *ud;
	struct hpl_frame *head, *tail;
	size_t queued_bytes;      /* in the list */
	uint64_t published, accepted, tokens;
	struct pending pending;
	uint64_t ack_upto;        /* to be sent; 0: nothing */
	unsigned ack_count;       /* events that it newly covers */
	int ack_now;              /* do not wait for more: see HPL_BUS_LAZY_MS */
	uv_timer_t ack_timer;
	struct flush *flushes, **flushes_end;
	struct hpl_unpacker unpacker;
	int welcomed, down, gone, closing;
	unsigned open;            /* watch and timers */
	void (*closed)(void *ud);
	void *closed_ud;
};

/* ---- writing ---- */

/* Room for one record; NULL: no memory. */
static uint8_t *add_record(struct hpl_bus *bus, enum hpl_wire_op op, uint64_t arg, size_t len,
	int wipe)
{
	struct hpl_frame *f = bus->tail;
	uint8_t *p;

	if (!f || f->closed || f->sealed || f->len + len + HPL_WIRE_HEADER > HPL_BUS_BATCH_BYTES) {
		f = calloc(1, sizeof(*f));
		if (!f)
			return NULL;
		if (bus->tail)
			bus->tail->next = f;
		else
			bus->head = f;
		bus->tail = f;
	}
	p = hpl_frame_add(f, HPL_WIRE_HEADER + len);
	if (!p)
		return NULL;
	f->wipe |= wipe;
	bus->queued_bytes += HPL_WIRE_HEADER + len;
	hpl_wire_header(p, op, arg, (uint32_t)len);
	return p + HPL_WIRE_HEADER;
}

static void drop_head(struct hpl_bus *bus)
{
	struct hpl_frame *f = bus->head;

	bus->head = f->next;
	if (!bus->head)
		bus->tail = NULL;
	hpl_frame_done(f);
	free(f);
}

static void put_ack(struct hpl_bus *bus)
{
	if (!bus->ack_upto || !add_record(bus, HPL_OP_ACK_UPTO, bus->ack_upto, 0, 0))
		return;
	bus->ack_upto = bus->ack_count = 0;
	bus->ack_now = 0;
	uv_timer_stop(&bus->ack_timer);
}

static void on_ack_timer(uv_timer_t *t)
{
	struct hpl_bus *bus = t->data;

	bus->ack_now = 1;
}

static void lose(struct hpl_bus *bus)
{
	if (bus->gone || bus->closing)
		return;
	bus->gone = 1;
	uv_timer_stop(&bus->timer);
	if (bus->handlers->lost)
		bus->handlers->lost(bus->ud);
}

static void on_timer(uv_timer_t *t)
{
	lose(t->data);
}

/* With ZMQ_IMMEDIATE a DEALER without a connection takes nothing, so a socket that stays
 * unwritable means that the broker is gone or has not read for HPL_BUS_LOST_MS. */
static void on_state(void *ud, int events)
{
	struct hpl_bus *bus = ud;
	int down = !(events & ZMQ_POLLOUT);

	if (!bus->welcomed || bus->gone || bus->closing || down == bus->down)
		return;
	bus->down = down;
	if (bus->down)
		uv_timer_start(&bus->timer, on_timer, HPL_BUS_LOST_MS, 0);
	else
		uv_timer_stop(&bus->timer);
}

static enum hpl_watch_more on_out(void *ud)
{
	struct hpl_bus *bus = ud;

	if (bus->closing || bus->gone)
		return HPL_WATCH_IDLE;
	if (bus->head || bus->ack_now || bus->ack_count >= HPL_BUS_LAZY_EVENTS)
		put_ack(bus);
	for (int i = 0; bus->head; i++) {
		size_t len = bus->head->len;
		int cover = bus->head->wipe;

		if (i == FRAMES_PER_TURN)
			return HPL_WATCH_AGAIN;
		bus->watch.touched = 1;
		if (hpl_frame_send(bus->watch.sock, NULL, 0, bus->head) != 0)
			return HPL_WATCH_WRITABLE;
		bus->queued_bytes -= len;
		/* the same frame again, now empty, goes next and alone */
		if (cover && hpl_frame_cover(bus->head) == 0)
			bus->queued_bytes += bus->head->len;
		else
			drop_head(bus);
	}
	return HPL_WATCH_IDLE;
}

int hpl_bus_ready(struct hpl_bus *bus, struct hpl_err *err)
{
	return add_record(bus, HPL_OP_READY, 0, 0, 0) ? 0 : HPL_OOM(err);
}

int hpl_bus_publish(struct hpl_bus *bus, const Hpl__Event *ev, struct hpl_err *err)
{
	const struct hpl_topic *topic = hpl_topic_find(ev->topic);
	Hpl__Event copy;
	uint8_t *body;
	size_t len;

	if (hpl_event_outgoing(&copy, &len, ev, err) < 0)
		return -1;
	if (bus->gone || bus->queued_bytes + len > HPL_BUS_QUEUE_BYTES)
		return HPL_FAIL(err, HPL_MSG_BUS_FAILED, 0, "event %s: %s", ev->topic,
			bus->gone ? "the broker is gone" : "too much is waiting to be sent");
	body = add_record(bus, HPL_OP_PUBLISH, bus->published + 1, len, topic && topic->reader);
	if (!body)
		return HPL_OOM(err);
	hpl__event__pack(&copy, body);
	bus->published++;
	return 0;
}

uint64_t hpl_bus_unaccepted(const struct hpl_bus *bus)
{
	return bus->published - bus->accepted;
}

void hpl_bus_flush(struct hpl_bus *bus, void (*done)(void *ud), void *ud)
{
	struct flush *f = calloc(1, sizeof(*f));

	put_ack(bus);
	if (!f || !add_record(bus, HPL_OP_FLUSH, bus->tokens + 1, 0, 0)) {
		free(f); /* the caller's time limit ends it */
		return;
	}
	*f = (struct flush){.done = done, .ud = ud, .token = ++bus->tokens};
	*bus->flushes_end = f;
	bus->flushes_end = &f->next;
}

/* ---- acknowledging ---- */

static int pending_push(struct pending *q, uint64_t seq)
{
	if (q->count == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 256;
		__typeof__(q->items) items = calloc(cap, sizeof(*items));

		if (!items)
			return -1;
		for (size_t i = 0; i < q->count; i++)
			items[i] = q->items[(q->first + i) & (q->cap - 1)];
		free(q->items);
		q->items = items;
		q->cap = cap;
		q->first = 0;
	}
	q->items[(q->first + q->count) & (q->cap - 1)].seq = seq;
	q->items[(q->first + q->count) & (q->cap - 1)].done = 0;
	q->count++;
	return 0;
}

/* Index of seq counted from the oldest, or count. */
static size_t pending_find(const struct pending *q, uint64_t seq)
{
	size_t low = 0, high = q->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (q->items[(q->first + mid) & (q->cap - 1)].seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < q->count && q->items[(q->first + low) & (q->cap - 1)].seq != seq)
		return q->count;
	return low;
}

void hpl_bus_ack(struct hpl_bus *bus, uint64_t seq)
{
	struct pending *q = &bus->pending;
	size_t i = pending_find(q, seq);

	if (i == q->count || bus->closing)
		return;
	q->items[(q->first + i) & (q->cap - 1)].done = 1;
	if (i > 0) {
		/* an older one is still in work: this one is told alone */
		(void)add_record(bus, HPL_OP_ACK, seq, 0, 0);
		return;
	}
	if (!bus->ack_upto)
		uv_timer_start(&bus->ack_timer, on_ack_timer, HPL_BUS_LAZY_MS, 0);
	while (q->count && q->items[q->first].done) {
		bus->ack_upto = q->items[q->first].seq;
		bus->ack_count++;
		q->first = (q->first + 1) & (q->cap - 1);
		q->count--;
	}
}

/* ---- reading ---- */

static void take_event(struct hpl_bus *bus, const struct hpl_wire_record *r, int *wipe)
{
	Hpl__Event *ev = hpl_event_unpack(&bus->unpacker, r->body, r->len);
	const struct hpl_topic *topic = ev ? hpl_topic_find(ev->topic) : NULL;
	int confidential = !topic || topic->reader;

	*wipe |= confidential;
	if (!ev || pending_push(&bus->pending, r->arg) < 0) {
		/* no memory: an event cannot be skipped, the next process gets it again */
		lose(bus);
		return;
	}
	bus->ack_now |= confidential; /* the broker keeps it until then */
	bus->handlers->event(bus->ud, ev);
	hpl_unpacker_reset(&bus->unpacker, confidential);
}

static void take_refused(struct hpl_bus *bus, const struct hpl_wire_record *r)
{
	char body[512];
	size_t len = r->len < sizeof(body) - 1 ? r->len : sizeof(body) - 1, id;

	memcpy(body, r->body, len);
	body[len] = 0;
	id = strlen(body);
	if (bus->handlers->refused)
		bus->handlers->refused(bus->ud, body, id < len ? body + id + 1 : "");
}

static void take_flushed(struct hpl_bus *bus, uint64_t token)
{
	while (!bus->closing && bus->flushes && bus->flushes->token <= token) {
		struct flush *f = bus->flushes;

		bus->flushes = f->next;
		if (!bus->flushes)
			bus->flushes_end = &bus->flushes;
		f->done(f->ud);
		free(f);
	}
}

static void take_record(struct hpl_bus *bus, const struct hpl_wire_record *r, int *wipe)
{
	switch (r->op) {
	case HPL_OP_EVENT:
		take_event(bus, r, wipe);
		break;
	case HPL_OP_ACCEPTED:
		if (r->arg > bus->accepted && r->arg <= bus->published)
			bus->accepted = r->arg;
		break;
	case HPL_OP_REFUSED:
		take_refused(bus, r);
		break;
	case HPL_OP_PING:
		(void)add_record(bus, HPL_OP_PONG, r->arg, 0, 0);
		break;
	case HPL_OP_WELCOME:
		bus->welcomed = 1;
		uv_timer_stop(&bus->timer);
		break;
	case HPL_OP_FLUSHED:
		take_flushed(bus, r->arg);
		break;
	case HPL_OP_COVER:
		break;
	default: /* a broker of another build; it is the same image, so this is our fault */
		lose(bus);
	}
}

static enum hpl_watch_more on_in(void *ud)
{
	struct hpl_bus *bus = ud;

	for (int i = 0; i < FRAMES_PER_TURN; i++) {
		struct hpl_wire_record r;
		zmq_msg_t msg;
		size_t pos = 0;
		int wipe = 0;

		if (bus->closing || bus->gone)
			return HPL_WATCH_IDLE;
		zmq_msg_init(&msg);
		if (zmq_msg_recv(&msg, bus->watch.sock, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&msg);
			bus->watch.touched |= i == 0;
			return HPL_WATCH_IDLE;
		}
		while (!bus->closing && !bus->gone &&
			hpl_wire_next(zmq_msg_data(&msg), zmq_msg_size(&msg), &pos, &r) > 0)
			take_record(bus, &r, &wipe);
		if (wipe) {
			hpl_wipe(zmq_msg_data(&msg), zmq_msg_size(&msg));
			hpl_stack_wipe();
		}
		zmq_msg_close(&msg);
	}
	return HPL_WATCH_AGAIN;
}

/* ---- birth and death ---- */

static void release(struct hpl_bus *bus)
{
	while (bus->head)
		drop_head(bus);
	while (bus->flushes) {
		struct flush *f = bus->flushes;

		bus->flushes = f->next;
		free(f);
	}
	if (bus->watch.sock)
		zmq_close(bus->watch.sock);
	if (bus->ctx)
		zmq_ctx_term(bus->ctx);
	hpl_unpacker_done(&bus->unpacker);
	free(bus->pending.items);
	free(bus);
}

static void handle_closed(struct hpl_bus *bus)
{
	void (*closed)(void *ud) = bus->closed;
	void *ud = bus->closed_ud;

	if (--bus->open)
		return;
	release(bus);
	if (closed)
		closed(ud);
}

static void on_watch_closed(void *ud)
{
	handle_closed(ud);
}

static void on_timer_closed(uv_handle_t *h)
{
	handle_closed(h->data);
}

static int set_keys(void *sock, const Hpl__Bootstrap *boot, struct hpl_err *err)
{
	if (boot->server_public.len != 32 || boot->client_public.len != 32 ||
		boot->client_secret.len != 32)
		return HPL_FAIL(err, HPL_MSG_BUS_FAILED, 0, "bootstrap without keys of 32 bytes");
	if (hpl_zmq_set(sock, ZMQ_CURVE_SERVERKEY, boot->server_public.data, 32, err) < 0 ||
		hpl_zmq_set(sock, ZMQ_CURVE_PUBLICKEY, boot->client_public.data, 32, err) < 0 ||
		hpl_zmq_set(sock, ZMQ_CURVE_SECRETKEY, boot->client_secret.data, 32, err) < 0)
		return -1;
	return 0;
}

int hpl_bus_new(struct hpl_bus **ret, uv_loop_t *loop, const Hpl__Bootstrap *boot,
	const struct hpl_bus_handlers *handlers, void *ud, struct hpl_err *err)
{
	struct hpl_bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return HPL_OOM(err);
	bus->handlers = handlers;
	bus->ud = ud;
	bus->flushes_end = &bus->flushes;
	bus->watch.in = on_in;
	bus->watch.out = on_out;
	bus->watch.state = on_state;
	bus->watch.ud = bus;
	if (hpl_zmq_context(&bus->ctx, err) < 0 ||
		hpl_zmq_socket(&bus->watch.sock, bus->ctx, HPL_SOCKET_CLIENT, err) < 0 ||
		set_keys(bus->watch.sock, boot, err) < 0) {
		release(bus);
		return -1;
	}
	if (zmq_connect(bus->watch.sock, boot->endpoint) < 0) {
		HPL_FAIL(err, HPL_MSG_BUS_FAILED, errno, "%s", boot->endpoint);
		release(bus);
		return -1;
	}
	if (!add_record(bus, HPL_OP_HELLO, 0, 0, 0)) {
		release(bus);
		return HPL_OOM(err);
	}
	uv_timer_init(loop, &bus->timer);
	uv_timer_init(loop, &bus->ack_timer);
	bus->timer.data = bus->ack_timer.data = bus;
	bus->open = 3;
	if (hpl_watch_start(&bus->watch, loop, err) < 0) {
		hpl_bus_free(bus, NULL, NULL);
		return -1;
	}
	uv_timer_start(&bus->timer, on_timer, HPL_BUS_WELCOME_MS, 0);
	*ret = bus;
	return 0;
}

void hpl_bus_free(struct hpl_bus *bus, void (*closed)(void *ud), void *ud)
{
	if (!bus || bus->closing)
		return;
	bus->closing = 1;
	bus->closed = closed;
	bus->closed_ud = ud;
	uv_close((uv_handle_t *)&bus->timer, on_timer_closed);
	uv_close((uv_handle_t *)&bus->ack_timer, on_timer_closed);
	hpl_watch_close(&bus->watch, on_watch_closed);
}

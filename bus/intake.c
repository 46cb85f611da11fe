/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What peers send. A frame is read whole or refused whole; a publication is scanned, unpacked,
 * checked against topic table and policy, and stamped: the broker's fields are appended to the
 * bytes that were checked. Since hpl_event_scan() lets no field of the broker and no field twice
 * pass, these are the only ones.
 */
#include "bus/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "runtime/base/clock.h"
#include "runtime/base/log.h"

enum { FRAMES_PER_TURN = 64, EVENTS_PER_TURN = 2048, STAMP_MAX = 96 + HPL_BUS_NAME_MAX };

/* ---- refusing ---- */

static void count(struct hpl_broker *b, enum hpl_msg msg)
{
	if (msg == HPL_MSG_BUS_WRONG_KEY)
		b->stats.refused_key++;
	else if (msg == HPL_MSG_BUS_TOPIC_FORBIDDEN)
		b->stats.refused_topic++;
	else if (msg == HPL_MSG_BUS_FLOOD)
		b->stats.refused_flood++;
	else if (msg != HPL_MSG_BUS_HISTORY_FULL)
		b->stats.refused_frame++;
}

void hpl_broker_refuse(struct hpl_broker *b, struct peer *p, uint64_t number, enum hpl_msg msg,
	const char *fmt, ...)
{
	struct peer *who = p ? p : &b->stranger;
	uint64_t second = uv_now(b->loop) / 1000;
	const char *id = hpl_msg_info(msg)->id;
	char text[256], safe[256], body[300];
	size_t id_len = strlen(id) + 1, len;
	va_list ap;

	count(b, msg);
	if (who->told_second != second) {
		who->told_second = second;
		who->told = 0;
	}
	if (++who->told > HPL_BUS_TOLD_PER_SECOND)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = hpl_escape_line(safe, sizeof(safe), text, strlen(text));
	memcpy(body, id, id_len);
	memcpy(body + id_len, safe, len);
	if (p)
		hpl_peer_control(b, p, HPL_OP_REFUSED, number, body, id_len + len);
	if (b->cb.refused)
		b->cb.refused(b->ud, p ? p->id : 0, msg, safe);
}

/* ---- limits of a publisher ---- */

static int over_limit(struct hpl_broker *b, struct peer *p, size_t len)
{
	double seconds = (double)(b->mono_us - p->tokens_at_us) / 1e6;
	double bytes = HPL_BUS_PUBLISH_BYTES > p->rate * 1024.0 ? HPL_BUS_PUBLISH_BYTES
								: p->rate * 1024.0;

	p->tokens_at_us = b->mono_us;
	p->tokens += seconds * p->rate;
	p->byte_tokens += seconds * bytes;
	if (p->tokens > p->rate)
		p->tokens = p->rate;
	if (p->byte_tokens > bytes)
		p->byte_tokens = bytes;
	if (p->tokens < 1 || p->byte_tokens < (double)len)
		return 1;
	p->tokens -= 1;
	p->byte_tokens -= (double)len;
	return 0;
}

/* ---- stamping ---- */

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put_number(uint8_t *p, unsigned field, uint64_t v)
{
	return put_varint(put_varint(p, field << 3), v);
}

/* Fields 2, 3, 4 and 5 of Event. Returns the length, at most STAMP_MAX. */
static size_t stamp(struct hpl_broker *b, uint8_t *out, uint64_t seq, const char *source)
{
	size_t len = strlen(source);
	uint8_t *p = put_number(out, 2, seq);

	p = put_number(p, 3, b->wall_us);
	p = put_number(p, 4, b->mono_us);
	p = put_varint(put_varint(p, 5 << 3 | 2), len);
	memcpy(p, source, len);
	return (size_t)(p + len - out);
}

static void read_clock(struct hpl_broker *b)
{
	b->mono_us = hpl_mono_us();
	b->wall_us = hpl_wall_us();
}

/* Bytes and fields were checked; ev may be changed. */
static int accept_event(struct hpl_broker *b, const char *source, const struct hpl_topic *topic,
	Hpl__Event *ev, const uint8_t *data, size_t len)
{
	uint8_t stamps[STAMP_MAX];
	uint64_t seq = b->next;
	size_t stamps_len = stamp(b, stamps, seq, source);
	struct entry *e = hpl_entry_new(b, (unsigned)(topic - hpl_topics), len + stamps_len);

	if (!e)
		return -1;
	memcpy(hpl_entry_bytes(e), data, len);
	memcpy(hpl_entry_bytes(e) + len, stamps, stamps_len);
	e->seq = seq;
	hpl_history_append(b, e);
	b->stats.accepted++;
	b->confidential |= topic->reader != NULL;
	if (!b->cb.event)
		return 0;
	ev->seq = seq;
	ev->wall_us = b->wall_us;
	ev->mono_us = b->mono_us;
	ev->source = (char *)source;
	if (topic->reader) {
		ev->payload_case = HPL__EVENT__PAYLOAD__NOT_SET;
		ev->failure = NULL; /* the members of the oneof share one pointer */
	}
	b->cb.event(b->ud, ev);
	return 0;
}

/* ---- publishing ---- */

static const struct hpl_topic *find_topic(struct peer *p, const char *name)
{
	if (!p->last_topic || strcmp(p->last_topic->name, name) != 0)
		p->last_topic = hpl_topic_find(name);
	return p->last_topic;
}

static void on_publish(struct hpl_broker *b, struct peer *p, const struct hpl_wire_record *r)
{
	const struct hpl_topic *topic;
	const char *why;
	Hpl__Event *ev;

	if (r->len > HPL_BUS_MESSAGE_MAX) {
		hpl_broker_refuse(b, p, r->arg, HPL_MSG_BUS_FRAME_TOO_LARGE,
			"%s: event of %" PRIu32 " bytes, the limit is %d", p->service->name, r->len,
			HPL_BUS_MESSAGE_MAX);
		return;
	}
	if (over_limit(b, p, r->len)) {
		hpl_broker_refuse(b, p, r->arg, HPL_MSG_BUS_FLOOD, "%s: more than %" PRIu32
			" events or its bytes in a second", p->service->name, p->rate);
		return;
	}
	why = hpl_event_scan(r->body, r->len, 0);
	ev = why ? NULL : hpl_event_unpack(&b->unpacker, r->body, r->len);
	if (!why)
		why = ev ? hpl_event_check(ev) : "cannot be unpacked within its memory limit";
	if (why) {
		hpl_broker_refuse(b, p, r->arg, HPL_MSG_BUS_FRAME_MALFORMED, "%s: event: %s",
			p->service->name, why);
		return;
	}
	topic = find_topic(p, ev->topic);
	if (!topic || !topic_in(&p->publish, (unsigned)(topic - hpl_topics))) {
		hpl_broker_refuse(b, p, r->arg, HPL_MSG_BUS_TOPIC_FORBIDDEN, "%s may not publish %s",
			p->service->name, ev->topic);
		return;
	}
	if ((int)ev->payload_case != topic->payload_case) {
		hpl_broker_refuse(b, p, r->arg, HPL_MSG_BUS_FRAME_MALFORMED,
			"%s: event: %s with a payload of another kind", p->service->name, topic->name);
		return;
	}
	if (accept_event(b, p->service->name, topic, ev, r->body, r->len) < 0)
		hpl_broker_refuse(b, p, r->arg, HPL_MSG_BUS_FAILED, "%s: no memory for an event",
			p->service->name);
}

int hpl_broker_publish_as(struct hpl_broker *b, const char *source, const Hpl__Event *ev,
	struct hpl_err *err)
{
	const struct hpl_topic *topic = hpl_topic_find(ev->topic);
	_cleanup_buf_ struct hpl_buf packed = {.wipe = topic && topic->reader};
	Hpl__Event copy;
	const char *why = NULL;
	size_t len;

	if (hpl_event_outgoing(&copy, &len, ev, err) < 0)
		return -1;
	if (!topic)
		why = "unknown topic";
	else if ((int)copy.payload_case != topic->payload_case)
		why = "payload of another kind";
	if (why)
		return HPL_FAIL(err, HPL_MSG_BUS_FRAME_MALFORMED, 0, "event %s: %s", ev->topic, why);
	packed.data = malloc(len + 1);
	if (!packed.data)
		return HPL_OOM(err);
	packed.cap = len + 1;
	packed.len = hpl__event__pack(&copy, (uint8_t *)packed.data);
	why = hpl_event_scan((uint8_t *)packed.data, len, 0);
	if (why)
		return HPL_FAIL(err, HPL_MSG_BUS_FRAME_MALFORMED, 0, "event %s: %s", ev->topic, why);
	read_clock(b);
	if (accept_event(b, source, topic, &copy, (uint8_t *)packed.data, len) < 0)
		return HPL_OOM(err);
	return 0;
}

int hpl_broker_publish(struct hpl_broker *b, const Hpl__Event *ev, struct hpl_err *err)
{
	return hpl_broker_publish_as(b, "hpld", ev, err);
}

/* ---- frames ---- */

static void on_hello(struct hpl_broker *b, struct peer *p, uint64_t seen)
{
	struct service *s = p->service;

	p->connected = 1;
	p->cursor = seen < b->next ? seen + 1 : b->next;
	if (p->cursor < b->first)
		p->cursor = b->first;
	p->floor = p->cursor - 1;
	hpl_peer_control(b, p, HPL_OP_WELCOME, 0, NULL, 0);
	if (s->missed) {
		hpl_broker_refuse(b, NULL, 0, HPL_MSG_BUS_HISTORY_FULL,
			"%s comes too late for %" PRIu64 " events", s->name, s->missed);
		s->missed = 0;
	}
}

static void on_record(struct hpl_broker *b, struct peer *p, const struct hpl_wire_record *r)
{
	if (r->op == HPL_OP_COVER)
		return;
	if (r->op != HPL_OP_PUBLISH && r->len > 0) {
		hpl_broker_refuse(b, p, 0, HPL_MSG_BUS_FRAME_MALFORMED, "%s: operation %u with a body",
			p->service->name, r->op);
		return;
	}
	switch (r->op) {
	case HPL_OP_READY:
		if (!p->ready && b->cb.ready)
			b->cb.ready(b->ud, p->id);
		p->ready = 1;
		return;
	case HPL_OP_PUBLISH:
		if (r->arg > p->accepted) {
			on_publish(b, p, r);
			p->accepted = r->arg;
			p->accepted_pending = 1;
			return;
		}
		break;
	case HPL_OP_ACK:
		hpl_peer_ack(b, p, r->arg);
		return;
	case HPL_OP_ACK_UPTO:
		hpl_peer_ack_upto(b, p, r->arg);
		return;
	case HPL_OP_FLUSH:
		p->flushed = r->arg;
		p->flushed_pending = 1;
		return;
	case HPL_OP_PONG:
		p->pongs++;
		return;
	}
	hpl_broker_refuse(b, p, r->arg, HPL_MSG_BUS_FRAME_MALFORMED,
		"%s: operation %u is unknown or out of order", p->service->name, r->op);
}

/* Returns the number of records that were handled. */
static unsigned on_frame(struct hpl_broker *b, struct peer *p, const uint8_t *frame, size_t len)
{
	struct hpl_wire_record r;
	size_t pos = 0;
	unsigned n = 0;

	if (hpl_wire_check(frame, len) < 0) {
		hpl_broker_refuse(b, p, 0, HPL_MSG_BUS_FRAME_MALFORMED,
			"%s: frame of %zu bytes is not made of records", p->service->name, len);
		return 1;
	}
	read_clock(b);
	while (!p->cut && !p->revoked && !b->closing && hpl_wire_next(frame, len, &pos, &r) > 0) {
		n++;
		if (p->connected)
			on_record(b, p, &r);
		else if (r.op == HPL_OP_HELLO && r.len == 0)
			on_hello(b, p, r.arg);
		else
			hpl_broker_refuse(b, p, 0, HPL_MSG_BUS_FRAME_MALFORMED,
				"%s: operation %u before HELLO", p->service->name, r.op);
	}
	return n;
}

/* The peer whose key authenticated the connection; NULL: withdrawn, stuck, or not its route. */
static struct peer *find_sender(struct hpl_broker *b, zmq_msg_t *msg, const zmq_msg_t *route)
{
	const char *user = zmq_msg_gets(msg, "User-Id");
	uint32_t id = user ? (uint32_t)strtoul(user, NULL, 10) : 0;
	const void *data = zmq_msg_data((zmq_msg_t *)route);

	if (zmq_msg_size(route) != ROUTE_SIZE)
		return NULL; /* chosen by the client: ours never are */
	for (struct peer *p = b->peers; p; p = p->next) {
		if (p->id != id || p->revoked || p->cut)
			continue;
		if (!p->connected)
			memcpy(p->route, data, ROUTE_SIZE);
		return memcmp(p->route, data, ROUTE_SIZE) == 0 ? p : NULL;
	}
	return NULL;
}

/* 1: one message was read into route and body (of one frame each, or *ret_frames says more).
 * 0: nothing there. */
static int read_message(void *sock, zmq_msg_t *route, zmq_msg_t *body, unsigned *ret_frames)
{
	zmq_msg_t rest;

	*ret_frames = 0;
	if (zmq_msg_recv(route, sock, ZMQ_DONTWAIT) < 0)
		return 0;
	for (int more = zmq_msg_more(route); more; ++*ret_frames) {
		zmq_msg_t *at = *ret_frames == 0 ? body : &rest;

		if (at == &rest)
			zmq_msg_init(&rest);
		if (zmq_msg_recv(at, sock, ZMQ_DONTWAIT) < 0)
			more = 0;
		else
			more = zmq_msg_more(at);
		if (at == &rest)
			zmq_msg_close(&rest);
	}
	return 1;
}

enum hpl_watch_more hpl_broker_intake(void *broker)
{
	struct hpl_broker *b = broker;
	unsigned records = 0;

	for (int i = 0; i < FRAMES_PER_TURN && records < EVENTS_PER_TURN; i++) {
		zmq_msg_t route, body;
		struct peer *p;
		unsigned frames;

		zmq_msg_init(&route);
		zmq_msg_init(&body);
		if (b->closing || !read_message(b->watch.sock, &route, &body, &frames)) {
			zmq_msg_close(&route);
			zmq_msg_close(&body);
			b->watch.touched |= i == 0;
			return HPL_WATCH_IDLE;
		}
		p = find_sender(b, &body, &route);
		if (p) {
			p->heard_ms = uv_now(b->loop);
			p->blocked = 0;
		}
		if (p && frames == 1)
			records += on_frame(b, p, zmq_msg_data(&body), zmq_msg_size(&body));
		else if (p)
			hpl_broker_refuse(b, p, 0, HPL_MSG_BUS_FRAME_MALFORMED,
				"%s: message of %u frames", p->service->name, frames);
		else
			hpl_broker_refuse(b, NULL, 0, HPL_MSG_BUS_WRONG_KEY,
				"message of a process whose key was withdrawn");
		/* what was refused may have been confidential too: wiping is not asked, only the
		 * stack, which costs more, is for what was accepted */
		hpl_wipe(zmq_msg_data(&body), zmq_msg_size(&body));
		hpl_unpacker_reset(&b->unpacker, 1);
		if (b->confidential)
			hpl_stack_wipe();
		b->confidential = 0;
		zmq_msg_close(&route);
		zmq_msg_close(&body);
	}
	return HPL_WATCH_AGAIN;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each peer is sent. A peer has a cursor into the history; at the end of a loop turn all that
 * its window allows goes into as few frames as possible. Nothing here waits: a pipe that takes
 * nothing is tried again when the peer speaks or the timer ticks.
 */
#include "bus/internal.h"

#include <errno.h>

enum {
	FRAMES_PER_TURN = 16, /* for one peer; the others get their turn then */
	TICK_MS = 50,
};
/* "replay: true", field 10 of Event, written behind the stored bytes */
static const uint8_t replay_bytes[] = {10 << 3, 1};

void hpl_peer_control(struct hpl_broker *b, struct peer *p, enum hpl_wire_op op, uint64_t arg,
	const void *body, size_t len)
{
	uint8_t header[HPL_WIRE_HEADER];

	if (p->cut || p->revoked)
		return;
	p->control.limit = HPL_BUS_CONTROL_BYTES;
	hpl_wire_header(header, op, arg, (uint32_t)len);
	hpl_buf_add(&p->control, header, sizeof(header));
	hpl_buf_add(&p->control, body, len);
	if (p->control.failed)
		hpl_peer_cut(b, p); /* it does not read its answers */
}

/* ---- acknowledgements ---- */

static void ack_one(struct hpl_broker *b, struct peer *p, uint64_t seq)
{
	struct entry *e = hpl_history_at(b, seq);

	hpl_slot_clear(&p->sent, seq);
	hpl_slot_set(&p->service->acked, seq);
	p->unacked_events--;
	p->unacked_bytes -= e->len;
	if (e->secret.data) {
		/* its only reader has it: from now on it exists nowhere else */
		b->history_bytes -= e->len;
		hpl_secret_done(&e->secret);
		e->len = 0;
	}
}

void hpl_peer_ack(struct hpl_broker *b, struct peer *p, uint64_t seq)
{
	if (seq < b->first || seq >= p->cursor || !hpl_slot_get(&p->sent, seq))
		return; /* acknowledged twice, or no longer in the history */
	ack_one(b, p, seq);
	p->progress_ms = uv_now(b->loop);
}

void hpl_peer_ack_upto(struct hpl_broker *b, struct peer *p, uint64_t seq)
{
	uint64_t from = p->floor + 1 > b->first ? p->floor + 1 : b->first;

	if (seq >= p->cursor)
		seq = p->cursor - 1;
	for (uint64_t s = from; s <= seq; s++) {
		if (hpl_slot_get(&p->sent, s))
			ack_one(b, p, s);
	}
	if (seq > p->floor)
		p->floor = seq;
	p->progress_ms = uv_now(b->loop);
}

/* ---- stuck subscribers ---- */

void hpl_peer_cut(struct hpl_broker *b, struct peer *p)
{
	if (p->cut || p->revoked)
		return;
	p->cut = 1;
	p->connected = 0;
	b->stats.stuck++;
	b->sweep = 1; /* told there: callbacks must not run in the middle of work */
}

void hpl_broker_sweep(struct hpl_broker *b)
{
	struct peer **at = &b->peers;

	for (struct peer *p = b->peers; p && !b->closing; p = p->next) {
		if (!p->cut || p->cut_told || p->revoked)
			continue;
		p->cut_told = 1;
		if (b->cb.stuck)
			b->cb.stuck(b->ud, p->id);
	}
	while (*at) {
		struct peer *p = *at;

		if (!p->revoked) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		hpl_buf_done(&p->control);
		hpl_frame_done(&p->frame);
		free(p);
	}
	b->sweep = 0;
}

static void on_tick(uv_timer_t *t)
{
	struct hpl_broker *b = t->data;
	uint64_t now = uv_now(b->loop);
	int again = 0;

	for (struct peer *p = b->peers; p; p = p->next) {
		if (!p->connected)
			continue;
		p->blocked = 0; /* tried once more */
		if (p->ack_timeout_ms && p->unacked_events) {
			again = 1;
			if (now - p->progress_ms > p->ack_timeout_ms)
				hpl_peer_cut(b, p);
		}
	}
	if (again)
		uv_timer_start(&b->timer, on_tick, TICK_MS, 0);
}

static void need_tick(struct hpl_broker *b)
{
	if (!uv_is_active((uv_handle_t *)&b->timer))
		uv_timer_start(&b->timer, on_tick, TICK_MS, 0);
}

/* ---- sending ---- */

/* May the entry be sent now? 1: yes. 0: not for this peer. -1: its window is full. */
static int sendable(struct peer *p, struct entry *e)
{
	if (e->len == 0 || !hpl_service_may_see(p->service, e->topic))
		return 0;
	if (p->unacked_events >= HPL_BUS_WINDOW_EVENTS ||
		(p->unacked_events && p->unacked_bytes + e->len > HPL_BUS_WINDOW_BYTES))
		return -1;
	return 1;
}

static int add_event(struct hpl_broker *b, struct peer *p, struct entry *e)
{
	int replay = hpl_slot_get(&p->service->acked, e->seq);
	size_t len = e->len + (replay ? sizeof(replay_bytes) : 0);
	uint8_t *at = hpl_frame_add(&p->frame, HPL_WIRE_HEADER + len);

	if (!at)
		return -1;
	hpl_wire_header(at, HPL_OP_EVENT, e->seq, (uint32_t)len);
	memcpy(at + HPL_WIRE_HEADER, hpl_entry_bytes(e), e->len);
	if (replay)
		memcpy(at + HPL_WIRE_HEADER + e->len, replay_bytes, sizeof(replay_bytes));
	p->frame.wipe |= e->secret.data != NULL;
	if (p->unacked_events == 0)
		p->progress_ms = uv_now(b->loop);
	hpl_slot_set(&p->sent, e->seq);
	p->unacked_events++;
	p->unacked_bytes += e->len;
	if (replay)
		b->stats.replayed++;
	else
		b->stats.delivered++;
	return 0;
}

static void on_lazy(uv_timer_t *t)
{
	struct hpl_broker *b = t->data;

	b->lazy_due = 1;
}

static int add_answer(struct peer *p, int *pending, enum hpl_wire_op op, uint64_t arg)
{
	uint8_t *at = *pending ? hpl_frame_add(&p->frame, HPL_WIRE_HEADER) : NULL;

	if (*pending && !at)
		return -1;
	if (at)
		hpl_wire_header(at, op, arg, 0);
	*pending = 0;
	return 0;
}

static int add_control(struct peer *p)
{
	uint8_t *at;

	if (!p->control.len)
		return 0;
	at = hpl_frame_add(&p->frame, p->control.len);
	if (!at)
		return -1;
	memcpy(at, p->control.data, p->control.len);
	p->control.len = 0;
	return 0;
}

/* Waiting records, then events, then how far publications are dealt with. Without memory the rest
 * is left for the next turn. */
static void fill_frame(struct hpl_broker *b, struct peer *p)
{
	if (p->cover_pending && hpl_frame_cover(&p->frame) == 0) {
		p->cover_pending = 0;
		return; /* it goes alone */
	}
	if (add_control(p) < 0)
		return;
	for (; p->cursor < b->next; p->cursor++) {
		struct entry *e = hpl_history_at(b, p->cursor);
		int rc = sendable(p, e);

		if (rc < 0 || (rc > 0 && p->frame.len &&
			p->frame.len + HPL_WIRE_HEADER + e->len > HPL_BUS_BATCH_BYTES))
			break;
		if (rc > 0 && add_event(b, p, e) < 0)
			break;
	}
	(void)add_answer(p, &p->flushed_pending, HPL_OP_FLUSHED, p->flushed);
	(void)add_answer(p, &p->ping_pending, HPL_OP_PING, 0);
	if (!p->accepted_pending)
		return;
	if (!p->frame.len && !b->lazy_due && p->accepted - p->accepted_told < HPL_BUS_LAZY_EVENTS) {
		if (!uv_is_active((uv_handle_t *)&b->lazy_timer))
			uv_timer_start(&b->lazy_timer, on_lazy, HPL_BUS_LAZY_MS, 0);
		return;
	}
	if (add_answer(p, &p->accepted_pending, HPL_OP_ACCEPTED, p->accepted) == 0)
		p->accepted_told = p->accepted;
}

static enum hpl_watch_more serve(struct hpl_broker *b, struct peer *p)
{
	if (p->cursor < b->first)
		p->cursor = b->first;
	for (int i = 0; i < FRAMES_PER_TURN; i++) {
		int wipe, rc;

		if (!p->frame.len)
			fill_frame(b, p);
		if (!p->frame.len)
			return HPL_WATCH_IDLE;
		wipe = p->frame.wipe;
		b->watch.touched = 1;
		rc = hpl_frame_send(b->watch.sock, p->route, sizeof(p->route), &p->frame);
		if (rc == EHOSTUNREACH) {
			/* the process is gone; whoever started it will say so */
			p->connected = 0;
			hpl_frame_done(&p->frame);
			return HPL_WATCH_IDLE;
		}
		if (rc != 0) {
			p->blocked = 1;
			need_tick(b);
			return HPL_WATCH_IDLE;
		}
		if (wipe) {
			p->cover_pending = 1;
			hpl_stack_wipe();
		}
	}
	return HPL_WATCH_AGAIN;
}

enum hpl_watch_more hpl_broker_deliver(void *broker)
{
	struct hpl_broker *b = broker;
	enum hpl_watch_more more = HPL_WATCH_IDLE;

	if (b->closing)
		return HPL_WATCH_IDLE;
	for (struct peer *p = b->peers; p; p = p->next) {
		if (!p->connected || p->revoked || p->blocked)
			continue;
		if (serve(b, p) == HPL_WATCH_AGAIN)
			more = HPL_WATCH_AGAIN;
		if (p->ack_timeout_ms && p->unacked_events)
			need_tick(b);
	}
	b->lazy_due = 0;
	if (b->sweep)
		hpl_broker_sweep(b);
	return more;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The edge-triggered descriptor of a ZeroMQ socket, on a libuv loop. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "bus/socket.h"

enum { BUDGET = 16, MESSAGES = 1001 };

struct side {
	struct hpl_watch watch;
	unsigned received, most, turns;
	int answer;       /* send one for each that was received */
	unsigned to_send; /* at the next out */
	int closed;
};

static enum hpl_watch_more on_in(void *ud)
{
	struct side *s = ud;
	char byte;

	s->turns++;
	for (unsigned i = 0; i < BUDGET; i++) {
		if (zmq_recv(s->watch.sock, &byte, 1, ZMQ_DONTWAIT) < 0) {
			s->watch.touched |= i == 0;
			return HPL_WATCH_IDLE;
		}
		s->received++;
		if (i + 1 > s->most)
			s->most = i + 1;
		/* a send between receives swallows the signal of what arrives meanwhile */
		if (s->answer)
			cr_assert_eq(zmq_send(s->watch.sock, "x", 1, ZMQ_DONTWAIT), 1);
	}
	return HPL_WATCH_AGAIN;
}

static enum hpl_watch_more on_out(void *ud)
{
	struct side *s = ud;

	while (s->to_send) {
		s->watch.touched = 1;
		if (zmq_send(s->watch.sock, "y", 1, ZMQ_DONTWAIT) < 0)
			return HPL_WATCH_WRITABLE;
		s->to_send--;
	}
	return HPL_WATCH_IDLE;
}

static void on_closed(void *ud)
{
	((struct side *)ud)->closed = 1;
}

static void open_pair(void *ctx, struct side *a, struct side *b, const char *endpoint, int hwm)
{
	struct side *sides[2] = {a, b};

	for (int i = 0; i < 2; i++) {
		*sides[i] = (struct side){.watch = {.in = on_in, .out = on_out, .ud = sides[i]}};
		sides[i]->watch.sock = zmq_socket(ctx, ZMQ_PAIR);
		cr_assert(sides[i]->watch.sock);
		zmq_setsockopt(sides[i]->watch.sock, ZMQ_SNDHWM, &hwm, sizeof(hwm));
		zmq_setsockopt(sides[i]->watch.sock, ZMQ_RCVHWM, &hwm, sizeof(hwm));
	}
	cr_assert_eq(zmq_bind(a->watch.sock, endpoint), 0);
	cr_assert_eq(zmq_connect(b->watch.sock, endpoint), 0);
}

static void close_side(uv_loop_t *loop, struct side *s)
{
	hpl_watch_close(&s->watch, on_closed);
	while (!s->closed)
		uv_run(loop, UV_RUN_ONCE);
	zmq_close(s->watch.sock);
}

Test(watch, queued_messages_all_arrive_a_bounded_number_in_each_turn)
{
	void *ctx = zmq_ctx_new();
	struct side a, b;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	open_pair(ctx, &a, &b, "inproc://queued", 0);
	for (int i = 0; i < MESSAGES; i++)
		cr_assert_eq(zmq_send(a.watch.sock, "m", 1, ZMQ_DONTWAIT), 1);
	cr_assert_eq(hpl_watch_start(&b.watch, &loop, NULL), 0);
	while (b.received < MESSAGES)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_eq(b.most, BUDGET);
	cr_expect_geq(b.turns, MESSAGES / BUDGET);
	close_side(&loop, &b);
	zmq_close(a.watch.sock);
	zmq_ctx_term(ctx);
	cr_expect_eq(uv_loop_close(&loop), 0);
}

Test(watch, messages_that_cross_with_sends_are_not_stuck, .timeout = 60)
{
	void *ctx = zmq_ctx_new();
	char endpoint[64];
	struct side a, b;
	uv_loop_t loop;

	snprintf(endpoint, sizeof(endpoint), "ipc:///tmp/hpl-watch-%d", (int)getpid());
	cr_assert_eq(uv_loop_init(&loop), 0);
	open_pair(ctx, &a, &b, endpoint, 0);
	b.answer = 1;
	a.to_send = MESSAGES;
	cr_assert_eq(hpl_watch_start(&a.watch, &loop, NULL), 0);
	cr_assert_eq(hpl_watch_start(&b.watch, &loop, NULL), 0);
	for (int round = 1; round <= 200; round++) {
		/* ping-pong of single messages, where one lost signal is for ever */
		while (a.received < MESSAGES + (unsigned)round - 1)
			uv_run(&loop, UV_RUN_ONCE);
		a.to_send = 1;
	}
	cr_expect_eq(b.received, a.received);
	close_side(&loop, &a);
	close_side(&loop, &b);
	zmq_ctx_term(ctx);
	unlink(endpoint + strlen("ipc://"));
	cr_expect_eq(uv_loop_close(&loop), 0);
}

Test(watch, full_pipe_is_written_on_when_it_empties, .timeout = 60)
{
	void *ctx = zmq_ctx_new();
	struct side a, b;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	open_pair(ctx, &a, &b, "inproc://full", 4);
	a.to_send = MESSAGES;
	cr_assert_eq(hpl_watch_start(&a.watch, &loop, NULL), 0);
	cr_assert_eq(hpl_watch_start(&b.watch, &loop, NULL), 0);
	while (b.received < MESSAGES)
		uv_run(&loop, UV_RUN_ONCE);
	close_side(&loop, &a);
	close_side(&loop, &b);
	zmq_ctx_term(ctx);
	cr_expect_eq(uv_loop_close(&loop), 0);
}

static void on_tick(uv_timer_t *t)
{
	++*(unsigned *)t->data;
}

Test(watch, a_flood_does_not_starve_timers, .timeout = 60)
{
	void *ctx = zmq_ctx_new();
	struct side a, b;
	unsigned ticks = 0;
	uv_timer_t timer;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	open_pair(ctx, &a, &b, "inproc://flood", 0);
	uv_timer_init(&loop, &timer);
	timer.data = &ticks;
	uv_timer_start(&timer, on_tick, 1, 1);
	cr_assert_eq(hpl_watch_start(&b.watch, &loop, NULL), 0);
	while (ticks < 20) {
		for (int i = 0; i < 2 * BUDGET; i++)
			cr_assert_eq(zmq_send(a.watch.sock, "m", 1, ZMQ_DONTWAIT), 1);
		uv_run(&loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&timer, NULL);
	close_side(&loop, &b);
	zmq_close(a.watch.sock);
	zmq_ctx_term(ctx);
	cr_expect_eq(uv_loop_close(&loop), 0);
}

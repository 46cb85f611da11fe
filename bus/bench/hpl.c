/* SPDX-License-Identifier: Apache-2.0 */
/* The bus as it is in a guest: CURVE, policy, stamps, history, acknowledgements, and a journal. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/bench/bench.h"
#include "bus/broker.h"
#include "bus/client.h"
#include "proto/messages.h"
#include "proto/topics.h"

static struct bench *bench;
static struct hpl_bus *bus;
static int self, journal = -1;
static uint64_t sent;

/* ---- hub ---- */

static void on_event(void *ud, const Hpl__Event *ev)
{
	static uint8_t buffer[64 << 10];
	static size_t used;
	size_t len = hpl__event__get_packed_size(ev);

	if (used + len > sizeof(buffer)) {
		if (write(journal, buffer, used) < 0)
			bench_die("journal");
		used = 0;
	}
	used += hpl__event__pack(ev, buffer + used);
}

static void on_refused(void *ud, uint32_t peer, uint32_t msg, const char *text)
{
	if (msg != HPL_MSG_BUS_HISTORY_FULL) /* a boot has some hundred events */
		bench_die(text);
}

static void on_stuck(void *ud, uint32_t peer)
{
	bench_die("a subscriber is stuck");
}

static void hub(struct bench *b)
{
	static const char *const topics[] = {HPL_TOPIC_SYSTEM_BOOT, NULL};
	static const struct hpl_broker_callbacks cb = {
		.event = on_event, .refused = on_refused, .stuck = on_stuck};
	uv_loop_t *loop = uv_default_loop();
	struct hpl_broker *broker;
	struct hpl_err err;
	char path[128];

	snprintf(path, sizeof(path), "%s/journal", b->dir);
	journal = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (journal < 0)
		bench_die("journal");
	if (hpl_broker_new(&broker, loop, b->dir, &cb, NULL, &err) < 0)
		bench_die(err.text);
	for (int i = 0; i <= b->subs; i++) {
		char name[32];
		struct hpl_peer_policy policy = {.name = name, .publish_max = UINT32_MAX};
		Hpl__Bootstrap boot;
		uint32_t peer;

		snprintf(name, sizeof(name), "service-%d", i);
		policy.publish = i == b->subs ? topics : NULL;
		policy.receive = i == b->subs ? NULL : topics;
		if (hpl_broker_admit(broker, &policy, &boot, &peer, &err) < 0)
			bench_die(err.text);
		b->sh->boot_len[i] = (uint32_t)hpl__bootstrap__pack(&boot, b->sh->boot[i]);
		hpl_bootstrap_done(&boot);
	}
	__atomic_store_n(&b->sh->hub_ready, 1, __ATOMIC_RELEASE);
	uv_run(loop, UV_RUN_DEFAULT);
}

/* ---- clients ---- */

static void on_client_event(void *ud, const Hpl__Event *ev)
{
	int last = bench_received(bench, self, ev);

	hpl_bus_ack(bus, ev->seq);
	if (last)
		_exit(0);
}

static void on_client_refused(void *ud, const char *id, const char *text)
{
	bench_die(text);
}

static void on_lost(void *ud)
{
	bench_die("the broker is lost");
}

static void connect_bus(struct bench *b, int i)
{
	static const struct hpl_bus_handlers handlers = {
		on_client_event, on_client_refused, on_lost};
	Hpl__Bootstrap *boot = hpl__bootstrap__unpack(NULL, b->sh->boot_len[i], b->sh->boot[i]);
	struct hpl_err err;

	bench = b;
	self = i;
	if (!boot || hpl_bus_new(&bus, uv_default_loop(), boot, &handlers, NULL, &err) < 0)
		bench_die("bus");
	hpl__bootstrap__free_unpacked(boot, NULL);
}

static void publish_one(void)
{
	struct hpl_err err;

	if (hpl_bus_publish(bus, bench_event(bench), &err) < 0)
		bench_die(err.text);
	sent++;
}

static void on_timer(uv_timer_t *t)
{
	publish_one();
	if (sent == bench->sh->count)
		uv_timer_stop(t);
}

static void on_idle(uv_idle_t *h)
{
	for (int i = 0; i < 256 && sent < bench->sh->count && hpl_bus_unaccepted(bus) < 8192; i++)
		publish_one();
}

/* An idle handle spins; with a full window the loop has to sleep until something comes. */
static void on_prepare(uv_prepare_t *h)
{
	uv_idle_t *idle = h->data;

	if (sent < bench->sh->count && hpl_bus_unaccepted(bus) < 8192)
		uv_idle_start(idle, on_idle);
	else
		uv_idle_stop(idle);
}

static void on_connected(void *ud)
{
	uv_loop_t *loop = uv_default_loop();
	static uv_timer_t timer;
	static uv_idle_t idle;
	static uv_prepare_t prepare;

	if (bench->paced) {
		uv_timer_init(loop, &timer);
		uv_timer_start(&timer, on_timer, 1, BENCH_PACE_US / 1000);
		return;
	}
	uv_idle_init(loop, &idle);
	uv_prepare_init(loop, &prepare);
	prepare.data = &idle;
	uv_prepare_start(&prepare, on_prepare);
}

static void publisher(struct bench *b)
{
	connect_bus(b, b->subs);
	hpl_bus_flush(bus, on_connected, NULL);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static void on_subscribed(void *ud)
{
	__atomic_add_fetch(&bench->sh->subs_ready, 1, __ATOMIC_ACQ_REL);
}

static void subscriber(struct bench *b, int i)
{
	connect_bus(b, i);
	hpl_bus_flush(bus, on_subscribed, NULL);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

const struct bench_transport bench_hpl = {"openhpl", NULL, hub, publisher, subscriber};

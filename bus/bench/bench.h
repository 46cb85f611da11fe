/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Publisher → hub → subscribers, each its own process, over one of several transports. What is
 * measured is the same for all: an Event of 200 bytes is packed by the publisher with the time in
 * it, carried, and unpacked by each subscriber, which calls bench_received().
 */
#include <stdint.h>

#include "proto/events.pb-c.h"

enum {
	BENCH_SUBS = 16,
	BENCH_EVENT = 200,      /* bytes packed */
	BENCH_PACE_US = 1000,   /* between two events when latency is measured */
	BENCH_WINDOW = 10000,   /* for transports that lose or end a subscriber that is behind */
};

struct bench_shared {
	int hub_ready, subs_ready, stop;
	uint64_t count;         /* events of this run */
	uint64_t start_ns;
	uint64_t received[BENCH_SUBS * 8]; /* a cache line each: index i * 8 */
	uint64_t end_ns[BENCH_SUBS];
	uint64_t disorder;
	char endpoint[128];
	uint32_t boot_len[BENCH_SUBS + 1]; /* packed bootstraps: subscribers, then the publisher */
	uint8_t boot[BENCH_SUBS + 1][512];
	uint32_t latency_ns[];  /* BENCH_SUBS times count */
};

struct bench {
	const char *dir;        /* private, for sockets */
	int subs;
	int paced;              /* latency: one event each BENCH_PACE_US */
	struct bench_shared *sh;
};

struct bench_transport {
	const char *name;
	void (*prepare)(struct bench *b);          /* before there are processes; may be NULL */
	void (*hub)(struct bench *b);              /* until it is killed */
	void (*publisher)(struct bench *b);        /* until all is sent */
	void (*subscriber)(struct bench *b, int i);/* until bench_received() says so */
};
extern const struct bench_transport bench_hpl, bench_zmq, bench_zmq_curve, bench_dbus_broker,
	bench_dbus_daemon;

/* The next event; valid until the next call. Sets start_ns at the first. */
const Hpl__Event *bench_event(struct bench *b);
/* The same, packed into out (BENCH_EVENT bytes). */
void bench_event_pack(struct bench *b, uint8_t *out);
/* 1: that was the last. */
int bench_received(struct bench *b, int i, const Hpl__Event *ev);
/* Unpacks, calls bench_received, frees. */
int bench_received_packed(struct bench *b, int i, const void *data, size_t len);
/* Waits for the pace, or until the slowest subscriber is less than window behind sent. */
void bench_wait(struct bench *b, uint64_t sent, uint64_t window);
_Noreturn void bench_die(const char *what);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain libzmq: a hub of one ROUTER, no identity, no policy, no limits; "zmq-curve" is the same with
 * encryption but still without anyone asking who it is.
 */
#include "bus/bench/bench.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static void endpoint(struct bench *b, char *out, size_t size)
{
	snprintf(out, size, "ipc://%s/socket", b->dir);
}

static int curve;
static char public_key[41], secret_key[41];

/* One key pair for all, made before the processes part. */
static void set_keys(void *s, int type)
{
	int server = type == ZMQ_ROUTER;

	if (!curve)
		return;
	if (zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret_key, 40) < 0)
		bench_die("keys");
	if (server && zmq_setsockopt(s, ZMQ_CURVE_SERVER, &server, sizeof(server)) == 0)
		return;
	if (zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, public_key, 40) < 0 ||
		zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, public_key, 40) < 0)
		bench_die("keys");
}

static void *open_socket(int type)
{
	void *s = zmq_socket(zmq_ctx_new(), type);
	int none = 0;

	if (!s || zmq_setsockopt(s, ZMQ_SNDHWM, &none, sizeof(none)) < 0 ||
		zmq_setsockopt(s, ZMQ_RCVHWM, &none, sizeof(none)) < 0)
		bench_die("socket");
	set_keys(s, type);
	return s;
}

static void hub(struct bench *b)
{
	void *s = open_socket(ZMQ_ROUTER);
	uint8_t ids[BENCH_SUBS][8];
	int id_len[BENCH_SUBS], known = 0;
	char where[128];

	endpoint(b, where, sizeof(where));
	if (zmq_bind(s, where) < 0)
		bench_die("bind");
	__atomic_store_n(&b->sh->hub_ready, 1, __ATOMIC_RELEASE);
	for (;;) {
		uint8_t id[8];
		int len = zmq_recv(s, id, sizeof(id), 0);
		zmq_msg_t msg;

		zmq_msg_init(&msg);
		if (len < 0 || zmq_msg_recv(&msg, s, 0) < 0)
			bench_die("hub");
		if (zmq_msg_size(&msg) == 3) {
			memcpy(ids[known], id, sizeof(id));
			id_len[known++] = len;
			__atomic_store_n(&b->sh->subs_ready, known, __ATOMIC_RELEASE);
		} else {
			for (int i = 0; i < known; i++) {
				zmq_msg_t copy;

				zmq_msg_init(&copy);
				zmq_msg_copy(&copy, &msg);
				zmq_send(s, ids[i], (size_t)id_len[i], ZMQ_SNDMORE);
				if (zmq_msg_send(&copy, s, 0) < 0)
					bench_die("hub");
			}
		}
		zmq_msg_close(&msg);
	}
}

static void publisher(struct bench *b)
{
	void *s = open_socket(ZMQ_DEALER);
	uint8_t event[BENCH_EVENT];
	char where[128];

	endpoint(b, where, sizeof(where));
	if (zmq_connect(s, where) < 0)
		bench_die("connect");
	for (uint64_t n = 0; n < b->sh->count; n++) {
		bench_wait(b, n, 0);
		bench_event_pack(b, event);
		if (zmq_send(s, event, sizeof(event), 0) < 0)
			bench_die("send");
	}
	pause(); /* what waits is sent by a thread of libzmq */
}

static void subscriber(struct bench *b, int i)
{
	void *s = open_socket(ZMQ_DEALER);
	char where[128];
	int last = 0;

	endpoint(b, where, sizeof(where));
	if (zmq_connect(s, where) < 0 || zmq_send(s, "SUB", 3, 0) < 0)
		bench_die("connect");
	while (!last) {
		zmq_msg_t msg;

		zmq_msg_init(&msg);
		if (zmq_msg_recv(&msg, s, 0) < 0)
			bench_die("receive");
		last = bench_received_packed(b, i, zmq_msg_data(&msg), zmq_msg_size(&msg));
		zmq_msg_close(&msg);
	}
}

static void prepare_curve(struct bench *b)
{
	curve = 1;
	if (zmq_curve_keypair(public_key, secret_key) < 0)
		bench_die("key pair");
}

const struct bench_transport bench_zmq = {"zmq", NULL, hub, publisher, subscriber};
const struct bench_transport bench_zmq_curve = {
	"zmq-curve", prepare_curve, hub, publisher, subscriber};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may connect: libzmq asks for each CURVE handshake on inproc://zeromq.zap.01 (ZeroMQ RFC 27).
 * The answer to an admitted key carries the peer's number as user id; libzmq attaches it to each
 * message of that connection. A key is good for one connection: a second handshake after HELLO
 * means that libzmq cut the first one for a message above the size limit, or that the key
 * was given away; neither is let in.
 */
#include "bus/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { ZAP_FRAMES = 7, ZAP_FIELD = 64 };
enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY };

struct field {
	uint8_t data[ZAP_FIELD];
	size_t len; /* as sent; may be more than was kept */
};

/* 0: a request of ZAP_FRAMES fields. 1: another number of fields. -1: nothing to read. */
static int read_request(void *sock, struct field *fields)
{
	int more = 1, n = 0;
	size_t len = sizeof(more);

	for (; more; n++) {
		struct field *f = &fields[n < ZAP_FRAMES ? n : ZAP_FRAMES];
		int rc = zmq_recv(sock, f->data, sizeof(f->data), ZMQ_DONTWAIT);

		if (rc < 0)
			return -1;
		f->len = (size_t)rc;
		if (zmq_getsockopt(sock, ZMQ_RCVMORE, &more, &len) < 0)
			return -1;
	}
	return n != ZAP_FRAMES;
}

static void answer(void *sock, const struct field *request, const char *status, const char *text,
	const char *user)
{
	const char *const strings[] = {"1.0", NULL, status, text, user, ""};

	for (int i = 0; i < 6; i++) {
		const void *data = strings[i] ? (const void *)strings[i] : request->data;
		size_t len = strings[i] ? strlen(strings[i]) : request->len;

		if (zmq_send(sock, data, len, ZMQ_DONTWAIT | (i < 5 ? ZMQ_SNDMORE : 0)) < 0)
			return; /* the handshake runs into its time limit */
	}
}

static struct peer *find_key(struct hpl_broker *b, const uint8_t *key)
{
	for (struct peer *p = b->peers; p; p = p->next) {
		if (!p->revoked && !p->cut && memcmp(p->key, key, KEY_SIZE) == 0)
			return p;
	}
	return NULL;
}

static void decide(struct hpl_broker *b, const struct field *f, int wrong)
{
	struct peer *p = NULL;
	char user[16];

	if (!wrong && f[MECHANISM].len == 5 && memcmp(f[MECHANISM].data, "CURVE", 5) == 0 &&
		f[KEY].len == KEY_SIZE && f[REQUEST].len <= ZAP_FIELD)
		p = find_key(b, f[KEY].data);
	if (p && !p->connected) {
		snprintf(user, sizeof(user), "%" PRIu32, p->id);
		answer(b->zap.sock, &f[REQUEST], "200", "OK", user);
		return;
	}
	answer(b->zap.sock, &f[REQUEST], "400", "no", "");
	if (p)
		hpl_broker_refuse(b, p, 0, HPL_MSG_BUS_FRAME_TOO_LARGE,
			"%s: its connection was cut, as libzmq does above %d bytes, and it came again",
			p->service->name, HPL_BUS_FRAME_MAX);
	else
		hpl_broker_refuse(b, NULL, 0, HPL_MSG_BUS_WRONG_KEY, "handshake with an unknown key");
}

static enum hpl_watch_more on_zap(void *ud)
{
	struct hpl_broker *b = ud;
	struct field fields[ZAP_FRAMES + 1];

	for (int i = 0; i < 16; i++) {
		int rc = b->closing ? -1 : read_request(b->zap.sock, fields);

		if (rc < 0) {
			b->zap.touched |= i == 0;
			return HPL_WATCH_IDLE;
		}
		decide(b, fields, rc);
	}
	return HPL_WATCH_AGAIN;
}

int hpl_zap_open(struct hpl_broker *b, struct hpl_err *err)
{
	if (hpl_zmq_socket(&b->zap.sock, b->ctx, HPL_SOCKET_ZAP, err) < 0)
		return -1;
	if (zmq_bind(b->zap.sock, "inproc://zeromq.zap.01") < 0)
		return HPL_FAIL(err, HPL_MSG_BUS_FAILED, errno, "authentication handler");
	b->zap.in = on_zap;
	b->zap.ud = b;
	return 0;
}

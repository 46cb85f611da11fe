/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What travels between a client (DEALER) and the broker (ROUTER), and the limits of both.
 * CURVE-encrypted; the server key comes with the bootstrap. One message is two frames: a fixed
 * header (struct hpl_wire, little-endian on the wire whatever the host) and a body.
 */
#include <stdint.h>

enum { HPL_BOOTSTRAP_FD = 3 }; /* descriptor that holds the packed hpl.Bootstrap at start */

enum hpl_wire_op {
	HPL_OP_HELLO = 1,    /* client: arg = last sequence it has seen (0: everything); no body */
	HPL_OP_READY = 2,    /* client: its handlers are in place; no body */
	HPL_OP_PUBLISH = 3,  /* client: arg = its own running number; body = packed Event */
	HPL_OP_ACK = 4,      /* client: arg = sequence; that event is done with; no body */
	HPL_OP_PONG = 5,     /* client: answer to PING, arg repeated */
	HPL_OP_EVENT = 17,   /* broker: arg = sequence; body = packed Event */
	HPL_OP_ACCEPTED = 18,/* broker: arg = the client's number; the event is in the history */
	HPL_OP_REFUSED = 19, /* broker: arg = the client's number; body = message id, NUL, text */
	HPL_OP_PING = 20,    /* broker: watchdog */
	HPL_OP_WELCOME = 21, /* broker: answer to HELLO, after it the replay begins */
};

/* Limits; each says why that number. */
enum {
	HPL_BUS_MESSAGE_MAX = 24 << 20,   /* a 16 MiB contract as one slice, with its escapes */
	HPL_BUS_HISTORY_EVENTS = 65536,   /* a boot makes some hundred events */
	HPL_BUS_HISTORY_BYTES = 64 << 20,
	HPL_BUS_WINDOW_EVENTS = 1024,     /* sent to one subscriber and not yet acknowledged */
	HPL_BUS_WINDOW_BYTES = 32 << 20,
	HPL_BUS_INBOX_RATE = 0,           /* see hpl_peer_policy.publish_max */
	HPL_BUS_TOPIC_MAX = 64,           /* bytes of a topic name */
	HPL_BUS_TEXT_MAX = 4096,          /* bytes of Event.text */
};

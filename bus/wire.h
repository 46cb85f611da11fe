/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What travels between a client (DEALER) and the broker (ROUTER), and the limits of both.
 *
 * CURVE-encrypted; the server key comes with the bootstrap. One message is one frame; a frame is
 * one or more records; a record is a header of 16 bytes and a body:
 *
 *	op (1)  zero (3)  body length (4)  arg (8)      little-endian whatever the host
 *
 * Several records share a frame because encryption costs per frame, not per byte: whatever is
 * waiting when a loop turn ends leaves in one frame.
 */
#include <stddef.h>
#include <stdint.h>

enum { HPL_BOOTSTRAP_FD = 3 }; /* descriptor that holds the packed hpl.Bootstrap at start */

enum hpl_wire_op {
	HPL_OP_HELLO = 1,     /* client: arg = last sequence it has seen (0: everything); no body */
	HPL_OP_READY = 2,     /* client: its handlers are in place; no body */
	HPL_OP_PUBLISH = 3,   /* client: arg = its own running number; body = packed Event */
	HPL_OP_ACK = 4,       /* client: arg = sequence; that event is done with; no body */
	HPL_OP_PONG = 5,      /* client: answer to PING, arg repeated; no body */
	HPL_OP_ACK_UPTO = 6,  /* client: all events sent to it up to sequence arg are done with */
	HPL_OP_FLUSH = 7,     /* client: asks for FLUSHED with the same arg; no body */
	HPL_OP_COVER = 8,     /* both: nothing; follows a confidential frame, see HPL_WIRE_COVER */
	HPL_OP_EVENT = 17,    /* broker: arg = sequence; body = packed Event */
	HPL_OP_ACCEPTED = 18, /* broker: what was published up to number arg is dealt with */
	HPL_OP_REFUSED = 19,  /* broker: arg = the client's number; body = message id, NUL, text */
	HPL_OP_PING = 20,     /* broker: watchdog */
	HPL_OP_WELCOME = 21,  /* broker: answer to HELLO, after it the replay begins */
	HPL_OP_FLUSHED = 22,  /* broker: everything sent before that FLUSH was read */
};

/* Limits; each says why that number. */
enum {
	HPL_BUS_MESSAGE_MAX = 24 << 20,    /* a 16 MiB contract as one slice, with its escapes */
	HPL_BUS_FRAME_MAX = 25 << 20,      /* above it the transport cuts the connection */
	HPL_BUS_FRAME_RECORDS = 4096,      /* bounds what one frame can make the broker do */
	HPL_BUS_BATCH_BYTES = 64 << 10,    /* a frame is closed here: encryption is per frame */
	HPL_BUS_HISTORY_EVENTS = 65536,    /* a boot makes some hundred events; a power of two */
	HPL_BUS_HISTORY_BYTES = 64 << 20,
	HPL_BUS_WINDOW_EVENTS = 4096,      /* sent to one subscriber and not yet acknowledged */
	HPL_BUS_WINDOW_BYTES = 32 << 20,   /* one event of the largest size always fits */
	HPL_BUS_QUEUE_BYTES = 64 << 20,    /* published by a client and not yet taken */
	HPL_BUS_PUBLISH_RATE = 2000,       /* events a second and burst, when the policy says 0 */
	HPL_BUS_PUBLISH_BYTES = 48 << 20,  /* bytes a second and burst: two of the largest events */
	HPL_BUS_CONTROL_BYTES = 64 << 10,  /* answers waiting for one peer; then it is stuck */
	HPL_BUS_PEERS = 256,               /* processes admitted at one time; a profile has 13 */
	HPL_BUS_TOPIC_MAX = 64,            /* bytes of a topic name */
	HPL_BUS_NAME_MAX = 64,             /* bytes of a service name */
	HPL_BUS_TEXT_MAX = 4096,           /* bytes of Event.text */
	HPL_BUS_REPEATED_MAX = 4096,       /* items of repeated fields in one message, together */
	HPL_BUS_TOLD_PER_SECOND = 16,      /* refusals told to one peer and to the log; all count */
	HPL_BUS_WELCOME_MS = 60000,        /* the broker answers a HELLO by then, or it is lost */
	HPL_BUS_LAZY_MS = 20,              /* acknowledgements wait so long for company: */
	HPL_BUS_LAZY_EVENTS = 64,          /* for so many, or a frame that goes anyway */
	HPL_BUS_LOST_MS = 5000,            /* no connection for so long: the broker is lost */
};

enum { HPL_WIRE_HEADER = 16 };
/* libsodium's cipher leaves the last partial block of a message on the stack of libzmq's thread,
 * on both sides. A frame of this length leaves the longest such rest there (511 bytes behind
 * the first 31), so it covers that of the frame before. */
enum { HPL_WIRE_COVER = 31 + 512 + 511 };

struct hpl_wire_record {
	uint8_t op;          /* as it came: may be none of the above */
	uint32_t len;
	uint64_t arg;
	const uint8_t *body; /* borrowed from the frame */
};

/* Writes HPL_WIRE_HEADER bytes. */
void hpl_wire_header(uint8_t *out, enum hpl_wire_op op, uint64_t arg, uint32_t len);
/* 1: *ret is the record at *pos, which moves behind it. 0: the frame ends here. -1: malformed. */
int hpl_wire_next(const uint8_t *frame, size_t len, size_t *pos, struct hpl_wire_record *ret);
/* Whole records and not more than HPL_BUS_FRAME_RECORDS of them, at least one? 0, or -1. */
int hpl_wire_check(const uint8_t *frame, size_t len);

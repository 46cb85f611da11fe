/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sockets and the loop. Inner header of this folder.
 *
 * The one factory sets every option that has a dangerous default. The one watch makes the
 * edge-triggered descriptor of a ZeroMQ socket safe on a libuv loop.
 */
#include <uv.h>
#include <zmq.h>

#include "runtime/base/err.h"

/* A context is made in the process that uses it: never before a fork. */
int hpl_zmq_context(void **ret, struct hpl_err *err);
enum hpl_socket_kind { HPL_SOCKET_BROKER, HPL_SOCKET_CLIENT, HPL_SOCKET_ZAP };
int hpl_zmq_socket(void **ret, void *ctx, enum hpl_socket_kind kind, struct hpl_err *err);
int hpl_zmq_set(void *sock, int option, const void *value, size_t len, struct hpl_err *err);

/* A frame under construction whose memory becomes the message's; wiped when told so. */
struct hpl_frame {
	struct hpl_frame_memory *mem;
	size_t len, cap;
	int wipe;
	int closed;             /* nothing is to be added */
	int sealed;             /* msg has the memory: nothing can be added */
	zmq_msg_t msg;
	struct hpl_frame *next;
};
/* Room for size more bytes behind the end; NULL: no memory. len grows by size. */
uint8_t *hpl_frame_add(struct hpl_frame *f, size_t size);
/* Sends without blocking; route may be NULL (DEALER). 0: sent, memory handed over.
 * EAGAIN, EHOSTUNREACH ...: not sent, the frame can be sent again. */
int hpl_frame_send(void *sock, const void *route, size_t route_len, struct hpl_frame *f);
void hpl_frame_done(struct hpl_frame *f);
/* Makes an empty frame the one that covers the traces of a confidential frame. -1: no memory. */
int hpl_frame_cover(struct hpl_frame *f);
/* Overwrites the part of the stack that the calls before have used, and vector registers. */
void hpl_stack_wipe(void);

enum hpl_watch_more {
	HPL_WATCH_IDLE = 0,
	HPL_WATCH_AGAIN = 1,    /* budget used up: come back in the next turn */
	HPL_WATCH_WRITABLE = 2, /* out only: come back when the socket takes more */
};
struct hpl_watch {
	void *sock;
	/* Read, bounded; called when there may be something. A receive that returns EAGAIN has
	 * seen all that came before, so in needs to set touched only when it has read nothing:
	 * then the signal was about something else, as writing. */
	enum hpl_watch_more (*in)(void *ud);
	/* Write what waits, bounded; called before the loop sleeps and after in. Sets touched when
	 * it uses the socket. */
	enum hpl_watch_more (*out)(void *ud);
	/* ZMQ_EVENTS as they are before the loop sleeps; may be NULL. */
	void (*state)(void *ud, int events);
	void *ud;
	void (*closed)(void *ud);
	int touched;            /* the socket was used since events were read */
	/* private */
	int signaled;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;
	uv_poll_t poll;
	unsigned open;
	int again;              /* in had more than its budget */
	int events;             /* ZMQ_EVENTS before the loop slept */
};
/* sock, in, out, ud are set. */
int hpl_watch_start(struct hpl_watch *w, uv_loop_t *loop, struct hpl_err *err);
/* closed is called from the last close callback; the socket may be closed there, not before. */
void hpl_watch_close(struct hpl_watch *w, void (*closed)(void *ud));

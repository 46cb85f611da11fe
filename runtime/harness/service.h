/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The service harness: the loop, the bus, the one table of handlers, and how a service ends.
 *
 * main() is one call to hpl_service_main(). The harness reads the bootstrap from its descriptor,
 * hardens the process, connects, registers the handlers, says ready, and runs the loop.
 * A handler decides by calling pure functions, never blocks (hpl_child_run, hpl_work_run for slow
 * things), publishes, returns. An event is acknowledged when its handler returned 0, or later by
 * hpl_service_ack() when it returned HPL_LATER.
 *
 * Failure: a handler that returns -1 with *err ends the service: one error line
 * "<id>: <text> -> <cause>", one service.failed event, exit status 1. hpl_service_fail() does the
 * same from callbacks.
 */
#include <stdbool.h>
#include <uv.h>

#include "proto/events.pb-c.h"
#include "proto/messages.h"
#include "proto/topics.h"
#include "runtime/base/err.h"
#include "runtime/base/log.h"
#include "runtime/base/proc.h"

struct hpl_service;

enum { HPL_LATER = 1 };

struct hpl_handler {
	const char *topic;   /* HPL_TOPIC_..., NULL ends the table */
	/* The payload was checked against the topic table before: fields of the right oneof member
	 * are there. 0, HPL_LATER, or -1 with *err. */
	int (*fn)(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err);
};

struct hpl_service_def {
	const char *name;
	const struct hpl_handler *handlers;
	/* Before ready, after the bus was made; may be NULL. */
	int (*start)(struct hpl_service *s, void *state, struct hpl_err *err);
	/* Asked to end (SIGTERM): finish within the grace of the manifest, then hpl_service_done().
	 * NULL: ends at once. */
	void (*stop)(struct hpl_service *s, void *state);
	/* The last call, whichever way it ends, also when the bus is lost: let go of what has the loop and
	 * would call the service again (timers, workers). The service is not to be used any more. May be NULL. */
	void (*ended)(void *state);
};

/* The whole main(). state is the service's own struct. Returns the exit status. */
int hpl_service_main(const struct hpl_service_def *def, void *state);

/* For tests: the same service on the fake peer's loop. hpl_service_free() ends it. */
int hpl_service_new(struct hpl_service **ret, const struct hpl_service_def *def, void *state,
	uv_loop_t *loop, const Hpl__Bootstrap *boot, struct hpl_err *err);
/* -1 while it runs, else the exit status it ended with. */
int hpl_service_status(const struct hpl_service *s);
void hpl_service_free(struct hpl_service *s);

uv_loop_t *hpl_service_loop(struct hpl_service *s);
/* A setting of manifest or image; fallback when it is not set. */
const char *hpl_service_setting(struct hpl_service *s, const char *name, const char *fallback);
/* The same as a number; a value that is no number or outside min..max is an error of the image. */
int hpl_service_setting_u64(struct hpl_service *s, const char *name, uint64_t fallback, uint64_t min,
	uint64_t max, uint64_t *ret, struct hpl_err *err);

/* Is a service of this name part of the image's profile? For what depends on it being there. */
bool hpl_service_in_image(struct hpl_service *s, const char *name);

/* Publishes; payload is the message of the topic's oneof member or NULL, borrowed. msg: message of
 * the catalogue this event says, HPL_MSG_NONE for none (nothing is logged here). */
int hpl_service_publish(struct hpl_service *s, const char *topic, const ProtobufCMessage *payload,
	enum hpl_msg msg, struct hpl_err *err);
void hpl_service_ack(struct hpl_service *s, uint64_t seq);
/* Logs "<id>: <text>" or, with a cause, "<id>: <text> -> <cause>". fmt NULL: no cause.
 * tag NULL: the first of the manifest. For information and warnings; errors go through fail. */
void hpl_service_say(struct hpl_service *s, const char *tag, enum hpl_msg msg, const char *fmt, ...)
	HPL_PRINTF(4, 5);
/* Logs a warning line and publishes service.warning; the service goes on. */
void hpl_service_warn(struct hpl_service *s, const char *tag, const struct hpl_err *err);
/* One error line, one service.failed, end with status 1. tag NULL: the first. Only the first call
 * counts. */
void hpl_service_fail(struct hpl_service *s, const char *tag, const struct hpl_err *err);
/* The work is done: flush the bus, end with status 0. */
void hpl_service_done(struct hpl_service *s);

/* A child program without blocking the loop. spec (see proc.h; out/errout are ignored) is copied.
 * done gets the exit status (128 + signal), or status -1 and err when it could not run or missed
 * its deadline. line (may be NULL) gets each output line as it comes (is_err: standard error),
 * without LF; lines are cut at 8000 bytes. The child dies with the service. */
struct hpl_child;
int hpl_child_run(struct hpl_service *s, const struct hpl_proc *spec,
	void (*line)(void *ud, const char *text, size_t len, int is_err),
	void (*done)(void *ud, int status, struct hpl_err *err), void *ud, struct hpl_child **ret,
	struct hpl_err *err);
void hpl_child_kill(struct hpl_child *c, int signal);

/* Blocking work (LUKS, file trees) on a pool thread: work runs there and must not touch s; done
 * runs on the loop. */
int hpl_work_run(struct hpl_service *s, int (*work)(void *ud, struct hpl_err *err),
	void (*done)(void *ud, int result, struct hpl_err *err), void *ud, struct hpl_err *err);

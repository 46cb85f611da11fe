/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A service's end of the bus, on a libuv loop. All zmq_* calls of the project are in this folder.
 *
 * Publishing never blocks: events wait in memory until the broker has accepted them. Delivery is
 * in order, at least once: an event that was not acknowledged before the process ended is
 * delivered again to the next one; Event.replay tells what an earlier process acknowledged.
 */
#include <uv.h>

#include "proto/events.pb-c.h"
#include "runtime/base/err.h"

struct hpl_bus;

struct hpl_bus_handlers {
	/* An event of a topic that the manifest allows. It is freed (and, if it is confidential,
	 * wiped) when the handler returns. It must be acknowledged by hpl_bus_ack, now or later. */
	void (*event)(void *ud, const Hpl__Event *event);
	/* The broker refused what this client published; a fault of the program. */
	void (*refused)(void *ud, const char *message_id, const char *text);
	/* The broker is gone (orchestrator died): the service should end. */
	void (*lost)(void *ud);
};

/* boot is copied; handlers must stay valid. Says HELLO at once. */
int hpl_bus_new(struct hpl_bus **ret, uv_loop_t *loop, const Hpl__Bootstrap *boot,
	const struct hpl_bus_handlers *handlers, void *ud, struct hpl_err *err);
/* "My handlers are in place": readiness is said by the service, never guessed. */
int hpl_bus_ready(struct hpl_bus *bus, struct hpl_err *err);
/* Packs and queues the event; version is set here, stamped fields are ignored. ev is borrowed. */
int hpl_bus_publish(struct hpl_bus *bus, const Hpl__Event *ev, struct hpl_err *err);
/* How many published events the broker has not yet dealt with; a fast publisher waits for it. */
uint64_t hpl_bus_unaccepted(const struct hpl_bus *bus);
void hpl_bus_ack(struct hpl_bus *bus, uint64_t seq);
/* Calls done once everything published and acknowledged so far was taken by the broker. */
void hpl_bus_flush(struct hpl_bus *bus, void (*done)(void *ud), void *ud);
/* Closes all handles; closed (may be NULL) is called from the last close callback. */
void hpl_bus_free(struct hpl_bus *bus, void (*closed)(void *ud), void *ud);

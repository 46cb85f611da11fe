/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The fake peer for service tests: a real broker on a private socket, in the test process and on
 * the loop of the service under test, with the test as its only other publisher.
 *
 * What it does not model: other processes, restarts (admit twice for that), kill, sandboxes,
 * the watchdog. Every wait has a deadline of its own (HPL_FAKE_DEADLINE_MS) after which the
 * test process prints what was seen and aborts.
 */
#include <uv.h>

#include "proto/events.pb-c.h"

enum { HPL_FAKE_DEADLINE_MS = 30000 };

struct hpl_fake;

/* Makes loop, broker in a new private directory, and a bootstrap for the service `name`, which may
 * publish and receive everything. Aborts on failure. */
struct hpl_fake *hpl_fake_new(const char *name);
uv_loop_t *hpl_fake_loop(struct hpl_fake *f);
const Hpl__Bootstrap *hpl_fake_bootstrap(struct hpl_fake *f);
/* Adds a setting to the bootstrap; before the service is made. */
void hpl_fake_setting(struct hpl_fake *f, const char *name, const char *value);
/* Names a service of the profile; before the service is made. */
void hpl_fake_service(struct hpl_fake *f, const char *name);
/* Publishes as another service. payload is the message of the topic's oneof member (borrowed) or
 * NULL. Example: hpl_fake_send(f, "contract", "contract.seeds", &seeds.base); */
void hpl_fake_send(struct hpl_fake *f, const char *source, const char *topic,
	const ProtobufCMessage *payload);
/* Runs the loop until the service has published this topic and takes the event out of the list of
 * seen ones (caller frees with hpl__event__free_unpacked(ev, NULL)). Payloads of confidential
 * topics are included. Aborts, printing all topics seen, when the deadline passes or when a
 * service.failed arrives that was not asked for. */
Hpl__Event *hpl_fake_expect(struct hpl_fake *f, const char *topic);
/* Runs the loop until *flag is set. */
void hpl_fake_run_until(struct hpl_fake *f, const int *flag);
/* Runs the loop until nothing is left to do for it right now; for "nothing was published". */
void hpl_fake_settle(struct hpl_fake *f);
/* How often a topic was published so far (expected ones included). */
unsigned hpl_fake_count(struct hpl_fake *f, const char *topic);
/* The broker is gone, as after a crash of the orchestrator; the service is told some seconds later
 * (HPL_BUS_LOST_MS). After it only run_until, count and free. */
void hpl_fake_break(struct hpl_fake *f);
void hpl_fake_free(struct hpl_fake *f);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the tests of the bus stand on: a broker in a private directory, clients on the same loop,
 * child processes, and raw DEALERs that may send anything. Every wait has a deadline, after
 * which the test process aborts saying what it waited for. Helpers abort on failure, so that
 * tests read as steps.
 */
#include <stdint.h>
#include <sys/types.h>

#include "bus/client.h"
#include "bus/internal.h"

enum { RIG_SEEN = 64, RIG_DEADLINE_MS = 60000 };

struct rig {
	uv_loop_t loop;
	uv_timer_t deadline;
	char dir[64];
	struct hpl_broker *broker;
	unsigned told, stuck, ready;     /* callbacks */
	uint32_t last_msg, last_peer, stuck_peer;
	char last_text[256];
	uint64_t events;                 /* seen by the observer */
	unsigned observed_payloads;      /* of confidential topics */
	unsigned closing;
	const char *waiting_for;
};

struct rig_client {
	struct rig *rig;
	struct hpl_bus *bus;
	Hpl__Bootstrap boot;
	uint32_t peer;
	uint64_t events, replays, last_seq;
	uint32_t last_number;            /* DiskReport.checked of the last event */
	char last_topic[HPL_BUS_TOPIC_MAX + 1], last_source[HPL_BUS_NAME_MAX + 1];
	int last_payload, hold_acks, out_of_order, lost;
	unsigned refused;
	char refused_id[16];
};

void rig_open(struct rig *r);
void rig_close(struct rig *r);
void rig_free_broker(struct rig *r, struct hpl_broker *b);
/* Runs the loop until cond; `what` is printed when the deadline passes. */
#define RIG_UNTIL(r, cond)                                                                         \
	do {                                                                                       \
		rig_wait_begin((r), #cond);                                                        \
		while (!(cond))                                                                    \
			uv_run(&(r)->loop, UV_RUN_ONCE);                                           \
		rig_wait_end(r);                                                                   \
	} while (0)
void rig_wait_begin(struct rig *r, const char *what);
void rig_wait_end(struct rig *r);
/* Lets everything that was sent arrive and be answered. */
void rig_settle(struct rig *r, struct rig_client *c);

/* NULL-terminated lists of topics may be NULL. */
void rig_admit(struct rig *r, struct rig_client *c, const char *name, const char *const *publish,
	const char *const *receive, uint32_t publish_max, uint32_t ack_timeout_ms);
void rig_connect(struct rig *r, struct rig_client *c);
void rig_disconnect(struct rig *r, struct rig_client *c);
/* A disk.checked event with a number. */
void rig_publish(struct rig_client *c, uint32_t number);
void rig_broker_publish(struct rig *r, uint32_t number);

/* A DEALER with the keys of the client, saying nothing by itself. */
void *rig_raw_open(struct rig_client *c, void **ret_ctx);
void rig_raw_send(struct rig *r, void *sock, const void *data, size_t len);
/* One record of one frame. */
void rig_raw_record(struct rig *r, void *sock, int op, uint64_t arg, const void *body, size_t len);
void rig_raw_close(void *sock, void *ctx);

/* Starts the program with the bootstrap on descriptor HPL_BOOTSTRAP_FD. */
pid_t rig_spawn(const struct rig_client *c, const char *program, const char *const *args);
int rig_wait_exit(struct rig *r, pid_t pid);

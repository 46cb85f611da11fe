/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The broker: admits exactly the peers it made keys for, stamps, checks topics, keeps the history
 * of a boot, replays, bounds slow subscribers, wipes confidential events after delivery.
 * It knows topics as strings and their policy; it knows nothing of contracts.
 */
#include <uv.h>

#include "proto/events.pb-c.h"
#include "runtime/base/err.h"

struct hpl_broker;

struct hpl_peer_policy {
	const char *name;              /* service name: stamped as source */
	const char *const *publish;    /* topics, NULL-terminated */
	const char *const *receive;
	uint32_t publish_max;          /* events it may publish in one second; 0 = 2000 */
	uint32_t ack_timeout_ms;       /* unacknowledged longer than this: stuck; 0 = never */
};

struct hpl_broker_callbacks {
	/* Every accepted event, in order. For confidential topics payload is NONE here. */
	void (*event)(void *ud, const Hpl__Event *ev);
	void (*ready)(void *ud, uint32_t peer);
	/* msg is enum hpl_msg of component bus; peer 0: unknown connection, or HPL20008W. All are
	 * counted; at most HPL_BUS_TOLD_PER_SECOND of each peer are told here. */
	void (*refused)(void *ud, uint32_t peer, uint32_t msg, const char *text);
	/* The subscriber passed its ack_timeout, fell behind by the whole history, or does not read
	 * its answers; it has been cut off: nothing goes to it, nothing is taken from it. */
	void (*stuck)(void *ud, uint32_t peer);
};

/* dir must be private (owned by the caller; 0700, or 0710: its group may connect, the socket gets
 * that group); binds ipc://dir/socket under umask 077. */
int hpl_broker_new(struct hpl_broker **ret, uv_loop_t *loop, const char *dir,
	const struct hpl_broker_callbacks *cb, void *ud, struct hpl_err *err);
/* Makes a key pair for one start of a service. ret_boot: service, endpoint and keys filled, to be
 * packed for the child; caller frees with hpl_bootstrap_done(). A name admitted again is the
 * next process of the same service: it gets the history, and acknowledgements are kept; the key
 * of the process before is withdrawn. */
int hpl_broker_admit(struct hpl_broker *b, const struct hpl_peer_policy *policy,
	Hpl__Bootstrap *ret_boot, uint32_t *ret_peer, struct hpl_err *err);
void hpl_bootstrap_done(Hpl__Bootstrap *boot);
/* The process is gone: its key is no longer accepted. What it had published stays. */
void hpl_broker_revoke(struct hpl_broker *b, uint32_t peer);
/* The orchestrator's own events (source "hpld"). */
int hpl_broker_publish(struct hpl_broker *b, const Hpl__Event *ev, struct hpl_err *err);
/* Sends PING; answers update the time below. */
void hpl_broker_ping(struct hpl_broker *b, uint32_t peer);
/* Milliseconds (uv_now) since anything arrived from the peer; UINT64_MAX: never. */
uint64_t hpl_broker_silence_ms(const struct hpl_broker *b, uint32_t peer);

struct hpl_broker_stats {
	uint64_t accepted, delivered, replayed, refused_key, refused_topic, refused_frame,
		refused_flood, stuck;
	size_t history_events, history_bytes;
};
void hpl_broker_stats(const struct hpl_broker *b, struct hpl_broker_stats *ret);
void hpl_broker_free(struct hpl_broker *b, void (*closed)(void *ud), void *ud);

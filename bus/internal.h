/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The broker from inside; only the files of this folder include it.
 *
 * broker.c   birth, admission, death
 * zap.c      who may connect
 * intake.c   reading frames, policy, stamping
 * history.c  the events of the boot, what each service has acknowledged
 * deliver.c  what each peer is sent, windows, stuck subscribers
 *
 * A *service* is a name and what was acknowledged under it; it lives as long as the broker. A *peer*
 * is one process of a service, with one key. Callbacks may call back into the broker, so a peer
 * is only marked as withdrawn and freed when the turn ends.
 */
#include "bus/broker.h"
#include "bus/event.h"
#include "bus/socket.h"
#include "bus/wire.h"
#include "proto/messages.h"
#include "proto/topics.h"
#include "runtime/base/buf.h"
#include "runtime/base/secret.h"

enum { SLOTS = HPL_BUS_HISTORY_EVENTS, WORDS = SLOTS / 64, TOPIC_WORDS = 4 };
enum { KEY_SIZE = 32, ROUTE_SIZE = 5 };

/* one bit for each slot of the history; the slot of a sequence is seq % SLOTS */
struct hpl_slots {
	uint64_t bits[WORDS];
};
static inline int hpl_slot_get(const struct hpl_slots *s, uint64_t seq)
{
	return s->bits[seq % SLOTS / 64] >> (seq % 64) & 1;
}
static inline void hpl_slot_set(struct hpl_slots *s, uint64_t seq)
{
	s->bits[seq % SLOTS / 64] |= UINT64_C(1) << (seq % 64);
}
static inline void hpl_slot_clear(struct hpl_slots *s, uint64_t seq)
{
	s->bits[seq % SLOTS / 64] &= ~(UINT64_C(1) << (seq % 64));
}

struct topic_set {
	uint64_t bits[TOPIC_WORDS];
};
static inline int topic_in(const struct topic_set *s, unsigned topic)
{
	return s->bits[topic / 64] >> (topic % 64) & 1;
}

struct entry {
	uint64_t seq;
	uint32_t len;             /* 0: wiped */
	uint16_t topic;           /* index into hpl_topics */
	struct hpl_secret secret; /* bytes of a confidential event */
	uint8_t data[];           /* bytes of any other */
};

struct service {
	struct service *next;
	char name[HPL_BUS_NAME_MAX + 1];
	struct topic_set receive;
	struct hpl_slots acked;
	uint64_t missed;          /* left the history before the service took them */
	struct peer *peer;        /* its current process, NULL: none */
};

struct peer {
	struct peer *next;
	struct service *service;
	uint32_t id;
	uint8_t key[KEY_SIZE];
	uint8_t route[ROUTE_SIZE];
	int connected;            /* HELLO was read */
	int ready;
	int cut;                  /* stuck: gets nothing, may do nothing */
	int cut_told;
	int revoked;              /* freed when the turn ends */
	int blocked;              /* its pipe took nothing the last time */
	struct topic_set publish;
	uint32_t rate, ack_timeout_ms;
	double tokens, byte_tokens;
	uint64_t tokens_at_us;
	/* sending */
	uint64_t cursor;          /* next sequence to look at */
	uint64_t floor;           /* all sent up to here are acknowledged */
	struct hpl_slots sent;    /* sent and not acknowledged */
	uint64_t unacked_events, unacked_bytes;
	uint64_t progress_ms, heard_ms, pongs;
	uint64_t accepted, accepted_told; /* the client's number dealt with last */
	int accepted_pending;
	uint64_t flushed;         /* of answers that wait the last of each kind is enough */
	int flushed_pending, ping_pending, cover_pending;
	struct hpl_buf control;   /* other records that wait */
	struct hpl_frame frame;   /* could not be sent yet */
	/* refusals of the current second */
	uint64_t told_second;
	unsigned told;
	const struct hpl_topic *last_topic;
};

struct hpl_broker {
	struct hpl_watch watch, zap;
	uv_loop_t *loop;
	uv_timer_t timer, lazy_timer;
	int lazy_due;             /* tell what is accepted, see HPL_BUS_LAZY_MS */
	void *ctx;
	uint8_t server_public[KEY_SIZE];
	char endpoint[128];
	struct hpl_broker_callbacks cb;
	void *ud;
	struct service *services;
	struct peer *peers;
	unsigned peer_count;
	uint32_t last_id;
	struct entry **ring;      /* SLOTS */
	uint64_t first, next;     /* sequences in the history: first <= seq < next */
	size_t history_bytes;
	int overflow_told;
	uint64_t mono_us, wall_us; /* clock of the frame in work */
	struct hpl_unpacker unpacker;
	struct hpl_broker_stats stats;
	struct peer stranger;     /* counts what is told of unknown connections */
	int sweep, closing;
	int confidential;         /* the frame in work held a confidential event */
	unsigned open;
	void (*closed)(void *ud);
	void *closed_ud;
};

/* zap.c */
int hpl_zap_open(struct hpl_broker *b, struct hpl_err *err);

/* intake.c */
enum hpl_watch_more hpl_broker_intake(void *broker);
/* Publishes as source; the rules of a topic hold, policy does not. For hpld and the fake. */
int hpl_broker_publish_as(struct hpl_broker *b, const char *source, const Hpl__Event *ev,
	struct hpl_err *err);
/* Counts, tells the peer (number: of its publication) and the callback; both bounded. */
void hpl_broker_refuse(struct hpl_broker *b, struct peer *p, uint64_t number, enum hpl_msg msg,
	const char *fmt, ...) HPL_PRINTF(5, 6);

/* history.c */
struct entry *hpl_entry_new(struct hpl_broker *b, unsigned topic, size_t len);
void hpl_entry_free(struct entry *e);
uint8_t *hpl_entry_bytes(struct entry *e);
void hpl_history_append(struct hpl_broker *b, struct entry *e);
static inline struct entry *hpl_history_at(struct hpl_broker *b, uint64_t seq)
{
	return b->ring[seq % SLOTS];
}
static inline int hpl_service_may_see(const struct service *s, unsigned topic)
{
	const char *reader = hpl_topics[topic].reader;

	return topic_in(&s->receive, topic) && (!reader || strcmp(reader, s->name) == 0);
}

/* deliver.c */
enum hpl_watch_more hpl_broker_deliver(void *broker);
void hpl_peer_control(struct hpl_broker *b, struct peer *p, enum hpl_wire_op op, uint64_t arg,
	const void *body, size_t len);
void hpl_peer_ack(struct hpl_broker *b, struct peer *p, uint64_t seq);
void hpl_peer_ack_upto(struct hpl_broker *b, struct peer *p, uint64_t seq);
void hpl_peer_cut(struct hpl_broker *b, struct peer *p);
void hpl_broker_sweep(struct hpl_broker *b);

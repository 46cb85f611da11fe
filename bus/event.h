/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reading an Event that somebody else packed. Inner header of this folder.
 *
 * protobuf-c decodes nearly everything: unknown and repeated fields, embedded NUL, wrong UTF-8,
 * any number as enum, and it allocates many times what the wire holds. So the bytes are first
 * walked along the descriptor (hpl_event_scan), then unpacked into an arena with a budget, then
 * the fields are checked. What passes has one meaning for every reader: no field twice, so
 * that stamps appended by the broker are the only ones.
 */
#include "proto/events.pb-c.h"
#include "runtime/base/err.h"

/* Memory of one unpacked event at a time; zeroed is ready for use. */
struct hpl_unpacker {
	ProtobufCAllocator allocator;
	uint8_t *pool;            /* small events live here: no malloc per event */
	size_t used, dirty;       /* dirty: used by earlier events that were not wiped */
	size_t budget;            /* bytes that this event may still take */
	struct hpl_unpacker_block *blocks;
};

/* Walks the packed event. stamped: fields of the broker may be there. NULL: fine; otherwise what
 * is wrong, in words. */
const char *hpl_event_scan(const uint8_t *data, size_t len, int stamped);
/* Version, topic, severity, message id, text. NULL: fine. */
const char *hpl_event_check(const Hpl__Event *ev);
/* An event as its publisher sends it: without what the broker stamps, checked, not too large.
 * *ret borrows from ev; *ret_len: packed, bytes. -1: HPL20003E, HPL20004E. */
int hpl_event_outgoing(Hpl__Event *ret, size_t *ret_len, const Hpl__Event *ev, struct hpl_err *err);
/* Unpacks into u, which forgets the event before. NULL: not an event, or too costly. */
Hpl__Event *hpl_event_unpack(struct hpl_unpacker *u, const uint8_t *data, size_t len);
/* Forgets the event; wipe: it, or one before it, was confidential. */
void hpl_unpacker_reset(struct hpl_unpacker *u, int wipe);
void hpl_unpacker_done(struct hpl_unpacker *u);

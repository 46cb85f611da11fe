/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/event.h"

#include "bus/wire.h"
#include "proto/messages.h"
#include "runtime/base/secret.h"
#include "runtime/base/utf8.h"
#include "runtime/base/util.h"

enum {
	POOL = 64 << 10,
	DEPTH = 8,                  /* events.proto has no recursive types; its depth is 3 */
	BUDGET_FACTOR = 16,         /* many small fields cost about that; see BUDGET_EXTRA */
	BUDGET_EXTRA = 32 << 20,    /* but never more than so much above the size on the wire */
};

/* ---- walking the bytes ---- */

struct cursor {
	const uint8_t *p, *end;
};

static int varint(struct cursor *c, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && c->p < c->end; shift += 7) {
		uint8_t b = *c->p++;

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret = v;
			return 0;
		}
	}
	return -1;
}

/* Well-formed UTF-8 without NUL, so that it is the same text as a C string. */
static int is_text(const uint8_t *s, size_t len)
{
	while (len) {
		size_t n = *s ? hpl_utf8_step(s, len) : 0;

		if (n == 0)
			return 0;
		s += n;
		len -= n;
	}
	return 1;
}

static unsigned wire_type(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return 2;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 1;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return 5;
	default:
		return 0;
	}
}

static const char *scan(const ProtobufCMessageDescriptor *d, struct cursor c, unsigned depth,
	uint64_t forbidden);

static const char *scan_value(const ProtobufCFieldDescriptor *f, struct cursor *c, unsigned depth)
{
	struct cursor inner;
	uint64_t v;

	switch (wire_type(f)) {
	case 0:
		if (varint(c, &v) < 0)
			return "a number is cut off";
		if (f->type == PROTOBUF_C_TYPE_ENUM &&
			(v > INT32_MAX || !protobuf_c_enum_descriptor_get_value(f->descriptor, (int)v)))
			return "an enum has a value that does not exist";
		return NULL;
	case 1:
	case 5:
		v = wire_type(f) == 1 ? 8 : 4;
		if ((uint64_t)(c->end - c->p) < v)
			return "a number is cut off";
		c->p += v;
		return NULL;
	default:
		if (varint(c, &v) < 0 || v > (uint64_t)(c->end - c->p))
			return "a field is cut off";
		inner = (struct cursor){c->p, c->p + v};
		c->p += v;
		if (f->type == PROTOBUF_C_TYPE_STRING && !is_text(inner.p, (size_t)v))
			return "a text is not UTF-8 or holds a NUL";
		return f->type == PROTOBUF_C_TYPE_MESSAGE ? scan(f->descriptor, inner, depth + 1, 0)
							  : NULL;
	}
}

/* forbidden: bit (1 << number) of fields that must not be there. */
static const char *scan(const ProtobufCMessageDescriptor *d, struct cursor c, unsigned depth,
	uint64_t forbidden)
{
	uint64_t seen = 0, tag;
	unsigned items = 0, members = 0;

	if (depth > DEPTH || d->n_fields > 64)
		return "nested too deeply";
	while (c.p < c.end) {
		const ProtobufCFieldDescriptor *f;
		const char *why;
		uint64_t bit;

		if (varint(&c, &tag) < 0 || tag >> 32 || tag >> 3 == 0)
			return "a field number is wrong";
		f = protobuf_c_message_descriptor_get_field(d, (unsigned)(tag >> 3));
		if (!f || (f->id < 64 && forbidden & UINT64_C(1) << f->id))
			return "a field is not allowed";
		if ((tag & 7) != wire_type(f))
			return "a field has the wrong type";
		bit = UINT64_C(1) << (f - d->fields);
		if (f->label == PROTOBUF_C_LABEL_REPEATED) {
			if (++items > HPL_BUS_REPEATED_MAX)
				return "too many items";
		} else if (seen & bit) {
			return "a field is there twice";
		}
		if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF && ++members > 1)
			return "two payloads";
		seen |= bit;
		why = scan_value(f, &c, depth);
		if (why)
			return why;
	}
	return NULL;
}

const char *hpl_event_scan(const uint8_t *data, size_t len, int stamped)
{
	/* seq, wall_us, mono_us, source, replay: field numbers of events.proto */
	const uint64_t stamps = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 10;
	struct cursor c = {data, data + len};

	return scan(&hpl__event__descriptor, c, 0, stamped ? 0 : stamps);
}

/* ---- fields ---- */

static int is_topic(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_");

	return n > 0 && n <= HPL_BUS_TOPIC_MAX && s[n] == 0;
}

/* "HPL05001E"; whether the catalogue holds it is the matter of who logs it */
static int is_message_id(const char *s)
{
	if (strlen(s) != 9 || strncmp(s, "HPL", 3) != 0 || !strchr("IWE", s[8]))
		return 0;
	return strspn(s + 3, "0123456789") == 5;
}

const char *hpl_event_check(const Hpl__Event *ev)
{
	if (ev->version != 1)
		return "version is not 1";
	if (!ev->topic || !is_topic(ev->topic))
		return "topic is not a name";
	if (ev->severity < HPL__SEVERITY__SEVERITY_INFO ||
		ev->severity > HPL__SEVERITY__SEVERITY_ERROR)
		return "severity is missing";
	if (ev->message_id && ev->message_id[0] && !is_message_id(ev->message_id))
		return "message id is not one";
	if (ev->text && strlen(ev->text) > HPL_BUS_TEXT_MAX)
		return "text is too long";
	return NULL;
}

int hpl_event_outgoing(Hpl__Event *ret, size_t *ret_len, const Hpl__Event *ev, struct hpl_err *err)
{
	const char *why;

	*ret = *ev;
	ret->version = 1;
	ret->seq = ret->wall_us = ret->mono_us = 0;
	ret->source = NULL;
	ret->replay = 0;
	why = hpl_event_check(ret);
	if (!why && !protobuf_c_message_check(&ret->base))
		why = "a field is not set";
	if (why)
		return HPL_FAIL(err, HPL_MSG_BUS_FRAME_MALFORMED, 0, "event %s: %s",
			ev->topic ? ev->topic : "", why);
	*ret_len = hpl__event__get_packed_size(ret);
	if (*ret_len > HPL_BUS_MESSAGE_MAX)
		return HPL_FAIL(err, HPL_MSG_BUS_FRAME_TOO_LARGE, 0,
			"event %s of %zu bytes, the limit is %d", ev->topic, *ret_len, HPL_BUS_MESSAGE_MAX);
	return 0;
}

/* ---- memory with a budget ---- */

struct hpl_unpacker_block {
	struct hpl_unpacker_block *next;
	size_t size;
	_Alignas(16) uint8_t data[];
};

static void *budget_alloc(void *ud, size_t size)
{
	struct hpl_unpacker *u = ud;
	struct hpl_unpacker_block *b;

	size = (size + 15) & ~(size_t)15;
	if (size > u->budget)
		return NULL;
	if (size <= POOL - u->used) {
		u->budget -= size;
		u->used += size;
		return u->pool + u->used - size;
	}
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	u->budget -= size;
	b->next = u->blocks;
	b->size = size;
	u->blocks = b;
	return b->data;
}

/* everything is freed at once by hpl_unpacker_reset */
static void budget_free(void *ud, void *p)
{
	(void)ud;
	(void)p;
}

Hpl__Event *hpl_event_unpack(struct hpl_unpacker *u, const uint8_t *data, size_t len)
{
	size_t extra = len * (BUDGET_FACTOR - 1) + POOL;

	hpl_unpacker_reset(u, 0);
	if (!u->pool) {
		u->pool = malloc(POOL);
		if (!u->pool)
			return NULL;
		u->allocator = (ProtobufCAllocator){budget_alloc, budget_free, u};
	}
	u->budget = len + (extra < BUDGET_EXTRA ? extra : BUDGET_EXTRA);
	return hpl__event__unpack(&u->allocator, len, data);
}

void hpl_unpacker_reset(struct hpl_unpacker *u, int wipe)
{
	while (u->blocks) {
		struct hpl_unpacker_block *b = u->blocks;

		u->blocks = b->next;
		hpl_wipe(b->data, b->size);
		free(b);
	}
	if (u->used > u->dirty)
		u->dirty = u->used;
	u->used = 0;
	if (wipe) {
		hpl_wipe(u->pool, u->dirty);
		u->dirty = 0;
	}
}

void hpl_unpacker_done(struct hpl_unpacker *u)
{
	hpl_unpacker_reset(u, 1);
	free(u->pool);
	u->pool = NULL;
}

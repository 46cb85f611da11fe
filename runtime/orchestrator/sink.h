/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The way to rsyslog: records wait here until its socket is there and takes them. At most
 * HPL_SINK_BYTES wait; then the oldest go, and a record that counts them is sent in their place.
 * When rsyslog restarts, the socket is found again.
 */
#include <stdbool.h>
#include <uv.h>

#include "runtime/base/buf.h"
#include "runtime/base/log.h"

enum {
	HPL_SINK_BYTES = 4 << 20,   /* some 30 000 lines: a boot without log host until its end */
	HPL_SINK_BURST = 128,       /* records sent in one turn of the loop */
};

struct hpl_sink_record;

struct hpl_sink {
	uv_loop_t *loop;
	const char *path;      /* of the Unix datagram socket; borrowed */
	bool enabled;          /* logging is ready */
	int fd;                /* -1: not connected */
	uv_poll_t *poll;       /* of fd; freed in its close callback */
	uv_timer_t retry;
	bool retry_open;
	unsigned retry_ms;
	struct hpl_sink_record *first, *last;
	size_t bytes;
	uint64_t dropped;      /* in front of first */
	uint64_t sent;
	long pid;
};

void hpl_sink_init(struct hpl_sink *s, uv_loop_t *loop, const char *path);
/* From now on records are delivered. */
void hpl_sink_enable(struct hpl_sink *s);
void hpl_sink_add(struct hpl_sink *s, int facility, enum hpl_severity sev, uint64_t wall_us,
	const char *tag, long pid, const char *text, size_t len);
bool hpl_sink_empty(const struct hpl_sink *s);
/* Waits up to timeout_ms until everything is out; at the end only. */
void hpl_sink_drain(struct hpl_sink *s, int timeout_ms);
void hpl_sink_close(struct hpl_sink *s);

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/orchestrator/sink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "runtime/base/clock.h"
#include "runtime/base/syslog.h"

enum { RETRY_FIRST_MS = 50, RETRY_LAST_MS = 2000 };

struct hpl_sink_record {
	struct hpl_sink_record *next;
	size_t len;
	char data[];
};

static void send_some(struct hpl_sink *s);

void hpl_sink_init(struct hpl_sink *s, uv_loop_t *loop, const char *path)
{
	*s = (struct hpl_sink){.loop = loop, .path = path, .fd = -1, .pid = (long)getpid(),
		.retry_ms = RETRY_FIRST_MS};
	uv_timer_init(loop, &s->retry);
	s->retry.data = s;
	s->retry_open = true;
}

static void pop(struct hpl_sink *s)
{
	struct hpl_sink_record *r = s->first;

	s->first = r->next;
	if (!s->first)
		s->last = NULL;
	s->bytes -= sizeof(*r) + r->len;
	free(r);
}

static void poll_closed(uv_handle_t *handle)
{
	int fd = (int)(intptr_t)handle->data;

	close(fd);
	free(handle);
}

static void disconnect(struct hpl_sink *s)
{
	if (s->fd < 0)
		return;
	/* the descriptor is closed with the handle: never poll a closed one */
	s->poll->data = (void *)(intptr_t)s->fd;
	uv_close((uv_handle_t *)s->poll, poll_closed);
	s->poll = NULL;
	s->fd = -1;
}

static void on_retry(uv_timer_t *timer)
{
	send_some(timer->data);
}

static void later(struct hpl_sink *s, unsigned ms)
{
	if (s->retry_open && !uv_is_active((uv_handle_t *)&s->retry))
		uv_timer_start(&s->retry, on_retry, ms, 0);
}

static int connect_socket(struct hpl_sink *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(s->path) >= sizeof(a.sun_path))
		return -1;
	strcpy(a.sun_path, s->path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	s->poll = calloc(1, sizeof(*s->poll));
	if (!s->poll || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		uv_poll_init(s->loop, s->poll, fd) < 0) {
		free(s->poll);
		s->poll = NULL;
		close(fd);
		return -1;
	}
	s->poll->data = s;
	s->fd = fd;
	s->retry_ms = RETRY_FIRST_MS;
	return 0;
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
	struct hpl_sink *s = poll->data;

	uv_poll_stop(poll);
	send_some(s);
}

/* 0 sent, 1 not now (somebody will call again), -1 the record cannot be sent at all */
static int send_one(struct hpl_sink *s, const void *data, size_t len)
{
	while (send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS) {
			uv_poll_start(s->poll, UV_WRITABLE, on_writable);
			return 1;
		}
		if (errno == EMSGSIZE)
			return -1;
		disconnect(s); /* rsyslog went away: look for it again */
		later(s, RETRY_FIRST_MS);
		return 1;
	}
	s->sent++;
	return 0;
}

static int send_gap(struct hpl_sink *s)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char text[128];
	int n = snprintf(text, sizeof(text), "%llu log records were dropped here, the buffer was full",
		(unsigned long long)s->dropped);
	int rc;

	hpl_syslog_format(&b, HPL_FACILITY_DAEMON, HPL_SEV_WARNING, hpl_wall_us(), "hpld", s->pid, text,
		(size_t)n);
	rc = b.failed ? -1 : send_one(s, b.data, b.len);
	if (rc <= 0)
		s->dropped = 0;
	return rc;
}

static void send_some(struct hpl_sink *s)
{
	if (!s->enabled)
		return;
	if (s->fd < 0 && (s->first || s->dropped) && connect_socket(s) < 0) {
		later(s, s->retry_ms);
		s->retry_ms = s->retry_ms * 2 > RETRY_LAST_MS ? RETRY_LAST_MS : s->retry_ms * 2;
		return;
	}
	for (int i = 0; (s->first || s->dropped) && s->fd >= 0; i++) {
		if (i == HPL_SINK_BURST) {
			later(s, 0);
			return;
		}
		if (s->dropped) {
			if (send_gap(s) > 0)
				return;
			continue;
		}
		if (send_one(s, s->first->data, s->first->len) > 0)
			return;
		pop(s);
	}
}

void hpl_sink_enable(struct hpl_sink *s)
{
	s->enabled = true;
	send_some(s);
}

void hpl_sink_add(struct hpl_sink *s, int facility, enum hpl_severity sev, uint64_t wall_us,
	const char *tag, long pid, const char *text, size_t len)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_sink_record *r;
	bool idle = !s->first;

	hpl_syslog_format(&b, facility, sev, wall_us, tag, pid, text, len);
	r = b.failed ? NULL : malloc(sizeof(*r) + b.len);
	if (!r) {
		s->dropped++;
		return;
	}
	r->next = NULL;
	r->len = b.len;
	memcpy(r->data, b.data, b.len);
	if (s->last)
		s->last->next = r;
	else
		s->first = r;
	s->last = r;
	s->bytes += sizeof(*r) + r->len;
	while (s->bytes > HPL_SINK_BYTES) {
		pop(s);
		s->dropped++;
	}
	/* with a queue somebody waits for the socket already */
	if (idle)
		send_some(s);
}

bool hpl_sink_empty(const struct hpl_sink *s)
{
	return !s->first && !s->dropped;
}

void hpl_sink_drain(struct hpl_sink *s, int timeout_ms)
{
	uint64_t end = uv_hrtime() / 1000000 + (uint64_t)timeout_ms;

	send_some(s);
	while (s->enabled && s->fd >= 0 && !hpl_sink_empty(s)) {
		struct pollfd p = {s->fd, POLLOUT, 0};
		uint64_t now = uv_hrtime() / 1000000;

		if (now >= end || poll(&p, 1, (int)(end - now)) <= 0)
			return;
		send_some(s);
	}
}

void hpl_sink_close(struct hpl_sink *s)
{
	s->enabled = false;
	disconnect(s);
	while (s->first)
		pop(s);
	if (s->retry_open)
		uv_close((uv_handle_t *)&s->retry, NULL);
	s->retry_open = false;
}

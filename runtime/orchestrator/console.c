/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/orchestrator/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

static void write_some(struct hpl_console *c);

static void on_writable(uv_poll_t *poll, int status, int events)
{
	struct hpl_console *c = poll->data;

	uv_poll_stop(&c->poll);
	c->waiting = false;
	write_some(c);
}

static void write_some(struct hpl_console *c)
{
	while (c->fd >= 0 && !c->waiting && c->queue.len) {
		ssize_t n = write(c->fd, c->queue.data, c->queue.len);

		if (n > 0) {
			hpl_lineq_consume(&c->queue, (size_t)n);
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && errno == EAGAIN && c->polled) {
			uv_poll_start(&c->poll, UV_WRITABLE, on_writable);
			c->waiting = true;
		} else {
			/* a console that is broken (hung up) is not a reason to end */
			c->queue.len = c->queue.head = c->queue.mark = 0;
		}
	}
}

int hpl_console_open(struct hpl_console *c, uv_loop_t *loop, const char *path, struct hpl_err *err)
{
	const char *real = path ? path : "/proc/self/fd/2";

	/* an own description: O_NONBLOCK must not reach the one that others write to */
	c->fd = open(real, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0 && !path)
		c->fd = fcntl(2, F_DUPFD_CLOEXEC, 10); /* a socket cannot be opened again */
	if (c->fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot open the console %s", real);
	snprintf(c->who, sizeof(c->who), "hpld[%ld]", (long)getpid());
	c->polled = uv_poll_init(loop, &c->poll, c->fd) == 0;
	c->poll.data = c;
	return 0;
}

void hpl_console_line(struct hpl_console *c, const char *text, size_t len)
{
	if (c->fd < 0)
		return;
	hpl_lineq_add(&c->queue, c->who, text, len);
	write_some(c);
}

void hpl_console_drain(struct hpl_console *c, int timeout_ms)
{
	uint64_t end = uv_hrtime() / 1000000 + (uint64_t)timeout_ms;

	while (c->fd >= 0 && c->queue.len) {
		struct pollfd p = {c->fd, POLLOUT, 0};
		uint64_t now = uv_hrtime() / 1000000;

		if (now >= end || poll(&p, 1, (int)(end - now)) <= 0)
			return;
		c->waiting = false;
		write_some(c);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct hpl_console *c = handle->data;

	close(c->fd);
	c->fd = -1;
}

void hpl_console_close(struct hpl_console *c)
{
	if (c->fd < 0)
		return;
	if (c->polled) {
		uv_close((uv_handle_t *)&c->poll, on_closed);
		return;
	}
	close(c->fd);
	c->fd = -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "runtime/base/clock.h"

/* 0, or an errno. */
static int connect_within(const struct addrinfo *a, int timeout_ms)
{
	_cleanup_close_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int64_t deadline = (int64_t)(hpl_mono_us() / 1000) + timeout_ms;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int sys = 0, n;
	socklen_t len = sizeof(sys);

	if (fd < 0)
		return errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	do {
		int64_t left = deadline - (int64_t)(hpl_mono_us() / 1000);

		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0 ? errno : sys;
}

enum hpl_reach hpl_reach_try(const char *host, unsigned port, int timeout_ms, struct hpl_err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
	char text[16];
	int rc, sys = 0;

	snprintf(text, sizeof(text), "%u", port);
	rc = getaddrinfo(host, text, &hints, &list);
	if (rc) {
		HPL_FAIL(err, 0, rc == EAI_SYSTEM ? errno : 0, "%s cannot be resolved: %s", host,
			gai_strerror(rc));
		return HPL_REACH_NO_NAME;
	}
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		sys = connect_within(a, timeout_ms);
		if (!sys)
			break;
	}
	freeaddrinfo(list);
	if (!sys)
		return HPL_REACHED;
	HPL_FAIL(err, 0, sys, "%s port %u", host, port);
	return HPL_REACH_NO_ANSWER;
}

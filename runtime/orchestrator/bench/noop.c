/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service of integration/bench-start: does nothing but say that it is ready, in the way of the
 * supervisor that started it. Under hpld it is a whole service on the bus. As "run" (s6) it writes a
 * line to its notification descriptor; with NOTIFY_SOCKET set (systemd) a datagram. The program and
 * what it is linked with are the same for all three.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/util.h"
#include "runtime/harness/service.h"

enum { S6_NOTIFICATION_FD = 3 };

static int on_failed(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	hpl_log(HPL_SEV_INFO, "seen %s %llu", ev->failure->service, (unsigned long long)hpl_mono_us());
	return 0;
}

/* Returns never: the signal that ends it is not caught. */
static int wait_for_end(void)
{
	while (pause() < 0)
		;
	return 1;
}

static int notify_systemd(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(path);

	if (fd < 0 || len >= sizeof(a.sun_path))
		return 1;
	memcpy(a.sun_path, path, len);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	if (sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return 1;
	return wait_for_end();
}

int main(int argc, char **argv)
{
	static const struct hpl_handler handlers[] = {{HPL_TOPIC_SERVICE_FAILED, on_failed}, {0}};
	static const struct hpl_service_def def = {.name = "noop", .handlers = handlers};
	const char *socket = getenv("NOTIFY_SOCKET");
	const char *base = argc ? strrchr(argv[0], '/') : NULL;

	if (socket)
		return notify_systemd(socket);
	if (argc && hpl_streq(base ? base + 1 : argv[0], "run"))
		return write(S6_NOTIFICATION_FD, "\n", 1) == 1 ? wait_for_end() : 1;
	return hpl_service_main(&def, NULL);
}

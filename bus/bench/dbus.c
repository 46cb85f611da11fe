/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D-Bus: a signal with the packed event as array of bytes, over dbus-daemon and dbus-broker, both
 * with limits that they do not reach.
 */
#include "bus/bench/bench.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

static const char config_format[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><type>session</type><listen>unix:path=%s/%s</listen><auth>EXTERNAL</auth>\n"
	"<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>"
	"<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>\n"
	"<limit name=\"max_incoming_bytes\">1000000000</limit>"
	"<limit name=\"max_outgoing_bytes\">1000000000</limit>"
	"<limit name=\"max_message_size\">1000000000</limit></busconfig>\n";

static void write_config(struct bench *b, const char *name, const char *socket_name)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	f = fopen(path, "we");
	if (!f)
		bench_die("configuration");
	fprintf(f, config_format, b->dir, socket_name);
	fclose(f);
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		bench_die("path");
	strcpy(a.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 64) < 0)
		bench_die("listen");
	return fd;
}

/* Tells the parent when the socket answers. */
static void announce(struct bench *b, const char *path)
{
	struct timespec moment = {0, 2000000};

	if (fork() != 0)
		return;
	for (;;) {
		struct sockaddr_un a = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
			break;
		close(fd);
		nanosleep(&moment, NULL);
	}
	__atomic_store_n(&b->sh->hub_ready, 1, __ATOMIC_RELEASE);
	_exit(0);
}

static void quiet(void)
{
	int null = open("/dev/null", O_WRONLY);

	if (null >= 0 && !getenv("BENCH_BUS_VERBOSE"))
		dup2(null, 2);
}

static void daemon_hub(struct bench *b)
{
	char config[200], path[160];

	write_config(b, "config", "socket");
	snprintf(config, sizeof(config), "--config-file=%s/config", b->dir);
	snprintf(path, sizeof(path), "%s/socket", b->dir);
	announce(b, path);
	quiet();
	execl("/usr/bin/dbus-daemon", "dbus-daemon", config, "--nofork", "--nopidfile", NULL);
	bench_die("dbus-daemon");
}

/* What dbus-broker 33 takes as policy: for each user, group, SELinux, AppArmor, type of the bus. */
#define BATCH "(bta(btbs)a(btssssuutt)a(btssssuutt))"
#define POLICY "(a(u" BATCH ")a(buu" BATCH ")a(ss)bs)"

/* Plays dbus-broker-launch, which needs systemd: hands over the listening socket with a policy
 * that allows everything, then waits. */
static void broker_hub(struct bench *b)
{
	const uint64_t any = UINT64_MAX, first = 1;
	sd_bus_error err = SD_BUS_ERROR_NULL;
	sd_bus *controller = NULL;
	char path[160], number[16];
	int pair[2], fd, rc;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/socket", b->dir);
	fd = listen_at(path);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		bench_die("socketpair");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		snprintf(number, sizeof(number), "%d", pair[1]);
		quiet();
		execl("/usr/bin/dbus-broker", "dbus-broker", "--controller", number, "--machine-id",
			"0123456789abcdef0123456789abcdef", "--max-bytes", "1000000000", "--max-fds",
			"1000", "--max-matches", "1000", "--max-objects", "100000", NULL);
		_exit(1);
	}
	close(pair[1]);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (sd_bus_new(&controller) < 0 || sd_bus_set_fd(controller, pair[0], pair[0]) < 0 ||
		sd_bus_start(controller) < 0)
		bench_die("controller");
	rc = sd_bus_call_method(controller, NULL, "/org/bus1/DBus/Broker", "org.bus1.DBus.Broker",
		"AddListener", &err, NULL, "ohv", "/org/bus1/DBus/Listener/0", fd, POLICY, 1,
		UINT32_MAX, 1, first, 1, 1, first, 1, "", 1, 1, first, "", "", "", "", 0, 0,
		(uint64_t)0, any, 1, 1, first, "", "", "", "", 0, 0, (uint64_t)0, any, 0, 0, 0, "user");
	if (rc < 0)
		bench_die(err.message ? err.message : "AddListener");
	announce(b, path);
	for (;;) {
		if (sd_bus_process(controller, NULL) == 0)
			(void)sd_bus_wait(controller, UINT64_MAX);
	}
}

static DBusConnection *connect_bus(struct bench *b)
{
	DBusError err = DBUS_ERROR_INIT;
	DBusConnection *c;
	char address[160];

	snprintf(address, sizeof(address), "unix:path=%s/socket", b->dir);
	c = dbus_connection_open_private(address, &err);
	if (!c || !dbus_bus_register(c, &err))
		bench_die(err.message);
	dbus_connection_set_exit_on_disconnect(c, 1);
	return c;
}

static void publisher(struct bench *b)
{
	DBusConnection *c = connect_bus(b);

	for (uint64_t n = 0; n < b->sh->count; n++) {
		DBusMessage *m;
		uint8_t event[BENCH_EVENT], *data = event;

		bench_wait(b, n, BENCH_WINDOW);
		m = dbus_message_new_signal("/hpl", "org.openhpl.Bench", "Event");
		bench_event_pack(b, event);
		if (!m || !dbus_message_append_args(m, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &data,
				BENCH_EVENT, DBUS_TYPE_INVALID) ||
			!dbus_connection_send(c, m, NULL))
			bench_die("send");
		dbus_message_unref(m);
		dbus_connection_flush(c);
	}
}

static void subscriber(struct bench *b, int i)
{
	DBusConnection *c = connect_bus(b);
	DBusError err = DBUS_ERROR_INIT;
	int last = 0;

	dbus_bus_add_match(c, "type='signal',interface='org.openhpl.Bench'", &err);
	if (dbus_error_is_set(&err))
		bench_die(err.message);
	__atomic_add_fetch(&b->sh->subs_ready, 1, __ATOMIC_ACQ_REL);
	while (!last && dbus_connection_read_write(c, -1)) {
		DBusMessage *m;

		while (!last && (m = dbus_connection_pop_message(c))) {
			uint8_t *data;
			int len;

			if (dbus_message_is_signal(m, "org.openhpl.Bench", "Event")) {
				if (!dbus_message_get_args(m, &err, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE,
						&data, &len, DBUS_TYPE_INVALID))
					bench_die(err.message);
				last = bench_received_packed(b, i, data, (size_t)len);
			}
			dbus_message_unref(m);
		}
	}
	if (!last)
		bench_die("disconnected");
}

const struct bench_transport bench_dbus_broker = {
	"dbus-broker", NULL, broker_hub, publisher, subscriber};
const struct bench_transport bench_dbus_daemon = {
	"dbus-daemon", NULL, daemon_hub, publisher, subscriber};

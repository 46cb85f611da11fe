/* SPDX-License-Identifier: Apache-2.0 */
/* The whole service with a real rsyslogd as its child and a real rsyslogd as the receiver. */
#include "runtime/crypto/tests/tls.h"

#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "bus/fake/fake.h"
#include "runtime/base/clock.h"
#include "services/logging/logging.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_logging state;
static pid_t receiver;
static unsigned port;

static void begin(void)
{
	state = (struct hpl_logging){0};
	receiver = -1;
	tls_begin();
	port = tls_free_port();
	fake = hpl_fake_new("logging");
	hpl_fake_setting(fake, "dir", tls_path("run"));
	hpl_fake_setting(fake, "config", tls_path("run/22-logging.conf"));
	hpl_fake_setting(fake, "socket", tls_path("run/socket"));
	hpl_fake_setting(fake, "dev_log", tls_path("run/dev-log"));
	hpl_fake_setting(fake, "work_dir", tls_path("work"));
}

static void launch(const char *connect_s)
{
	struct hpl_err err = HPL_ERR_NULL;

	hpl_fake_setting(fake, "connect_s", connect_s);
	hpl_fake_setting(fake, "attempt_s", "2");
	hpl_fake_setting(fake, "settle_ms", "700");
	cr_assert_eq(hpl_service_new(&service, &hpl_logging_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static void stop_receiver(void)
{
	if (receiver > 0) {
		kill(receiver, SIGTERM);
		waitpid(receiver, NULL, 0);
	}
	receiver = -1;
}

/* rsyslogd was killed with the service; the loop has to see its end. */
static void run_until_no_child(void)
{
	siginfo_t info;

	for (int i = 0; i < 10000; i++) {
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
			return;
		uv_run(hpl_fake_loop(fake), UV_RUN_NOWAIT);
		usleep(1000);
	}
	cr_assert(false, "a child of the service is still there");
}

static void finish(void)
{
	stop_receiver();
	uv_close((uv_handle_t *)&state.timer, NULL);
	hpl_service_free(service);
	run_until_no_child();
	hpl_fake_free(fake);
	hpl_log_material_done(&state.material);
	tls_end();
}

TestSuite(logging_service, .init = begin, .fini = finish);

static void start_receiver(const char *cert, const char *mode)
{
	char conf[2048];

	snprintf(conf, sizeof(conf),
		"module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\""
		" StreamDriver.AuthMode=\"%s\"%s)\n"
		"global(workDirectory=\"%s\" defaultNetstreamDriver=\"gtls\""
		" defaultNetstreamDriverCAFile=\"%s/ca.crt\" defaultNetstreamDriverCertFile=\"%s/%s.crt\""
		" defaultNetstreamDriverKeyFile=\"%s/%s.key\")\n"
		"template(name=\"raw\" type=\"string\" string=\"%%rawmsg%%\\n\")\n"
		"input(type=\"imtcp\" port=\"%u\" address=\"127.0.0.1\")\n"
		"action(type=\"omfile\" file=\"%s/received\" template=\"raw\")\n",
		mode, strstr(mode, "name") ? " PermittedPeer=[\"somebody.else\"]" : "", tls_dir, tls_dir,
		tls_dir, cert, tls_dir, cert, port, tls_dir);
	tls_write("receiver.conf", conf);
	receiver = fork();
	if (receiver == 0) {
		char path[160];

		snprintf(path, sizeof(path), "%s", tls_path("receiver.conf"));
		execl("/usr/sbin/rsyslogd", "rsyslogd", "-n", "-iNONE", "-f", path, NULL);
		_exit(127);
	}
}

/* For tests whose service gives up soon: until rsyslogd takes connections. The suite's time limit ends it. */
static void await_receiver(void)
{
	const struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	const struct timespec nap = {.tv_nsec = 20000000};

	for (int r = -1; r < 0;) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		cr_assert_geq(fd, 0);
		r = connect(fd, (const struct sockaddr *)&a, sizeof(a));
		close(fd);
		if (r < 0)
			nanosleep(&nap, NULL);
	}
}

static ProtobufCBinaryData file_field(struct hpl_buf *b, const char *name)
{
	*b = tls_read(name);
	return (ProtobufCBinaryData){b->len, (uint8_t *)b->data};
}

static void send_syslog(const char *host, const char *ca, const char *client)
{
	_cleanup_buf_ struct hpl_buf a = HPL_BUF_NULL, c = HPL_BUF_NULL, k = HPL_BUF_NULL;
	Hpl__LoggingSlice s = HPL__LOGGING_SLICE__INIT;
	char cert[32], key[32];

	snprintf(cert, sizeof(cert), "%s.crt", client);
	snprintf(key, sizeof(key), "%s.key", client);
	s.kind = HPL__LOGGING_SLICE__KIND__SYSLOG;
	s.hostname = (char *)host;
	s.port = port;
	s.server_pem = file_field(&a, ca);
	s.cert_pem = file_field(&c, cert);
	s.key_pem = file_field(&k, key);
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_LOGGING, &s.base);
}

static void send_network(void)
{
	Hpl__NetworkState n = HPL__NETWORK_STATE__INIT;

	hpl_fake_send(fake, "network", HPL_TOPIC_NETWORK_READY, &n.base);
}

static void expect_ready(void)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_LOGGING_READY);

	hpl__event__free_unpacked(ev, NULL);
}

static void expect_failed(const char *id, const char *cause)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_expect_str_eq(ev->message_id, id, "%s: %s", ev->message_id, ev->failure->cause);
	cr_expect(strstr(ev->failure->cause, cause), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_LOGGING_READY), 0);
}

static void write_record(const char *socket_name, const char *text)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", tls_path(socket_name));
	cr_assert_eq(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, sizeof(a)),
		(ssize_t)strlen(text));
	close(fd);
}

/* Runs the loop until the receiver's file holds the text. */
static void expect_received(const char *text)
{
	uint64_t deadline = hpl_mono_us() + 120000000;

	for (;;) {
		_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

		if (hpl_file_read(&b, tls_path("received"), 16 << 20, NULL) == 0 && b.data &&
			strstr(b.data, text))
			return;
		cr_assert(hpl_mono_us() < deadline, "not received: %s; got:\n%s", text, b.data ? b.data : "");
		hpl_fake_settle(fake);
		usleep(20000);
	}
}

Test(logging_service, records_arrive_with_time_tag_and_pid_kept)
{
	char host[65] = "";

	gethostname(host, sizeof(host) - 1);
	start_receiver("server", "x509/certvalid");
	launch("30");
	send_syslog("localhost", "ca.crt", "client");
	hpl_fake_settle(fake);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_LOGGING_READY), 0, "ready before the network");
	send_network();
	expect_ready();
	write_record("run/socket", "<30>1 2026-01-02T03:04:05.123456Z - hpcr-contract 77 - - Contract \"valid\".");
	expect_received("<30>1 2026-01-02T03:04:05.123456Z");
	expect_received(" hpcr-contract 77 - - Contract \"valid\".");
	expect_received(host);
	write_record("run/dev-log", "<13>Jan  2 03:04:05 podman[5]: classic form");
	expect_received(" podman 5 - -  classic form");
}

Test(logging_service, the_private_key_is_readable_by_the_service_only)
{
	struct stat st;

	start_receiver("server", "x509/certvalid");
	launch("30");
	send_network();
	send_syslog("localhost", "ca.crt", "client");
	expect_ready();
	cr_assert_eq(stat(tls_path("run/tls"), &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0700);
	cr_assert_eq(stat(tls_path("run/tls/key.pem"), &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
}

Test(logging_service, a_receiver_named_by_its_address_works)
{
	start_receiver("ip", "x509/certvalid");
	launch("30");
	send_syslog("127.0.0.1", "ca.crt", "client");
	send_network();
	expect_ready();
	write_record("run/socket", "<30>1 2026-01-02T03:04:05Z - t 1 - - by address");
	expect_received("by address");
}

Test(logging_service, a_receiver_without_any_name_is_pinned)
{
	start_receiver("bare", "x509/certvalid");
	launch("30");
	send_syslog("127.0.0.1", "ca.crt", "client");
	send_network();
	expect_ready();
	write_record("run/socket", "<30>1 2026-01-02T03:04:05Z - t 1 - - by fingerprint");
	expect_received("by fingerprint");
}

Test(logging_service, a_burst_is_delivered_whole_and_in_order)
{
	char text[128];
	struct hpl_buf b = HPL_BUF_NULL;
	const char *at;

	start_receiver("server", "x509/certvalid");
	launch("30");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	expect_ready();
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "<30>1 2026-01-02T03:04:05Z - burst 1 - - number %d.", i);
		write_record("run/socket", text);
	}
	expect_received("number 2999.");
	b = tls_read("received");
	at = b.data;
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "number %d.", i);
		at = strstr(at, text);
		cr_assert(at, "%s is missing or out of order", text);
	}
	hpl_buf_done(&b);
}

Test(logging_service, records_of_a_receiver_that_was_away_arrive_later)
{
	start_receiver("server", "x509/certvalid");
	launch("30");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	expect_ready();
	write_record("run/socket", "<30>1 2026-01-02T03:04:05Z - t 1 - - the first");
	expect_received("the first");
	stop_receiver();
	/* plain TCP syslog has no acknowledgement: what is sent into the dying connection is lost,
	 * so one record wakes rsyslogd up before those that count */
	for (int i = 0; i < 30; i++) {
		char text[100];

		snprintf(text, sizeof(text), "<30>1 2026-01-02T03:04:05Z - t 1 - - while away %d", i);
		write_record("run/socket", text);
		hpl_fake_settle(fake);
		usleep(30000);
	}
	start_receiver("server", "x509/certvalid");
	expect_received("while away 29");
	expect_received("while away 5");
}

Test(logging_service, a_receiver_that_comes_up_later_is_waited_for)
{
	uint64_t until;

	launch("30");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	until = hpl_mono_us() + 1500000;
	while (hpl_mono_us() < until) {
		hpl_fake_settle(fake);
		usleep(10000);
	}
	cr_assert_eq(hpl_fake_count(fake, HPL_TOPIC_LOGGING_READY), 0);
	start_receiver("server", "x509/certvalid");
	expect_ready();
}

Test(logging_service, rsyslogd_is_started_again_when_it_dies)
{
	uint64_t deadline = hpl_mono_us() + 120000000;

	start_receiver("server", "x509/certvalid");
	launch("30");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	expect_ready();
	hpl_child_kill(state.rsyslogd, SIGKILL);
	while (state.state == HPL_LOGGING_READY || state.rsyslogd == NULL) {
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
		cr_assert(hpl_mono_us() < deadline);
	}
	while (state.state != HPL_LOGGING_READY) {
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
		cr_assert(hpl_mono_us() < deadline);
	}
	write_record("run/socket", "<30>1 2026-01-02T03:04:05Z - t 1 - - after the restart");
	expect_received("after the restart");
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_LOGGING_READY), 1, "said once");
}

Test(logging_service, a_stop_lets_rsyslogd_send_what_it_holds)
{
	start_receiver("server", "x509/certvalid");
	launch("30");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	expect_ready();
	for (int i = 0; i < 200; i++)
		write_record("run/socket", "<30>1 2026-01-02T03:04:05Z - t 1 - - filler");
	write_record("run/socket", "<30>1 2026-01-02T03:04:05Z - t 1 - - the last words");
	hpl_logging_def.stop(service, &state);
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_expect_eq(hpl_service_status(service), 0);
	expect_received("the last words");
}

/* Sends until the socket takes no more; returns the number. */
static int fill(const char *socket_name)
{
	static const char text[] = "<30>1 2026-01-02T03:04:05Z - t 1 - - the last that found a place";
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), n = 0;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", tls_path(socket_name));
	while (sendto(fd, text, sizeof(text) - 1, 0, (struct sockaddr *)&a, sizeof(a)) > 0)
		n++;
	cr_assert_eq(errno, EAGAIN);
	close(fd);
	return n;
}

/* The queue of a datagram socket has an end (net.unix.max_dgram_qlen): the last record waits for a place. */
Test(logging_service, a_stop_waits_for_records_that_fill_the_queue)
{
	uint64_t until;

	start_receiver("server", "x509/certvalid");
	launch("30");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	expect_ready();
	hpl_child_kill(state.rsyslogd, SIGSTOP);
	while (fill("run/socket") > 0) /* one sender's share may be smaller than the queue */
		;
	hpl_logging_def.stop(service, &state);
	until = hpl_mono_us() + 200000; /* time to see the full queue more than once */
	while (hpl_mono_us() < until)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	hpl_child_kill(state.rsyslogd, SIGCONT);
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_expect_eq(hpl_service_status(service), 0);
	expect_received("the last that found a place");
	expect_received("Logging is stopped");
}

Test(logging_service, no_remote_logging_is_ready_at_once_with_a_warning)
{
	Hpl__LoggingSlice s = HPL__LOGGING_SLICE__INIT;
	Hpl__Event *ev;

	launch("30");
	s.kind = HPL__LOGGING_SLICE__KIND__NONE;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_LOGGING, &s.base);
	send_network();
	ev = hpl_fake_expect(fake, HPL_TOPIC_LOGGING_READY);
	cr_expect_str_eq(ev->message_id, "HPL01002W");
	hpl__event__free_unpacked(ev, NULL);
	write_record("run/socket", "<30>1 2026-01-02T03:04:05Z - t 1 - - into the void");
}

Test(logging_service, log_router_is_refused_by_its_own_id)
{
	Hpl__LoggingSlice s = HPL__LOGGING_SLICE__INIT;

	launch("30");
	s.kind = HPL__LOGGING_SLICE__KIND__LOG_ROUTER;
	s.hostname = (char *)"x.logs.cloud.ibm.com";
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_LOGGING, &s.base);
	expect_failed("HPL01012E", "logRouter");
}

Test(logging_service, a_foreign_ca_fails_at_once)
{
	start_receiver("server", "x509/certvalid");
	launch("30");
	send_syslog("localhost", "other.crt", "client");
	send_network();
	expect_failed("HPL01011E", "not trusted");
}

Test(logging_service, a_wrong_name_fails_at_once)
{
	start_receiver("wild", "x509/certvalid");
	launch("30");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	expect_failed("HPL01011E", "not for this host name");
}

Test(logging_service, a_client_of_a_foreign_ca_is_refused_by_rsyslogd)
{
	start_receiver("server", "x509/certvalid");
	await_receiver();
	launch("3");
	send_syslog("localhost", "ca.crt", "stranger");
	send_network();
	expect_failed("HPL01011E", "closed the connection");
}

Test(logging_service, a_client_whose_name_is_not_permitted_is_seen)
{
	start_receiver("server", "x509/name");
	await_receiver();
	launch("3");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	expect_failed("HPL01011E", "closed the connection right after the handshake");
}

Test(logging_service, nobody_there_fails_after_the_time)
{
	launch("2");
	send_syslog("localhost", "ca.crt", "client");
	send_network();
	expect_failed("HPL01011E", "Connection refused");
}

Test(logging_service, a_receiver_that_never_answers_fails_after_the_time)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	launch("1");
	send_syslog("127.0.0.1", "ca.crt", "client");
	send_network();
	expect_failed("HPL01011E", "no TLS answer");
	close(fd);
}

Test(logging_service, a_bad_slice_fails_before_the_network_is_there)
{
	launch("30");
	send_syslog("evil\"\nhost", "ca.crt", "client");
	expect_failed("HPL01011E", "no host name");
}

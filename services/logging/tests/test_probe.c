/* SPDX-License-Identifier: Apache-2.0 */
/* The probe against openssl s_server, and against sockets that do not speak TLS. */
#include "runtime/crypto/tests/tls.h"

#include <signal.h>
#include <sys/wait.h>

#include "proto/messages.h"
#include "services/logging/probe.h"

static pid_t server;
static unsigned port;

static void begin(void)
{
	server = -1;
	tls_begin();
	port = tls_free_port();
}

static void end(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	tls_end();
}

TestSuite(probe, .init = begin, .fini = end);

static bool port_open(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return ok;
}

/* s_server ends a connection when its input ends: it gets a pipe that nobody closes. */
static void serve(const char *cert, const char *client_ca, const char *version)
{
	char p[16], crt[32], key[32], ca[32];

	snprintf(p, sizeof(p), "%u", port);
	snprintf(crt, sizeof(crt), "%s.crt", cert);
	snprintf(key, sizeof(key), "%s.key", cert);
	snprintf(ca, sizeof(ca), "%s.crt", client_ca);
	int quiet[2];

	cr_assert_eq(pipe(quiet), 0);
	server = fork();
	if (server == 0) {
		if (chdir(tls_dir) < 0 || !freopen("log", "w", stdout))
			_exit(126);
		dup2(quiet[0], 0);
		dup2(1, 2);
		execl("/usr/bin/openssl", "openssl", "s_server", "-accept", p, "-cert", crt, "-key", key,
			"-CAfile", ca, "-Verify", "2", "-verify_return_error", "-quiet", version, NULL);
		_exit(127);
	}
	for (int i = 0; i < 1500 && !port_open(); i++)
		usleep(20000);
	cr_assert(port_open(), "openssl s_server does not listen");
}

static int run(const char *host, const char *ca, const char *client, struct hpl_log_peers *peers,
	bool *retry, struct hpl_err *err)
{
	_cleanup_material_ struct hpl_log_material m = HPL_LOG_MATERIAL_NULL;
	char cert[32], key[32];

	snprintf(cert, sizeof(cert), "%s.crt", client);
	snprintf(key, sizeof(key), "%s.key", client);
	cr_assert_eq(tls_parse(&m, ca, cert, key, err), 0, "%s", err->text);
	struct hpl_probe p = {host, port, &m, 3000, 700};
	return hpl_probe_run(&p, peers, retry, err);
}

static void expect_peer(const char *cert, const char *host, const char *name)
{
	struct hpl_log_peers peers = {0};
	struct hpl_err err = HPL_ERR_NULL;
	bool retry;

	serve(cert, "ca", "-tls1_3");
	cr_assert_eq(run(host, "ca.crt", "client", &peers, &retry, &err), 0, "%s", err.text);
	cr_expect_eq(peers.count, 1);
	cr_expect_eq(strncmp(peers.names[0], name, strlen(name)), 0, "%s", peers.names[0]);
}

Test(probe, a_good_server_is_recognised_by_its_dns_name)
{
	expect_peer("server", "localhost", "localhost");
}

Test(probe, an_address_is_recognised_by_the_name_in_the_verified_certificate)
{
	expect_peer("ip", "127.0.0.1", "log.example");
}

Test(probe, a_certificate_without_names_is_recognised_by_its_fingerprint)
{
	expect_peer("bare", "127.0.0.1", "SHA1:");
}

static void expect_fault(const char *host, const char *ca, const char *client, const char *text,
	bool may_retry)
{
	struct hpl_log_peers peers;
	struct hpl_err err = HPL_ERR_NULL;
	bool retry = !may_retry;

	cr_assert_eq(run(host, ca, client, &peers, &retry, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG);
	cr_expect(strstr(err.text, text), "%s", err.text);
	cr_expect_eq(retry, may_retry, "%s", err.text);
	cr_expect(err.cure[0] && err.place[0]);
}

Test(probe, a_foreign_ca_is_not_trusted)
{
	serve("server", "ca", "-tls1_3");
	expect_fault("localhost", "other.crt", "client", "not trusted", false);
}

Test(probe, another_name_is_named)
{
	serve("wild", "ca", "-tls1_3");
	expect_fault("localhost", "ca.crt", "client", "not for this host name but for '*.example.test'", false);
}

Test(probe, a_refused_client_certificate_is_seen_with_tls_1_3)
{
	serve("server", "ca", "-tls1_3");
	expect_fault("localhost", "ca.crt", "stranger", "refuses the client certificate", false);
}

Test(probe, a_refused_client_certificate_is_seen_with_tls_1_2)
{
	serve("server", "ca", "-tls1_2");
	expect_fault("localhost", "ca.crt", "stranger", "refuses the client certificate", false);
}

Test(probe, nobody_listening_may_go_away)
{
	expect_fault("127.0.0.1", "ca.crt", "client", "Connection refused", true);
}

Test(probe, a_name_that_does_not_resolve_may_go_away)
{
	expect_fault("no-such-host.invalid", "ca.crt", "client", "name lookup failed", true);
}

Test(probe, a_server_that_accepts_and_never_answers_is_a_timeout)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	expect_fault("127.0.0.1", "ca.crt", "client", "no TLS answer", true);
	close(fd);
}

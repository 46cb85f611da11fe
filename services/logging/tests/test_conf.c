/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/tests/tls.h"

#include "proto/messages.h"
#include "services/logging/rsyslog_conf.h"

TestSuite(conf, .init = tls_begin, .fini = tls_end);

static struct hpl_log_peers peers = {.names = {"log.example"}, .count = 1};

static struct hpl_rsyslog_conf conf(const char *host)
{
	return (struct hpl_rsyslog_conf){
		.socket = tls_path("socket"), .dev_log = tls_path("dev-log"), .work_dir = tls_dir,
		.ca_file = tls_path("ca.crt"), .cert_file = tls_path("client.crt"),
		.key_file = tls_path("client.key"), .hostname = host, .port = 6514, .peers = &peers,
	};
}

Test(conf, host_names_and_addresses_are_told_from_other_text)
{
	const char *good[] = {"a", "log-1.example.com", "10.0.2.2", "::1", "fe80::1", "UPPER.case.", "under_score.x"};
	const char *bad[] = {"", ".", "a..b", "-a", "a-", "a b", "a\"b", "a\nb", "a;b", "a$b", "a/b", "a`b", "\xc3\xa4",
		"x\" StreamDriverMode=\"0", "[::1]", "a.-b"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(good); i++)
		cr_expect(hpl_log_host_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++)
		cr_expect(!hpl_log_host_valid(bad[i]), "%s", bad[i]);
}

Test(conf, quoting_leaves_no_way_out_of_the_string)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	hpl_rsyslog_quote(&b, "a\"b\\c$d\ne");
	cr_expect_str_eq(b.data, "\"a\\\"b\\\\c$d\\012e\"");
}

Test(conf, hostile_hosts_ports_and_peers_are_refused)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_rsyslog_conf c = conf("x\")\nmodule(load=\"omprog");
	struct hpl_log_peers evil = {.names = {"a\" x=\"y"}, .count = 1}, none = {0};

	cr_assert_eq(hpl_rsyslog_conf_make(&b, &c, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG);
	cr_expect(!strchr(err.text, '\n'));
	c = conf("ok");
	c.port = 65536;
	cr_expect_eq(hpl_rsyslog_conf_make(&b, &c, &err), -1);
	c = conf("ok");
	c.peers = &evil;
	cr_expect_eq(hpl_rsyslog_conf_make(&b, &c, &err), -1);
	c.peers = &none;
	cr_expect_eq(hpl_rsyslog_conf_make(&b, &c, &err), -1);
}

static void rsyslogd_accepts(const struct hpl_rsyslog_conf *c)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL, out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	const char *argv[] = {"/usr/sbin/rsyslogd", "-N1", "-iNONE", "-f", tls_path("conf"), NULL};
	const struct hpl_proc p = {.argv = argv, .timeout_ms = 30000, .out = &out};
	int status = -1;

	cr_assert_eq(hpl_rsyslog_conf_make(&b, c, &err), 0, "%s", err.text);
	tls_write("conf", b.data);
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_expect_eq(status, 0, "%s\n%s", out.data, b.data);
	cr_expect(!strstr(out.data, "error"), "%s\n%s", out.data, b.data);
}

Test(conf, rsyslogd_itself_accepts_each_form)
{
	struct hpl_log_peers print = {.fingerprint = true,
		.names = {"SHA1:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33"}, .count = 1};
	struct hpl_rsyslog_conf c = conf("localhost");

	rsyslogd_accepts(&c);
	c.peers = &print;
	rsyslogd_accepts(&c);
	c = conf(NULL);
	rsyslogd_accepts(&c);
	/* what is quoted is read back as it was: the directory is found */
	c.work_dir = tls_path("a \"b\\c$d");
	cr_assert_eq(mkdir(c.work_dir, 0700), 0);
	rsyslogd_accepts(&c);
}

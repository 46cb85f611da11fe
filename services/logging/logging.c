/* SPDX-License-Identifier: Apache-2.0 */
#include "services/logging/logging.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/syslog.h"

enum {
	PROBE_PAUSE_MS = 1000,
	SOCKET_LOOK_MS = 20,       /* rsyslogd needs 250 ms natively, seconds under emulation */
	RESTART_PAUSE_MS = 1000,
	RESTARTS_MAX = 5,          /* in a row, each of a run shorter than STABLE_S */
	STABLE_S = 60,
	DRAIN_LOOK_MS = 10,
	DRAIN_LIMIT_MS = 2000,
};

/* Where users know the decrypted contract from; the line is what automation matches (facts 5.5). */
#define TAG "hpcr-logging"
#define INPUT_NAME "/var/hyperprotect/user-data.decrypted"

static void start_rsyslogd(struct hpl_logging *l);

static void fail(struct hpl_logging *l, const struct hpl_err *err)
{
	uv_timer_stop(&l->timer);
	hpl_service_fail(l->service, NULL, err);
}

/* ---- ready ---- */

static void say_ready(struct hpl_logging *l)
{
	struct hpl_err err = HPL_ERR_NULL;

	l->state = HPL_LOGGING_READY;
	if (l->said_ready) {
		hpl_log(HPL_SEV_NOTICE, "rsyslogd runs again");
		return;
	}
	l->said_ready = true;
	if (l->remote) {
		hpl_service_say(l->service, NULL, HPL_MSG_LOGGING_LOGGING_SETUP_SUCCESSFUL, NULL);
		hpl_log(HPL_SEV_INFO, "Logging has been configured");
	}
	if (hpl_service_publish(l->service, HPL_TOPIC_LOGGING_READY, NULL,
		    l->remote ? HPL_MSG_LOGGING_LOGGING_SETUP_SUCCESSFUL : HPL_MSG_LOGGING_NO_LOG_CONFIG,
		    &err) < 0)
		fail(l, &err);
}

/* ---- rsyslogd ---- */

/* A datagram socket takes connections as soon as it is bound. */
static bool socket_listens(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return false;
	strcpy(a.sun_path, path);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static void on_look(uv_timer_t *t)
{
	struct hpl_logging *l = t->data;
	struct hpl_err err = HPL_ERR_NULL;

	if (l->state != HPL_LOGGING_STARTING)
		return;
	if (socket_listens(l->socket) && socket_listens(l->dev_log)) {
		uv_timer_stop(t);
		say_ready(l);
		return;
	}
	if (hpl_mono_us() < l->deadline_us)
		return;
	HPL_FAIL(&err, HPL_MSG_LOGGING_RSYSLOGD_DIED, 0, "rsyslogd made no socket %s within %u s%s%s",
		l->socket, (unsigned)l->start_s, l->last_line[0] ? "; it said: " : "", l->last_line);
	fail(l, &err);
}

static void on_rsyslogd_line(void *ud, const char *text, size_t len, int is_err)
{
	struct hpl_logging *l = ud;

	snprintf(l->last_line, sizeof(l->last_line), "%.*s", (int)len, text);
}

static void on_restart(uv_timer_t *t)
{
	start_rsyslogd(t->data);
}

static void on_rsyslogd_end(void *ud, int status, struct hpl_err *cause)
{
	struct hpl_logging *l = ud;
	struct hpl_err err = HPL_ERR_NULL;

	l->rsyslogd = NULL;
	if (l->state == HPL_LOGGING_STOPPING) {
		uv_timer_stop(&l->timer);
		hpl_service_done(l->service);
		return;
	}
	if (hpl_mono_us() - l->started_us > STABLE_S * 1000000ULL)
		l->restarts = 0;
	if (status < 0)
		err = *cause;
	else
		HPL_FAIL(&err, 0, 0, "rsyslogd ended with status %d%s%s", status,
			l->last_line[0] ? "; it said: " : "", l->last_line);
	err.msg = HPL_MSG_LOGGING_RSYSLOGD_DIED;
	/* one that never came up will not do so the next time either */
	if (l->state != HPL_LOGGING_READY || ++l->restarts > RESTARTS_MAX) {
		fail(l, &err);
		return;
	}
	hpl_log(HPL_SEV_WARNING, "%s; restarting it (%u of %d)", err.text, l->restarts, RESTARTS_MAX);
	uv_timer_start(&l->timer, on_restart, RESTART_PAUSE_MS, 0);
}

static int write_files(struct hpl_logging *l, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf conf = HPL_BUF_NULL;
	const struct hpl_rsyslog_conf c = {
		.socket = l->socket, .dev_log = l->dev_log, .work_dir = l->work_dir,
		.ca_file = l->ca_file, .cert_file = l->cert_file, .key_file = l->key_file,
		.hostname = l->remote ? l->hostname : NULL, .port = l->port, .peers = &l->peers,
	};

	if (hpl_rsyslog_conf_make(&conf, &c, err) < 0 ||
		hpl_file_write(l->config, conf.data, conf.len, 0600, err) < 0)
		return -1;
	if (!l->remote)
		return 0;
	if (hpl_mkdir_p(l->tls_dir, 0700, err) < 0 ||
		hpl_file_write(l->ca_file, l->material.ca.data, l->material.ca.len, 0600, err) < 0 ||
		hpl_file_write(l->cert_file, l->material.cert.data, l->material.cert.len, 0600, err) < 0)
		return -1;
	return hpl_file_write(l->key_file, l->material.key.data, l->material.key.len, 0600, err);
}

static void start_rsyslogd(struct hpl_logging *l)
{
	const char *const argv[] = {l->program, "-n", "-iNONE", "-f", l->config, NULL};
	const struct hpl_proc spec = {.argv = argv, .timeout_ms = INT_MAX};
	struct hpl_err err = HPL_ERR_NULL;

	l->state = HPL_LOGGING_STARTING;
	l->last_line[0] = 0;
	l->started_us = hpl_mono_us();
	l->deadline_us = l->started_us + l->start_s * 1000000;
	unlink(l->socket);
	unlink(l->dev_log);
	if (write_files(l, &err) < 0 ||
		hpl_child_run(l->service, &spec, on_rsyslogd_line, on_rsyslogd_end, l, &l->rsyslogd,
			&err) < 0) {
		HPL_WRAP(&err, HPL_MSG_LOGGING_RSYSLOGD_DIED, "rsyslogd cannot be started");
		fail(l, &err);
		return;
	}
	uv_timer_start(&l->timer, on_look, SOCKET_LOOK_MS, SOCKET_LOOK_MS);
}

/* ---- the receiver ---- */

static int probe_work(void *ud, struct hpl_err *err)
{
	struct hpl_logging *l = ud;
	int rc = hpl_probe_run(&l->probe, &l->peers, &l->probe_retry, err);

	OPENSSL_thread_stop(); /* what OpenSSL keeps for this pool thread */
	return rc;
}

static void probe_start(struct hpl_logging *l);

static void on_probe_again(uv_timer_t *t)
{
	probe_start(t->data);
}

static void probe_done(void *ud, int result, struct hpl_err *err)
{
	struct hpl_logging *l = ud;

	if (l->state != HPL_LOGGING_PROBING)
		return;
	if (result == 0) {
		start_rsyslogd(l);
		return;
	}
	if (!l->probe_retry || hpl_mono_us() >= l->deadline_us) {
		fail(l, err);
		return;
	}
	if (!hpl_streq(l->probe_cause, err->text)) {
		snprintf(l->probe_cause, sizeof(l->probe_cause), "%s", err->text);
		hpl_log(HPL_SEV_WARNING, "log server not usable yet, retrying: %s; %s", err->text, err->cure);
	}
	uv_timer_start(&l->timer, on_probe_again, PROBE_PAUSE_MS, 0);
}

static void probe_start(struct hpl_logging *l)
{
	struct hpl_err err = HPL_ERR_NULL;

	l->probe = (struct hpl_probe){
		.hostname = l->hostname, .port = l->port, .material = &l->material,
		.timeout_ms = (int)l->attempt_s * 1000, .settle_ms = (int)l->settle_ms,
	};
	if (hpl_work_run(l->service, probe_work, probe_done, l, &err) < 0) {
		HPL_WRAP(&err, HPL_MSG_LOGGING_RSYSLOGD_DIED, "the log server cannot be tried");
		fail(l, &err);
	}
}

static void begin_when_complete(struct hpl_logging *l)
{
	if (!l->have_slice || !l->have_network || l->state != HPL_LOGGING_WAITING)
		return;
	if (!l->remote) {
		start_rsyslogd(l);
		return;
	}
	l->state = HPL_LOGGING_PROBING;
	l->deadline_us = hpl_mono_us() + l->connect_s * 1000000;
	probe_start(l);
}

/* ---- events ---- */

static int bad_slice(enum hpl_msg msg, const char *text, const char *cure, struct hpl_err *err)
{
	HPL_FAIL(err, msg, 0, "%s", text);
	hpl_err_place(err, "contract: env.logging");
	hpl_err_cure(err, "%s", cure);
	return -1;
}

static int take_syslog(struct hpl_logging *l, const Hpl__LoggingSlice *s, struct hpl_err *err)
{
	const struct hpl_log_input in = {
		.server = s->server_pem.data, .server_len = s->server_pem.len,
		.cert = s->cert_pem.data, .cert_len = s->cert_pem.len,
		.key = s->key_pem.data, .key_len = s->key_pem.len,
	};

	if (!hpl_log_host_valid(s->hostname) || strlen(s->hostname) >= sizeof(l->hostname) ||
		s->port < 1 || s->port > 65535)
		return bad_slice(HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG,
			"hostname is no host name or port no port",
			"give syslog.hostname a DNS name or IP address, syslog.port 1 to 65535", err);
	if (hpl_log_material_parse(&l->material, &in, (int64_t)(hpl_wall_us() / 1000000), err) < 0)
		return -1;
	snprintf(l->hostname, sizeof(l->hostname), "%s", s->hostname);
	l->port = s->port;
	l->remote = true;
	return 0;
}

static int on_slice(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_logging *l = state;

	if (l->have_slice)
		return 0;
	hpl_log(HPL_SEV_INFO, "Configuring logging ...");
	hpl_log(HPL_SEV_INFO, "Version [" HPL_VERSION "]");
	hpl_log(HPL_SEV_INFO, "Configuring logging, input [" INPUT_NAME "] ...");
	switch (ev->logging->kind) {
	case HPL__LOGGING_SLICE__KIND__NONE:
		hpl_service_say(s, NULL, HPL_MSG_LOGGING_NO_LOG_CONFIG, "only the console shows what happens");
		break;
	case HPL__LOGGING_SLICE__KIND__SYSLOG:
		if (take_syslog(l, ev->logging, err) < 0)
			return -1;
		break;
	case HPL__LOGGING_SLICE__KIND__LOG_ROUTER:
		return bad_slice(HPL_MSG_LOGGING_KIND_UNSUPPORTED,
			"env.logging.logRouter (IBM Cloud Logs over HTTPS)", "use env.logging.syslog", err);
	default:
		return bad_slice(HPL_MSG_LOGGING_VALIDATE_CONTRACT, "unknown kind of logging",
			"use env.logging.syslog", err);
	}
	l->have_slice = true;
	begin_when_complete(l);
	return 0;
}

static int on_network(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_logging *l = state;

	l->have_network = true;
	begin_when_complete(l);
	return 0;
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_LOGGING, on_slice},
	{HPL_TOPIC_NETWORK_READY, on_network},
	{NULL, NULL},
};

/* ---- birth and end ---- */

static int read_settings(struct hpl_logging *l, struct hpl_err *err)
{
	struct hpl_service *s = l->service;

	l->dir = hpl_service_setting(s, "dir", "/run/hpl/log");
	l->config = hpl_service_setting(s, "config", "/run/hpl/log/22-logging.conf");
	l->socket = hpl_service_setting(s, "socket", HPL_SYSLOG_SOCKET);
	l->dev_log = hpl_service_setting(s, "dev_log", "/run/hpl/log/dev-log");
	l->work_dir = hpl_service_setting(s, "work_dir", "/var/lib/hpl/log");
	l->program = hpl_service_setting(s, "rsyslogd", "/usr/sbin/rsyslogd");
	if ((size_t)snprintf(l->tls_dir, sizeof(l->tls_dir), "%s/tls", l->dir) >= sizeof(l->tls_dir))
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, 0, "setting dir is too long");
	snprintf(l->ca_file, sizeof(l->ca_file), "%s/ca.pem", l->tls_dir);
	snprintf(l->cert_file, sizeof(l->cert_file), "%s/cert.pem", l->tls_dir);
	snprintf(l->key_file, sizeof(l->key_file), "%s/key.pem", l->tls_dir);
	if (hpl_service_setting_u64(s, "connect_s", 120, 0, 86400, &l->connect_s, err) < 0 ||
		hpl_service_setting_u64(s, "attempt_s", 10, 1, 600, &l->attempt_s, err) < 0 ||
		hpl_service_setting_u64(s, "settle_ms", 750, 10, 60000, &l->settle_ms, err) < 0 ||
		hpl_service_setting_u64(s, "start_s", 60, 1, 600, &l->start_s, err) < 0)
		return -1;
	return hpl_service_setting_u64(s, "flush_s", 6, 1, 600, &l->flush_s, err);
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct hpl_logging *l = state;

	l->service = s;
	l->last_fd = -1;
	uv_timer_init(hpl_service_loop(s), &l->timer);
	l->timer.data = l;
	if (read_settings(l, err) < 0)
		return -1;
	/* hpld and the container service reach the socket in here; the keys are one level deeper */
	if (hpl_mkdir_p(l->dir, 0755, err) < 0 || hpl_mkdir_p(l->work_dir, 0700, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LOGGING_RSYSLOGD_DIED, "cannot prepare");
	if (chmod(l->dir, 0755) < 0)
		return HPL_FAIL(err, HPL_MSG_LOGGING_RSYSLOGD_DIED, errno, "chmod %s", l->dir);
	return 0;
}

static void on_flush_limit(uv_timer_t *t)
{
	struct hpl_logging *l = t->data;

	if (l->rsyslogd)
		hpl_child_kill(l->rsyslogd, SIGKILL);
}

/* Sends a last record. The socket that sent it shows when it was read, and everything that was
 * written before it is read before it: rsyslogd leaves unread datagrams behind when it is told to
 * end. 0: sent, to *ret; -EAGAIN: the reader's queue is full; else nobody is there to read. */
static int send_last_record(int *ret, const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_buf_ struct hpl_buf record = HPL_BUF_NULL;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	static const char text[] = "Logging is stopped";

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return -EINVAL;
	strcpy(a.sun_path, path);
	hpl_syslog_format(&record, HPL_FACILITY_DAEMON, HPL_SEV_INFO, hpl_wall_us(), TAG, getpid(), text,
		sizeof(text) - 1);
	if (record.failed)
		return -ENOMEM;
	if (sendto(fd, record.data, record.len, 0, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	*ret = hpl_take_fd(&fd);
	return 0;
}

static void end_rsyslogd(struct hpl_logging *l)
{
	hpl_closep(&l->last_fd);
	hpl_child_kill(l->rsyslogd, SIGTERM);
	uv_timer_start(&l->timer, on_flush_limit, l->flush_s * 1000, 0);
}

/* Has rsyslogd read everything, as far as can be told? */
static bool is_drained(struct hpl_logging *l)
{
	int unread = 0;

	if (l->last_fd < 0)
		switch (send_last_record(&l->last_fd, l->socket)) {
		case 0: break;
		case -EAGAIN: return false;
		default: return true;
		}
	return ioctl(l->last_fd, SIOCOUTQ, &unread) < 0 || unread == 0;
}

static void on_drain(uv_timer_t *t)
{
	struct hpl_logging *l = t->data;

	if (l->rsyslogd && (is_drained(l) || hpl_mono_us() >= l->deadline_us))
		end_rsyslogd(l);
}

/* rsyslogd reads what was written, sends what it holds and ends; its queue has short limits. */
static void stop(struct hpl_service *s, void *state)
{
	struct hpl_logging *l = state;

	if (l->state == HPL_LOGGING_STOPPING)
		return;
	l->state = HPL_LOGGING_STOPPING;
	uv_timer_stop(&l->timer);
	if (!l->rsyslogd) {
		hpl_service_done(s);
		return;
	}
	l->deadline_us = hpl_mono_us() + DRAIN_LIMIT_MS * 1000ULL;
	uv_timer_start(&l->timer, on_drain, DRAIN_LOOK_MS, DRAIN_LOOK_MS);
}

const struct hpl_service_def hpl_logging_def = {
	.name = "logging",
	.handlers = handlers,
	.start = start,
	.stop = stop,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the configuration is as it is:
 *
 * Inputs: records on the service socket are RFC 5424 with the time and the process at which they
 * were written, perhaps minutes ago; so no special parser, no own time stamp, no pid of the
 * sender, no rate limit (rsyslog would drop the backlog of a boot).
 *
 * Output: the classic receivers read RFC 5424 with line feeds between records over TLS. The host
 * name is the guest's own. A disk-assisted queue with endless retry keeps what cannot be sent now;
 * the shut-down times are short, because a refused or hanging receiver must not hold the power-off.
 *
 * Driver ossl, x509/name: rsyslog compares permitted peers with DNS names and the CN of the
 * certificate only, never with IP addresses (both drivers, 8.2302). So for a receiver that is
 * named by its IP address the names come from its certificate, after the probe has verified chain
 * and address (probe.h). Not gtls: under emulation its global initialisation alone took 10 to 30 s
 * before the first connection, so that short failures never arrived.
 */
#include "services/logging/rsyslog_conf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"

static bool is_address(const char *text)
{
	struct in6_addr a;

	return inet_pton(AF_INET, text, &a) == 1 || inet_pton(AF_INET6, text, &a) == 1;
}

bool hpl_log_host_valid(const char *text)
{
	size_t len = strlen(text), label = 0;

	if (is_address(text))
		return true;
	if (!len || len > 253)
		return false;
	for (size_t i = 0; i <= len; i++) {
		char c = text[i];

		if (c == '.' || c == 0) {
			/* one dot may end the name */
			if ((!label && !(c == 0 && i && text[i - 1] == '.')) || label > 63)
				return false;
			if (label && text[i - 1] == '-')
				return false;
			label = 0;
		} else if (isascii(c) && (isalnum((unsigned char)c) || c == '_' || (c == '-' && label))) {
			label++;
		} else {
			return false;
		}
	}
	return len > 1 || text[0] != '.';
}

void hpl_rsyslog_quote(struct hpl_buf *out, const char *text)
{
	hpl_buf_str(out, "\"");
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			hpl_buf_fmt(out, "\\%c", *p);
		else if (*p < 0x20 || *p >= 0x7f)
			hpl_buf_fmt(out, "\\%03o", *p);
		else
			hpl_buf_add(out, p, 1);
	}
	hpl_buf_str(out, "\"");
}

static void param(struct hpl_buf *out, const char *name, const char *value)
{
	hpl_buf_fmt(out, " %s=", name);
	hpl_rsyslog_quote(out, value);
}

static void input(struct hpl_buf *out, const char *path)
{
	hpl_buf_str(out, "input(type=\"imuxsock\"");
	param(out, "Socket", path);
	hpl_buf_str(out, " Unlink=\"on\" UseSpecialParser=\"off\" ParseHostname=\"off\" IgnoreTimestamp=\"off\""
			 " UsePIDFromSystem=\"off\" RateLimit.Interval=\"0\")\n");
}

static void forward(struct hpl_buf *out, const struct hpl_rsyslog_conf *c)
{
	char port[16];

	snprintf(port, sizeof(port), "%u", c->port);
	hpl_buf_str(out, "action(type=\"omfwd\" name=\"remote\" protocol=\"tcp\" TCP_Framing=\"traditional\"");
	param(out, "target", c->peers->address[0] ? c->peers->address : c->hostname);
	param(out, "port", port);
	hpl_buf_str(out, " template=\"hpl\"\n\tStreamDriver=\"ossl\" StreamDriverMode=\"1\"");
	hpl_buf_fmt(out, " StreamDriverAuthMode=\"x509/%s\"", c->peers->fingerprint ? "fingerprint" : "name");
	hpl_buf_str(out, " StreamDriverPermittedPeers=\"");
	for (size_t i = 0; i < c->peers->count; i++)
		hpl_buf_fmt(out, "%s%s", i ? "," : "", c->peers->names[i]);
	hpl_buf_str(out, "\"\n\tKeepAlive=\"on\" KeepAlive.Time=\"30\" KeepAlive.Interval=\"10\""
			 " KeepAlive.Probes=\"3\"\n\taction.resumeRetryCount=\"-1\""
			 " action.resumeInterval=\"1\" action.resumeIntervalMax=\"5\"\n"
			 "\tqueue.type=\"LinkedList\" queue.size=\"20000\" queue.filename=\"remote\""
			 " queue.maxDiskSpace=\"512m\" queue.saveOnShutdown=\"on\"\n"
			 "\tqueue.timeoutShutdown=\"20000\" queue.timeoutActionCompletion=\"1000\")\n");
}

/* Names come from a certificate or a checked host name; anything else does not get in. */
static bool peers_valid(const struct hpl_log_peers *p)
{
	for (size_t i = 0; i < p->count; i++)
		for (const char *c = p->names[i]; *c; c++)
			if (!isascii(*c) || (!isalnum((unsigned char)*c) && !strchr("._-:* ", *c)))
				return false;
	return p->count > 0;
}

int hpl_rsyslog_conf_make(struct hpl_buf *out, const struct hpl_rsyslog_conf *c, struct hpl_err *err)
{
	if (c->hostname && (!hpl_log_host_valid(c->hostname) || c->port < 1 || c->port > 65535)) {
		HPL_FAIL(err, HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG, 0,
			"hostname or port is not one: '%s', %u", c->hostname, c->port);
		hpl_err_place(err, "contract: env.logging.syslog");
		hpl_err_cure(err, "give a DNS name or IP address and a port from 1 to 65535");
		return -1;
	}
	if (c->hostname && !peers_valid(c->peers))
		return HPL_FAIL(err, HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG, 0,
			"the receiver's certificate carries no usable name");
	hpl_buf_str(out, "# written by the logging service at every start\n"
			 "module(load=\"imuxsock\" SysSock.Use=\"off\")\nglobal(");
	param(out, "workDirectory", c->work_dir);
	if (c->hostname) {
		param(out, "defaultNetstreamDriverCAFile", c->ca_file);
		param(out, "defaultNetstreamDriverCertFile", c->cert_file);
		param(out, "defaultNetstreamDriverKeyFile", c->key_file);
	}
	/* records are at most 8000 bytes of text and a header */
	/* rsyslogd hands its own messages to syslog(3) otherwise, which opens a socket at any time: when a
	 * connection has just died, that socket gets the number of the dead one, and the TLS driver
	 * (8.2302), which still reads from it, waits there for ever. They go to stderr as well. */
	hpl_buf_str(out, " maxMessageSize=\"16k\" processInternalMessages=\"on\")\n"
			 "if $inputname == \"rsyslogd\" then stop\n");
	hpl_buf_str(out, "template(name=\"hpl\" type=\"string\" string=\"<%PRI%>1 %TIMESTAMP:::date-rfc3339% "
			 "%$myhostname% %APP-NAME% %PROCID% %MSGID% %STRUCTURED-DATA% %msg:::drop-last-lf%\\n\")\n");
	input(out, c->socket);
	input(out, c->dev_log);
	if (c->hostname)
		forward(out, c);
	else
		hpl_buf_str(out, "action(type=\"omfile\" file=\"/dev/null\")\n");
	return out->failed ? HPL_OOM(err) : 0;
}

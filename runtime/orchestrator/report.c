/* SPDX-License-Identifier: Apache-2.0 */
/* What hpld says: its own lines, the lines of services, failures as line and event. */
#include "proto/topics.h"
#include "runtime/base/clock.h"
#include "runtime/base/syslog.h"
#include "runtime/orchestrator/hpld.h"

static void out(struct hpld *h, enum hpl_severity sev, bool console, const char *tag, long pid,
	const char *text, size_t len)
{
	char line[HPL_LOG_LINE + 128];
	int n;

	hpl_sink_add(&h->sink, HPL_FACILITY_DAEMON, sev, hpl_wall_us(), tag, pid, text, len);
	if (!console && sev > HPL_SEV_ERR)
		return;
	n = snprintf(line, sizeof(line), "%s[%ld]: %s", tag, pid, text);
	hpl_console_line(&h->console, line,
		n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void hpld_forward(struct hpl_unit *u, const struct hpl_line *line)
{
	out(u->h, line->sev, u->console, line->tag, (long)u->pid, line->text, line->len);
}

void hpld_log(struct hpld *h, enum hpl_severity sev, enum hpl_msg msg, const char *fmt, ...)
{
	const struct hpl_msg_info *info = hpl_msg_info(msg);
	char text[HPL_LOG_LINE], safe[HPL_LOG_LINE];
	int n = 0;
	size_t len;
	va_list ap;

	if (msg)
		n = snprintf(text, sizeof(text), "%s: %s -> ", info->id, info->text);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	len = hpl_escape_line(safe, sizeof(safe), text, strlen(text));
	out(h, sev, hpl_streq(hpl_manifest_setting(&h->own, "console", "false"), "true"), "hpld",
		(long)getpid(), safe, len);
}

/* The event of a failure or warning; last lines are those of the service. */
static void publish(struct hpld *h, struct hpl_unit *u, const char *topic, enum hpl_msg msg,
	int exit_code, int sig, char *cause)
{
	const struct hpl_msg_info *info = hpl_msg_info(msg);
	Hpl__Event ev = HPL__EVENT__INIT;
	Hpl__Failure f = HPL__FAILURE__INIT;
	char *last[HPL_LINE_RING];
	struct hpl_err err = HPL_ERR_NULL;

	f.service = u ? u->m->name : "hpld";
	f.cause = cause;
	f.cure = (char *)info->action;
	f.exit_code = exit_code;
	f.signal = sig;
	f.retry = info->outcome == HPL_OUTCOME_RETRY;
	f.last_lines = last;
	for (; u && hpl_lines_last(&u->lines, (unsigned)f.n_last_lines); f.n_last_lines++)
		last[f.n_last_lines] = (char *)hpl_lines_last(&u->lines, (unsigned)f.n_last_lines);
	ev.topic = (char *)topic;
	ev.message_id = (char *)info->id;
	ev.severity = info->severity == HPL_SEV_ERR ? HPL__SEVERITY__SEVERITY_ERROR :
		HPL__SEVERITY__SEVERITY_WARNING;
	ev.text = (char *)info->text;
	ev.payload_case = HPL__EVENT__PAYLOAD_FAILURE;
	ev.failure = &f;
	if (hpl_broker_publish(h->broker, &ev, &err) < 0)
		hpld_log(h, HPL_SEV_WARNING, HPL_MSG_NONE, "event %s could not be published: %s", topic,
			err.text);
}

void hpld_report_failure(struct hpld *h, struct hpl_unit *u, enum hpl_msg msg, int exit_code,
	int sig, const char *fmt, ...)
{
	const char *last = NULL;
	char cause[HPL_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cause, sizeof(cause), fmt, ap);
	va_end(ap);
	for (unsigned i = 0; u && hpl_lines_last(&u->lines, i); i++)
		last = hpl_lines_last(&u->lines, i);
	/* the event first: somebody acts on it, and a line may be long */
	if (h->broker)
		publish(h, u, HPL_TOPIC_SERVICE_FAILED, msg, exit_code, sig, cause);
	if (last)
		hpld_log(h, HPL_SEV_ERR, msg, "%s; its last line: %s", cause, last);
	else
		hpld_log(h, HPL_SEV_ERR, msg, "%s", cause);
}

void hpld_report_warning(struct hpld *h, struct hpl_unit *u, enum hpl_msg msg, const char *fmt, ...)
{
	char cause[HPL_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cause, sizeof(cause), fmt, ap);
	va_end(ap);
	if (h->broker)
		publish(h, u, HPL_TOPIC_SERVICE_WARNING, msg, 0, 0, cause);
	hpld_log(h, HPL_SEV_WARNING, msg, "%s", cause);
}

void hpld_publish_state(struct hpl_unit *u, const char *topic, int exit_code, int sig)
{
	Hpl__Event ev = HPL__EVENT__INIT;
	Hpl__ServiceState st = HPL__SERVICE_STATE__INIT;
	struct hpl_err err = HPL_ERR_NULL;

	st.service = u->m->name;
	st.exit_code = exit_code;
	st.signal = sig;
	st.pid = (uint32_t)u->pid;
	st.starts = u->starts;
	ev.topic = (char *)topic;
	ev.severity = HPL__SEVERITY__SEVERITY_INFO;
	ev.payload_case = HPL__EVENT__PAYLOAD_SERVICE_STATE;
	ev.service_state = &st;
	if (hpl_broker_publish(u->h->broker, &ev, &err) < 0)
		hpld_log(u->h, HPL_SEV_WARNING, HPL_MSG_NONE, "event %s could not be published: %s",
			topic, err.text);
}

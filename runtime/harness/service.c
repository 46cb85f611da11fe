/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a service lives: new → start() → ready → handlers → done or fail → flush → end.
 *
 * The end is one path: end() marks the service, asks the bus to flush, and finish() is called
 * from the flush or from its time limit. A service that cannot flush (the broker is gone) ends
 * all the same. The process then exits; handles need no closing there. Tests free the service.
 */
#include "runtime/harness/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

#include "runtime/base/file.h"
#include "runtime/base/secret.h"

enum { FLUSH_LIMIT_MS = 5000 }; /* the broker takes events in microseconds; it may be gone */

static void finish(void *ud)
{
	struct hpl_service *s = ud;

	if (s->status >= 0)
		return;
	s->status = s->exit_status;
	uv_timer_stop(&s->flush_limit);
	hpl_children_drop(s);
	if (s->def->ended)
		s->def->ended(s->state);
	if (s->own_loop)
		uv_stop(s->loop);
}

static void on_flush_limit(uv_timer_t *t)
{
	finish(t->data);
}

static void end(struct hpl_service *s, int exit_status)
{
	if (s->ending)
		return;
	s->ending = 1;
	s->exit_status = exit_status;
	uv_timer_start(&s->flush_limit, on_flush_limit, FLUSH_LIMIT_MS, 0);
	hpl_bus_flush(s->bus, finish, s);
}

/* ---- saying things ---- */

static Hpl__Severity wire_severity(enum hpl_severity sev)
{
	return sev <= HPL_SEV_ERR		? HPL__SEVERITY__SEVERITY_ERROR
		: sev == HPL_SEV_WARNING	? HPL__SEVERITY__SEVERITY_WARNING
						: HPL__SEVERITY__SEVERITY_INFO;
}

static int publish(struct hpl_service *s, const char *topic, const ProtobufCMessage *payload,
	enum hpl_msg msg, const char *text, struct hpl_err *err)
{
	const struct hpl_topic *t = hpl_topic_find(topic);
	const struct hpl_msg_info *info = hpl_msg_info(msg);
	Hpl__Event ev = HPL__EVENT__INIT;

	if (!t || !t->payload_case != !payload)
		return HPL_FAIL(err, HPL_MSG_BUS_TOPIC_FORBIDDEN, 0,
			"topic %s: unknown, or its payload is of another kind", topic);
	ev.version = 1;
	ev.topic = (char *)topic;
	ev.message_id = (char *)info->id;
	ev.severity = wire_severity(info->severity);
	ev.text = (char *)(text ? text : info->text);
	ev.payload_case = (Hpl__Event__PayloadCase)t->payload_case;
	if (payload)
		ev.failure = (Hpl__Failure *)payload; /* all members of the oneof are pointers */
	return hpl_bus_publish(s->bus, &ev, err);
}

int hpl_service_publish(struct hpl_service *s, const char *topic, const ProtobufCMessage *payload,
	enum hpl_msg msg, struct hpl_err *err)
{
	return publish(s, topic, payload, msg, NULL, err);
}

void hpl_service_say(struct hpl_service *s, const char *tag, enum hpl_msg msg, const char *fmt, ...)
{
	const struct hpl_msg_info *info = hpl_msg_info(msg);
	char cause[HPL_LOG_LINE] = "";
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(cause, sizeof(cause), fmt, ap);
		va_end(ap);
	}
	hpl_log_tag(info->severity, tag, "%s: %s%s%s", info->id, info->text, fmt ? " -> " : "", cause);
}

/* Log line and event of one failure or warning: "<id>: <text> -> <place>: <cause>; <cure>". */
static void report(struct hpl_service *s, const char *tag, const struct hpl_err *err,
	const char *topic, enum hpl_msg fallback)
{
	enum hpl_msg msg = err->msg ? (enum hpl_msg)err->msg : fallback;
	const struct hpl_msg_info *info = hpl_msg_info(msg);
	char line[HPL_LOG_LINE];
	Hpl__Failure f = HPL__FAILURE__INIT;

	snprintf(line, sizeof(line), "%s -> %s%s%s%s%s", info->text, err->place,
		err->place[0] ? ": " : "", err->text, err->cure[0] ? "; " : "", err->cure);
	hpl_log_tag(info->severity, tag, "%s: %s", info->id, line);
	f.service = (char *)s->def->name;
	f.cause = (char *)err->text;
	f.place = (char *)err->place;
	f.cure = (char *)err->cure;
	f.retry = info->outcome == HPL_OUTCOME_RETRY;
	(void)publish(s, topic, &f.base, msg, line, NULL);
}

void hpl_service_warn(struct hpl_service *s, const char *tag, const struct hpl_err *err)
{
	report(s, tag, err, HPL_TOPIC_SERVICE_WARNING, HPL_MSG_NONE);
}

void hpl_service_fail(struct hpl_service *s, const char *tag, const struct hpl_err *err)
{
	if (s->ending)
		return;
	report(s, tag, err, HPL_TOPIC_SERVICE_FAILED, HPL_MSG_ORCHESTRATOR_SERVICE_DIED);
	end(s, 1);
}

void hpl_service_done(struct hpl_service *s)
{
	end(s, 0);
}

/* ---- events ---- */

static void on_event(void *ud, const Hpl__Event *ev)
{
	struct hpl_service *s = ud;
	struct hpl_err err = HPL_ERR_NULL;

	if (s->ending)
		return;
	for (const struct hpl_handler *h = s->def->handlers; h && h->topic; h++) {
		const struct hpl_topic *t = hpl_topic_find(h->topic);
		int rc;

		if (!hpl_streq(h->topic, ev->topic))
			continue;
		if (!t || (int)ev->payload_case != t->payload_case)
			rc = HPL_FAIL(&err, HPL_MSG_BUS_FRAME_MALFORMED, 0,
				"topic %s with a payload of another kind", ev->topic);
		else
			rc = h->fn(s, s->state, ev, &err);
		if (rc < 0)
			hpl_service_fail(s, NULL, &err);
		else if (rc != HPL_LATER)
			hpl_bus_ack(s->bus, ev->seq);
		return;
	}
	/* the manifest lists it, no handler wants it */
	hpl_bus_ack(s->bus, ev->seq);
}

static void on_refused(void *ud, const char *message_id, const char *text)
{
	struct hpl_service *s = ud;
	const struct hpl_msg_info *info = hpl_msg_find(message_id);

	/* the broker has logged and counted it; going on would wait for what never happens */
	hpl_log(info ? info->severity : HPL_SEV_ERR, "%s: %s -> %s", message_id,
		info ? info->text : "refused by the bus", text);
	end(s, 1);
}

static void on_lost(void *ud)
{
	struct hpl_service *s = ud;

	hpl_log(HPL_SEV_ERR, "the bus is gone, ending");
	s->ending = 1;
	s->exit_status = 1;
	finish(s);
}

static void on_sigterm(uv_signal_t *sig, int signum)
{
	struct hpl_service *s = sig->data;

	if (s->def->stop && !s->ending)
		s->def->stop(s, s->state);
	else
		hpl_service_done(s);
}

void hpl_service_ack(struct hpl_service *s, uint64_t seq)
{
	if (!s->ending)
		hpl_bus_ack(s->bus, seq);
}

/* ---- settings ---- */

uv_loop_t *hpl_service_loop(struct hpl_service *s)
{
	return s->loop;
}

const char *hpl_service_setting(struct hpl_service *s, const char *name, const char *fallback)
{
	for (size_t i = 0; i < s->boot->n_settings; i++)
		if (hpl_streq(s->boot->settings[i]->name, name))
			return s->boot->settings[i]->value;
	return fallback;
}

bool hpl_service_in_image(struct hpl_service *s, const char *name)
{
	for (size_t i = 0; i < s->boot->n_services; i++)
		if (hpl_streq(s->boot->services[i], name))
			return true;
	return false;
}

int hpl_service_setting_u64(struct hpl_service *s, const char *name, uint64_t fallback, uint64_t min,
	uint64_t max, uint64_t *ret, struct hpl_err *err)
{
	const char *text = hpl_service_setting(s, name, NULL);
	char *rest;
	unsigned long long v;

	if (!text) {
		*ret = fallback;
		return 0;
	}
	errno = 0;
	v = strtoull(text, &rest, 10);
	if (errno || rest == text || *rest || text[0] == '-' || v < min || v > max)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, 0,
			"setting %s of %s is \"%s\", allowed is a number from %" PRIu64 " to %" PRIu64,
			name, s->def->name, text, min, max);
	*ret = v;
	return 0;
}

/* ---- birth and death ---- */

static const struct hpl_bus_handlers bus_handlers = {
	.event = on_event,
	.refused = on_refused,
	.lost = on_lost,
};

/* An own copy: packing and unpacking copies every field. */
static Hpl__Bootstrap *copy_bootstrap(const Hpl__Bootstrap *boot)
{
	size_t len = hpl__bootstrap__get_packed_size(boot);
	uint8_t *packed = malloc(len ? len : 1);
	Hpl__Bootstrap *copy = NULL;

	if (packed) {
		hpl__bootstrap__pack(boot, packed);
		copy = hpl__bootstrap__unpack(NULL, len, packed);
		hpl_wipe(packed, len);
	}
	free(packed);
	return copy;
}

int hpl_service_new(struct hpl_service **ret, const struct hpl_service_def *def, void *state,
	uv_loop_t *loop, const Hpl__Bootstrap *boot, struct hpl_err *err)
{
	struct hpl_service *s = calloc(1, sizeof(*s));
	struct hpl_err first = HPL_ERR_NULL;

	if (!s)
		return HPL_OOM(err);
	s->def = def;
	s->state = state;
	s->loop = loop;
	s->status = -1;
	s->boot = copy_bootstrap(boot);
	if (!s->boot || hpl_bus_new(&s->bus, loop, s->boot, &bus_handlers, s, err) < 0) {
		if (!s->boot)
			HPL_OOM(err);
		else
			hpl__bootstrap__free_unpacked(s->boot, NULL);
		free(s);
		return -1;
	}
	uv_signal_init(loop, &s->sigterm);
	uv_timer_init(loop, &s->flush_limit);
	s->sigterm.data = s->flush_limit.data = s;
	s->open_handles = 2;
	*ret = s;
	/* from here on a failure ends it by the usual way, with its event */
	if (def->start && def->start(s, state, &first) < 0)
		hpl_service_fail(s, NULL, &first);
	else if (!s->ending && hpl_bus_ready(s->bus, &first) < 0)
		hpl_service_fail(s, NULL, &first);
	return 0;
}

int hpl_service_status(const struct hpl_service *s)
{
	return s->status;
}

static void maybe_free(struct hpl_service *s)
{
	if (s->open_handles || !s->bus_closed)
		return;
	hpl__bootstrap__free_unpacked(s->boot, NULL);
	free(s);
}

static void on_handle_closed(uv_handle_t *h)
{
	struct hpl_service *s = h->data;

	s->open_handles--;
	maybe_free(s);
}

static void on_bus_closed(void *ud)
{
	struct hpl_service *s = ud;

	s->bus_closed = 1;
	maybe_free(s);
}

void hpl_service_free(struct hpl_service *s)
{
	if (!s)
		return;
	s->ending = 1;
	hpl_children_drop(s);
	hpl_works_drop(s);
	if (s->status < 0 && s->def->ended)
		s->def->ended(s->state);
	uv_close((uv_handle_t *)&s->sigterm, on_handle_closed);
	uv_close((uv_handle_t *)&s->flush_limit, on_handle_closed);
	hpl_bus_free(TAKE(s->bus), on_bus_closed, s);
}

static Hpl__Bootstrap *read_bootstrap(struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1, .limit = HPL_BOOTSTRAP_MAX};
	Hpl__Bootstrap *boot;

	if (hpl_file_read_fd(&b, HPL_BOOTSTRAP_FD, HPL_BOOTSTRAP_MAX, err) < 0) {
		HPL_WRAP(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED,
			"this program is started by hpld, which hands it its keys over descriptor %d",
			HPL_BOOTSTRAP_FD);
		return NULL;
	}
	close(HPL_BOOTSTRAP_FD);
	boot = hpl__bootstrap__unpack(NULL, b.len, (const uint8_t *)b.data);
	if (!boot || !boot->endpoint[0]) {
		HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_SPAWN_FAILED, 0,
			"descriptor %d holds no bootstrap", HPL_BOOTSTRAP_FD);
		if (boot)
			hpl__bootstrap__free_unpacked(boot, NULL);
		return NULL;
	}
	return boot;
}

/* A timer of the service that is due now would call a service that is not there any more. */
static void stop_timer(uv_handle_t *h, void *ud)
{
	if (h->type == UV_TIMER && !uv_is_closing(h))
		uv_timer_stop((uv_timer_t *)h);
}

int hpl_service_main(const struct hpl_service_def *def, void *state)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_service *s = NULL;
	Hpl__Bootstrap *boot;
	int rc;

	/* libzmq's threads allocate little: no heap of its own for each of them */
	(void)mallopt(M_ARENA_MAX, 1);
	hpl_secret_harden_process();
	signal(SIGPIPE, SIG_IGN);
	boot = read_bootstrap(&err);
	if (!boot || hpl_service_new(&s, def, state, uv_default_loop(), boot, &err) < 0) {
		const struct hpl_msg_info *info = hpl_msg_info(err.msg);

		hpl_log(HPL_SEV_ERR, "%s: %s -> %s", info->id, info->text, err.text);
		if (boot)
			hpl__bootstrap__free_unpacked(boot, NULL);
		return 1;
	}
	hpl_wipe(boot->client_secret.data, boot->client_secret.len);
	hpl__bootstrap__free_unpacked(boot, NULL);
	s->own_loop = 1;
	uv_signal_start(&s->sigterm, on_sigterm, SIGTERM);
	while (s->status < 0)
		uv_run(s->loop, UV_RUN_DEFAULT);
	/* the sockets are closed properly, so that what was flushed is really gone to the broker */
	rc = s->status;
	hpl_service_free(s);
	uv_walk(uv_default_loop(), stop_timer, NULL);
	for (int turns = 0; uv_loop_alive(uv_default_loop()) && turns < 1000; turns++)
		uv_run(uv_default_loop(), UV_RUN_NOWAIT);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything but the source of hpl_fake_send() takes the way it takes in a guest. Confidential
 * events reach only their reader, so when the test expects one the fake joins the bus as
 * that reader: the event is still in the history then, because nobody has acknowledged it.
 */
#include "bus/fake/fake.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "bus/client.h"
#include "bus/internal.h"

enum { READERS = 16 };

struct seen {
	struct seen *next;
	Hpl__Event *ev;
	int taken;
};

struct reader {
	const char *name;
	struct hpl_bus *bus;
	struct hpl_fake *fake;
};

struct hpl_fake {
	uv_loop_t loop;
	uv_timer_t deadline;
	char dir[64];
	struct hpl_broker *broker;
	Hpl__Bootstrap boot;
	uint32_t peer;
	int booted;               /* the bootstrap was handed out */
	struct seen *seen, **seen_end;
	struct reader readers[READERS];
	unsigned reader_count;
	const char **topics;      /* all, NULL-terminated */
	const char *waiting_for;
	unsigned open;
};

static _Noreturn void die(struct hpl_fake *f, const char *fmt, ...) HPL_PRINTF(2, 3);
static _Noreturn void die(struct hpl_fake *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nseen on the bus:\n");
	for (struct seen *s = f->seen; s; s = s->next)
		fprintf(stderr, "  %s from %s%s %s %s\n", s->ev->topic, s->ev->source,
			s->taken ? " (expected)" : "", s->ev->message_id, s->ev->text);
	abort();
}

static Hpl__Event *copy_event(const Hpl__Event *ev)
{
	size_t len = hpl__event__get_packed_size(ev);
	uint8_t *packed = malloc(len);
	Hpl__Event *copy = NULL;

	if (packed) {
		hpl__event__pack(ev, packed);
		copy = hpl__event__unpack(NULL, len, packed);
	}
	free(packed);
	if (!copy)
		abort();
	return copy;
}

/* ---- what the broker tells ---- */

static struct seen *find_seq(struct hpl_fake *f, uint64_t seq)
{
	struct seen *s = f->seen;

	while (s && s->ev->seq != seq)
		s = s->next;
	return s;
}

static void on_event(void *ud, const Hpl__Event *ev)
{
	struct hpl_fake *f = ud;
	struct seen *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->ev = copy_event(ev);
	*f->seen_end = s;
	f->seen_end = &s->next;
}

static void on_refused(void *ud, uint32_t peer, uint32_t msg, const char *text)
{
	fprintf(stderr, "bus: peer %u: %s %s -> %s\n", peer, hpl_msg_info(msg)->id,
		hpl_msg_info(msg)->text, text);
}

static void on_deadline(uv_timer_t *t)
{
	struct hpl_fake *f = t->data;

	die(f, "waited %d ms for %s", HPL_FAKE_DEADLINE_MS, f->waiting_for);
}

static void begin_wait(struct hpl_fake *f, const char *what)
{
	f->waiting_for = what;
	uv_update_time(&f->loop);
	uv_timer_start(&f->deadline, on_deadline, HPL_FAKE_DEADLINE_MS, 0);
}

static void end_wait(struct hpl_fake *f)
{
	uv_timer_stop(&f->deadline);
}

/* ---- being the reader of confidential events ---- */

static void on_reader_event(void *ud, const Hpl__Event *ev)
{
	struct reader *r = ud;
	struct seen *s = find_seq(r->fake, ev->seq);

	if (!s)
		die(r->fake, "%s got event %llu that the broker never told", r->name,
			(unsigned long long)ev->seq);
	hpl__event__free_unpacked(s->ev, NULL);
	s->ev = copy_event(ev);
	hpl_bus_ack(r->bus, ev->seq);
}

static void on_reader_lost(void *ud)
{
	struct reader *r = ud;

	die(r->fake, "reader %s was cut off", r->name);
}

static const struct hpl_bus_handlers reader_handlers = {
	.event = on_reader_event, .lost = on_reader_lost};

static void be_reader(struct hpl_fake *f, const char *name)
{
	struct hpl_peer_policy policy = {.name = name, .receive = f->topics};
	struct hpl_err err = HPL_ERR_NULL;
	Hpl__Bootstrap boot;
	struct reader *r;
	uint32_t peer;

	for (unsigned i = 0; i < f->reader_count; i++) {
		if (strcmp(f->readers[i].name, name) == 0)
			return;
	}
	if (f->reader_count == READERS)
		die(f, "too many readers");
	r = &f->readers[f->reader_count++];
	*r = (struct reader){.name = name, .fake = f};
	if (hpl_broker_admit(f->broker, &policy, &boot, &peer, &err) < 0 ||
		hpl_bus_new(&r->bus, &f->loop, &boot, &reader_handlers, r, &err) < 0)
		die(f, "reader %s: %s", name, err.text);
	hpl_bootstrap_done(&boot);
}

/* ---- what tests use ---- */

struct hpl_fake *hpl_fake_new(const char *name)
{
	static const struct hpl_broker_callbacks callbacks = {
		.event = on_event, .refused = on_refused};
	struct hpl_fake *f = calloc(1, sizeof(*f));
	struct hpl_peer_policy policy = {.name = name, .publish_max = UINT32_MAX};
	struct hpl_err err = HPL_ERR_NULL;

	if (!f || uv_loop_init(&f->loop) < 0)
		abort();
	f->seen_end = &f->seen;
	f->topics = calloc(hpl_topics_count + 1, sizeof(*f->topics));
	for (size_t i = 0; f->topics && i < hpl_topics_count; i++)
		f->topics[i] = hpl_topics[i].name;
	strcpy(f->dir, "/tmp/hpl-fake-XXXXXX");
	if (!f->topics || !mkdtemp(f->dir))
		die(f, "no directory for the socket");
	uv_timer_init(&f->loop, &f->deadline);
	f->deadline.data = f;
	policy.publish = policy.receive = f->topics;
	if (hpl_broker_new(&f->broker, &f->loop, f->dir, &callbacks, f, &err) < 0 ||
		hpl_broker_admit(f->broker, &policy, &f->boot, &f->peer, &err) < 0)
		die(f, "broker: %s", err.text);
	return f;
}

uv_loop_t *hpl_fake_loop(struct hpl_fake *f)
{
	return &f->loop;
}

const Hpl__Bootstrap *hpl_fake_bootstrap(struct hpl_fake *f)
{
	f->booted = 1;
	return &f->boot;
}

void hpl_fake_setting(struct hpl_fake *f, const char *name, const char *value)
{
	Hpl__Bootstrap *b = &f->boot;
	Hpl__Setting **all = realloc(b->settings, (b->n_settings + 1) * sizeof(*all));
	Hpl__Setting *s = calloc(1, sizeof(*s));

	if (!all || !s)
		abort();
	hpl__setting__init(s);
	s->name = strdup(name);
	s->value = strdup(value);
	if (!s->name || !s->value)
		abort();
	b->settings = all;
	b->settings[b->n_settings++] = s;
}

void hpl_fake_service(struct hpl_fake *f, const char *name)
{
	Hpl__Bootstrap *b = &f->boot;
	char **all = realloc(b->services, (b->n_services + 1) * sizeof(*all));

	if (!all)
		abort();
	b->services = all;
	all[b->n_services] = strdup(name);
	if (!all[b->n_services++])
		abort();
}

void hpl_fake_send(struct hpl_fake *f, const char *source, const char *topic,
	const ProtobufCMessage *payload)
{
	const struct hpl_topic *t = hpl_topic_find(topic);
	Hpl__Event ev = HPL__EVENT__INIT;
	struct hpl_err err = HPL_ERR_NULL;

	if (!t)
		die(f, "there is no topic %s", topic);
	if (!t->payload_case != !payload)
		die(f, "topic %s with%s payload", topic, payload ? "" : "out");
	ev.topic = (char *)topic;
	ev.severity = HPL__SEVERITY__SEVERITY_INFO;
	ev.payload_case = (Hpl__Event__PayloadCase)t->payload_case;
	if (payload)
		ev.failure = (Hpl__Failure *)payload; /* all members of the oneof are pointers */
	ev.version = 1;
	if (hpl_broker_publish_as(f->broker, source, &ev, &err) < 0)
		die(f, "%s from %s: %s", topic, source, err.text);
}

static Hpl__Event *take(struct hpl_fake *f, const char *topic, int confidential)
{
	for (struct seen *s = f->seen; s; s = s->next) {
		if (s->taken || strcmp(s->ev->topic, topic) != 0)
			continue;
		if (confidential && s->ev->payload_case == HPL__EVENT__PAYLOAD__NOT_SET)
			return NULL; /* its reader has not got it yet */
		s->taken = 1;
		return copy_event(s->ev);
	}
	return NULL;
}

Hpl__Event *hpl_fake_expect(struct hpl_fake *f, const char *topic)
{
	const struct hpl_topic *t = hpl_topic_find(topic);
	Hpl__Event *ev;

	if (!t)
		die(f, "there is no topic %s", topic);
	if (t->reader && strcmp(t->reader, f->boot.service) != 0)
		be_reader(f, t->reader);
	begin_wait(f, topic);
	while (!(ev = take(f, topic, t->reader && t->payload_case))) {
		for (struct seen *s = f->seen; s; s = s->next) {
			/* only one of the service under test: the test may send others */
			if (!s->taken && strcmp(s->ev->topic, HPL_TOPIC_SERVICE_FAILED) == 0 &&
				strcmp(s->ev->source, f->boot.service) == 0)
				die(f, "%s did not come, but this failure", topic);
		}
		uv_run(&f->loop, UV_RUN_ONCE);
	}
	end_wait(f);
	return ev;
}

void hpl_fake_run_until(struct hpl_fake *f, const int *flag)
{
	begin_wait(f, "the flag of the test");
	while (!*flag)
		uv_run(&f->loop, UV_RUN_ONCE);
	end_wait(f);
}

static struct peer *service_peer(struct hpl_fake *f)
{
	for (struct peer *p = f->broker->peers; p; p = p->next) {
		if (p->id == f->peer)
			return p;
	}
	die(f, "the peer of the service is gone");
}

/* One ping and its answer. 0: the service has left the bus. A ping is sent at each wake-up,
 * because only sending tells that the other side has left. */
static int round_trip(struct hpl_fake *f)
{
	struct peer *p = service_peer(f);
	uint64_t before = p->pongs;

	while (p->connected && p->pongs == before) {
		hpl_broker_ping(f->broker, f->peer);
		uv_run(&f->loop, UV_RUN_ONCE);
	}
	return p->connected;
}

/* An answer to a ping comes behind all that the service sent before it; nothing new during two
 * rounds means that what it was sent caused nothing more. */
void hpl_fake_settle(struct hpl_fake *f)
{
	int quiet = 0;

	begin_wait(f, "the service to settle");
	for (int i = 0; i < 8; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	while (f->booted && service_peer(f)->heard_ms == UINT64_MAX)
		uv_run(&f->loop, UV_RUN_ONCE);
	while (quiet < 2) {
		uint64_t accepted = f->broker->stats.accepted;

		if (!round_trip(f))
			break;
		quiet = f->broker->stats.accepted == accepted ? quiet + 1 : 0;
	}
	end_wait(f);
}

unsigned hpl_fake_count(struct hpl_fake *f, const char *topic)
{
	unsigned n = 0;

	for (struct seen *s = f->seen; s; s = s->next)
		n += strcmp(s->ev->topic, topic) == 0;
	return n;
}

static void on_part_closed(void *ud)
{
	((struct hpl_fake *)ud)->open--;
}

void hpl_fake_break(struct hpl_fake *f)
{
	f->open++;
	hpl_broker_free(TAKE(f->broker), on_part_closed, f);
}

static void on_timer_closed(uv_handle_t *h)
{
	on_part_closed(h->data);
}

static void free_settings(Hpl__Bootstrap *b)
{
	for (size_t i = 0; i < b->n_settings; i++) {
		free(b->settings[i]->name);
		free(b->settings[i]->value);
		free(b->settings[i]);
	}
	free(b->settings);
	b->settings = NULL;
	b->n_settings = 0;
	for (size_t i = 0; i < b->n_services; i++)
		free(b->services[i]);
	free(b->services);
	b->services = NULL;
	b->n_services = 0;
}

/* A process that ends need not close its handles; a test that goes on does it for the service. */
static void close_left_over(uv_handle_t *h, void *ud)
{
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

void hpl_fake_free(struct hpl_fake *f)
{
	char path[sizeof(f->dir) + 8];

	if (!f)
		return;
	f->open += 1 + f->reader_count;
	for (unsigned i = 0; i < f->reader_count; i++)
		hpl_bus_free(f->readers[i].bus, on_part_closed, f);
	if (f->broker)
		hpl_fake_break(f);
	uv_close((uv_handle_t *)&f->deadline, on_timer_closed);
	/* the service under test closes its handles on the same loop */
	for (int i = 0; (f->open || uv_loop_alive(&f->loop)) && i < 10000; i++)
		uv_run(&f->loop, f->open ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	uv_walk(&f->loop, close_left_over, NULL);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	if (uv_loop_close(&f->loop) < 0)
		fprintf(stderr, "fake: handles of the test are still open on its loop\n");
	while (f->seen) {
		struct seen *s = f->seen;

		f->seen = s->next;
		hpl__event__free_unpacked(s->ev, NULL);
		free(s);
	}
	free_settings(&f->boot);
	hpl_bootstrap_done(&f->boot);
	snprintf(path, sizeof(path), "%s/socket", f->dir);
	unlink(path);
	rmdir(f->dir);
	free(f->topics);
	free(f);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/tests/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s does not hold (%s)\n", __FILE__, __LINE__,      \
				#cond, strerror(errno));                                           \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* ---- broker ---- */

static void on_event(void *ud, const Hpl__Event *ev)
{
	struct rig *r = ud;
	const struct hpl_topic *t = hpl_topic_find(ev->topic);

	r->events++;
	MUST(ev->seq == r->events);
	if (t->reader && (ev->payload_case || ev->failure))
		r->observed_payloads++;
}

static void on_ready(void *ud, uint32_t peer)
{
	((struct rig *)ud)->ready++;
}

static void on_refused(void *ud, uint32_t peer, uint32_t msg, const char *text)
{
	struct rig *r = ud;

	r->told++;
	r->last_msg = msg;
	r->last_peer = peer;
	snprintf(r->last_text, sizeof(r->last_text), "%s", text);
}

static void on_stuck(void *ud, uint32_t peer)
{
	struct rig *r = ud;

	r->stuck++;
	r->stuck_peer = peer;
}

void rig_open(struct rig *r)
{
	static const struct hpl_broker_callbacks cb = {
		.event = on_event, .ready = on_ready, .refused = on_refused, .stuck = on_stuck};
	struct hpl_err err = HPL_ERR_NULL;

	*r = (struct rig){.dir = "/tmp/hpl-bus-XXXXXX"};
	MUST(uv_loop_init(&r->loop) == 0);
	MUST(mkdtemp(r->dir));
	uv_timer_init(&r->loop, &r->deadline);
	r->deadline.data = r;
	if (hpl_broker_new(&r->broker, &r->loop, r->dir, &cb, r, &err) < 0) {
		fprintf(stderr, "broker: %s\n", err.text);
		abort();
	}
}

static void on_closed(void *ud)
{
	((struct rig *)ud)->closing--;
}

static void on_timer_closed(uv_handle_t *h)
{
	on_closed(h->data);
}

void rig_free_broker(struct rig *r, struct hpl_broker *b)
{
	if (!b)
		return;
	r->closing = 1;
	hpl_broker_free(b, on_closed, r);
	while (r->closing)
		uv_run(&r->loop, UV_RUN_ONCE);
}

void rig_close(struct rig *r)
{
	char path[80];

	rig_free_broker(r, r->broker);
	r->closing = 1;
	uv_close((uv_handle_t *)&r->deadline, on_timer_closed);
	while (r->closing)
		uv_run(&r->loop, UV_RUN_ONCE);
	MUST(uv_loop_close(&r->loop) == 0);
	snprintf(path, sizeof(path), "%s/socket", r->dir);
	unlink(path);
	rmdir(r->dir);
}

static void on_deadline(uv_timer_t *t)
{
	struct rig *r = t->data;

	fprintf(stderr, "waited %d ms for: %s\n", RIG_DEADLINE_MS, r->waiting_for);
	abort();
}

void rig_wait_begin(struct rig *r, const char *what)
{
	r->waiting_for = what;
	uv_update_time(&r->loop);
	uv_timer_start(&r->deadline, on_deadline, RIG_DEADLINE_MS, 0);
}

void rig_wait_end(struct rig *r)
{
	uv_timer_stop(&r->deadline);
}

/* ---- clients ---- */

static void client_event(void *ud, const Hpl__Event *ev)
{
	struct rig_client *c = ud;

	c->events++;
	c->replays += ev->replay != 0;
	c->out_of_order += ev->seq <= c->last_seq;
	c->last_seq = ev->seq;
	c->last_payload = (int)ev->payload_case;
	snprintf(c->last_topic, sizeof(c->last_topic), "%s", ev->topic);
	snprintf(c->last_source, sizeof(c->last_source), "%s", ev->source);
	if (ev->payload_case == HPL__EVENT__PAYLOAD_DISK_REPORT)
		c->last_number = ev->disk_report->checked;
	if (!c->hold_acks)
		hpl_bus_ack(c->bus, ev->seq);
}

static void client_refused(void *ud, const char *id, const char *text)
{
	struct rig_client *c = ud;

	c->refused++;
	snprintf(c->refused_id, sizeof(c->refused_id), "%s", id);
}

static void client_lost(void *ud)
{
	((struct rig_client *)ud)->lost = 1;
}

static const struct hpl_bus_handlers handlers = {client_event, client_refused, client_lost};

void rig_admit(struct rig *r, struct rig_client *c, const char *name, const char *const *publish,
	const char *const *receive, uint32_t publish_max, uint32_t ack_timeout_ms)
{
	struct hpl_peer_policy policy = {name, publish, receive, publish_max, ack_timeout_ms};
	struct hpl_err err = HPL_ERR_NULL;

	*c = (struct rig_client){.rig = r};
	if (hpl_broker_admit(r->broker, &policy, &c->boot, &c->peer, &err) < 0) {
		fprintf(stderr, "admit %s: %s\n", name, err.text);
		abort();
	}
}

void rig_connect(struct rig *r, struct rig_client *c)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_bus_new(&c->bus, &r->loop, &c->boot, &handlers, c, &err) < 0) {
		fprintf(stderr, "connect: %s\n", err.text);
		abort();
	}
}

void rig_disconnect(struct rig *r, struct rig_client *c)
{
	if (c->bus) {
		r->closing = 1;
		hpl_bus_free(c->bus, on_closed, r);
		while (r->closing)
			uv_run(&r->loop, UV_RUN_ONCE);
	}
	c->bus = NULL;
	hpl_bootstrap_done(&c->boot);
}

static void flushed(void *ud)
{
	*(int *)ud = 1;
}

void rig_settle(struct rig *r, struct rig_client *c)
{
	for (int i = 0; i < 3; i++) {
		int done = 0;

		hpl_bus_flush(c->bus, flushed, &done);
		RIG_UNTIL(r, done);
	}
}

static Hpl__Event disk_event(Hpl__DiskReport *report, uint32_t number)
{
	Hpl__Event ev = HPL__EVENT__INIT;

	hpl__disk_report__init(report);
	report->checked = number;
	ev.topic = (char *)HPL_TOPIC_DISK_CHECKED;
	ev.severity = HPL__SEVERITY__SEVERITY_INFO;
	ev.text = (char *)"volumes are encrypted";
	ev.payload_case = HPL__EVENT__PAYLOAD_DISK_REPORT;
	ev.disk_report = report;
	return ev;
}

void rig_publish(struct rig_client *c, uint32_t number)
{
	Hpl__DiskReport report;
	Hpl__Event ev = disk_event(&report, number);
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_bus_publish(c->bus, &ev, &err) < 0) {
		fprintf(stderr, "publish: %s\n", err.text);
		abort();
	}
}

void rig_broker_publish(struct rig *r, uint32_t number)
{
	Hpl__DiskReport report;
	Hpl__Event ev = disk_event(&report, number);
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_broker_publish(r->broker, &ev, &err) < 0) {
		fprintf(stderr, "publish: %s\n", err.text);
		abort();
	}
}

/* ---- raw clients ---- */

void *rig_raw_open(struct rig_client *c, void **ret_ctx)
{
	int linger = 0, immediate = 1;
	void *sock;

	*ret_ctx = zmq_ctx_new();
	sock = zmq_socket(*ret_ctx, ZMQ_DEALER);
	MUST(sock);
	MUST(zmq_setsockopt(sock, ZMQ_LINGER, &linger, sizeof(linger)) == 0);
	MUST(zmq_setsockopt(sock, ZMQ_IMMEDIATE, &immediate, sizeof(immediate)) == 0);
	MUST(zmq_setsockopt(sock, ZMQ_CURVE_SERVERKEY, c->boot.server_public.data, 32) == 0);
	MUST(zmq_setsockopt(sock, ZMQ_CURVE_PUBLICKEY, c->boot.client_public.data, 32) == 0);
	MUST(zmq_setsockopt(sock, ZMQ_CURVE_SECRETKEY, c->boot.client_secret.data, 32) == 0);
	MUST(zmq_connect(sock, c->boot.endpoint) == 0);
	return sock;
}

void rig_raw_send(struct rig *r, void *sock, const void *data, size_t len)
{
	rig_wait_begin(r, "a raw client can send");
	while (zmq_send(sock, data, len, ZMQ_DONTWAIT) < 0)
		uv_run(&r->loop, UV_RUN_NOWAIT);
	rig_wait_end(r);
}

void rig_raw_record(struct rig *r, void *sock, int op, uint64_t arg, const void *body, size_t len)
{
	uint8_t *frame = malloc(HPL_WIRE_HEADER + len);

	MUST(frame);
	hpl_wire_header(frame, (enum hpl_wire_op)op, arg, (uint32_t)len);
	if (len)
		memcpy(frame + HPL_WIRE_HEADER, body, len);
	rig_raw_send(r, sock, frame, HPL_WIRE_HEADER + len);
	free(frame);
}

void rig_raw_close(void *sock, void *ctx)
{
	zmq_close(sock);
	zmq_ctx_term(ctx);
}

/* ---- processes ---- */

pid_t rig_spawn(const struct rig_client *c, const char *program, const char *const *args)
{
	char *const env[] = {NULL};
	posix_spawn_file_actions_t actions;
	size_t len = hpl__bootstrap__get_packed_size(&c->boot);
	uint8_t packed[1024];
	int fds[2];
	pid_t pid;

	MUST(len <= sizeof(packed));
	hpl__bootstrap__pack(&c->boot, packed);
	MUST(pipe2(fds, O_CLOEXEC) == 0);
	MUST(write(fds[1], packed, len) == (ssize_t)len);
	close(fds[1]);
	MUST(posix_spawn_file_actions_init(&actions) == 0);
	if (fds[0] == HPL_BOOTSTRAP_FD)
		fcntl(fds[0], F_SETFD, 0);
	else
		MUST(posix_spawn_file_actions_adddup2(&actions, fds[0], HPL_BOOTSTRAP_FD) == 0);
	MUST(posix_spawn(&pid, program, &actions, NULL, (char *const *)args, env) == 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[0]);
	return pid;
}

int rig_wait_exit(struct rig *r, pid_t pid)
{
	int status;
	pid_t rc;

	rig_wait_begin(r, "a child process ends");
	while ((rc = waitpid(pid, &status, WNOHANG)) == 0)
		uv_run(&r->loop, UV_RUN_NOWAIT);
	rig_wait_end(r);
	MUST(rc == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

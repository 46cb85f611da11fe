/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define FAIL(err, ...) HPL_FAIL(err, HPL_MSG_BUS_FAILED, __VA_ARGS__)

/* ---- peers ---- */

static int add_topics(struct topic_set *set, const char *const *names, struct hpl_err *err)
{
	for (; names && *names; names++) {
		const struct hpl_topic *t = hpl_topic_find(*names);
		size_t i = t ? (size_t)(t - hpl_topics) : 0;

		if (!t || i >= TOPIC_WORDS * 64)
			return FAIL(err, 0, "topic %s does not exist", *names);
		set->bits[i / 64] |= UINT64_C(1) << (i % 64);
	}
	return 0;
}

static struct service *find_service(struct hpl_broker *b, const char *name)
{
	struct service *s = b->services;

	while (s && strcmp(s->name, name) != 0)
		s = s->next;
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->next = b->services;
	b->services = s;
	return s;
}

static int set_policy(struct peer *p, struct topic_set *receive, const struct hpl_peer_policy *policy,
	struct hpl_err *err)
{
	/* what every service may say, whatever its manifest lists */
	static const char *const always[] = {
		HPL_TOPIC_SERVICE_FAILED, HPL_TOPIC_SERVICE_WARNING, NULL};

	if (add_topics(&p->publish, policy->publish, err) < 0 ||
		add_topics(&p->publish, always, err) < 0 ||
		add_topics(receive, policy->receive, err) < 0)
		return -1;
	p->rate = policy->publish_max ? policy->publish_max : HPL_BUS_PUBLISH_RATE;
	p->tokens = p->rate;
	p->byte_tokens = (double)HPL_BUS_PUBLISH_BYTES;
	p->ack_timeout_ms = policy->ack_timeout_ms;
	return 0;
}

static void set_bytes(ProtobufCBinaryData *ret, const uint8_t *data, size_t len)
{
	ret->data = malloc(len);
	ret->len = ret->data ? len : 0;
	if (ret->data)
		memcpy(ret->data, data, len);
}

static int make_key_pair(uint8_t *public_key, uint8_t *secret_key, struct hpl_err *err)
{
	char public_text[41], secret_text[41];
	int rc = 0;

	if (zmq_curve_keypair(public_text, secret_text) < 0)
		return FAIL(err, errno, "key pair");
	if (!zmq_z85_decode(public_key, public_text) || !zmq_z85_decode(secret_key, secret_text))
		rc = FAIL(err, 0, "key pair");
	hpl_wipe(secret_text, sizeof(secret_text));
	return rc;
}

static int fill_bootstrap(struct hpl_broker *b, struct peer *p, const uint8_t *secret,
	Hpl__Bootstrap *ret, struct hpl_err *err)
{
	Hpl__Bootstrap boot = HPL__BOOTSTRAP__INIT;

	boot.service = strdup(p->service->name);
	boot.endpoint = strdup(b->endpoint);
	set_bytes(&boot.server_public, b->server_public, KEY_SIZE);
	set_bytes(&boot.client_public, p->key, KEY_SIZE);
	set_bytes(&boot.client_secret, secret, KEY_SIZE);
	if (!boot.service || !boot.endpoint || !boot.server_public.data ||
		!boot.client_public.data || !boot.client_secret.data) {
		hpl_bootstrap_done(&boot);
		return HPL_OOM(err);
	}
	*ret = boot;
	return 0;
}

void hpl_bootstrap_done(Hpl__Bootstrap *boot)
{
	free(boot->service);
	free(boot->endpoint);
	hpl_wipe(boot->client_secret.data, boot->client_secret.len);
	free(boot->client_secret.data);
	free(boot->client_public.data);
	free(boot->server_public.data);
	*boot = (Hpl__Bootstrap)HPL__BOOTSTRAP__INIT;
}

int hpl_broker_admit(struct hpl_broker *b, const struct hpl_peer_policy *policy,
	Hpl__Bootstrap *ret_boot, uint32_t *ret_peer, struct hpl_err *err)
{
	uint8_t secret[KEY_SIZE];
	struct topic_set receive = {{0}};
	struct peer *p;
	int rc;

	if (!policy->name[0] || strlen(policy->name) > HPL_BUS_NAME_MAX)
		return FAIL(err, 0, "name of a service has %zu bytes", strlen(policy->name));
	if (b->peer_count >= HPL_BUS_PEERS)
		return FAIL(err, 0, "%u processes are on the bus already", b->peer_count);
	p = calloc(1, sizeof(*p));
	if (!p)
		return HPL_OOM(err);
	p->service = find_service(b, policy->name);
	rc = p->service ? set_policy(p, &receive, policy, err) : HPL_OOM(err);
	if (rc == 0)
		rc = make_key_pair(p->key, secret, err);
	p->id = b->last_id + 1;
	if (rc == 0)
		rc = fill_bootstrap(b, p, secret, ret_boot, err);
	hpl_wipe(secret, sizeof(secret));
	if (rc < 0) {
		free(p);
		return -1;
	}
	/* one process speaks for a name: the one before has ended or is replaced */
	if (p->service->peer)
		hpl_broker_revoke(b, p->service->peer->id);
	p->service->peer = p;
	p->service->receive = receive;
	p->heard_ms = UINT64_MAX;
	p->next = b->peers;
	b->peers = p;
	b->peer_count++;
	*ret_peer = b->last_id = p->id;
	return 0;
}

static struct peer *find_peer(const struct hpl_broker *b, uint32_t id)
{
	for (struct peer *p = b->peers; p; p = p->next) {
		if (p->id == id && !p->revoked)
			return p;
	}
	return NULL;
}

void hpl_broker_revoke(struct hpl_broker *b, uint32_t peer)
{
	struct peer *p = find_peer(b, peer);

	if (!p)
		return;
	p->revoked = 1;
	p->connected = 0;
	if (p->service->peer == p)
		p->service->peer = NULL;
	b->peer_count--;
	b->sweep = 1;
}

void hpl_broker_ping(struct hpl_broker *b, uint32_t peer)
{
	struct peer *p = find_peer(b, peer);

	if (p && p->connected)
		p->ping_pending = 1;
}

uint64_t hpl_broker_silence_ms(const struct hpl_broker *b, uint32_t peer)
{
	struct peer *p = find_peer(b, peer);

	return !p || p->heard_ms == UINT64_MAX ? UINT64_MAX : uv_now(b->loop) - p->heard_ms;
}

void hpl_broker_stats(const struct hpl_broker *b, struct hpl_broker_stats *ret)
{
	*ret = b->stats;
	ret->history_events = (size_t)(b->next - b->first);
	ret->history_bytes = b->history_bytes;
}

/* ---- birth and death ---- */

static int check_dir(const char *dir, struct stat *ret, struct hpl_err *err)
{
	if (lstat(dir, ret) < 0)
		return FAIL(err, errno, "%s", dir);
	if (!S_ISDIR(ret->st_mode) || ret->st_uid != geteuid() || ret->st_mode & 027)
		return FAIL(err, 0, "%s is not a directory of ours that others cannot reach", dir);
	return 0;
}

/* Binds under umask 077. A directory that one group may search (0710) means that this group may
 * connect: the services run as other users. Nobody else reaches the socket in between. */
static int bind_socket(struct hpl_broker *b, const char *dir, struct hpl_err *err)
{
	struct stat st;
	char path[108];
	mode_t old;
	int rc;

	if (check_dir(dir, &st, err) < 0)
		return -1;
	if (snprintf(path, sizeof(path), "%s/socket", dir) >= (int)sizeof(path))
		return FAIL(err, 0, "%s: the path is too long for a socket", dir);
	snprintf(b->endpoint, sizeof(b->endpoint), "ipc://%s", path);
	old = umask(077);
	rc = zmq_bind(b->watch.sock, b->endpoint);
	umask(old);
	if (rc < 0)
		return FAIL(err, errno, "%s", b->endpoint);
	if (st.st_mode & S_IXGRP && (chown(path, (uid_t)-1, st.st_gid) < 0 || chmod(path, 0660) < 0))
		return FAIL(err, errno, "%s", path);
	return 0;
}

static int open_sockets(struct hpl_broker *b, const char *dir, struct hpl_err *err)
{
	uint8_t secret[KEY_SIZE];
	int rc;

	if (hpl_zmq_context(&b->ctx, err) < 0 || hpl_zap_open(b, err) < 0 ||
		hpl_zmq_socket(&b->watch.sock, b->ctx, HPL_SOCKET_BROKER, err) < 0 ||
		make_key_pair(b->server_public, secret, err) < 0)
		return -1;
	rc = hpl_zmq_set(b->watch.sock, ZMQ_CURVE_SECRETKEY, secret, KEY_SIZE, err);
	hpl_wipe(secret, sizeof(secret));
	if (rc < 0 || hpl_zmq_set(b->watch.sock, ZMQ_ZAP_DOMAIN, "hpl", 3, err) < 0)
		return -1;
	return bind_socket(b, dir, err);
}

static void release(struct hpl_broker *b)
{
	for (struct peer *p = b->peers; p; p = p->next)
		p->revoked = 1;
	hpl_broker_sweep(b);
	while (b->services) {
		struct service *s = b->services;

		b->services = s->next;
		free(s);
	}
	for (uint64_t seq = b->first; b->ring && seq < b->next; seq++)
		hpl_entry_free(hpl_history_at(b, seq));
	free(b->ring);
	if (b->watch.sock)
		zmq_close(b->watch.sock);
	if (b->zap.sock)
		zmq_close(b->zap.sock);
	if (b->ctx)
		zmq_ctx_term(b->ctx);
	hpl_unpacker_done(&b->unpacker);
	free(b);
}

int hpl_broker_new(struct hpl_broker **ret, uv_loop_t *loop, const char *dir,
	const struct hpl_broker_callbacks *cb, void *ud, struct hpl_err *err)
{
	struct hpl_broker *b = calloc(1, sizeof(*b));

	if (!b)
		return HPL_OOM(err);
	b->loop = loop;
	b->cb = *cb;
	b->ud = ud;
	b->first = b->next = 1;
	b->ring = calloc(SLOTS, sizeof(struct entry *));
	b->watch.in = hpl_broker_intake;
	b->watch.out = hpl_broker_deliver;
	b->watch.ud = b;
	if (!b->ring || open_sockets(b, dir, err) < 0) {
		if (!b->ring)
			HPL_OOM(err);
		release(b);
		return -1;
	}
	uv_timer_init(loop, &b->timer);
	uv_timer_init(loop, &b->lazy_timer);
	b->timer.data = b->lazy_timer.data = b;
	b->open = 4;
	if (hpl_watch_start(&b->zap, loop, err) < 0 || hpl_watch_start(&b->watch, loop, err) < 0) {
		hpl_broker_free(b, NULL, NULL);
		return -1;
	}
	*ret = b;
	return 0;
}

static void part_closed(struct hpl_broker *b)
{
	void (*closed)(void *ud) = b->closed;
	void *ud = b->closed_ud;

	if (--b->open)
		return;
	release(b);
	if (closed)
		closed(ud);
}

static void on_watch_closed(void *ud)
{
	part_closed(ud);
}

static void on_timer_closed(uv_handle_t *h)
{
	part_closed(h->data);
}

void hpl_broker_free(struct hpl_broker *b, void (*closed)(void *ud), void *ud)
{
	if (!b || b->closing)
		return;
	b->closing = 1;
	b->closed = closed;
	b->closed_ud = ud;
	uv_close((uv_handle_t *)&b->timer, on_timer_closed);
	uv_close((uv_handle_t *)&b->lazy_timer, on_timer_closed);
	hpl_watch_close(&b->zap, on_watch_closed);
	hpl_watch_close(&b->watch, on_watch_closed);
}

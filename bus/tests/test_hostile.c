/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that break the rules: each is refused with its id, and the others go on. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>

#include "bus/tests/rig.h"
#include "runtime/base/file.h"

static struct rig rig;
static struct rig_client good, taker;
static const char *const disk[] = {HPL_TOPIC_DISK_CHECKED, NULL};

/* A publisher and a subscriber that behave, beside the one under test. */
static void begin(void)
{
	rig_open(&rig);
	rig_admit(&rig, &good, "disk-check", disk, NULL, 0, 0);
	rig_admit(&rig, &taker, "catch", NULL, disk, 0, 0);
	rig_connect(&rig, &good);
	rig_connect(&rig, &taker);
}

static void others_go_on(void)
{
	uint32_t n = taker.last_number + 1000;

	rig_publish(&good, n);
	RIG_UNTIL(&rig, taker.last_number == n);
	cr_expect_eq(good.refused + taker.refused, 0);
	cr_expect_eq(good.lost + taker.lost, 0);
}

static void end(void)
{
	others_go_on();
	rig_disconnect(&rig, &good);
	rig_disconnect(&rig, &taker);
	rig_close(&rig);
}
TestSuite(hostile, .init = begin, .fini = end);

static struct hpl_broker_stats stats(void)
{
	struct hpl_broker_stats st;

	hpl_broker_stats(rig.broker, &st);
	return st;
}

Test(hostile, unknown_key_is_refused_and_counted)
{
	struct rig_client c = good;
	char z85_public[41], z85_secret[41];
	uint8_t public_key[32], secret_key[32];
	void *sock, *ctx;

	cr_assert_eq(zmq_curve_keypair(z85_public, z85_secret), 0);
	zmq_z85_decode(public_key, z85_public);
	zmq_z85_decode(secret_key, z85_secret);
	c.boot.client_public.data = public_key;
	c.boot.client_secret.data = secret_key;
	sock = rig_raw_open(&c, &ctx);
	RIG_UNTIL(&rig, stats().refused_key > 0);
	cr_expect_eq(rig.last_msg, HPL_MSG_BUS_WRONG_KEY);
	cr_expect_eq(rig.last_peer, 0);
	cr_expect_lt(zmq_send(sock, "x", 1, ZMQ_DONTWAIT), 0, "it has no connection");
	rig_raw_close(sock, ctx);
}

Test(hostile, withdrawn_key_is_refused)
{
	struct rig_client c;
	void *sock, *ctx;

	rig_admit(&rig, &c, "network", disk, NULL, 0, 0);
	hpl_broker_revoke(rig.broker, c.peer);
	sock = rig_raw_open(&c, &ctx);
	RIG_UNTIL(&rig, stats().refused_key > 0);
	rig_raw_close(sock, ctx);
	hpl_bootstrap_done(&c.boot);
}

Test(hostile, second_connection_with_one_key_is_refused)
{
	struct rig_client c;
	void *sock, *ctx;

	rig_admit(&rig, &c, "network", disk, NULL, 0, 0);
	rig_connect(&rig, &c);
	rig_settle(&rig, &c);
	sock = rig_raw_open(&c, &ctx);
	RIG_UNTIL(&rig, rig.last_msg == HPL_MSG_BUS_FRAME_TOO_LARGE);
	cr_expect_eq(rig.last_peer, c.peer);
	rig_raw_close(sock, ctx);
	rig_publish(&c, 5); /* the first goes on */
	RIG_UNTIL(&rig, taker.last_number == 5);
	rig_disconnect(&rig, &c);
}

Test(hostile, forbidden_topic_is_refused)
{
	struct rig_client c;

	rig_admit(&rig, &c, "network", NULL, disk, 0, 0);
	rig_connect(&rig, &c);
	rig_publish(&c, 1);
	RIG_UNTIL(&rig, c.refused == 1);
	cr_expect_str_eq(c.refused_id, "HPL20002E");
	cr_expect_eq(rig.last_msg, HPL_MSG_BUS_TOPIC_FORBIDDEN);
	cr_expect_eq(rig.last_peer, c.peer);
	cr_expect_eq(stats().refused_topic, 1);
	cr_expect_eq(rig.events, 0);
	rig_disconnect(&rig, &c);
}

Test(hostile, every_service_may_say_that_it_failed)
{
	struct rig_client c;
	Hpl__Failure f = HPL__FAILURE__INIT;
	Hpl__Event ev = HPL__EVENT__INIT;

	rig_admit(&rig, &c, "network", NULL, NULL, 0, 0);
	rig_connect(&rig, &c);
	ev.topic = (char *)HPL_TOPIC_SERVICE_FAILED;
	ev.severity = HPL__SEVERITY__SEVERITY_ERROR;
	ev.payload_case = HPL__EVENT__PAYLOAD_FAILURE;
	ev.failure = &f;
	cr_assert_eq(hpl_bus_publish(c.bus, &ev, NULL), 0);
	RIG_UNTIL(&rig, rig.events == 1);
	cr_expect_eq(c.refused, 0);
	rig_disconnect(&rig, &c);
}

/* ---- sizes ---- */

Test(hostile, record_over_the_limit_is_refused)
{
	struct rig_client c;
	size_t len = HPL_BUS_MESSAGE_MAX + 1;
	uint8_t *body = calloc(1, len);
	void *sock, *ctx;

	rig_admit(&rig, &c, "network", disk, NULL, 0, 0);
	sock = rig_raw_open(&c, &ctx);
	rig_raw_record(&rig, sock, HPL_OP_HELLO, 0, NULL, 0);
	rig_raw_record(&rig, sock, HPL_OP_PUBLISH, 1, body, len);
	RIG_UNTIL(&rig, rig.last_msg == HPL_MSG_BUS_FRAME_TOO_LARGE);
	cr_expect_eq(rig.last_peer, c.peer);
	cr_expect_eq(rig.events, 0);
	rig_raw_close(sock, ctx);
	free(body);
	hpl_bootstrap_done(&c.boot);
}

Test(hostile, frame_over_the_transport_limit_cuts_the_connection)
{
	struct rig_client c;
	size_t len = HPL_BUS_FRAME_MAX + 100;
	uint8_t *body = calloc(1, len);
	void *sock, *ctx;

	rig_admit(&rig, &c, "network", disk, NULL, 0, 0);
	sock = rig_raw_open(&c, &ctx);
	rig_raw_record(&rig, sock, HPL_OP_HELLO, 0, NULL, 0);
	RIG_UNTIL(&rig, hpl_broker_silence_ms(rig.broker, c.peer) != UINT64_MAX);
	rig_raw_record(&rig, sock, HPL_OP_PUBLISH, 1, body, len);
	RIG_UNTIL(&rig, rig.last_msg == HPL_MSG_BUS_FRAME_TOO_LARGE);
	cr_expect_eq(rig.last_peer, c.peer);
	cr_expect_eq(rig.events, 0);
	rig_raw_close(sock, ctx);
	free(body);
	hpl_bootstrap_done(&c.boot);
}

Test(hostile, client_library_refuses_to_send_what_is_too_large)
{
	Hpl__SeedsSlice slice = HPL__SEEDS_SLICE__INIT;
	Hpl__VolumeSeeds v = HPL__VOLUME_SEEDS__INIT, *list = &v;
	Hpl__Event ev = HPL__EVENT__INIT;
	struct hpl_err err = HPL_ERR_NULL;

	v.env_seed.len = HPL_BUS_MESSAGE_MAX;
	v.env_seed.data = calloc(1, v.env_seed.len);
	slice.volumes = &list;
	slice.n_volumes = 1;
	ev.topic = (char *)HPL_TOPIC_CONTRACT_SEEDS;
	ev.severity = HPL__SEVERITY__SEVERITY_INFO;
	ev.payload_case = HPL__EVENT__PAYLOAD_SEEDS;
	ev.seeds = &slice;
	cr_expect_eq(hpl_bus_publish(good.bus, &ev, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_BUS_FRAME_TOO_LARGE);
	free(v.env_seed.data);
}

/* ---- frames ---- */

static int is_bad(const struct dirent *d)
{
	return strncmp(d->d_name, "bad-", 4) == 0;
}

Test(hostile, malformed_frames_are_refused_one_by_one)
{
	struct rig_client c;
	struct dirent **list;
	void *sock, *ctx;
	int n = scandir(CORPUS, &list, is_bad, alphasort);

	cr_assert_gt(n, 40);
	rig_admit(&rig, &c, "network", disk, NULL, 0, 0);
	sock = rig_raw_open(&c, &ctx);
	rig_raw_record(&rig, sock, HPL_OP_HELLO, 0, NULL, 0);
	for (int i = 0; i < n; i++) {
		_cleanup_buf_ struct hpl_buf frame = HPL_BUF_NULL;
		uint64_t before = stats().refused_frame;
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", CORPUS, list[i]->d_name);
		cr_assert_eq(hpl_file_read(&frame, path, HPL_BUS_FRAME_MAX, NULL), 0);
		rig_raw_send(&rig, sock, frame.data, frame.len);
		rig_wait_begin(&rig, path);
		while (stats().refused_frame == before)
			uv_run(&rig.loop, UV_RUN_ONCE);
		rig_wait_end(&rig);
		cr_expect_eq(stats().refused_frame, before + 1, "%s", path);
		free(list[i]);
	}
	free(list);
	cr_expect_eq(rig.last_msg, HPL_MSG_BUS_FRAME_MALFORMED);
	cr_expect_eq(rig.events, 0);
	rig_raw_close(sock, ctx);
	hpl_bootstrap_done(&c.boot);
}

Test(hostile, wrong_number_of_frames_is_refused)
{
	struct rig_client c;
	void *sock, *ctx;

	rig_admit(&rig, &c, "network", disk, NULL, 0, 0);
	sock = rig_raw_open(&c, &ctx);
	rig_raw_record(&rig, sock, HPL_OP_HELLO, 0, NULL, 0);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(zmq_send(sock, "abc", 3, ZMQ_SNDMORE), 3);
	cr_assert_eq(zmq_send(sock, "abc", 3, 0), 3);
	RIG_UNTIL(&rig, stats().refused_frame == 1);
	cr_expect_eq(rig.last_msg, HPL_MSG_BUS_FRAME_MALFORMED);
	rig_raw_close(sock, ctx);
	hpl_bootstrap_done(&c.boot);
}

Test(hostile, name_of_a_connection_chosen_by_the_client_is_refused)
{
	struct rig_client c;
	void *sock, *ctx;

	rig_admit(&rig, &c, "network", disk, NULL, 0, 0);
	ctx = zmq_ctx_new();
	zmq_ctx_term(ctx);
	sock = rig_raw_open(&c, &ctx);
	cr_assert_eq(zmq_disconnect(sock, c.boot.endpoint), 0);
	cr_assert_eq(zmq_setsockopt(sock, ZMQ_ROUTING_ID, "mine", 4), 0);
	cr_assert_eq(zmq_connect(sock, c.boot.endpoint), 0);
	rig_raw_record(&rig, sock, HPL_OP_HELLO, 0, NULL, 0);
	RIG_UNTIL(&rig, rig.last_msg == HPL_MSG_BUS_WRONG_KEY);
	rig_raw_close(sock, ctx);
	hpl_bootstrap_done(&c.boot);
}

/* ---- too much ---- */

Test(hostile, flooding_client_is_refused)
{
	struct rig_client c;

	rig_admit(&rig, &c, "network", disk, NULL, 100, 0);
	rig_connect(&rig, &c);
	for (uint32_t i = 0; i < 20000; i++)
		rig_publish(&c, 1);
	RIG_UNTIL(&rig, hpl_bus_unaccepted(c.bus) == 0);
	cr_expect_str_eq(c.refused_id, "HPL20005E");
	cr_expect_leq(c.refused, 2 * HPL_BUS_TOLD_PER_SECOND * 20, "not told 20000 times");
	cr_expect_gt(stats().refused_flood, 10000);
	cr_expect_eq(stats().accepted + stats().refused_flood, 20000);
	cr_expect_leq(rig.told, c.refused);
	rig_disconnect(&rig, &c);
}

Test(hostile, subscriber_that_acknowledges_nothing_is_cut_off)
{
	struct rig_client c;

	rig_admit(&rig, &c, "network", disk, disk, 0, 200);
	rig_connect(&rig, &c);
	rig_settle(&rig, &c);
	c.hold_acks = 1;
	others_go_on();
	RIG_UNTIL(&rig, rig.stuck == 1);
	cr_expect_eq(rig.stuck_peer, c.peer);
	cr_expect_eq(stats().stuck, 1);
	rig_publish(&c, 4); /* it may say nothing more either */
	RIG_UNTIL(&rig, stats().refused_key > 0);
	cr_expect_neq(taker.last_number, 4);
	rig_disconnect(&rig, &c);
}

Test(hostile, subscriber_behind_by_the_whole_history_is_cut_off)
{
	struct rig_client c;

	rig_admit(&rig, &c, "network", NULL, disk, 0, 0);
	rig_connect(&rig, &c);
	rig_settle(&rig, &c);
	c.hold_acks = 1;
	for (uint32_t i = 0; i < HPL_BUS_HISTORY_EVENTS + 10; i++) {
		rig_broker_publish(&rig, i);
		if (i % 1000 == 0)
			rig_settle(&rig, &taker);
	}
	RIG_UNTIL(&rig, rig.stuck == 1);
	cr_expect_eq(rig.stuck_peer, c.peer);
	rig_disconnect(&rig, &c);
}

Test(hostile, full_history_is_told_and_so_is_who_missed_something)
{
	struct rig_client c;

	rig_admit(&rig, &c, "network", NULL, disk, 0, 0);
	for (uint32_t i = 0; i < HPL_BUS_HISTORY_EVENTS + 10; i++) {
		rig_broker_publish(&rig, i);
		if (i % 1000 == 0)
			rig_settle(&rig, &taker);
	}
	cr_expect_eq(rig.told, 1);
	cr_expect_eq(rig.last_msg, HPL_MSG_BUS_HISTORY_FULL);
	rig_connect(&rig, &c);
	RIG_UNTIL(&rig, c.events == HPL_BUS_HISTORY_EVENTS);
	cr_expect_eq(rig.told, 2);
	cr_expect_eq(rig.stuck, 0);
	cr_expect(strstr(rig.last_text, "too late for 10 events") != NULL, "%s", rig.last_text);
	rig_disconnect(&rig, &c);
}

Test(hostile, client_that_reads_no_answers_makes_nothing_grow)
{
	static uint8_t frame[HPL_WIRE_HEADER * 1000];
	struct rig_client c;
	void *sock, *ctx;

	rig_admit(&rig, &c, "network", disk, NULL, 0, 0);
	sock = rig_raw_open(&c, &ctx);
	rig_raw_record(&rig, sock, HPL_OP_HELLO, 0, NULL, 0);
	for (int i = 0; i < 1000; i++)
		hpl_wire_header(frame + i * HPL_WIRE_HEADER, HPL_OP_FLUSH, 1, 0);
	for (int i = 0; i < 3000; i++)
		rig_raw_send(&rig, sock, frame, sizeof(frame));
	others_go_on();
	for (struct peer *p = rig.broker->peers; p; p = p->next)
		cr_expect_leq(p->control.len + p->frame.len, 1024);
	rig_raw_close(sock, ctx);
	hpl_bootstrap_done(&c.boot);
}

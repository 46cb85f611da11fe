/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Broker and two clients in one process over ipc with CURVE, without a test framework, so that it
 * runs wherever the libraries do: under qemu-user it shows that byte order is not a matter.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "bus/broker.h"
#include "bus/client.h"
#include "bus/wire.h"
#include "proto/topics.h"
#include "runtime/base/util.h"

enum { EVENTS = 500, DEADLINE_MS = 120000 };

static unsigned tests, failures;
static unsigned got, in_order, intact, observed, replays, closing;
static uint64_t last_seq;
static struct hpl_bus *taker;
static int timed_out, flushed;

static void ok(int cond, const char *what)
{
	failures += !cond;
	printf("%s %u - %s\n", cond ? "ok" : "not ok", ++tests, what);
	fflush(stdout);
}

static void on_observed(void *ud, const Hpl__Event *ev)
{
	observed++;
}

static void on_event(void *ud, const Hpl__Event *ev)
{
	in_order += ev->seq == last_seq + 1;
	last_seq = ev->seq;
	intact += ev->disk_report && ev->disk_report->checked == got * 1000003u &&
		hpl_streq(ev->source, "disk-check") && ev->wall_us && ev->mono_us;
	replays += ev->replay != 0;
	got++;
	hpl_bus_ack(taker, ev->seq);
}

static void on_timeout(uv_timer_t *t)
{
	timed_out = 1;
}

static void on_flushed(void *ud)
{
	flushed = 1;
}

static void on_closed(void *ud)
{
	closing--;
}

static void on_timer_closed(uv_handle_t *h)
{
	closing--;
}

static int publish(struct hpl_bus *bus, uint32_t number)
{
	Hpl__DiskReport report = HPL__DISK_REPORT__INIT;
	Hpl__Event ev = HPL__EVENT__INIT;

	report.checked = number;
	ev.topic = (char *)HPL_TOPIC_DISK_CHECKED;
	ev.severity = HPL__SEVERITY__SEVERITY_INFO;
	ev.payload_case = HPL__EVENT__PAYLOAD_DISK_REPORT;
	ev.disk_report = &report;
	return hpl_bus_publish(bus, &ev, NULL);
}

static void test_wire(void)
{
	static const uint8_t expected[HPL_WIRE_HEADER] = {
		3, 0, 0, 0, 4, 3, 2, 1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
	uint8_t header[HPL_WIRE_HEADER];
	struct hpl_wire_record r;
	size_t pos = 0;

	hpl_wire_header(header, HPL_OP_PUBLISH, UINT64_C(0x1122334455667788), 0x01020304);
	ok(memcmp(header, expected, sizeof(header)) == 0, "header is little-endian");
	hpl_wire_header(header, HPL_OP_ACK, UINT64_C(0x1122334455667788), 0);
	ok(hpl_wire_next(header, sizeof(header), &pos, &r) == 1 && r.op == HPL_OP_ACK &&
			r.arg == UINT64_C(0x1122334455667788), "header is read as it was written");
}

static void run_until(uv_loop_t *loop, const unsigned *counter, unsigned value)
{
	while (*counter < value && !timed_out)
		uv_run(loop, UV_RUN_ONCE);
}

int main(void)
{
	static const char *const disk[] = {HPL_TOPIC_DISK_CHECKED, NULL};
	static const struct hpl_bus_handlers takes = {.event = on_event}, gives = {.event = on_event};
	const struct hpl_broker_callbacks cb = {.event = on_observed};
	const struct hpl_peer_policy in = {.name = "catch", .receive = disk};
	const struct hpl_peer_policy out = {.name = "disk-check", .publish = disk};
	char dir[] = "/tmp/hpl-portable-XXXXXX", path[64];
	Hpl__Bootstrap boot_in, boot_out;
	struct hpl_broker *broker = NULL;
	struct hpl_bus *giver = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	uv_timer_t timer;
	uv_loop_t loop;
	uint32_t peer;
	int rc = 0;

	test_wire();
	if (uv_loop_init(&loop) < 0 || !mkdtemp(dir))
		return 1;
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_timeout, DEADLINE_MS, 0);
	ok(hpl_broker_new(&broker, &loop, dir, &cb, NULL, &err) == 0, "broker opens");
	if (!broker || hpl_broker_admit(broker, &in, &boot_in, &peer, &err) < 0 ||
		hpl_broker_admit(broker, &out, &boot_out, &peer, &err) < 0 ||
		hpl_bus_new(&taker, &loop, &boot_in, &takes, NULL, &err) < 0 ||
		hpl_bus_new(&giver, &loop, &boot_out, &gives, NULL, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	for (uint32_t i = 0; i < EVENTS && rc == 0; i++)
		rc = publish(giver, i * 1000003u);
	ok(rc == 0, "events are published");
	run_until(&loop, &got, EVENTS);
	ok(got == EVENTS && in_order == EVENTS, "events arrive in order");
	ok(intact == EVENTS, "with their numbers and stamps");
	ok(observed == EVENTS && replays == 0, "and are observed once");
	hpl_bus_flush(taker, on_flushed, NULL);
	while (!flushed && !timed_out)
		uv_run(&loop, UV_RUN_ONCE);
	ok(flushed, "flush is answered");
	closing = 4;
	hpl_bus_free(taker, on_closed, NULL);
	hpl_bus_free(giver, on_closed, NULL);
	hpl_broker_free(broker, on_closed, NULL);
	uv_close((uv_handle_t *)&timer, on_timer_closed);
	while (closing)
		uv_run(&loop, UV_RUN_ONCE);
	ok(uv_loop_close(&loop) == 0, "everything is closed");
	hpl_bootstrap_done(&boot_in);
	hpl_bootstrap_done(&boot_out);
	snprintf(path, sizeof(path), "%s/socket", dir);
	unlink(path);
	rmdir(dir);
	printf("1..%u\n", tests);
	return failures != 0;
}

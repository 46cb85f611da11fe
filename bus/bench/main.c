/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	bench_bus TRANSPORT SUBSCRIBERS latency|throughput COUNT
 *
 * prints "TRANSPORT SUBSCRIBERS latency P50_US P99_US" or
 * "TRANSPORT SUBSCRIBERS throughput EVENTS_PER_SECOND" (of each subscriber).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bus/bench/bench.h"
#include "proto/topics.h"

static const struct bench_transport *const transports[] = {
	&bench_hpl, &bench_zmq, &bench_zmq_curve,
#ifdef HAVE_DBUS
	&bench_dbus_broker, &bench_dbus_daemon,
#endif
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_die(const char *what)
{
	fprintf(stderr, "bench_bus: %s (%s)\n", what, strerror(errno));
	_exit(1);
}

const Hpl__Event *bench_event(struct bench *b)
{
	static Hpl__Event ev;
	static Hpl__BootInfo info;
	static char text[BENCH_EVENT];

	if (!ev.topic) {
		hpl__event__init(&ev);
		hpl__boot_info__init(&info);
		info.build = (char *)"26.11.0";
		info.started_us = now_ns();
		ev.version = 1;
		ev.topic = (char *)HPL_TOPIC_SYSTEM_BOOT;
		ev.severity = HPL__SEVERITY__SEVERITY_INFO;
		ev.payload_case = HPL__EVENT__PAYLOAD_BOOT;
		ev.boot = &info;
		ev.text = text;
		while (hpl__event__get_packed_size(&ev) < BENCH_EVENT)
			text[strlen(text)] = 'x';
		b->sh->start_ns = now_ns();
	}
	info.started_us = now_ns();
	return &ev;
}

void bench_event_pack(struct bench *b, uint8_t *out)
{
	const Hpl__Event *ev = bench_event(b);

	if (hpl__event__get_packed_size(ev) != BENCH_EVENT)
		bench_die("the event has another size");
	hpl__event__pack(ev, out);
}

int bench_received(struct bench *b, int i, const Hpl__Event *ev)
{
	static uint64_t last;
	struct bench_shared *sh = b->sh;
	uint64_t n = sh->received[i * 8], now = now_ns(), sent = ev->boot->started_us;

	if (sent < last)
		sh->disorder++;
	last = sent;
	if (n < sh->count)
		sh->latency_ns[(uint64_t)i * sh->count + n] = (uint32_t)(now - sent);
	if (n + 1 == sh->count)
		sh->end_ns[i] = now;
	__atomic_store_n(&sh->received[i * 8], n + 1, __ATOMIC_RELEASE);
	return n + 1 == sh->count;
}

int bench_received_packed(struct bench *b, int i, const void *data, size_t len)
{
	Hpl__Event *ev = hpl__event__unpack(NULL, len, data);
	int last;

	if (!ev || ev->payload_case != HPL__EVENT__PAYLOAD_BOOT)
		bench_die("not the event that was sent");
	last = bench_received(b, i, ev);
	hpl__event__free_unpacked(ev, NULL);
	return last;
}

static uint64_t slowest(struct bench *b)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < b->subs; i++) {
		uint64_t n = __atomic_load_n(&b->sh->received[i * 8], __ATOMIC_ACQUIRE);

		if (n < least)
			least = n;
	}
	return least;
}

void bench_wait(struct bench *b, uint64_t sent, uint64_t window)
{
	struct timespec pace = {0, BENCH_PACE_US * 1000}, moment = {0, 20000};

	if (b->paced)
		nanosleep(&pace, NULL);
	else
		while (window && sent > slowest(b) + window)
			nanosleep(&moment, NULL);
}

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		bench_die("fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void wait_for(const int *flag, int value, const char *what)
{
	struct timespec moment = {0, 1000000};

	for (int i = 0; __atomic_load_n(flag, __ATOMIC_ACQUIRE) < value; i++) {
		if (i > 20000)
			bench_die(what);
		nanosleep(&moment, NULL);
	}
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(struct bench *b, const char *name)
{
	struct bench_shared *sh = b->sh;
	uint64_t end = 0, all = sh->count * (uint64_t)b->subs;

	for (int i = 0; i < b->subs; i++) {
		if (sh->received[i * 8] != sh->count)
			bench_die("events were lost or came twice");
		if (sh->end_ns[i] > end)
			end = sh->end_ns[i];
	}
	if (sh->disorder)
		bench_die("events came out of order");
	if (b->paced) {
		qsort(sh->latency_ns, all, sizeof(uint32_t), by_number);
		printf("%s %d latency %.1f %.1f\n", name, b->subs, sh->latency_ns[all / 2] / 1e3,
			sh->latency_ns[all * 99 / 100] / 1e3);
	} else {
		printf("%s %d throughput %.0f\n", name, b->subs,
			(double)sh->count / ((double)(end - sh->start_ns) / 1e9));
	}
}

static void run(struct bench *b, const struct bench_transport *t)
{
	pid_t hub, subs[BENCH_SUBS], publisher;
	int status = 0;

	if (t->prepare)
		t->prepare(b);
	hub = start();
	if (hub == 0) {
		t->hub(b);
		_exit(1);
	}
	wait_for(&b->sh->hub_ready, 1, "the hub does not start");
	for (int i = 0; i < b->subs; i++) {
		subs[i] = start();
		if (subs[i] == 0) {
			t->subscriber(b, i);
			_exit(0);
		}
	}
	wait_for(&b->sh->subs_ready, b->subs, "subscribers do not start");
	publisher = start();
	if (publisher == 0) {
		t->publisher(b);
		_exit(0);
	}
	for (int i = 0; i < b->subs; i++) {
		if (waitpid(subs[i], &status, 0) < 0 || status != 0)
			bench_die("a subscriber failed");
	}
	kill(publisher, SIGKILL);
	waitpid(publisher, NULL, 0);
	kill(hub, SIGTERM);
	waitpid(hub, NULL, 0);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/hpl-bench-XXXXXX", path[64];
	static const char *const leftovers[] = {"socket", "journal", "config"};
	struct bench b = {.dir = dir};
	uint64_t count = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;
	size_t size;

	b.subs = argc == 5 ? atoi(argv[2]) : 0;
	if (b.subs < 1 || b.subs > BENCH_SUBS || count < 1 || !mkdtemp(dir))
		bench_die("usage: bench_bus TRANSPORT SUBSCRIBERS latency|throughput COUNT");
	b.paced = strcmp(argv[3], "latency") == 0;
	size = sizeof(*b.sh) + (size_t)b.subs * count * sizeof(uint32_t);
	b.sh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b.sh == MAP_FAILED)
		bench_die("memory");
	b.sh->count = count;
	alarm(300);
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		if (strcmp(transports[i]->name, argv[1]) != 0)
			continue;
		run(&b, transports[i]);
		report(&b, argv[1]);
		for (size_t k = 0; k < sizeof(leftovers) / sizeof(leftovers[0]); k++) {
			snprintf(path, sizeof(path), "%s/%s", dir, leftovers[k]);
			unlink(path);
		}
		rmdir(dir);
		return 0;
	}
	bench_die("no such transport in this build");
}

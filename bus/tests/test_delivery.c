/* SPDX-License-Identifier: Apache-2.0 */
/* What a service may rely on: order, replay, acknowledgement, nothing lost, secrets wiped. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bus/tests/child.h"
#include "bus/tests/rig.h"

static struct rig rig;
static const char *const disk[] = {HPL_TOPIC_DISK_CHECKED, NULL};
static const char *const seeds[] = {HPL_TOPIC_CONTRACT_SEEDS, NULL};

static void begin(void)
{
	rig_open(&rig);
}
static void end(void)
{
	rig_close(&rig);
}
TestSuite(delivery, .init = begin, .fini = end);

Test(delivery, event_arrives_with_the_stamps_of_the_broker)
{
	struct rig_client a, b;

	rig_admit(&rig, &a, "disk-check", disk, NULL, 0, 0);
	rig_admit(&rig, &b, "catch", NULL, disk, 0, 0);
	rig_connect(&rig, &a);
	rig_connect(&rig, &b);
	cr_assert_eq(hpl_bus_ready(b.bus, NULL), 0);
	rig_publish(&a, 7);
	RIG_UNTIL(&rig, b.events == 1 && rig.ready == 1);
	cr_expect_eq(b.last_number, 7);
	cr_expect_eq(b.last_seq, 1);
	cr_expect_str_eq(b.last_source, "disk-check");
	cr_expect_eq(b.replays, 0);
	rig_disconnect(&rig, &a);
	rig_disconnect(&rig, &b);
}

Test(delivery, late_subscriber_gets_everything_in_order)
{
	struct rig_client b;

	for (uint32_t i = 0; i < 10000; i++)
		rig_broker_publish(&rig, i);
	rig_admit(&rig, &b, "catch", NULL, disk, 0, 0);
	rig_connect(&rig, &b);
	RIG_UNTIL(&rig, b.events == 10000);
	cr_expect_eq(b.out_of_order, 0);
	cr_expect_eq(b.last_number, 9999);
	cr_expect_eq(b.replays, 0);
	rig_disconnect(&rig, &b);
}

Test(delivery, next_process_gets_unacknowledged_events_as_new_and_the_others_as_replay)
{
	struct rig_client b;
	struct hpl_broker_stats st;

	rig_admit(&rig, &b, "catch", NULL, disk, 0, 0);
	rig_connect(&rig, &b);
	for (uint32_t i = 0; i < 10; i++)
		rig_broker_publish(&rig, i);
	RIG_UNTIL(&rig, b.events == 10);
	b.hold_acks = 1;
	for (uint32_t i = 10; i < 15; i++)
		rig_broker_publish(&rig, i);
	RIG_UNTIL(&rig, b.events == 15);
	hpl_bus_ack(b.bus, 13); /* out of order: only this one */
	rig_settle(&rig, &b);
	hpl_broker_revoke(rig.broker, b.peer);
	rig_disconnect(&rig, &b);

	rig_admit(&rig, &b, "catch", NULL, disk, 0, 0);
	rig_connect(&rig, &b);
	RIG_UNTIL(&rig, b.events == 15);
	cr_expect_eq(b.replays, 11);
	cr_expect_eq(b.out_of_order, 0);
	rig_settle(&rig, &b);
	hpl_broker_stats(rig.broker, &st);
	cr_expect_eq(st.replayed, 11);
	cr_expect_eq(rig.told, 0);
	rig_disconnect(&rig, &b);
}

Test(delivery, acknowledging_twice_or_out_of_order_leaves_the_window_open)
{
	struct rig_client b;

	rig_admit(&rig, &b, "catch", NULL, disk, 0, 0);
	rig_connect(&rig, &b);
	b.hold_acks = 1;
	for (uint32_t i = 0; i < HPL_BUS_WINDOW_EVENTS + 50; i++)
		rig_broker_publish(&rig, i);
	RIG_UNTIL(&rig, b.events == HPL_BUS_WINDOW_EVENTS);
	rig_settle(&rig, &b);
	cr_expect_eq(b.events, HPL_BUS_WINDOW_EVENTS, "beyond the window nothing is sent");
	for (uint64_t s = HPL_BUS_WINDOW_EVENTS; s > 0; s--) {
		hpl_bus_ack(b.bus, s);
		hpl_bus_ack(b.bus, s);
	}
	RIG_UNTIL(&rig, b.events == HPL_BUS_WINDOW_EVENTS + 50);
	cr_expect_eq(rig.told, 0);
	rig_disconnect(&rig, &b);
}

Test(delivery, second_process_of_a_name_replaces_the_first)
{
	struct rig_client old, new, a;

	rig_admit(&rig, &a, "disk-check", disk, NULL, 0, 0);
	rig_connect(&rig, &a);
	rig_admit(&rig, &old, "catch", disk, disk, 0, 0);
	rig_connect(&rig, &old);
	rig_publish(&a, 1);
	RIG_UNTIL(&rig, old.events == 1);
	rig_settle(&rig, &old);
	rig_admit(&rig, &new, "catch", disk, disk, 0, 0);
	rig_connect(&rig, &new);
	RIG_UNTIL(&rig, new.events == 1);
	cr_expect_eq(new.replays, 1);
	rig_publish(&old, 2); /* its key is withdrawn */
	RIG_UNTIL(&rig, rig.last_msg == HPL_MSG_BUS_WRONG_KEY);
	rig_publish(&a, 3);
	RIG_UNTIL(&rig, new.last_number == 3);
	cr_expect_eq(old.events, 1);
	cr_expect_eq(rig.events, 2);
	rig_disconnect(&rig, &old);
	rig_disconnect(&rig, &new);
	rig_disconnect(&rig, &a);
}

Test(delivery, process_that_flushes_and_ends_loses_nothing)
{
	static const char *const args[] = {"child", "burst", "1500", NULL};

	for (int i = 1; i <= 5; i++) {
		struct rig_client c;
		pid_t pid;

		rig_admit(&rig, &c, "disk-check", disk, NULL, 0, 0);
		pid = rig_spawn(&c, CHILD, args);
		cr_assert_eq(rig_wait_exit(&rig, pid), 0);
		cr_expect_eq(rig.events, 1500u * (unsigned)i);
		hpl_bootstrap_done(&c.boot);
	}
	cr_expect_eq(rig.told, 0);
}

/* ---- a million events ---- */

struct million {
	struct child_state *state;
	uint64_t count, published;
	uv_idle_t idle;
};

static void on_idle(uv_idle_t *h)
{
	struct million *m = h->data;

	for (int i = 0; i < 1000 && m->published < m->count; i++) {
		if (m->published - __atomic_load_n(&m->state->next, __ATOMIC_RELAXED) > 40000)
			return; /* the history holds 65536 */
		rig_broker_publish(&rig, (uint32_t)m->published++);
	}
}

static struct child_state *map_new(char *path)
{
	int fd = mkstemp(path);
	struct child_state *s;

	cr_assert(fd >= 0 && ftruncate(fd, sizeof(*s)) == 0);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(s != MAP_FAILED);
	close(fd);
	return s;
}

static void on_kill_time(uv_timer_t *t)
{
	*(int *)t->data = 1;
}

static void on_handle_closed(uv_handle_t *h)
{
	rig.closing--;
}

Test(delivery, million_events_and_a_subscriber_killed_at_random, .timeout = 600)
{
	const char *scale = getenv("HPL_BUS_TEST_EVENTS");
	char path[] = "/tmp/hpl-bus-state-XXXXXX";
	const char *args[] = {"child", "count", path, NULL};
	struct million m = {.count = scale ? strtoull(scale, NULL, 10) : 1000000};
	unsigned starts = 0, seed = (unsigned)uv_hrtime();
	uv_timer_t timer;
	int due = 0;

	if (scale)
		printf("# HPL_BUS_TEST_EVENTS: %llu events instead of a million\n",
			(unsigned long long)m.count);
	printf("# random seed %u\n", seed);
	m.state = map_new(path);
	uv_idle_init(&rig.loop, &m.idle);
	uv_timer_init(&rig.loop, &timer);
	m.idle.data = &m;
	timer.data = &due;
	uv_idle_start(&m.idle, on_idle);
	while (m.state->next < m.count) {
		struct rig_client c;
		pid_t pid;

		rig_admit(&rig, &c, "catch", NULL, disk, 0, 0);
		pid = rig_spawn(&c, CHILD, args);
		starts++;
		due = 0;
		uv_update_time(&rig.loop);
		uv_timer_start(&timer, on_kill_time, 50 + (uint64_t)rand_r(&seed) % 400, 0);
		while (!due && m.state->next < m.count)
			uv_run(&rig.loop, UV_RUN_ONCE);
		kill(pid, SIGKILL);
		cr_assert_eq(rig_wait_exit(&rig, pid), 128 + SIGKILL);
		hpl_broker_revoke(rig.broker, c.peer);
		hpl_bootstrap_done(&c.boot);
		cr_assert_eq(m.state->lost, 0);
	}
	rig.closing = 2;
	uv_close((uv_handle_t *)&m.idle, on_handle_closed);
	uv_close((uv_handle_t *)&timer, on_handle_closed);
	while (rig.closing)
		uv_run(&rig.loop, UV_RUN_ONCE);
	printf("# %llu events, %u processes, %llu handled with repetitions\n",
		(unsigned long long)m.count, starts, (unsigned long long)m.state->handled);
	cr_expect_eq(m.state->next, m.count);
	cr_expect_eq(m.state->lost, 0);
	cr_expect_eq(m.state->disorder, 0);
	cr_expect_eq(m.state->wrong_replay, 0);
	cr_expect_gt(starts, 1);
	cr_expect_eq(rig.stuck, 0);
	unlink(path);
	munmap(m.state, sizeof(*m.state));
}

/* ---- confidential topics ---- */

#ifdef __SANITIZE_ADDRESS__
static const int sanitized = 1;
#else
static const int sanitized = 0;
#endif

/* How often half and its mirror image, one behind the other, are in the memory of this process.
 * The needle never exists as a whole here. */
static unsigned count_in_memory(const char *half)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	static uint8_t window[1 << 16];
	size_t len = strlen(half);
	unsigned found = 0;
	char line[512];

	cr_assert(maps && mem >= 0);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long long from, to;
		char mode[8];

		if (sscanf(line, "%llx-%llx %7s", &from, &to, mode) != 3 || mode[0] != 'r')
			continue;
		/* windows overlap, so that none is cut */
		for (unsigned long long at = from; at < to; at += sizeof(window) - 2 * len) {
			size_t want = to - at < sizeof(window) ? (size_t)(to - at) : sizeof(window);
			ssize_t n = pread(mem, window, want, (off_t)at);

			if (at >= (uintptr_t)window - sizeof(window) &&
				at < (uintptr_t)window + sizeof(window))
				continue; /* the window itself */
			for (ssize_t i = 0; n > 0 && i + (ssize_t)(2 * len) <= n; i++) {
				size_t k = 0;

				while (k < len && window[i + (ssize_t)k] == (uint8_t)half[k] &&
					window[i + (ssize_t)(2 * len - 1 - k)] == (uint8_t)half[k])
					k++;
				found += k == len;
			}
		}
	}
	fclose(maps);
	close(mem);
	hpl_wipe(window, sizeof(window));
	return found;
}

/* Run in the broker's process while publisher and reader are others. */
Test(delivery, confidential_event_reaches_only_its_reader_and_is_wiped_after_it)
{
	static const char half[] = "Zk83-vWq1.Lm0_Rt";
	const char *leak[] = {"child", "leak", half, NULL}, *take[] = {"child", "take", "x", NULL};
	struct rig_client from, other, reader;
	struct hpl_broker_stats st;
	pid_t pid;

	rig_admit(&rig, &other, "catch", NULL, seeds, 0, 0);
	rig_connect(&rig, &other);
	rig_admit(&rig, &from, "contract", seeds, NULL, 0, 0);
	pid = rig_spawn(&from, CHILD, leak);
	cr_assert_eq(rig_wait_exit(&rig, pid), 0);
	cr_assert_eq(rig.events, 1);
	cr_expect_eq(rig.observed_payloads, 0);
	if (!sanitized)
		cr_expect_eq(count_in_memory(half), 1, "kept once, for its reader");
	hpl_broker_stats(rig.broker, &st);
	cr_expect_gt(st.history_bytes, 32);

	rig_admit(&rig, &reader, "luks-passphrase", NULL, seeds, 0, 0);
	pid = rig_spawn(&reader, CHILD, take);
	do {
		uv_run(&rig.loop, UV_RUN_NOWAIT);
		hpl_broker_stats(rig.broker, &st);
	} while (st.history_bytes > 0);
	rig_settle(&rig, &other);
	if (!sanitized)
		cr_expect_eq(count_in_memory(half), 0, "wiped everywhere in the broker");
	else
		printf("# not looked for in memory: the sanitizer keeps what is freed\n");
	cr_expect_eq(st.delivered, 1);
	cr_expect_eq(other.events, 0);
	kill(pid, SIGKILL);
	rig_wait_exit(&rig, pid);
	hpl_bootstrap_done(&from.boot);
	hpl_bootstrap_done(&reader.boot);

	/* wiped: the next process of the reader gets nothing */
	rig_admit(&rig, &reader, "luks-passphrase", NULL, seeds, 0, 0);
	rig_connect(&rig, &reader);
	rig_settle(&rig, &reader);
	cr_expect_eq(reader.events, 0);
	rig_disconnect(&rig, &reader);
	rig_disconnect(&rig, &other);
}

/* ---- liveness ---- */

Test(delivery, answer_to_a_ping_ends_the_silence)
{
	struct rig_client b;

	rig_admit(&rig, &b, "catch", NULL, disk, 0, 0);
	cr_expect_eq(hpl_broker_silence_ms(rig.broker, b.peer), UINT64_MAX);
	rig_connect(&rig, &b);
	RIG_UNTIL(&rig, hpl_broker_silence_ms(rig.broker, b.peer) != UINT64_MAX);
	while (hpl_broker_silence_ms(rig.broker, b.peer) <= 20)
		uv_run(&rig.loop, UV_RUN_NOWAIT);
	hpl_broker_ping(rig.broker, b.peer);
	RIG_UNTIL(&rig, hpl_broker_silence_ms(rig.broker, b.peer) <= 20);
	rig_disconnect(&rig, &b);
}

Test(delivery, client_is_told_when_the_broker_is_gone)
{
	struct rig_client b;

	rig_admit(&rig, &b, "catch", NULL, disk, 0, 0);
	rig_connect(&rig, &b);
	rig_settle(&rig, &b);
	rig_free_broker(&rig, TAKE(rig.broker));
	RIG_UNTIL(&rig, b.lost);
	rig_disconnect(&rig, &b);
}

Test(delivery, socket_is_closed_to_others)
{
	struct hpl_broker *b;
	struct hpl_broker_callbacks none = {0};
	struct hpl_err err = HPL_ERR_NULL;
	char path[80], other[] = "/tmp/hpl-bus-XXXXXX";
	struct stat st;

	snprintf(path, sizeof(path), "%s/socket", rig.dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0077, 0);
	cr_assert(mkdtemp(other));
	cr_assert_eq(chmod(other, 0755), 0);
	cr_expect_eq(hpl_broker_new(&b, &rig.loop, other, &none, NULL, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_BUS_FAILED);
	/* a group that may search the directory may connect */
	cr_assert_eq(chmod(other, 0710), 0);
	cr_assert_eq(hpl_broker_new(&b, &rig.loop, other, &none, NULL, &err), 0, "%s", err.text);
	snprintf(path, sizeof(path), "%s/socket", other);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0660);
	rig_free_broker(&rig, b);
	unlink(path);
	rmdir(other);
}

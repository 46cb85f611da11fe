/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process on the bus, for tests that kill it.
 *
 *	child count FILE      takes disk.checked events numbered 0, 1, 2 ... and keeps in FILE
 *	                      (struct child_state, mapped) which one comes next; ends never
 *	child burst N         publishes N events, flushes, ends in the flush callback
 *	child leak TEXT       publishes contract.seeds with a seed made of TEXT and its mirror
 */
#include "bus/tests/child.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>

#include "bus/client.h"
#include "bus/wire.h"
#include "proto/topics.h"

static struct hpl_bus *bus;
static struct child_state *state;
static uint64_t last_seq;

static void on_count(void *ud, const Hpl__Event *ev)
{
	uint64_t n = ev->disk_report ? ev->disk_report->checked : UINT64_MAX;

	if (ev->seq <= last_seq)
		state->disorder++;
	last_seq = ev->seq;
	/* acknowledged by an earlier process, so that one has counted it */
	if (ev->replay && n >= state->next)
		state->wrong_replay++;
	if (!ev->replay && n > state->next)
		state->lost++;
	if (n == state->next)
		state->next++;
	state->handled++;
	hpl_bus_ack(bus, ev->seq);
}

static void on_leak(void *ud, const Hpl__Event *ev)
{
	hpl_bus_ack(bus, ev->seq);
}

static void on_flushed(void *ud)
{
	_exit(0);
}

static void on_lost(void *ud)
{
	_exit(2);
}

static int publish_burst(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		Hpl__Event ev = HPL__EVENT__INIT;
		Hpl__DiskReport report = HPL__DISK_REPORT__INIT;

		report.checked = i;
		ev.topic = (char *)HPL_TOPIC_DISK_CHECKED;
		ev.severity = HPL__SEVERITY__SEVERITY_INFO;
		ev.payload_case = HPL__EVENT__PAYLOAD_DISK_REPORT;
		ev.disk_report = &report;
		if (hpl_bus_publish(bus, &ev, NULL) < 0)
			return 1;
	}
	return 0;
}

static int publish_seed(const char *text)
{
	size_t len = strlen(text);
	char seed[128];
	Hpl__Event ev = HPL__EVENT__INIT;
	Hpl__SeedsSlice slice = HPL__SEEDS_SLICE__INIT;
	Hpl__VolumeSeeds volume = HPL__VOLUME_SEEDS__INIT, *list = &volume;

	if (len * 2 > sizeof(seed))
		return 1;
	for (size_t i = 0; i < len; i++) {
		seed[i] = text[i];
		seed[2 * len - 1 - i] = text[i];
	}
	volume.volume = (char *)"data";
	volume.env_seed.data = (uint8_t *)seed;
	volume.env_seed.len = 2 * len;
	slice.volumes = &list;
	slice.n_volumes = 1;
	ev.topic = (char *)HPL_TOPIC_CONTRACT_SEEDS;
	ev.severity = HPL__SEVERITY__SEVERITY_INFO;
	ev.payload_case = HPL__EVENT__PAYLOAD_SEEDS;
	ev.seeds = &slice;
	return hpl_bus_publish(bus, &ev, NULL) < 0;
}

static int map_state(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return 1;
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return state == MAP_FAILED;
}

int main(int argc, char **argv)
{
	static const struct hpl_bus_handlers count = {.event = on_count, .lost = on_lost};
	static const struct hpl_bus_handlers other = {.event = on_leak, .lost = on_lost};
	int counting = argc == 3 && strcmp(argv[1], "count") == 0, rc;
	uint8_t packed[1024];
	ssize_t len = read(HPL_BOOTSTRAP_FD, packed, sizeof(packed));
	Hpl__Bootstrap *boot;
	struct hpl_err err = HPL_ERR_NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	boot = len > 0 ? hpl__bootstrap__unpack(NULL, (size_t)len, packed) : NULL;
	if (argc != 3 || !boot || (counting && map_state(argv[2])))
		return 3;
	if (hpl_bus_new(&bus, uv_default_loop(), boot, counting ? &count : &other, NULL, &err) < 0) {
		fprintf(stderr, "child: %s\n", err.text);
		return 4;
	}
	hpl__bootstrap__free_unpacked(boot, NULL);
	rc = hpl_bus_ready(bus, &err);
	if (strcmp(argv[1], "burst") == 0)
		rc = publish_burst((unsigned)strtoul(argv[2], NULL, 10));
	else if (strcmp(argv[1], "leak") == 0)
		rc = publish_seed(argv[2]);
	if (rc != 0)
		return 5;
	if (strcmp(argv[1], "burst") == 0 || strcmp(argv[1], "leak") == 0)
		hpl_bus_flush(bus, on_flushed, NULL);
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

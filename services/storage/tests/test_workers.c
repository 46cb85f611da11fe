/* SPDX-License-Identifier: Apache-2.0 */
/* The service and its workers: order, how many at once, and what happens when one goes wrong. The
 * workers are stubs (stub_worker.c); real ones are tested in a guest: guest_parallel.c. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "services/storage/job.h"
#include "services/storage/tests/rig.h"

static struct hpl_buf log_text;
static const char *program;
static uint64_t guest_bytes;

/* In place of libuv's, by the linker: the memory of the guest is what the test says. */
uint64_t __wrap_uv_get_total_memory(void);
uint64_t __wrap_uv_get_total_memory(void)
{
	return guest_bytes;
}

static void setup_workers(void)
{
	setup();
	guest_bytes = 4ULL << 30;
	hpl_fake_setting(fake, "root", base);
	program = HPL_STUB_WORKER;
}

static void teardown_workers(void)
{
	hpl_buf_done(&log_text);
	teardown();
}

TestSuite(storage_workers, .init = setup_workers, .fini = teardown_workers, .timeout = 90);

/* Disks vdb, vdc, ... for the volumes, and all that the service waits for. */
static void send_all(struct wanted *w, size_t count)
{
	static char ids[8][4];

	for (size_t i = 0; i < count; i++) {
		snprintf(ids[i], sizeof ids[i], "vd%c", (char)('b' + i));
		w[i].id = ids[i];
		add_disk(ids[i], 256 << 20);
	}
	hpl_fake_setting(fake, "worker", program);
	begin_waiting("60");
	send_volumes(w, count);
	send_passphrases(w, count);
	send_verified();
}

static void read_log(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/log", base);
	hpl_buf_clear(&log_text);
	cr_assert_eq(hpl_file_read(&log_text, path, 1 << 16, NULL), 0);
}

static void write_log(const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/log", base);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* The place of a line of the log, -1: there is none. */
static long place(const char *what, const char *name)
{
	char line[128];
	char *p;

	snprintf(line, sizeof line, "%s %s ", what, name);
	p = log_text.len ? strstr(log_text.data, line) : NULL;
	return p ? p - log_text.data : -1;
}

static pid_t pid_who(const char *what, const char *name)
{
	long at = place(what, name);

	cr_assert_geq(at, 0, "%s", log_text.data);
	return atoi(log_text.data + at + strlen(what) + strlen(name) + 2);
}

static pid_t pid_of(const char *name)
{
	return pid_who("start", name);
}

/* The most workers between their start and their end. */
static int most_at_once(void)
{
	int now = 0, most = 0;

	for (const char *p = log_text.data; *p; p = strchr(p, '\n') + 1) {
		now += strncmp(p, "start ", 6) == 0;
		now -= strncmp(p, "end ", 4) == 0;
		most = now > most ? now : most;
	}
	return most;
}

static void expect_ready(size_t count)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_STORAGE_READY);

	cr_assert_eq(ev->mounted->n_volumes, count);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
	read_log();
}

Test(storage_workers, what_a_worker_says_arrives_in_storage_ready)
{
	struct wanted w[] = {{"good-a", "/mnt/a", NULL}};
	Hpl__MountedVolume *v;
	Hpl__Event *ev;

	send_all(w, 1);
	ev = hpl_fake_expect(fake, HPL_TOPIC_STORAGE_READY);
	cr_assert_eq(ev->mounted->n_volumes, 1);
	v = ev->mounted->volumes[0];
	cr_assert_str_eq(v->name, "good-a");
	cr_assert_str_eq(v->mount, "/mnt/a");
	cr_assert(strstr(v->device, "/dev/vdb"));
	cr_assert_str_eq(v->mapping, "luks-good-a");
	cr_assert_str_eq(v->uuid, "vdb");
	cr_assert_str_eq(v->cipher, "aes-xts-plain64");
	cr_assert_eq(v->key_bits, 512);
	cr_assert_eq(v->sector_size, 4096);
	cr_assert_eq(v->key_slots, 1);
	cr_assert_eq(v->data_offset, 16 << 20);
	cr_assert(v->created);
	hpl__event__free_unpacked(ev, NULL);
	wait_end(0);
	read_log();
	cr_assert_geq(place("secret", "good-a"), 0, "the passphrase came by the pipe alone");
	cr_assert_eq(state->key_count, 0, "and is gone here");
}

Test(storage_workers, four_are_opened_at_once)
{
	struct wanted w[] = {{"meet4-a", "/mnt/a", NULL}, {"meet4-b", "/mnt/b", NULL},
		{"meet4-c", "/mnt/c", NULL}, {"meet4-d", "/mnt/d", NULL}};

	send_all(w, 4); /* each waits for the start of all: one after another they would never end */
	expect_ready(4);
}

Test(storage_workers, no_more_than_the_setting_says_live_at_once)
{
	struct wanted w[] = {{"meet2-a", "/mnt/a", NULL}, {"meet2-b", "/mnt/b", NULL},
		{"meet2-c", "/mnt/a/c", NULL}, {"meet2-d", "/mnt/a/c/d", NULL}, {"meet2-e", "/mnt/e", NULL}};

	hpl_fake_setting(fake, "parallel", "2");
	send_all(w, 5);
	expect_ready(5);
	cr_assert_eq(most_at_once(), 2, "%s", log_text.data);
}

Test(storage_workers, one_at_a_time_ends_as_well)
{
	struct wanted w[] = {{"good-c", "/mnt/a/b/c", NULL}, {"good-a", "/mnt/a", NULL},
		{"good-b", "/mnt/a/b", NULL}};

	hpl_fake_setting(fake, "parallel", "1");
	send_all(w, 3);
	expect_ready(3);
	cr_assert_eq(most_at_once(), 1, "%s", log_text.data);
}

Test(storage_workers, inner_volumes_wait_for_outer_ones_and_siblings_do_not)
{
	struct wanted w[] = {{"late-a", "/mnt/a", NULL}, {"good-ab", "/mnt/ab", NULL},
		{"good-b", "/mnt/a/b", NULL}, {"good-c", "/mnt/a/b/c", NULL}};

	send_all(w, 4); /* the outermost opens only when the other three are open */
	expect_ready(4);
	cr_assert_lt(place("opened", "good-c"), place("opened", "late-a"));
	cr_assert_lt(place("mount", "late-a"), place("mount", "good-b"), "%s", log_text.data);
	cr_assert_lt(place("mount", "good-b"), place("mount", "good-c"), "%s", log_text.data);
	cr_assert_geq(place("mount", "good-ab"), 0);
}

Test(storage_workers, a_failure_stops_the_others_before_they_mount)
{
	struct wanted w[] = {{"fails-a", "/mnt/a", NULL}, {"good-b", "/mnt/a/b", NULL}};
	Hpl__Event *ev;

	send_all(w, 2);
	ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);
	cr_assert_str_eq(ev->message_id, "HPL02003E");
	cr_assert_str_eq(ev->failure->cause, "the stub fails");
	cr_assert_str_eq(ev->failure->cure, "do not use a stub");
	hpl__event__free_unpacked(ev, NULL);
	wait_end(1);
	read_log();
	cr_assert_geq(place("stopped", "good-b"), 0, "%s", log_text.data);
	cr_assert_eq(place("mount", "good-b"), -1);
}

Test(storage_workers, after_a_failure_no_further_one_starts)
{
	struct wanted w[] = {{"silent-a", "/mnt/a", NULL}, {"good-b", "/mnt/bb", NULL}};

	hpl_fake_setting(fake, "parallel", "1");
	send_all(w, 2);
	expect_failure("HPL02120E", "volume 'silent-a': its worker ended with status 3");
	read_log();
	cr_assert_eq(place("start", "good-b"), -1);
}

Test(storage_workers, who_does_not_stop_is_killed)
{
	struct wanted w[] = {{"fails-a", "/mnt/a", NULL}, {"hangs-b", "/mnt/a/b", NULL}};

	hpl_fake_setting(fake, "worker_stop_ms", "100");
	send_all(w, 2);
	expect_failure("HPL02003E", "the stub fails");
	read_log();
	cr_assert_eq(kill(pid_of("hangs-b"), 0), -1);
	cr_assert_eq(errno, ESRCH);
}

/* Left without its worker it would be a child of this process: how it ended is seen. */
Test(storage_workers, the_mkfs_of_a_killed_worker_dies_with_it)
{
	struct wanted w[] = {{"breaks-a", "/mnt/a", NULL}, {"makes-b", "/mnt/b", NULL}};
	int status = 0;
	pid_t mkfs;

	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	hpl_fake_setting(fake, "worker_stop_ms", "100");
	send_all(w, 2);
	expect_failure("HPL02003E", "the stub fails");
	read_log();
	mkfs = pid_who("program", "makes-b");
	cr_assert_eq(waitpid(mkfs, &status, 0), mkfs, "its worker is gone: %d", errno);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %#x", (unsigned)status);
	cr_expect_eq(place("outlived", "makes-b"), -1);
}

/* Waits until the workers have told it, without the bus. */
static void await_log(const char *what, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/log", base);
	do {
		uv_run(hpl_fake_loop(fake), UV_RUN_NOWAIT);
		if (access(path, R_OK) == 0)
			read_log();
	} while (place(what, name) < 0); /* or the time of the suite */
}

/* The end of a service need not wait for its workers, but none may find its memory freed. */
Test(storage_workers, an_answer_after_the_bus_is_gone_reaches_nobody)
{
	struct wanted w[] = {{"slow-a", "/mnt/a", NULL}};
	int status = 0;
	pid_t worker;

	send_all(w, 1);
	await_log("secret", "slow-a"); /* it has its job */
	worker = pid_of("slow-a");
	hpl_fake_break(fake);
	wait_end(1);
	hpl_service_free(TAKE(service));
	write_log("go slow-a 0\n");
	while (uv_loop_alive(hpl_fake_loop(fake)))
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_assert_eq(waitpid(worker, &status, 0), worker, "it ended, and nobody here has listened: %d", errno);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "status %#x", (unsigned)status);
	read_log();
	cr_expect_eq(place("mount", "slow-a"), -1, "%s", log_text.data);
}

Test(storage_workers, a_worker_that_is_killed_is_HPL02120E_with_volume_and_signal)
{
	struct wanted w[] = {{"dies-a", "/mnt/a", NULL}};

	send_all(w, 1);
	expect_failure("HPL02120E", "volume 'dies-a': its worker was ended by signal 9 (Killed)");
}

Test(storage_workers, a_disk_and_its_copy_are_HPL02123E)
{
	struct wanted w[] = {{"copy-a", "/mnt/a", NULL}, {"copy-b", "/mnt/b", NULL}};

	send_all(w, 2);
	expect_failure("HPL02123E", "has the LUKS UUID of");
	read_log();
	cr_assert(place("mount", "copy-a") < 0 || place("mount", "copy-b") < 0);
}

static void check_wrong(const char *name, const char *cause)
{
	struct wanted w[] = {{name, "/mnt/a", NULL}};

	send_all(w, 1);
	expect_failure("HPL02120E", cause);
	read_log();
	cr_assert_eq(kill(pid_of(name), 0), -1);
}

Test(storage_workers, an_endless_answer_is_HPL02120E)
{
	check_wrong("long-a", "volume 'long-a': its worker cannot be understood");
}

Test(storage_workers, an_answer_that_is_no_message_is_HPL02120E)
{
	check_wrong("junk-a", "volume 'junk-a': its worker cannot be understood");
}

Test(storage_workers, an_answer_out_of_order_is_HPL02120E)
{
	check_wrong("early-a", "volume 'early-a': its worker said what was not asked");
}

Test(storage_workers, a_mapping_that_is_a_path_is_HPL02120E)
{
	check_wrong("path-a", "volume 'path-a': its worker named a mapping that cannot be");
}

Test(storage_workers, another_mapping_than_announced_is_HPL02120E)
{
	check_wrong("other-a", "volume 'other-a': its worker said what was not asked");
}

Test(storage_workers, a_closed_pipe_without_an_end_is_HPL02120E)
{
	check_wrong("mute-a", "volume 'mute-a': its worker was ended by signal 9");
}

Test(storage_workers, a_worker_that_cannot_be_run_is_HPL02122E)
{
	struct wanted w[] = {{"good-a", "/mnt/a", NULL}};

	program = "/nowhere/hpl-storage-volume";
	send_all(w, 1);
	expect_failure("HPL02122E", "volume 'good-a': cannot run /nowhere/hpl-storage-volume");
}

Test(storage_workers, a_worker_gets_the_disk_as_the_scan_left_it)
{
	_cleanup_secret_ struct hpl_secret frame = HPL_SECRET_NULL;
	struct hpl_volume v = {.name = "a", .mount = "/a", .filesystem = "ext4", .mkfs_dir = "/sbin", .root = "/",
		.disk = {.name = "vdb", .path = "/dev/vdb", .serial = "s", .excluded = "no", .size = 1 << 30,
			.major = 254, .minor = 16, .kind = HPL_DISK_UNREADABLE, .data_blank = true,
			.table_torn = true, .why = "because", .part_count = 2,
			.parts = {{"/dev/vdb1", "metadata", 1, 2}, {"/dev/vdb2", "data", 3, 4}}}};
	Hpl__WorkerCommand *c;
	struct hpl_disk d;

	cr_assert_eq(hpl_job_pack(&frame, &v, NULL), 0);
	c = hpl__worker_command__unpack(NULL, frame.len - HPL_FRAME_HEAD, frame.data + HPL_FRAME_HEAD); /* behind its length */
	cr_assert(c && c->what_case == HPL__WORKER_COMMAND__WHAT_JOB);
	cr_assert_eq(hpl_job_take_disk(&d, c->job->disk, NULL), 0);
	cr_expect_eq(d.kind, HPL_DISK_UNREADABLE);
	cr_expect(d.data_blank && d.table_torn);
	cr_expect_str_eq(d.why, "because");
	cr_expect_str_eq(d.excluded, "no");
	cr_expect(d.size == 1 << 30 && d.major == 254 && d.minor == 16 && d.part_count == 2);
	cr_expect_str_eq(d.parts[1].label, "data");
	cr_expect(d.parts[1].start == 3 && d.parts[1].size == 4);
	c->job->disk->kind = 1000;
	cr_expect_eq(hpl_job_take_disk(&d, c->job->disk, NULL), -1);
	hpl__worker_command__free_unpacked(c, NULL);
}

/* What the worker was told that a new key slot costs. */
static void expect_memory(const char *setting, uint64_t guest, const char *kb)
{
	_cleanup_buf_ struct hpl_buf told = HPL_BUF_NULL;
	struct wanted w = {"plain", "/mnt/a"};
	char path[128];

	guest_bytes = guest;
	if (setting)
		hpl_fake_setting(fake, "luks_memory_kb", setting);
	send_all(&w, 1);
	expect_ready(1);
	snprintf(path, sizeof path, "%s/memory-plain", base);
	cr_assert_eq(hpl_file_read(&told, path, 64, NULL), 0);
	cr_expect_str_eq(told.data, kb);
}

Test(storage_workers, a_key_slot_costs_what_a_small_guest_can_pay)
{
	expect_memory("0", 4ULL << 30, "32768");
}

Test(storage_workers, a_key_slot_costs_more_in_a_large_guest)
{
	expect_memory("0", 8ULL << 30, "65536");
}

Test(storage_workers, a_key_slot_costs_by_the_guest_when_nothing_is_set)
{
	expect_memory(NULL, 8ULL << 30, "65536");
}

Test(storage_workers, a_key_slot_costs_what_is_set_whatever_the_guest_has)
{
	expect_memory("4096", 8ULL << 30, "4096");
}

Test(storage_workers, the_number_of_workers_fits_the_memory)
{
	cr_assert_eq(hpl_crew_fit(4, 64ULL << 30), 4);
	cr_assert_eq(hpl_crew_fit(4, 1ULL << 30), 3);
	cr_assert_eq(hpl_crew_fit(4, 512ULL << 20), 1);
	cr_assert_eq(hpl_crew_fit(4, 64ULL << 20), 1);
	cr_assert_eq(hpl_crew_fit(1, 64ULL << 30), 1);
}

Test(storage_workers, beneath_is_by_whole_names)
{
	cr_assert(hpl_crew_beneath("/mnt/a", "/mnt/a/b"));
	cr_assert_not(hpl_crew_beneath("/mnt/a", "/mnt/ab"));
	cr_assert_not(hpl_crew_beneath("/mnt/a", "/mnt/a"));
	cr_assert_not(hpl_crew_beneath("/mnt/a/b", "/mnt/a"));
}

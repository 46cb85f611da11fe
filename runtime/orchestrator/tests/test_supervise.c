/* SPDX-License-Identifier: Apache-2.0 */
/* hpld as a process, with services that behave badly. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"
#include "runtime/base/clock.h"
#include "runtime/base/file.h"

static struct rig rig;

static void init(void)
{
	rig_new(&rig);
}

static void fini(void)
{
	rig_free(&rig);
}

TestSuite(supervise, .init = init, .fini = fini, .timeout = 90);

static void add(const char *name, const char *mode)
{
	rig_add(&rig, name, mode, "oneshot", "", "");
}

#define FAILED "\"topic\":\"service.failed\""

Test(supervise, a_oneshot_that_ends_well_is_an_exited_event_and_no_failure)
{
	char line[4096];

	add("good", "done");
	rig_start(&rig);
	rig_expect(&rig, "journal", "service.ready", "\"service\":\"good\"", NULL);
	rig_expect(&rig, "journal", "service.exited", "\"service\":\"good\"", line);
	cr_assert(strstr(line, "\"source\":\"hpld\""));
	cr_assert_eq(rig_count(&rig, "journal", FAILED, ""), 0);
	cr_assert_eq(rig_end(&rig), 1, "no success was reached");
}

Test(supervise, success_and_a_stop_from_outside_is_exit_0)
{
	rig_add(&rig, "catch", "succeed", "daemon", "receive: [service.exited]\n", "");
	add("good", "done");
	rig_start(&rig);
	rig_expect(&rig, "journal", "catch.success", "", NULL);
	cr_assert_eq(rig_end(&rig), 0);
}

Test(supervise, an_exit_status_is_a_failure_with_its_last_lines)
{
	char line[4096];

	add("bad", "exit3");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "HPL21001E", line);
	cr_assert(strstr(line, "exit status 3"), "%s", line);
	cr_assert(strstr(line, "\"exit_code\":3"), "%s", line);
	rig_expect(&rig, "console", "HPL21001E: A service died. -> bad ended with exit status 3",
		"last words", NULL);
	rig_end(&rig);
	cr_assert_eq(rig_count(&rig, "console", "HPL", "E:"), 1, "one failure, one error line");
	cr_assert_eq(rig_count(&rig, "journal", FAILED, ""), 1);
}

Test(supervise, a_crash_names_its_signal)
{
	char line[4096];

	add("bad", "abort");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "HPL21001E", line);
	cr_assert(strstr(line, "\"signal\":6"), "%s", line);
	rig_end(&rig);
}

Test(supervise, kill_9_is_a_failure_event_at_once)
{
	uint64_t before, after;
	pid_t pid;

	rig_add(&rig, "victim", "idle", "daemon", "", "");
	rig_start(&rig);
	rig_expect(&rig, "journal", "service.ready", "victim", NULL);
	pid = rig_service_pid(&rig, "test-service");
	cr_assert_gt(pid, 0);
	before = hpl_mono_us();
	cr_assert_eq(kill(pid, SIGKILL), 0);
	rig_expect(&rig, "journal", FAILED, "\"signal\":9", NULL);
	after = hpl_mono_us();
	cr_assert_lt(after - before, 5000000);
	rig_end(&rig);
}

Test(supervise, a_daemon_that_ends_is_a_failure_even_with_status_0)
{
	rig_add(&rig, "daemon", "exit0", "daemon", "", "");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "exit status 0", NULL);
	rig_end(&rig);
}

Test(supervise, never_ready_misses_its_deadline)
{
	rig_add(&rig, "slow", "never-ready", "oneshot", "ready_s: 1\n", "");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "HPL21002E", NULL);
	rig_expect(&rig, "console", "HPL21002E", "not ready within 1 s", NULL);
	rig_end(&rig);
	cr_assert_eq(rig_count(&rig, "journal", FAILED, ""), 1, "the kill is not a second failure");
}

Test(supervise, not_done_misses_its_deadline)
{
	rig_add(&rig, "slow", "idle", "oneshot", "done_s: 1\n", "");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "not done within 1 s", NULL);
	rig_end(&rig);
}

Test(supervise, a_hang_is_found_by_the_watchdog)
{
	rig_add(&rig, "stuck", "hang", "oneshot", "watchdog_s: 1\nreceive: [service.ready]\n", "");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "HPL21003E", NULL);
	rig_end(&rig);
	cr_assert_eq(rig_count(&rig, "journal", FAILED, ""), 1);
}

Test(supervise, an_idle_service_is_not_taken_for_hanging)
{
	rig_add(&rig, "calm", "idle", "daemon", "watchdog_s: 1\n", "");
	rig_add(&rig, "clock", "idle", "oneshot", "done_s: 4\nwatchdog_s: 0\n", "");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "\"service\":\"clock\"", NULL);
	cr_assert_eq(rig_count(&rig, "journal", FAILED, "calm"), 0);
	rig_end(&rig);
}

Test(supervise, a_service_that_said_why_it_failed_is_not_said_again)
{
	char line[4096];

	add("honest", "fail");
	add("good", "done");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "HPL05001E", line);
	cr_assert(strstr(line, "\"source\":\"honest\""), "%s", line);
	rig_expect(&rig, "journal", "service.exited", "good", NULL);
	rig_end(&rig);
	cr_assert_eq(rig_count(&rig, "journal", FAILED, ""), 1);
	cr_assert_eq(rig_count(&rig, "console", "E: ", ""), 1);
}

Test(supervise, restarts_are_warnings_until_they_are_used_up)
{
	uint64_t before = hpl_mono_us();

	rig_add(&rig, "storm", "exit3", "daemon", "restart: 3\n", "");
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "storm", NULL);
	cr_assert_geq(hpl_mono_us() - before, 700000, "100 + 200 + 400 ms of waiting");
	cr_assert_eq(rig_count(&rig, "journal", "service.warning", "HPL21009W"), 3);
	cr_assert_eq(rig_count(&rig, "journal", FAILED, ""), 1);
	rig_end(&rig);
}

Test(supervise, a_missing_program_is_said_with_the_step)
{
	char path[128];

	add("ghost", "done");
	snprintf(path, sizeof(path), "%s/libexec/test-service", rig.dir);
	cr_assert_eq(unlink(path), 0);
	rig_start(&rig);
	rig_expect(&rig, "journal", FAILED, "HPL21004E", NULL);
	rig_expect(&rig, "console", "HPL21004E", "execute", NULL);
	rig_end(&rig);
}

Test(supervise, a_wrong_manifest_is_said_with_its_place)
{
	add("good", "done");
	rig_add(&rig, "bad", "done", "oneshot", "colour: red\n", "");
	rig_start(&rig);
	cr_assert_eq(rig_wait(&rig), 1);
	cr_assert_eq(rig_count(&rig, "console", "HPL21005E", "bad.yaml:5:1 colour"), 1);
}

Test(supervise, catch_decides_the_shutdown)
{
	rig_add(&rig, "catch", "catch", "daemon", "receive: [service.failed]\n", "");
	add("bad", "fail");
	rig_start(&rig);
	cr_assert_eq(rig_wait(&rig), 1);
	cr_assert_eq(rig_count(&rig, "journal", "system.shutdown", "catch"), 1);
}

Test(supervise, when_catch_is_lost_hpld_shuts_down)
{
	rig_add(&rig, "catch", "exit3, grace_s: 1", "daemon", "receive: [service.failed]\n", "");
	rig_start(&rig);
	cr_assert_eq(rig_wait(&rig), 1);
	cr_assert_eq(rig_count(&rig, "console", "HPL21006E", ""), 1);
}

Test(supervise, a_boot_without_end_is_a_failure_naming_who_waits)
{
	rig_add(&rig, "waiting", "idle", "oneshot", "", "");
	strcpy(rig.extra, "boot_deadline_s: 1\n");
	rig_start(&rig);
	cr_assert_eq(rig_wait(&rig), 1);
	cr_assert_eq(rig_count(&rig, "console", "HPL21007E", "waiting (ready)"), 1);
}

Test(supervise, a_log_flood_is_bounded_and_the_others_go_on)
{
	add("flood", "flood");
	add("good", "done");
	rig_start(&rig);
	rig_expect(&rig, "journal", "service.exited", "flood", NULL);
	rig_expect(&rig, "journal", "service.exited", "good", NULL);
	rig_end(&rig);
}

Test(supervise, a_console_that_does_not_drain_stops_nobody)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/fifo", rig.dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC); /* a reader that never reads */
	cr_assert_geq(fd, 0);
	snprintf(rig.console, sizeof(rig.console), "%s", path);
	add("loud", "errors");
	add("good", "done");
	rig_start(&rig);
	rig_expect(&rig, "journal", "service.exited", "loud", NULL);
	rig_expect(&rig, "journal", "service.exited", "good", NULL);
	rig_end(&rig);
	close(fd);
}

static int log_server(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_lt(strlen(rig.log_socket), sizeof(a.sun_path));
	memcpy(a.sun_path, rig.log_socket, strlen(rig.log_socket) + 1);
	unlink(a.sun_path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Reads records until one has the text. */
static int expect_record(int fd, const char *text)
{
	char record[9000];
	int count = 0;

	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t n;

		cr_assert_eq(poll(&p, 1, RIG_DEADLINE_MS), 1, "no record with '%s'", text);
		n = recv(fd, record, sizeof(record) - 1, 0);
		cr_assert_gt(n, 0);
		record[n] = '\0';
		count++;
		if (strstr(record, text))
			return count;
	}
}

Test(supervise, lines_before_logging_is_ready_are_delivered_after)
{
	int fd = log_server();
	struct pollfd p = {fd, POLLIN, 0};

	add("early", "done");
	rig_start(&rig);
	rig_expect(&rig, "journal", "service.exited", "early", NULL);
	cr_assert_eq(poll(&p, 1, 0), 0, "nothing is sent before logging.ready");
	rig_end(&rig);
	close(fd);
}

Test(supervise, the_backlog_comes_first_and_a_restarted_receiver_is_found_again)
{
	int fd = log_server();

	add("early", "done");
	rig_add(&rig, "logging", "logging", "daemon", "", "");
	rig_add(&rig, "storm", "exit3", "daemon", "restart: 6\n", "");
	rig_start(&rig);
	expect_record(fd, "tag-early");
	expect_record(fd, "HPL21009W");
	close(fd);
	fd = log_server(); /* the receiver restarts: same path, another socket */
	expect_record(fd, "HPL21001E");
	rig_end(&rig);
	close(fd);
}

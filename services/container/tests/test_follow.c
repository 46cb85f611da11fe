/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "services/container/follow.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define T "2026-11-21T02:26:03.123456789+00:00 "

static char dir[] = "/tmp/hpl-follow-XXXXXX", log_file[300], sock_path[100];
static int sock = -1;
static uv_loop_t loop;
static struct hpl_follow *follow;

static void listen_again(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", sock_path);
	unlink(sock_path);
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(sock, (struct sockaddr *)&a, sizeof(a)), 0);
}

static void append(const char *text)
{
	FILE *f = fopen(log_file, "a");

	cr_assert(f);
	fputs(text, f);
	fclose(f);
}

static void setup(void)
{
	static const char list[] = "[{\"id\":\"" A "\",\"names\":[\"compose_web_1\"]}]";
	struct hpl_follow_config config = {.interval_ms = 5, .compose = true};
	char path[200];

	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" A "/userdata", dir);
	cr_assert_eq(hpl_mkdir_p(path, 0755, NULL), 0);
	snprintf(log_file, sizeof(log_file), "%s/ctr.log", path);
	snprintf(sock_path, sizeof(sock_path), "%s/log", dir);
	snprintf(path, sizeof(path), "%s/containers.json", dir);
	cr_assert_eq(hpl_file_write(path, list, strlen(list), 0600, NULL), 0);
	listen_again();
	uv_loop_init(&loop);
	config.dir = dir;
	config.socket = sock_path;
	cr_assert_eq(hpl_follow_new(&follow, &loop, &config, NULL), 0);
}

static void teardown(void)
{
	hpl_follow_free(follow);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
	close(sock);
}

TestSuite(follow, .init = setup, .fini = teardown);

static void on_deadline(uv_timer_t *t)
{
	*(int *)t->data = 1;
}

/* Runs the loop until a record came or half a second went by; its text behind " - - ". */
static const char *next_record(char *out, size_t size, unsigned wait_ms)
{
	uv_timer_t timer;
	int over = 0;
	ssize_t n = -1;

	uv_timer_init(&loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, on_deadline, wait_ms, 0);
	while (!over && (n = recv(sock, out, size - 1, 0)) < 0)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	if (n < 0)
		return NULL;
	out[n] = 0;
	return out;
}

static void expect(const char *pri, const char *text)
{
	char rec[9000], tail[9000];
	const char *got = next_record(rec, sizeof(rec), 10000);

	cr_assert(got, "nothing came; wanted %s", text);
	cr_assert_eq(strncmp(got, pri, strlen(pri)), 0, "%s", got);
	cr_assert(strstr(got, "2026-11-21T02:26:03.123456Z - compose-web-1 "), "%s", got);
	snprintf(tail, sizeof(tail), " - - %s", text);
	cr_assert(strlen(got) >= strlen(tail));
	cr_assert_str_eq(got + strlen(got) - strlen(tail), tail);
}

Test(follow, lines_arrive_with_tag_time_and_severity)
{
	append(T "stdout F hello\n" T "stderr F oops\n");
	expect("<30>1 ", "hello");
	expect("<27>1 ", "oops");
	append(T "stdout P hal");
	append("f\n");
	append(T "stdout F ves\n");
	expect("<30>1 ", "halfves");
}

Test(follow, a_rotated_file_is_read_to_its_end_and_then_the_new_one)
{
	char other[320];

	append(T "stdout F one\n");
	expect("<30>1 ", "one");
	append(T "stdout F two\n");
	snprintf(other, sizeof(other), "%s.tmp", log_file);
	cr_assert_eq(hpl_file_write(other, T "stdout F three\n", strlen(T "stdout F three\n"), 0600, NULL), 0);
	cr_assert_eq(rename(other, log_file), 0);
	expect("<30>1 ", "two");
	expect("<30>1 ", "three");
}

Test(follow, a_truncated_file_is_read_from_its_begin)
{
	append(T "stdout F a long line that was there before\n");
	expect("<30>1 ", "a long line that was there before");
	cr_assert_eq(truncate(log_file, 0), 0);
	append(T "stdout F new\n");
	expect("<30>1 ", "new");
}

Test(follow, nothing_is_lost_while_the_receiver_is_away)
{
	char text[64], rec[9000];

	close(sock);
	unlink(sock_path);
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), T "stdout F line %d\n", i);
		append(text);
	}
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); /* not bound: hears nothing */
	cr_assert_null(next_record(rec, sizeof(rec), 200));
	close(sock);
	listen_again();
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		expect("<30>1 ", text);
	}
}

Test(follow, a_removed_container_is_read_to_its_end)
{
	char gone[200];

	append(T "stdout F first\n");
	expect("<30>1 ", "first");
	append(T "stdout F last words\n");
	cr_assert_eq(unlink(log_file), 0);
	snprintf(gone, sizeof(gone), "%s/" A "/userdata", dir);
	rmdir(gone);
	expect("<30>1 ", "last words");
}

static void drained(void *ud)
{
	*(int *)ud = 1;
}

Test(follow, draining_ends_when_all_was_handed_over)
{
	char rec[9000];
	int done = 0;

	append(T "stdout F bye\n");
	hpl_follow_drain(follow, 5000, drained, &done);
	while (!done)
		uv_run(&loop, UV_RUN_ONCE);
	cr_assert(next_record(rec, sizeof(rec), 1000));
	cr_assert(strstr(rec, "bye"));
}

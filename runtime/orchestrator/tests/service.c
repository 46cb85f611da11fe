/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service for the tests of hpld: the harness with no work of its own. The setting "mode" says how
 * it behaves once it runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/util.h"
#include "runtime/harness/service.h"

struct state {
	uv_timer_t timer;
	const char *mode;
};

/* LeakSanitizer stops other threads by ptrace, which the sandbox ends the process for. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void say_file(const char *path, const char *key)
{
	char line[256];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		char *tab = strchr(line, '\t');

		if (tab)
			*tab = ' ';
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, key, strlen(key)))
			hpl_log(HPL_SEV_INFO, "probe %s", line);
	}
	if (f)
		fclose(f);
}

static void say_path(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) < 0) {
		hpl_log(HPL_SEV_INFO, "probe path %s absent", path);
		return;
	}
	fd = S_ISDIR(st.st_mode) ? openat(AT_FDCWD, path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) :
		open(path, O_WRONLY | O_CLOEXEC);
	hpl_log(HPL_SEV_INFO, "probe path %s %s", path, fd >= 0 ? "writable" : "read-only");
	if (fd >= 0)
		close(fd);
}

/* Tells what the sandbox looks like from inside; each line is checked by the test. */
static void probe(void)
{
	static const char *const paths[] = {"/", "/usr", "/etc/ssl", "/etc/shadow", "/root", "/var",
		"/home", "/sys", "/dev/null", "/dev/vda", "/dev/kmsg", "/tmp", "/proc/1",
		"/proc/sys/net/ipv6/conf/lo/accept_ra", "/proc/sys/net/ipv4/ip_forward", NULL};
	char names[256] = "";
	int fd;

	hpl_log(HPL_SEV_INFO, "probe uid %u gid %u", getuid(), getgid());
	say_file("/proc/self/status", "Cap");
	say_file("/proc/self/status", "NoNewPrivs");
	say_file("/proc/self/status", "Seccomp:");
	say_file("/proc/self/status", "Groups");
	say_file("/proc/self/limits", "Max open files");
	say_file("/proc/self/limits", "Max core");
	for (const char *const *p = paths; *p; p++)
		say_path(*p);
	for (fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), " %d", fd);
	hpl_log(HPL_SEV_INFO, "probe dumpable %d", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	hpl_log(HPL_SEV_INFO, "probe inet %d", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0 ? errno : 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	hpl_log(HPL_SEV_INFO, "probe bind %d",
		bind(fd, (struct sockaddr *)&(struct sockaddr_un){AF_UNIX, "\0x"}, 5) < 0 ? errno : 0);
	hpl_log(HPL_SEV_INFO, "probe mount %d", syscall(SYS_mount, "a", "/", "b", 0, 0) < 0 ? errno : 0);
	hpl_log(HPL_SEV_INFO, "probe fork %d", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 ? errno : 0);
	hpl_log(HPL_SEV_INFO, "probe unknown %d", syscall(SYS_io_uring_setup, 1, 0) < 0 ? errno : 0);
	hpl_log(HPL_SEV_INFO, "probe end");
}

static void die_by(const char *mode)
{
	if (hpl_streq(mode, "abort"))
		abort();
	if (hpl_streq(mode, "exit3")) {
		hpl_log(HPL_SEV_INFO, "first words");
		hpl_log(HPL_SEV_INFO, "last words");
		_exit(3);
	}
	if (hpl_streq(mode, "exit0"))
		_exit(0);
	if (hpl_streq(mode, "ptrace"))
		ptrace(PTRACE_TRACEME, 0, 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct hpl_service *s = timer->data;
	struct state *st = HPL_CONTAINER(timer, struct state, timer);
	struct hpl_err err = HPL_ERR_NULL;

	die_by(st->mode);
	if (hpl_streq(st->mode, "fail")) {
		HPL_FAIL(&err, HPL_MSG_CONTRACT_VALIDATE_CONTRACT, 0, "told to");
		hpl_service_fail(s, NULL, &err);
	} else if (hpl_streq(st->mode, "flood")) {
		for (int i = 0; i < 20000; i++)
			hpl_log(HPL_SEV_INFO, "flood %d", i);
		hpl_service_done(s);
	} else if (hpl_streq(st->mode, "errors")) {
		for (int i = 0; i < 1500; i++)
			hpl_log(HPL_SEV_ERR, "a long line of error for the console %d %01000d", i, i);
		hpl_log(HPL_SEV_INFO, "all errors said");
		hpl_service_done(s);
	} else if (hpl_streq(st->mode, "probe")) {
		probe();
		hpl_service_done(s);
	} else if (hpl_streq(st->mode, "logging")) {
		hpl_service_publish(s, HPL_TOPIC_LOGGING_READY, NULL, HPL_MSG_NONE, &err);
	} else if (hpl_streq(st->mode, "done")) {
		hpl_log(HPL_SEV_INFO, "done as asked");
		hpl_service_done(s);
	}
	uv_close((uv_handle_t *)timer, NULL);
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct state *st = state;

	st->mode = hpl_service_setting(s, "mode", "done");
	if (hpl_streq(st->mode, "never-ready"))
		for (;;)
			pause();
	if (hpl_streq(st->mode, "early"))
		return HPL_FAIL(err, HPL_MSG_CONTRACT_VALIDATE_CONTRACT, 0, "failed in start");
	uv_timer_init(hpl_service_loop(s), &st->timer);
	st->timer.data = s;
	uv_timer_start(&st->timer, on_timer, 20, 0);
	return 0;
}

/* As catch: asks for the shutdown at the first failure, or says success at workload.started. */
static int on_failed(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct state *st = state;
	Hpl__Shutdown down = HPL__SHUTDOWN__INIT;

	if (!hpl_streq(st->mode, "catch"))
		return 0;
	down.failure = 1;
	down.reason = "a service failed";
	return hpl_service_publish(s, HPL_TOPIC_SYSTEM_SHUTDOWN, &down.base, HPL_MSG_NONE, err);
}

static int on_exited(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct state *st = state;

	if (!hpl_streq(st->mode, "succeed"))
		return 0;
	return hpl_service_publish(s, HPL_TOPIC_CATCH_SUCCESS, NULL, HPL_MSG_NONE, err);
}

/* Not before hpld knows that it is ready: until then the ready deadline is what ends it. */
static int on_ready(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct state *st = state;

	while (hpl_streq(st->mode, "hang"))
		pause();
	return 0;
}

int main(void)
{
	static const struct hpl_handler handlers[] = {
		{HPL_TOPIC_SERVICE_READY, on_ready},
		{HPL_TOPIC_SERVICE_FAILED, on_failed}, {HPL_TOPIC_SERVICE_EXITED, on_exited}, {0},
	};
	static const struct hpl_service_def def = {.name = "test", .handlers = handlers, .start = start};
	static struct state state;

	return hpl_service_main(&def, &state);
}

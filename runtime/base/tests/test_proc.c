/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "runtime/base/proc.h"

Test(proc, input_goes_in_and_output_comes_out)
{
	const char *argv[] = {"/bin/cat", NULL};
	static char big[300000];
	struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .input = big, .input_len = sizeof(big), .timeout_ms = 60000,
		.out = &out};
	int status = -1;

	memset(big, 'x', sizeof(big));
	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	cr_expect_eq(status, 0);
	cr_expect_eq(out.len, sizeof(big));
	hpl_buf_done(&out);
}

Test(proc, output_over_the_limit_is_discarded_and_the_program_goes_on)
{
	const char *argv[] = {"/usr/bin/head", "-c", "100000", "/dev/zero", NULL};
	struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000, .out = &out, .out_limit = 1000};
	int status = -1;

	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	cr_expect_eq(status, 0);
	cr_expect_eq(out.len, 1000);
	hpl_buf_done(&out);
}

Test(proc, environment_is_its_own_and_descriptors_are_closed)
{
	const char *argv[] = {"/bin/sh", "-c", "env | sort; ls /proc/self/fd | wc -l", NULL};
	const char *envp[] = {"ONLY=this", NULL};
	struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .envp = envp, .timeout_ms = 60000, .out = &out};
	int status = -1, extra = dup(0);

	setenv("SECRET", "1", 1);
	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	cr_expect(strstr(out.data, "ONLY=this\n"));
	cr_expect_null(strstr(out.data, "SECRET"));
	cr_expect(strstr(out.data, "\n4\n")); /* 0, 1, 2 and the directory itself */
	close(extra);
	hpl_buf_done(&out);
}

Test(proc, missing_program_exit_code_signal_and_deadline)
{
	const char *none[] = {"/nonexistent/program", NULL};
	const char *seven[] = {"/bin/sh", "-c", "exit 7", NULL};
	const char *killed[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
	const char *sleeper[] = {"/bin/sleep", "100", NULL};
	struct hpl_proc p = {.argv = none, .timeout_ms = 60000};
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	cr_expect_eq(hpl_proc_run(&p, &status, &err), -1);
	cr_expect_eq(err.sys, ENOENT);
	p.argv = seven;
	cr_expect_eq(hpl_proc_run(&p, &status, &err), 0);
	cr_expect_eq(status, 7);
	p.argv = killed;
	cr_expect_eq(hpl_proc_run(&p, &status, &err), 0);
	cr_expect_eq(status, 128 + 9);
	p.argv = sleeper;
	p.timeout_ms = 50;
	cr_expect_eq(hpl_proc_run(&p, &status, &err), -1);
	cr_expect_eq(err.sys, ETIMEDOUT);
}

/* Waits until the program has written its id; 0: it did not within 20 s. */
static pid_t await_pid(const char *path)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	long pid = 0;

	for (int turn = 0; turn < 2000 && !pid; turn++) {
		FILE *f = fopen(path, "re");

		if (f && fscanf(f, "%ld\n", &pid) != 1)
			pid = 0;
		if (f)
			fclose(f);
		nanosleep(&nap, NULL);
	}
	return (pid_t)pid;
}

/* The program of a process that was killed becomes a child of this one: its end is seen, not guessed. */
Test(proc, a_program_dies_with_the_process_that_runs_it, .timeout = 60)
{
	char path[] = "/tmp/hpl-proc-XXXXXX", script[128];
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000};
	int fd = mkstemp(path), status = 0;
	pid_t middle, program;

	snprintf(script, sizeof(script), "echo $$ > %s; exec sleep 20", path);
	cr_assert(fd >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	middle = fork();
	if (middle == 0) {
		hpl_proc_run(&p, &status, NULL);
		_exit(0);
	}
	program = await_pid(path);
	cr_assert_gt(program, 0);
	cr_assert_eq(kill(middle, SIGKILL), 0);
	cr_assert_eq(waitpid(middle, &status, 0), middle);
	cr_assert_eq(waitpid(program, &status, 0), program, "it is a child of nobody else: %d", errno);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %#x", (unsigned)status);
	close(fd);
	unlink(path);
}

Test(proc, ignored_and_blocked_signals_are_not_handed_on)
{
	const char *argv[] = {"/bin/grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status", NULL};
	struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000, .out = &out};
	int status = -1;
	sigset_t set;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	cr_assert_eq(status, 0);
	cr_expect_str_eq(out.data, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	sigprocmask(SIG_BLOCK, NULL, &set);
	cr_expect(sigismember(&set, SIGTERM) && !sigismember(&set, SIGINT), "the caller's mask is as it was");
	hpl_buf_done(&out);
}

Test(proc, a_program_may_be_killed_in_its_own_group_only)
{
	const char *argv[] = {"/bin/sh", "-c", "kill -9 0", NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000};
	int status = -1;

	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	cr_expect_eq(status, 128 + 9);
}

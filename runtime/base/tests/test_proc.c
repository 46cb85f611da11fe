/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>

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

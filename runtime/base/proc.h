/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Running another program to its end: argument vector, own environment, bytes to its standard
 * input, bounded output, deadline. Blocks; services that answer a watchdog use hpl_child of the
 * harness instead. Nothing passes a shell. The child gets descriptors 0, 1, 2 only, leads a process
 * group of its own, and is killed when this process ends before it: nothing is written by an orphan.
 */
#include "runtime/base/buf.h"

struct hpl_proc {
	const char *const *argv;     /* argv[0] is an absolute path; NULL-terminated */
	const char *const *envp;     /* NULL: PATH and LANG=C only */
	const void *input;           /* bytes for standard input, NULL: /dev/null */
	size_t input_len;
	const char *cwd;             /* NULL: "/" */
	int timeout_ms;              /* the whole run; then SIGKILL. Must be > 0 */
	struct hpl_buf *out;         /* standard output; NULL: discarded */
	struct hpl_buf *errout;      /* standard error; NULL: merged into out */
	size_t out_limit;            /* bytes kept of each, the rest is discarded; 0 = 1 MiB */
};
/* 0: the program exited; *ret_status is its exit code (128 + signal when killed by one).
 * -1: it could not be run or missed the deadline; then it is dead, or, 10 s later, still waits in the kernel. */
int hpl_proc_run(const struct hpl_proc *p, int *ret_status, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpl-launch: applies the sandbox that hpld packed, then executes the service. Started by hpld only,
 * with the descriptors of enum hpl_launch_fd; takes no arguments. When a step fails it says which
 * one through the status pipe and exits with 125.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "runtime/launcher/steps.h"

enum { EXIT_NOT_STARTED = 125 };

static char *const service_env[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/", NULL,
};

int hpl_launch_failed(struct hpl_launch_report *r, int sys, const char *fmt, ...)
{
	va_list ap;

	r->sys = sys;
	va_start(ap, fmt);
	vsnprintf(r->step, sizeof(r->step), fmt, ap);
	va_end(ap);
	return -1;
}

/* The memory file is shared by all starts of the service and sealed by hpld. */
static int read_spec(struct hpl_sandbox *ret, struct hpl_launch_report *r)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct stat st;
	void *map;
	int rc;

	if (fstat(HPL_LAUNCH_SPEC, &st) < 0)
		return hpl_launch_failed(r, errno, "read the sandbox");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, HPL_LAUNCH_SPEC, 0);
	if (map == MAP_FAILED)
		return hpl_launch_failed(r, errno, "read the sandbox");
	rc = hpl_sandbox_unpack(ret, map, (size_t)st.st_size, &err);
	munmap(map, (size_t)st.st_size);
	return rc < 0 ? hpl_launch_failed(r, err.sys, "%.200s", err.text) : 0;
}

static int has_fd(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* What is joined rather than made: cgroup and the one empty network namespace. */
static int join(struct hpl_launch_report *r)
{
	if (has_fd(HPL_LAUNCH_CGROUP) && write(HPL_LAUNCH_CGROUP, "0", 1) != 1)
		return hpl_launch_failed(r, errno, "join the cgroup");
	if (has_fd(HPL_LAUNCH_NETNS) && setns(HPL_LAUNCH_NETNS, CLONE_NEWNET) < 0)
		return hpl_launch_failed(r, errno, "join the empty network");
	return 0;
}

static int launch(struct hpl_launch_report *r)
{
	struct hpl_sandbox s = HPL_SANDBOX_NULL;
	char *argv[2];

	if (read_spec(&s, r) < 0 || join(r) < 0)
		return -1;
	umask(022);
	if ((s.flags & HPL_SANDBOX_PRIVILEGED) && hpl_launch_root(&s, r) < 0)
		return -1;
	if (hpl_launch_limits(&s, r) < 0 || hpl_launch_identity(&s, r) < 0)
		return -1;
	/* the status pipe closes by itself when exec works */
	fcntl(HPL_LAUNCH_STATUS, F_SETFD, FD_CLOEXEC);
	close(HPL_LAUNCH_SPEC);
	if (close_range(HPL_LAUNCH_NETNS, ~0U, 0) < 0)
		return hpl_launch_failed(r, errno, "close descriptors");
	if (hpl_launch_filter(&s, r) < 0)
		return -1;
	argv[0] = s.name;
	argv[1] = NULL;
	execve(s.program, argv, service_env);
	return hpl_launch_failed(r, errno, "execute %s", s.program);
}

int main(void)
{
	struct hpl_launch_report report = {0};

	if (!has_fd(HPL_LAUNCH_SPEC) || !has_fd(HPL_LAUNCH_STATUS)) {
		fputs("hpl-launch is started by hpld only\n", stderr);
		return EXIT_NOT_STARTED;
	}
	launch(&report);
	/* less than PIPE_BUF, so it arrives whole; hpld may be gone, then nobody is to be told */
	if (write(HPL_LAUNCH_STATUS, &report, sizeof(report)) < 0)
		return EXIT_NOT_STARTED;
	return EXIT_NOT_STARTED;
}

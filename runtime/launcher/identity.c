/* SPDX-License-Identifier: Apache-2.0 */
/* Who the service is: limits, user, groups, capabilities, and the filter of its system calls. */
#include "runtime/launcher/steps.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int limit(int what, uint64_t value, const char *name, struct hpl_launch_report *r)
{
	struct rlimit l = {value, value};

	if (setrlimit((__rlimit_resource_t)what, &l) < 0)
		return hpl_launch_failed(r, errno, "limit %s", name);
	return 0;
}

int hpl_launch_limits(const struct hpl_sandbox *s, struct hpl_launch_report *r)
{
	if (limit(RLIMIT_CORE, 0, "core", r) < 0 || limit(RLIMIT_NOFILE, s->nofile, "nofile", r) < 0 ||
		limit(RLIMIT_MEMLOCK, s->memlock_bytes, "memlock", r) < 0)
		return -1;
	return s->nproc ? limit(RLIMIT_NPROC, s->nproc, "nproc", r) : 0;
}

/* Takes every capability out of the bounding set that the manifest does not name. */
static int bound(uint64_t keep, struct hpl_launch_report *r)
{
	for (int cap = 0; cap < 64; cap++) {
		if (keep & (1ULL << cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			if (errno == EINVAL) /* the kernel's last one was before */
				return 0;
			return hpl_launch_failed(r, errno, "drop capability %d", cap);
		}
	}
	return 0;
}

static int set_capabilities(uint64_t keep, struct hpl_launch_report *r)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	uint32_t low = (uint32_t)keep, high = (uint32_t)(keep >> 32);
	struct __user_cap_data_struct data[2] = {{low, low, low}, {high, high, high}};

	if (syscall(SYS_capset, &head, data) < 0)
		return hpl_launch_failed(r, errno, "capset");
	for (int cap = 0; cap < 64; cap++)
		if ((keep & (1ULL << cap)) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return hpl_launch_failed(r, errno, "ambient capability %d", cap);
	return 0;
}

/*
 * Securebits keep user 0 from getting capabilities by being user 0: a service has what its manifest
 * names, whoever it is. Not for services that start workloads: there user 0 has its usual meaning.
 */
static int bind_root(const struct hpl_sandbox *s, struct hpl_launch_report *r)
{
	unsigned long bits = 1UL << 0 | 1UL << 1 | 1UL << 2 | 1UL << 3; /* NOROOT, NO_SETUID_FIXUP, locked */

	if (s->flags & HPL_SANDBOX_NEW_PRIVILEGES)
		return 0;
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return hpl_launch_failed(r, errno, "securebits");
	return 0;
}

static int become(const struct hpl_sandbox *s, struct hpl_launch_report *r)
{
	gid_t groups[HPL_SANDBOX_GROUPS];

	for (uint32_t i = 0; i < s->group_count; i++)
		groups[i] = s->groups[i];
	if (setgroups(s->group_count, groups) < 0)
		return hpl_launch_failed(r, errno, "groups");
	if (bound(s->capabilities, r) < 0 || bind_root(s, r) < 0)
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return hpl_launch_failed(r, errno, "keep capabilities");
	if (setresgid(s->gid, s->gid, s->gid) < 0)
		return hpl_launch_failed(r, errno, "group %u", s->gid);
	if (setresuid(s->uid, s->uid, s->uid) < 0)
		return hpl_launch_failed(r, errno, "user %u", s->uid);
	return set_capabilities(s->capabilities, r);
}

int hpl_launch_identity(const struct hpl_sandbox *s, struct hpl_launch_report *r)
{
	if ((s->flags & HPL_SANDBOX_PRIVILEGED) && become(s, r) < 0)
		return -1;
	if (!(s->flags & HPL_SANDBOX_NEW_PRIVILEGES) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return hpl_launch_failed(r, errno, "no_new_privs");
	/* after the change of user, which clears it: without the orchestrator no service */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return hpl_launch_failed(r, errno, "death signal");
	return 0;
}

int hpl_launch_filter(const struct hpl_sandbox *s, struct hpl_launch_report *r)
{
	struct sock_fprog program = {
		.len = (unsigned short)(s->filter_size / sizeof(struct sock_filter)),
		.filter = s->filter,
	};

	if (!s->filter_size)
		return 0;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &program) < 0)
		return hpl_launch_failed(r, errno, "system call filter");
	return 0;
}

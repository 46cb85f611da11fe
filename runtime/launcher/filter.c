/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/launcher/filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

/*
 * Names that a CPU does not have are skipped, so that one list serves x86-64 and s390x.
 * execve is in base: the launcher itself needs it after the filter is loaded, and a program that
 * the service would execute keeps the same filter, user, capabilities and root.
 * sched_setscheduler: libzmq sets the policy that its threads have already, and aborts on EPERM.
 * clone3 is in no group: its flags cannot be looked at, and glibc falls back to clone on ENOSYS.
 */
static const char *const calls_base[] = {
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
	"pwritev2", "close", "close_range", "fstat", "newfstatat", "stat", "lstat", "statx",
	"lseek", "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "pipe",
	"pipe2", "dup", "dup2", "dup3", "fcntl", "futex", "futex_waitv", "nanosleep",
	"clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time", "times",
	"timerfd_create", "timerfd_settime", "timerfd_gettime", "mmap", "munmap", "mprotect",
	"mremap", "madvise", "brk", "mlock", "mlock2", "munlock", "mlockall", "munlockall", "msync",
	"mincore", "memfd_create", "getrandom", "getpid", "getppid", "gettid", "getuid", "geteuid",
	"getgid", "getegid", "getresuid", "getresgid", "getgroups", "getpgid", "getpgrp", "getsid",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
	"rt_sigsuspend", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigreturn", "sigaltstack",
	"signalfd", "signalfd4", "restart_syscall", "exit", "exit_group", "set_tid_address",
	"set_robust_list", "get_robust_list", "rseq", "arch_prctl", "prctl", "capget",
	"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
	"sched_get_priority_max", "sched_get_priority_min", "sched_setscheduler", "sched_setparam", "uname", "sysinfo", "getrlimit",
	"setrlimit", "getrusage", "getcpu", "membarrier", "connect", "sendto", "sendmsg",
	"sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "getsockopt", "setsockopt", "getsockname",
	"getpeername", "shutdown", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
	"getcwd", "getdents", "getdents64", "statfs", "fstatfs", "openat2", "execve", "tgkill", "umask", "getitimer", "setitimer", "alarm", "pause",
	"socketcall", "s390_runtime_instr", "s390_pci_mmio_read", "s390_pci_mmio_write", NULL,
};
static const char *const calls_file[] = {
	"creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat",
	"renameat2", "link", "linkat", "symlink", "symlinkat", "chmod", "fchmod", "fchmodat",
	"chown", "fchown", "lchown", "fchownat", "truncate", "ftruncate", "fallocate", "fsync",
	"fdatasync", "sync_file_range", "sync", "syncfs", "flock", "utimensat", "utime", "utimes",
	"futimesat", "chdir", "fchdir", "fadvise64", "readahead",
	"sendfile", "splice", "tee", "vmsplice", "copy_file_range", "getxattr",
	"lgetxattr", "fgetxattr", "setxattr", "lsetxattr", "fsetxattr", "listxattr", "llistxattr",
	"flistxattr", "removexattr", "lremovexattr", "fremovexattr", "inotify_init",
	"inotify_init1", "inotify_add_watch", "inotify_rm_watch", "mknod", "mknodat",
	"name_to_handle_at", "ioprio_get", "ioprio_set", "io_setup", "io_destroy", "io_submit",
	"io_getevents", "io_cancel", "io_pgetevents", NULL,
};
static const char *const calls_process[] = {
	"fork", "vfork", "execveat", "wait4", "waitid", "kill", "tkill", "setpgid",
	"setsid", "pidfd_open", "pidfd_send_signal", "setpriority", "getpriority",
	"sched_setaffinity", "sched_setattr", "sched_getattr", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
	"setgroups", "setfsuid", "setfsgid", "capset", NULL,
};
static const char *const calls_mount[] = {
	"mount", "umount", "umount2", "pivot_root", "chroot", "unshare", "setns", "open_tree",
	"move_mount", "mount_setattr", "fsopen", "fsconfig", "fsmount", "fspick", "swapon",
	"swapoff", "shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semtimedop", "semctl",
	NULL,
};
static const char *const calls_net[] = {
	"bind", "listen", "accept", "accept4", "sethostname", "setdomainname", NULL,
};
static const char *const calls_keyring[] = {
	"add_key", "keyctl", "request_key", NULL,
};
static const char *const calls_time[] = {
	"clock_settime", "settimeofday", "adjtimex", "clock_adjtime", NULL,
};
/* what ends the process, unless the group container is named */
static const char *const calls_never[] = {
	"ptrace", "process_vm_readv", "process_vm_writev", "kexec_load", "kexec_file_load",
	"init_module", "finit_module", "delete_module", "bpf", "perf_event_open", "userfaultfd",
	"reboot", "acct", "iopl", "ioperm", "modify_ldt", "lookup_dcookie", "quotactl",
	"quotactl_fd", "open_by_handle_at", "kcmp", "uselib", "nfsservctl", "vhangup",
	"s390_pci_mmio_read", "s390_sthyi", NULL,
};
/* what even the container engine and its workloads do not get: EPERM, as engines themselves say */
static const char *const calls_container_never[] = {
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot",
	"iopl", "ioperm", "swapon", "swapoff", "acct", "uselib", "nfsservctl", NULL,
};

enum { G_BASE = 1, G_FILE = 2, G_PROCESS = 4, G_MOUNT = 8, G_NET = 16, G_KEYRING = 32, G_TIME = 64,
	G_CONTAINER = 128 };
/* ioctl is bounded by the devices that are visible and by capabilities */
enum { G_ANY_IOCTL = G_FILE | G_PROCESS | G_MOUNT | G_NET, G_CIPHERS = G_MOUNT | G_KEYRING };

static const struct {
	const char *name;
	hpl_filter_groups bit;
	const char *const *calls;
} groups_table[] = {
	{"base", G_BASE, calls_base},
	{"file", G_FILE, calls_file},
	{"process", G_PROCESS, calls_process},
	{"mount", G_MOUNT, calls_mount},
	{"net", G_NET, calls_net},
	{"keyring", G_KEYRING, calls_keyring},
	{"time", G_TIME, calls_time},
	{"container", G_CONTAINER, NULL},
};

hpl_filter_groups hpl_filter_group_find(const char *name)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(groups_table); i++)
		if (hpl_streq(groups_table[i].name, name))
			return groups_table[i].bit;
	return 0;
}

/* Adds one action for each call; calls whose action is the default already are left out. */
static int add_all(scmp_filter_ctx ctx, uint32_t action, const char *const *names)
{
	for (; *names; names++) {
		int nr = seccomp_syscall_resolve_name(*names);
		int rc;

		if (nr == __NR_SCMP_ERROR)
			continue;
		rc = seccomp_rule_add(ctx, action, nr, 0);
		/* EEXIST, EACCES: an earlier list has said it */
		if (rc < 0 && rc != -EEXIST && rc != -EACCES && rc != -EDOM)
			return rc;
	}
	return 0;
}

static int allow_arg(scmp_filter_ctx ctx, const char *name, struct scmp_arg_cmp cmp)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, nr, 1, &cmp);
}

#define NEW_NAMESPACES                                                                             \
	((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |  \
		CLONE_NEWPID | CLONE_NEWNET))

/* The arguments that decide: which sockets, which ioctls, threads but no processes. */
static int add_arguments(scmp_filter_ctx ctx, hpl_filter_groups g)
{
	static const unsigned long ioctls[] = {FIONBIO, FIONREAD, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ};
	static const char *const open_calls[] = {"open", "openat", NULL};
	/* s390x passes the flags of clone as the second argument */
#ifdef __s390x__
	unsigned int flags_arg = 1;
#else
	unsigned int flags_arg = 0;
#endif
	int rc = add_all(ctx, SCMP_ACT_ALLOW, open_calls);

	for (size_t i = 0; i < HPL_ARRAY_SIZE(ioctls) && !rc && !(g & G_ANY_IOCTL); i++)
		rc = allow_arg(ctx, "ioctl", SCMP_CMP64(1, SCMP_CMP_EQ, ioctls[i]));
	if (!rc && (g & G_ANY_IOCTL))
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 0);
	if (!rc && (g & G_NET))
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 0);
	else if (!rc && (g & G_CIPHERS)) /* libcryptsetup takes the kernel's ciphers */
		rc = allow_arg(ctx, "socket", SCMP_CMP64(0, SCMP_CMP_EQ, AF_ALG));
	if (!rc && !(g & G_NET))
		rc = allow_arg(ctx, "socket", SCMP_CMP64(0, SCMP_CMP_EQ, AF_UNIX));
	if (!rc && (g & G_MOUNT) && !(g & G_NET))
		rc = allow_arg(ctx, "socket", SCMP_CMP64(0, SCMP_CMP_EQ, AF_NETLINK));
	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 0);
	if (!rc && (g & G_CIPHERS) && !(g & G_NET)) /* AF_ALG hands out its operations by accept */
		rc = add_all(ctx, SCMP_ACT_ALLOW, (const char *const[]){"accept", "accept4", "bind", NULL});
	if (!rc && (g & G_PROCESS) && (g & G_MOUNT))
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 0);
	else if (!rc && (g & G_PROCESS))
		rc = allow_arg(ctx, "clone",
			SCMP_CMP64(flags_arg, SCMP_CMP_MASKED_EQ, NEW_NAMESPACES, 0));
	else if (!rc)
		rc = allow_arg(ctx, "clone",
			SCMP_CMP64(flags_arg, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (!rc) /* limits of itself only, unless it has children to give limits to */
		rc = (g & G_PROCESS) ? seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 0) :
			allow_arg(ctx, "prlimit64", SCMP_CMP64(0, SCMP_CMP_EQ, 0));
	return rc;
}

static int add_rules(scmp_filter_ctx ctx, hpl_filter_groups g)
{
	int rc = 0;

	if (g & G_CONTAINER)
		return add_all(ctx, SCMP_ACT_ERRNO(EPERM), calls_container_never);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(groups_table) && !rc; i++)
		if (groups_table[i].calls && (g & groups_table[i].bit))
			rc = add_all(ctx, SCMP_ACT_ALLOW, groups_table[i].calls);
	if (!rc)
		rc = add_arguments(ctx, g);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(groups_table) && !rc; i++) {
		if (groups_table[i].calls && !(g & groups_table[i].bit))
			rc = add_all(ctx, SCMP_ACT_ERRNO(EPERM), groups_table[i].calls);
	}
	if (!rc)
		rc = add_all(ctx, SCMP_ACT_KILL_PROCESS, calls_never);
	return rc;
}

/* libseccomp writes to descriptors only */
static int export_program(struct hpl_buf *out, scmp_filter_ctx ctx, struct hpl_err *err)
{
	_cleanup_close_ int fd = memfd_create("filter", MFD_CLOEXEC);
	char chunk[4096];
	ssize_t n;
	int rc;

	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot make a memory file");
	rc = seccomp_export_bpf(ctx, fd);
	if (rc < 0)
		return HPL_FAIL(err, 0, -rc, "cannot compile the system call filter");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return HPL_FAIL(err, 0, errno, "cannot rewind the filter");
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		hpl_buf_add(out, chunk, (size_t)n);
	if (n < 0)
		return HPL_FAIL(err, 0, errno, "cannot read the filter back");
	return out->failed ? HPL_OOM(err) : 0;
}

int hpl_filter_compile(struct hpl_buf *out, hpl_filter_groups groups, struct hpl_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(groups & G_CONTAINER ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));
	int rc;

	if (!ctx)
		return HPL_OOM(err);
	/* a binary tree instead of a chain: half the cost of each call of a service */
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!rc)
		rc = add_rules(ctx, groups | G_BASE);
	if (rc < 0)
		rc = HPL_FAIL(err, 0, -rc, "cannot build the system call filter");
	else
		rc = export_program(out, ctx, err);
	seccomp_release(ctx);
	return rc;
}

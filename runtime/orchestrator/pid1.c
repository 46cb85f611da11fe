/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only process 1 does before the loop: the file systems and kernel settings that a guest with
 * containers needs. Everything is made only where it is missing, so that a bootloader may have
 * made it before. What a container engine needs of it: facts, container-engine section 5.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "runtime/base/file.h"
#include "runtime/orchestrator/hpld.h"
#include "runtime/orchestrator/power.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

static const struct mount_row {
	const char *dir, *type, *options;
	unsigned long flags;
	long magic;              /* already of this type: left as it is */
	mode_t mode;
} mounts[] = {
	{"/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, PROC_SUPER_MAGIC, 0555},
	{"/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, SYSFS_MAGIC, 0555},
	/* devtmpfs says TMPFS_MAGIC; mounting it again would only lay it over itself */
	{"/dev", "devtmpfs", "mode=755", MS_NOSUID | MS_NOEXEC, TMPFS_MAGIC, 0755},
	{"/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC,
		DEVPTS_SUPER_MAGIC, 0755},
	{"/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, TMPFS_MAGIC, 01777},
	{"/dev/mqueue", "mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0x19800202, 0755},
	{"/run", "tmpfs", "mode=755", MS_NOSUID | MS_NODEV, TMPFS_MAGIC, 0755},
	{"/tmp", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, TMPFS_MAGIC, 01777},
	{CGROUP_ROOT, "cgroup2", "nsdelegate", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		CGROUP2_SUPER_MAGIC, 0555},
};

/* Kernel settings; one that the kernel does not have is skipped. */
static const struct {
	const char *path, *value;
} sysctls[] = {
	{"/proc/sys/net/ipv4/ip_forward", "1"},
	{"/proc/sys/net/ipv6/conf/all/forwarding", "1"},
	{"/proc/sys/net/ipv4/conf/all/rp_filter", "2"},
	{"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
	{"/proc/sys/kernel/core_pattern", "|/bin/false"}, /* no secret in a core file */
	{"/proc/sys/kernel/kptr_restrict", "2"},
	{"/proc/sys/kernel/dmesg_restrict", "1"},
	{"/proc/sys/kernel/yama/ptrace_scope", "2"},
	{"/proc/sys/kernel/kexec_load_disabled", "1"},
	{"/proc/sys/kernel/sysrq", "0"},
	/* refused calls (EPERM, ENOSYS) are how the filters work every day; what ends a process is said */
	{"/proc/sys/kernel/seccomp/actions_logged", "kill_process kill_thread trap"},
	{"/proc/sys/kernel/unprivileged_bpf_disabled", "1"},
	{"/proc/sys/fs/protected_hardlinks", "1"},
	{"/proc/sys/fs/protected_symlinks", "1"},
	{"/proc/sys/fs/inotify/max_user_instances", "1024"},
	{"/proc/sys/vm/panic_on_oom", "0"},
};

static int mount_missing(const struct mount_row *m, struct hpl_err *err)
{
	struct statfs fs;
	struct stat st, up;
	char parent[64];

	if (mkdir(m->dir, m->mode) < 0 && errno != EEXIST)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, errno, "cannot make %s", m->dir);
	snprintf(parent, sizeof(parent), "%s/..", m->dir);
	/* of the right type and a mount point: something is there already */
	if (statfs(m->dir, &fs) == 0 && fs.f_type == m->magic && stat(m->dir, &st) == 0 &&
		stat(parent, &up) == 0 && st.st_dev != up.st_dev)
		return 0;
	if (mount(m->type, m->dir, m->type, m->flags, m->options) == 0 || errno == EBUSY)
		return 0;
	if (errno == ENODEV) /* a kernel without it (mqueue) */
		return 0;
	return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, errno, "cannot mount %s", m->dir);
}

static int put(const char *path, const char *value)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return write(fd, value, strlen(value)) < 0 ? -1 : 0;
}

static void link_missing(const char *target, const char *path)
{
	if (symlink(target, path) < 0 && errno != EEXIST)
		fprintf(stderr, "hpld: cannot link %s: %s\n", path, strerror(errno));
}

/* hpld in a leaf of its own, because a cgroup with children may not hold processes; every
 * controller that the kernel has, for its children. */
static void setup_cgroups(void)
{
	_cleanup_buf_ struct hpl_buf list = HPL_BUF_NULL;
	char one[64];
	char *save = NULL;

	mkdir(CGROUP_ROOT "/init", 0755);
	if (put(CGROUP_ROOT "/init/cgroup.procs", "1") < 0)
		return;
	if (hpl_file_read(&list, CGROUP_ROOT "/cgroup.controllers", 4096, NULL) < 0 || !list.data)
		return;
	mkdir(CGROUP_ROOT "/hpl", 0755);
	for (char *c = strtok_r(list.data, " \n", &save); c; c = strtok_r(NULL, " \n", &save)) {
		snprintf(one, sizeof(one), "+%s", c);
		/* one by one: a controller that cannot be had does not keep the others away */
		put(CGROUP_ROOT "/cgroup.subtree_control", one);
		put(CGROUP_ROOT "/hpl/cgroup.subtree_control", one);
	}
}

int hpld_cgroup_make(const struct hpl_manifest *m)
{
	char dir[160], path[200], value[32];
	struct statfs fs;

	if (statfs(CGROUP_ROOT, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return -1;
	snprintf(dir, sizeof(dir), CGROUP_ROOT "/hpl/%s", m->name);
	if (hpl_mkdir_p(dir, 0755, NULL) < 0)
		return -1;
	if (m->memory_mb) {
		snprintf(path, sizeof(path), "%s/memory.max", dir);
		snprintf(value, sizeof(value), "%lluM", (unsigned long long)m->memory_mb);
		put(path, value);
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	return open(path, O_WRONLY | O_CLOEXEC);
}

static void set_hostname(void)
{
	_cleanup_buf_ struct hpl_buf name = HPL_BUF_NULL;

	if (hpl_file_read(&name, "/etc/hostname", 256, NULL) < 0 || !name.data)
		return;
	name.data[strcspn(name.data, " \t\r\n")] = '\0';
	if (name.data[0] && sethostname(name.data, strlen(name.data)) < 0)
		fprintf(stderr, "hpld: cannot set the host name: %s\n", strerror(errno));
}

/* Descriptors 0 to 2: the kernel may have started us without a console. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 2);
	if (fd > 2)
		close(fd);
}

int hpld_pid1_setup(struct hpld *h, struct hpl_err *err)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(mounts); i++)
		if (mount_missing(&mounts[i], err) < 0)
			return -1;
	open_standard();
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, errno, "cannot share the root");
	/* programs of the guest that know syslog only; rsyslogd makes the socket when logging is up */
	link_missing("/run/hpl/log/dev-log", "/dev/log");
	link_missing("/proc/self/fd", "/dev/fd");
	link_missing("/proc/self/fd/0", "/dev/stdin");
	link_missing("/proc/self/fd/1", "/dev/stdout");
	link_missing("/proc/self/fd/2", "/dev/stderr");
	mkdir("/run/lock", 01777);
	mkdir("/run/user", 0755);
	mkdir("/run/user/0", 0700);
	setup_cgroups();
	for (size_t i = 0; i < HPL_ARRAY_SIZE(sysctls); i++)
		put(sysctls[i].path, sysctls[i].value);
	set_hostname();
	/* ctrl-alt-del (also the stop key of s390x) becomes SIGINT instead of a reset */
	reboot(RB_DISABLE_CAD);
	if (!h->opt.console)
		h->opt.console = "/dev/console";
	return 0;
}

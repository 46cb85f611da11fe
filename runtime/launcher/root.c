/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root that a service sees: a small tmpfs in a mount namespace of its own, with the allowed
 * paths bound into it one by one. What is not bound does not exist for the service.
 *
 * Trees are cloned with open_tree() while the old root is still there and attached with
 * move_mount(), so that flags (read-only, no set-user-id) are on a tree before anyone can see it.
 */
#include "runtime/launcher/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "runtime/base/file.h"

/* glibc's own sys/mount.h collides with linux/mount.h */
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
#ifndef MS_REC
#define MS_REC 16384
#define MS_PRIVATE (1 << 18)
#define MS_SLAVE (1 << 19)
#define MS_NOSUID 2
#define MS_NOEXEC 8
#define MS_NODEV 4
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

/* Seen by every service. A missing one is left out (a root without /lib32). */
static const char *const system_paths[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", NULL,
};
/* What libraries read at their start; services with network see the whole of /etc, because
 * resolv.conf is replaced there while they run. Not nsswitch.conf: glibc's default (files) is what
 * is wanted, and Debian's makes libzmq's start look for libnss_db in a hundred places. */
static const char *const etc_paths[] = {
	"/etc/ld.so.cache", "/etc/ssl", "/etc/localtime", "/etc/passwd", "/etc/group", NULL,
};
static const struct {
	const char *name;
	unsigned int major, minor;
} nodes[] = {
	{"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8},
	{"dev/urandom", 1, 9},
};

/* Makes the directories of path (relative to the new root) and, for a file, an empty file. */
static int make_target(int root_fd, const char *path, bool is_dir)
{
	char part[HPL_SANDBOX_TEXT];
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (path[i] == '\0' && !is_dir)
			break;
		if (mkdirat(root_fd, part, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	/* beneath a tree that is bound read-only it is there already, or cannot be made */
	if (is_dir || faccessat(root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* Binds path of the old root at the same place of the new one. */
static int bind_tree(int root_fd, const char *path, enum hpl_sandbox_path_kind kind,
	struct hpl_launch_report *r)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (kind != HPL_PATH_DEVICE)
		attr.attr_set |= MOUNT_ATTR_NODEV;
	if (kind == HPL_PATH_READ)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	/* what is not there when the service starts stays absent; a kernel may lack a setting */
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR) &&
		(kind != HPL_PATH_WRITE || !strncmp(path, "/proc/", 6)))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return hpl_launch_failed(r, errno, "open %s", path);
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return hpl_launch_failed(r, errno, "flags of %s", path);
	if (make_target(root_fd, path + 1, S_ISDIR(st.st_mode)) < 0)
		return hpl_launch_failed(r, errno, "place for %s", path);
	if (syscall(SYS_move_mount, fd, "", root_fd, path + 1, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return hpl_launch_failed(r, errno, "bind %s", path);
	return 0;
}

/* /lib and the like are links on a merged root: the link is made again, the target is in /usr. */
static int bind_system(int root_fd, struct hpl_launch_report *r)
{
	char link[256];

	for (const char *const *p = system_paths; *p; p++) {
		ssize_t n = readlink(*p, link, sizeof(link) - 1);

		if (n > 0) {
			link[n] = '\0';
			if (symlinkat(link, root_fd, *p + 1) < 0)
				return hpl_launch_failed(r, errno, "link %s", *p);
		} else if (bind_tree(root_fd, *p, HPL_PATH_READ, r) < 0) {
			return -1;
		}
	}
	return 0;
}

static int make_devices(int root_fd, struct hpl_launch_report *r)
{
	if (mkdirat(root_fd, "dev", 0755) < 0)
		return hpl_launch_failed(r, errno, "mkdir /dev");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(nodes); i++)
		if (mknodat(root_fd, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0 ||
			fchmodat(root_fd, nodes[i].name, 0666, 0) < 0)
			return hpl_launch_failed(r, errno, "mknod /%s", nodes[i].name);
	if (symlinkat("/proc/self/fd", root_fd, "dev/fd") < 0)
		return hpl_launch_failed(r, errno, "link /dev/fd");
	return 0;
}

static bool lists_below(const struct hpl_sandbox *s, const char *directory)
{
	for (uint32_t i = 0; i < s->path_count; i++)
		if (!strncmp(s->paths[i].path, directory, strlen(directory)))
			return true;
	return false;
}

/* Own file systems: processes of others are hidden, /tmp is the service's alone. Of /proc there are the
 * processes only, unless the manifest lists settings of the kernel: then all is there, and of
 * /proc/sys nothing can be written but what is listed. */
static int make_special(const struct hpl_sandbox *s, int root_fd, struct hpl_launch_report *r)
{
	const struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	const bool settings = lists_below(s, "/proc/sys/");
	bool tmp = false;

	if (mkdirat(root_fd, "proc", 0555) < 0 || fchdir(root_fd) < 0)
		return hpl_launch_failed(r, errno, "mkdir /proc");
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		settings ? "hidepid=invisible" : "hidepid=invisible,subset=pid") < 0)
		return hpl_launch_failed(r, errno, "mount /proc");
	if (settings && (mount("proc/sys", "proc/sys", NULL, MS_BIND, NULL) < 0 ||
		syscall(SYS_mount_setattr, AT_FDCWD, "proc/sys", 0, &read_only, sizeof(read_only)) < 0))
		return hpl_launch_failed(r, errno, "mount /proc/sys");
	for (uint32_t i = 0; i < s->path_count; i++)
		tmp |= s->paths[i].kind == HPL_PATH_WRITE && hpl_streq(s->paths[i].path, "/tmp");
	if (!tmp)
		return 0;
	if (mkdirat(root_fd, "tmp", 01777) < 0 ||
		mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=1777") < 0)
		return hpl_launch_failed(r, errno, "mount /tmp");
	return 0;
}

static int bind_listed(const struct hpl_sandbox *s, int root_fd, struct hpl_launch_report *r)
{
	for (uint32_t i = 0; i < s->path_count; i++) {
		const struct hpl_sandbox_path *p = &s->paths[i];

		if (p->kind == HPL_PATH_WRITE && hpl_streq(p->path, "/tmp"))
			continue;
		if (bind_tree(root_fd, p->path, (enum hpl_sandbox_path_kind)p->kind, r) < 0)
			return -1;
	}
	return 0;
}

/* The program's own directory, when it is not beneath /usr (a build directory). */
static int bind_program(const struct hpl_sandbox *s, int root_fd, struct hpl_launch_report *r)
{
	char dir[HPL_SANDBOX_TEXT];
	char *slash;

	if (!strncmp(s->program, "/usr/", 5) || strlen(s->program) >= sizeof(dir))
		return 0;
	strcpy(dir, s->program);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	return bind_tree(root_fd, dir, HPL_PATH_READ, r);
}

static int fill_root(const struct hpl_sandbox *s, int root_fd, struct hpl_launch_report *r)
{
	static const char *const whole_etc[] = {"/etc", NULL};
	const char *const *etc = s->flags & HPL_SANDBOX_NETWORK ? whole_etc : etc_paths;

	if (bind_system(root_fd, r) < 0 || make_devices(root_fd, r) < 0)
		return -1;
	for (; *etc; etc++)
		if (bind_tree(root_fd, *etc, HPL_PATH_READ, r) < 0)
			return -1;
	/* /tmp before what may lie beneath it */
	if (make_special(s, root_fd, r) < 0 || bind_program(s, root_fd, r) < 0 ||
		bind_tree(root_fd, s->bus, HPL_PATH_READ, r) < 0)
		return -1;
	return bind_listed(s, root_fd, r);
}

/* Writable places that are not there yet, made in the guest's root with the service as owner. */
static int make_writable(const struct hpl_sandbox *s, struct hpl_launch_report *r)
{
	struct hpl_err err;

	for (uint32_t i = 0; i < s->path_count; i++) {
		const char *path = s->paths[i].path;

		if (s->paths[i].kind != HPL_PATH_WRITE || access(path, F_OK) == 0 || !strncmp(path, "/proc/", 6))
			continue;
		if (hpl_mkdir_p(path, 0700, &err) < 0)
			return hpl_launch_failed(r, err.sys, "mkdir %s", path);
		if (chown(path, s->uid, s->gid) < 0)
			return hpl_launch_failed(r, errno, "chown %s", path);
	}
	return 0;
}

int hpl_launch_root(const struct hpl_sandbox *s, struct hpl_launch_report *r)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_close_ int root_fd = -1;

	if (make_writable(s, r) < 0)
		return -1;
	if (!(s->flags & HPL_SANDBOX_OWN_MOUNTS))
		return 0;
	if (unshare(CLONE_NEWNS) < 0)
		return hpl_launch_failed(r, errno, "unshare mounts");
	/* nothing that happens in the guest's tree later comes in, nothing of ours goes out */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return hpl_launch_failed(r, errno, "private mounts");
	if (mount("tmpfs", s->root, "tmpfs", MS_NOSUID | MS_NOEXEC, "size=256k,mode=755") < 0)
		return hpl_launch_failed(r, errno, "mount %s", s->root);
	root_fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return hpl_launch_failed(r, errno, "open %s", s->root);
	if (fill_root(s, root_fd, r) < 0)
		return -1;
	if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return hpl_launch_failed(r, errno, "pivot_root");
	/* the old root lies over the new one now; take it off */
	if (umount2(".", MNT_DETACH) < 0)
		return hpl_launch_failed(r, errno, "leave the old root");
	if (syscall(SYS_mount_setattr, -1, "/", 0, &read_only, sizeof(read_only)) < 0)
		return hpl_launch_failed(r, errno, "read-only root");
	if (chdir("/") < 0)
		return hpl_launch_failed(r, errno, "chdir /");
	return 0;
}

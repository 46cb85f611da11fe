// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "runtime/base/file.h"

#define RAMFS_MAGIC_ 0x858458f6
#define TMPFS_MAGIC_ 0x01021994

int hpl_system_mounts(struct hpl_err *err)
{
	static const struct {
		const char *type, *at, *options;
		unsigned long flags;
	} mounts[] = {
		{"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
		{"proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
		{"sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
		{"tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV},
	};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].at, 0755);
		if (mount(mounts[i].type, mounts[i].at, mounts[i].type, mounts[i].flags,
			    mounts[i].options) < 0 && errno != EBUSY)
			return HPL_FAIL(err, 0, errno, "cannot mount %s", mounts[i].at);
	}
	return hpl_mkdir_p("/run/hpl", 0755, err);
}

int hpl_system_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > 2)
		close(fd);
	return 0;
}

/* Deletes what the initramfs holds, to give its memory back; never leaves its file system. */
static void delete_tree(int dir_fd, dev_t dev)
{
	DIR *d = fdopendir(dir_fd);

	if (!d) {
		close(dir_fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		struct stat st;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
			fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != dev)
			continue;
		if (S_ISDIR(st.st_mode)) {
			int sub = openat(dir_fd, e->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (sub >= 0)
				delete_tree(sub, dev);
		}
		unlinkat(dir_fd, e->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
	}
	closedir(d);
}

static int move_mounts(struct hpl_err *err)
{
	static const char *const names[] = {"dev", "proc", "sys", "run"};
	char from[16], to[64];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
		snprintf(from, sizeof(from), "/%s", names[i]);
		snprintf(to, sizeof(to), HPL_NEW_ROOT "/%s", names[i]);
		if (mkdir(to, 0755) < 0 && errno != EEXIST)
			return HPL_FAIL(err, 0, errno, "cannot make %s", to);
		if (mount(from, to, NULL, MS_MOVE, NULL) < 0)
			return HPL_FAIL(err, 0, errno, "cannot move %s", from);
	}
	return 0;
}

int hpl_system_switch(char *const argv[], char *const envp[], struct hpl_err *err)
{
	struct statfs fs;
	struct stat st;

	if (move_mounts(err) < 0)
		return -1;
	if (chdir(HPL_NEW_ROOT) < 0)
		return HPL_FAIL(err, 0, errno, "cannot enter the new root");
	/* Only a file system in memory is emptied: nothing else can be the initramfs. */
	int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (old >= 0 && fstat(old, &st) == 0 && fstatfs(old, &fs) == 0 &&
		(fs.f_type == RAMFS_MAGIC_ || fs.f_type == TMPFS_MAGIC_))
		delete_tree(old, st.st_dev);
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return HPL_FAIL(err, 0, errno, "cannot move the new root");
	if (chroot(".") < 0 || chdir("/") < 0)
		return HPL_FAIL(err, 0, errno, "cannot enter the new root");
	execve(argv[0], argv, envp);
	return HPL_FAIL(err, 0, errno, "cannot execute %s", argv[0]);
}

_Noreturn void hpl_system_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "schema/mounts.h"

enum { NOT_THERE = -2 };

/* The next directory; NOT_THERE is said only when it is not made. */
static int step(int dir, const char *name, const char *path, bool make, struct hpl_err *err)
{
	int fd;

	if (make && mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_MUST_BE_DIRECTORY, errno,
			"cannot make '%s' of '%s'", name, path);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (!make && errno == ENOENT)
		return NOT_THERE;
	if (errno == ENOTDIR) {
		struct stat st;

		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
			return HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_REFUSED, 0,
				"'%s' leads through a link", path);
		HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_MUST_BE_DIRECTORY, 0, "'%s' of '%s'", name, path);
		hpl_err_cure(err, "choose another mount in workload.volumes");
		return -1;
	}
	return HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_MUST_BE_DIRECTORY, errno, "'%s' of '%s'", name,
		path);
}

static int check_not_mounted(int fd, const char *path, struct hpl_err *err)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, errno, "cannot examine '%s'",
			path);
	if (st.stx_attributes_mask & st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, 0,
			"something is mounted at '%s' already", path);
	return 0;
}

static int walk(int root_fd, const char *path, bool make, struct hpl_err *err)
{
	_cleanup_close_ int dir = -1;
	const char *p = path;

	if (hpl_mount_path_check(path, err) < 0)
		return -1;
	dir = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_MUST_BE_DIRECTORY, errno, "the root");
	while (*p == '/') {
		char name[NAME_MAX + 1];
		size_t len = strcspn(++p, "/");
		int next;

		snprintf(name, sizeof name, "%.*s", (int)len, p);
		next = step(dir, name, path, make, err);
		if (next < 0)
			return next;
		close(dir);
		dir = next;
		p += len;
	}
	if (check_not_mounted(dir, path, err) < 0)
		return -1;
	return hpl_take_fd(&dir);
}

int hpl_mount_path_open(int root_fd, const char *path, struct hpl_err *err)
{
	return walk(root_fd, path, true, err);
}

int hpl_mount_path_look(int root_fd, const char *path, struct hpl_err *err)
{
	_cleanup_close_ int fd = walk(root_fd, path, false, err);

	return fd >= 0 || fd == NOT_THERE ? 0 : -1;
}

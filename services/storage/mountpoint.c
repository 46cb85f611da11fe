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

/* What the guest runs from or keeps its state in: neither these, nor beneath, nor above them. */
static const char *const protected_dirs[] = {"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32",
	"/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/var/hyperprotect",
	"/var/lib/hpl", "/var/run"};

static int refuse(struct hpl_err *err, const char *path, const char *why)
{
	HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_REFUSED, 0, "'%s' %s", path, why);
	hpl_err_cure(err, "choose another directory, for example /mnt/data");
	return -1;
}

/* Is path dir itself or beneath it? */
static bool within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == 0);
}

static bool plain_names(const char *path)
{
	const char *p = path;

	while (*p == '/') {
		size_t len = strcspn(++p, "/");

		if (len == 0 || len > NAME_MAX || (len == 1 && p[0] == '.') ||
			(len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += len;
	}
	return *p == 0;
}

int hpl_mount_path_check(const char *path, struct hpl_err *err)
{
	if (!path || path[0] != '/' || path[1] == 0 || strlen(path) >= PATH_MAX)
		return refuse(err, path ? path : "", "is not an absolute path of a directory below /");
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return refuse(err, path, "holds a control character");
	if (!plain_names(path))
		return refuse(err, path, "holds an empty name, '.' or '..', or too long a name");
	for (size_t i = 0; i < HPL_ARRAY_SIZE(protected_dirs); i++)
		if (within(path, protected_dirs[i]) || within(protected_dirs[i], path))
			return refuse(err, path, "is needed by the guest itself");
	return 0;
}

int hpl_mount_paths_distinct(const char *const *paths, size_t count, struct hpl_err *err)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			if (hpl_streq(paths[i], paths[k]))
				return refuse(err, paths[i], "is the mount point of two volumes");
	return 0;
}

static int step(int dir, const char *name, const char *path, struct hpl_err *err)
{
	int fd;

	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_MUST_BE_DIRECTORY, errno,
			"cannot make '%s' of '%s'", name, path);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOTDIR) {
		struct stat st;

		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
			return refuse(err, path, "leads through a link");
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

int hpl_mount_path_open(int root_fd, const char *path, struct hpl_err *err)
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
		next = step(dir, name, path, err);
		if (next < 0)
			return -1;
		close(dir);
		dir = next;
		p += len;
	}
	if (check_not_mounted(dir, path, err) < 0)
		return -1;
	return hpl_take_fd(&dir);
}

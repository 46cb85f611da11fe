/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mounts.h"

#include <limits.h>
#include <stdbool.h>

#include "proto/messages.h"

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

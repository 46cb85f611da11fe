/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/modules.h"

#include <fcntl.h>
#include <linux/module.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtime/base/file.h"

enum { BUSY_TURNS = 500, BUSY_NS = 10000000 };

/* The kernel waits while another process loads the same module, and says EBUSY when that one failed. Two
 * filesystems that are asked for at once have modules in common, one of which may have no device here. */
static int insert(int fd, const char *parameters)
{
	const struct timespec nap = {.tv_nsec = BUSY_NS};

	for (int turn = 0;; turn++) {
		if (syscall(SYS_finit_module, fd, parameters, 0) == 0 || errno == EEXIST || errno == ENODEV)
			return 0;
		if (errno != EBUSY || turn == BUSY_TURNS)
			return errno;
		nanosleep(&nap, NULL);
	}
}

static int load(int dir_fd, const char *name, const char *parameters)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno;
	return insert(fd, parameters);
}

int hpl_modules_load(const char *dir, void (*bad)(void *ud, const char *name, int sys), void *ud,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf order = HPL_BUF_NULL;
	_cleanup_free_ char *path = hpl_path_join(dir, "order");
	_cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *save = NULL;

	if (!path)
		return HPL_OOM(err);
	if (dir_fd < 0)
		return errno == ENOENT ? 0 : HPL_FAIL(err, 0, errno, "cannot open %s", dir);
	if (hpl_file_read(&order, path, 256 << 10, err) < 0)
		return -1;
	for (char *name = order.data ? strtok_r(order.data, "\n", &save) : NULL; name;
		name = strtok_r(NULL, "\n", &save)) {
		char *parameters = strchr(name, ' ');
		int sys;

		if (parameters)
			*parameters++ = '\0';
		sys = strchr(name, '/') ? EINVAL : load(dir_fd, name, parameters ? parameters : "");
		if (sys)
			bad(ud, name, sys);
	}
	return 0;
}

bool hpl_modules_is_filesystem(const char *alias)
{
	static const char prefix[] = "fs-", letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	const char *name = alias + sizeof(prefix) - 1;

	if (strncmp(alias, prefix, sizeof(prefix) - 1) != 0)
		return false;
	return name[0] && strlen(name) <= 32 && strspn(name, letters) == strlen(name);
}

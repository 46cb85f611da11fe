/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/tool/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "proto/messages.h"
#include "runtime/base/file.h"

static int held(int fd, unsigned major, unsigned minor, struct hpl_err *err)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? strspn(pid, "0123456789") : 0] = 0;
	HPL_FAIL(err, HPL_MSG_LUKS_ALREADY_IN_USE, 0, "another se-disk-encryption works on the disk %u:%u%s%s",
		major, minor, *pid ? ", process " : "", pid);
	return hpl_err_cure(err, "wait until it has ended"), -1;
}

int hpl_disk_lock(const char *dir, unsigned major, unsigned minor, struct hpl_err *err)
{
	_cleanup_close_ int dir_fd = -1, fd = -1;
	char name[32], pid[16];
	int len;

	if (hpl_mkdir_p(dir, 0700, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, "lock");
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	snprintf(name, sizeof(name), "%u:%u", major, minor);
	if (dir_fd >= 0)
		fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, errno, "lock %s/%s", dir, name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? held(fd, major, minor, err) :
			HPL_FAIL(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, errno, "lock %s/%s", dir, name);
	len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) != len)
		return HPL_FAIL(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, errno, "lock %s/%s", dir, name);
	return hpl_take_fd(&fd);
}

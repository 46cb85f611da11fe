/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int hpl_file_read_fd(struct hpl_buf *out, int fd, size_t limit, struct hpl_err *err)
{
	char chunk[16384];
	size_t start = out->len;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return HPL_FAIL(err, 0, errno, "cannot read");
		if (n == 0)
			break;
		if (out->len - start + (size_t)n > limit)
			return HPL_FAIL(err, 0, EFBIG, "larger than %zu bytes", limit);
		hpl_buf_add(out, chunk, (size_t)n);
	}
	explicit_bzero(chunk, sizeof(chunk));
	if (out->failed)
		return HPL_OOM(err);
	return 0;
}

int hpl_file_read(struct hpl_buf *out, const char *path, size_t limit, struct hpl_err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot open %s", path);
	if (hpl_file_read_fd(out, fd, limit, err) < 0)
		return HPL_WRAP(err, 0, "%s", path);
	return 0;
}

int hpl_write_all(int fd, const void *data, size_t len, struct hpl_err *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return HPL_FAIL(err, 0, errno, "cannot write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int hpl_file_write(const char *path, const void *data, size_t len, mode_t mode, struct hpl_err *err)
{
	_cleanup_free_ char *tmp = NULL;
	_cleanup_close_ int fd = -1;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0) {
		tmp = NULL;
		return HPL_OOM(err);
	}
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot make a file beside %s", path);
	if (hpl_write_all(fd, data, len, err) < 0 ||
		((fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0) &&
			HPL_FAIL(err, 0, errno, "cannot write") < 0)) {
		unlink(tmp);
		return HPL_WRAP(err, 0, "%s", path);
	}
	return 0;
}

int hpl_open_beneath(int dir_fd, const char *rel, int flags, mode_t mode, struct hpl_err *err)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, dir_fd, rel, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot open %s", rel);
	return (int)fd;
}

int hpl_mkdir_p(const char *path, mode_t mode, struct hpl_err *err)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return HPL_OOM(err);
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return HPL_FAIL(err, 0, errno, "cannot make %s", copy);
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return HPL_FAIL(err, 0, errno, "cannot make %s", copy);
	if (stat(copy, &st) < 0)
		return HPL_FAIL(err, 0, errno, "%s", copy);
	if (!S_ISDIR(st.st_mode))
		return HPL_FAIL(err, 0, ENOTDIR, "%s", copy);
	return 0;
}

char *hpl_path_join(const char *dir, const char *name)
{
	char *r;
	size_t n = strlen(dir);

	if (asprintf(&r, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name) < 0)
		return NULL;
	return r;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Why not libarchive's own writer to disk: it works on path strings relative to the working
 * directory and checks links before it opens. Here each parent directory is opened beneath the root
 * by openat2 without links and kept while the next entries are in the same one, so that checks and
 * use are one step and most entries cost one open, not one per path component.
 */
#include "services/bootloader/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "services/bootloader/stream.h"

enum { PATH_LIMIT = 4096, XATTR_LIMIT = 64 << 10 };

struct unpack {
	struct archive *ar;
	struct hpl_stream *stream;
	struct hpl_err stream_err;     /* of the reader thread, seen in the callback */
	int dir_fd;
	int privileged;                /* may set owners */
	int parent_fd;                 /* of the entry before; -1: none */
	char parent[PATH_LIMIT];       /* its path, "" is the root */
	const struct hpl_unpack_limits *limits;
	struct hpl_unpack_result res;
};

static la_ssize_t on_read(struct archive *a, void *ud, const void **block)
{
	struct unpack *u = ud;
	size_t n = 0;

	if (hpl_stream_next(u->stream, block, &n, &u->stream_err) < 0) {
		archive_set_error(a, EIO, "read");
		return -1;
	}
	return (la_ssize_t)n;
}

/* Error texts quote names of the archive: they come from outside and are escaped. */
static int entry_error(struct hpl_err *err, int sys, const char *what, const char *path)
{
	char name[256];

	hpl_escape_line(name, sizeof(name), path, strlen(path));
	return HPL_FAIL(err, 0, sys, "%s \"%s\"", what, name);
}

/* "./usr//bin/x/" -> "usr/bin/x"; refuses absolute names, ".." and names that are too long. */
static int normalise(char *out, const char *path, struct hpl_err *err)
{
	size_t n = 0;

	if (!path || path[0] == '/')
		return entry_error(err, 0, "absolute or missing name", path ? path : "");
	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.')
			return entry_error(err, 0, "name that leaves the tree", path);
		if (len && !(len == 1 && p[0] == '.')) {
			if (n + len + 2 > PATH_LIMIT || len > 255)
				return entry_error(err, 0, "name that is too long", path);
			if (n)
				out[n++] = '/';
			memcpy(out + n, p, len);
			n += len;
		}
		p += len;
		p += *p == '/';
	}
	out[n] = 0;
	return 0;
}

static int open_dir(struct unpack *u, const char *dir, struct hpl_err *err)
{
	if (!dir[0])
		return fcntl(u->dir_fd, F_DUPFD_CLOEXEC, 3);
	return hpl_open_beneath(u->dir_fd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, err);
}

/* Directories that the archive does not list itself (it may begin with "usr/bin/x"). */
static int make_parents(struct unpack *u, const char *dir, struct hpl_err *err)
{
	char part[PATH_LIMIT];

	for (const char *p = strchr(dir, '/'); dir[0]; p = strchr(p + 1, '/')) {
		size_t n = p ? (size_t)(p - dir) : strlen(dir);
		memcpy(part, dir, n);
		part[n] = 0;
		char *slash = strrchr(part, '/');
		_cleanup_close_ int fd = -1;
		if (slash)
			*slash = 0;
		fd = open_dir(u, slash ? part : "", err);
		if (fd < 0)
			return -1;
		if (mkdirat(fd, slash ? slash + 1 : part, 0755) < 0 && errno != EEXIST)
			return entry_error(err, errno, "cannot make directory", dir);
		if (!p)
			break;
	}
	return 0;
}

/* The open parent of path; *ret_name is the last component. */
static int parent_of(struct unpack *u, char *path, const char **ret_name, struct hpl_err *err)
{
	char *slash = strrchr(path, '/');
	const char *dir = "";

	*ret_name = slash ? slash + 1 : path;
	if (slash) {
		*slash = 0;
		dir = path;
	}
	if (u->parent_fd >= 0 && strcmp(u->parent, dir) == 0)
		return 0;
	hpl_closep(&u->parent_fd);
	u->parent_fd = open_dir(u, dir, NULL);
	if (u->parent_fd < 0) {
		if (make_parents(u, dir, err) < 0)
			return -1;
		u->parent_fd = open_dir(u, dir, err);
	}
	if (u->parent_fd < 0)
		return entry_error(err, 0, "no directory of the tree", dir);
	snprintf(u->parent, sizeof(u->parent), "%s", dir);
	return 0;
}

static int copy_data(struct unpack *u, int fd, const char *path, struct hpl_err *err)
{
	const void *block;
	size_t n;
	la_int64_t at;
	int r;

	while ((r = archive_read_data_block(u->ar, &block, &n, &at)) == ARCHIVE_OK) {
		u->res.tree_bytes += n;
		if (u->res.tree_bytes > u->limits->tree_bytes || at < 0 ||
			(uint64_t)at + n > u->limits->tree_bytes)
			return HPL_FAIL(err, 0, 0, "the tree is larger than %llu MiB",
				(unsigned long long)u->limits->tree_bytes >> 20);
		for (size_t done = 0; done < n;) {
			ssize_t w = pwrite(fd, (const char *)block + done, n - done,
				(off_t)at + (off_t)done);
			if (w < 0 && errno == EINTR)
				continue;
			if (w < 0)
				return entry_error(err, errno, "cannot write", path);
			done += (size_t)w;
		}
	}
	return r == ARCHIVE_EOF ? 0 : entry_error(err, 0, "broken archive at", path);
}

static int set_xattrs(struct unpack *u, struct archive_entry *e, int fd, const char *path,
	struct hpl_err *err)
{
	const char *name;
	const void *value;
	size_t size;

	if (!u->privileged || archive_entry_xattr_reset(e) == 0)
		return 0;
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		/* file capabilities and user attributes; others (labels, POSIX ACLs) mean nothing here */
		if (strcmp(name, "security.capability") != 0 && strncmp(name, "user.", 5) != 0)
			continue;
		if (size > XATTR_LIMIT || fsetxattr(fd, name, value, size, 0) < 0)
			return entry_error(err, errno, "cannot set an attribute of", path);
	}
	return 0;
}

static int set_meta(struct unpack *u, struct archive_entry *e, int fd, const char *path,
	struct hpl_err *err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
		{.tv_sec = archive_entry_mtime(e), .tv_nsec = archive_entry_mtime_nsec(e)}};

	/* owner first: it clears the set-id bits and capabilities that come after */
	if (u->privileged &&
		fchown(fd, (uid_t)archive_entry_uid(e), (gid_t)archive_entry_gid(e)) < 0)
		return entry_error(err, errno, "cannot set the owner of", path);
	if (fchmod(fd, archive_entry_perm(e) & 07777) < 0)
		return entry_error(err, errno, "cannot set the mode of", path);
	if (set_xattrs(u, e, fd, path, err) < 0)
		return -1;
	if (archive_entry_mtime_is_set(e) && futimens(fd, times) < 0)
		return entry_error(err, errno, "cannot set the time of", path);
	return 0;
}

static int put_file(struct unpack *u, struct archive_entry *e, const char *name, const char *path,
	struct hpl_err *err)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_close_ int fd = openat(u->parent_fd, name, flags, 0600);

	if (fd < 0 && errno == EEXIST && unlinkat(u->parent_fd, name, 0) == 0)
		fd = openat(u->parent_fd, name, flags, 0600); /* listed twice: the later one counts */
	if (fd < 0)
		return entry_error(err, errno, "cannot make", path);
	if (copy_data(u, fd, path, err) < 0)
		return -1;
	/* a hole at the end has no data block */
	if (archive_entry_sparse_count(e) > 0) {
		la_int64_t size = archive_entry_size(e);
		if (size < 0 || (uint64_t)size > u->limits->tree_bytes || ftruncate(fd, size) < 0)
			return entry_error(err, 0, "wrong size of", path);
	}
	return set_meta(u, e, fd, path, err);
}

static int put_dir(struct unpack *u, struct archive_entry *e, const char *name, const char *path,
	struct hpl_err *err)
{
	if (mkdirat(u->parent_fd, name, 0700) < 0 && errno != EEXIST)
		return entry_error(err, errno, "cannot make directory", path);
	_cleanup_close_ int fd =
		openat(u->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return entry_error(err, errno, "no directory", path);
	return set_meta(u, e, fd, path, err);
}

static int put_symlink(struct unpack *u, struct archive_entry *e, const char *name,
	const char *path, struct hpl_err *err)
{
	const char *to = archive_entry_symlink(e);

	if (!to || !to[0] || strlen(to) >= PATH_LIMIT)
		return entry_error(err, 0, "link without a target", path);
	if (symlinkat(to, u->parent_fd, name) < 0 &&
		(errno != EEXIST || unlinkat(u->parent_fd, name, 0) < 0 ||
			symlinkat(to, u->parent_fd, name) < 0))
		return entry_error(err, errno, "cannot make link", path);
	if (u->privileged && fchownat(u->parent_fd, name, (uid_t)archive_entry_uid(e),
				     (gid_t)archive_entry_gid(e), AT_SYMLINK_NOFOLLOW) < 0)
		return entry_error(err, errno, "cannot set the owner of", path);
	return 0;
}

static int put_hardlink(struct unpack *u, const char *to, const char *name, const char *path,
	struct hpl_err *err)
{
	char target[PATH_LIMIT];

	if (normalise(target, to, err) < 0)
		return -1;
	char *slash = strrchr(target, '/');
	if (slash)
		*slash = 0;
	_cleanup_close_ int dir = open_dir(u, slash ? target : "", err);
	if (dir < 0)
		return -1;
	const char *from = slash ? slash + 1 : target;
	if (linkat(dir, from, u->parent_fd, name, 0) < 0 &&
		(errno != EEXIST || unlinkat(u->parent_fd, name, 0) < 0 ||
			linkat(dir, from, u->parent_fd, name, 0) < 0))
		return entry_error(err, errno, "cannot make hard link", path);
	return 0;
}

static int put_entry(struct unpack *u, struct archive_entry *e, struct hpl_err *err)
{
	const char *given = archive_entry_pathname(e);
	char path[PATH_LIMIT], shown[PATH_LIMIT];
	const char *name;

	if (++u->res.entries > u->limits->entries)
		return HPL_FAIL(err, 0, 0, "more than %llu entries",
			(unsigned long long)u->limits->entries);
	if (normalise(path, given, err) < 0)
		return -1;
	memcpy(shown, path, strlen(path) + 1);
	if (!path[0]) /* "./": the root itself, a directory or nothing */
		return archive_entry_filetype(e) == AE_IFDIR
			       ? set_meta(u, e, u->dir_fd, ".", err)
			       : entry_error(err, 0, "the root of the tree is no directory", given);
	if (parent_of(u, path, &name, err) < 0)
		return -1;
	if (archive_entry_hardlink(e))
		return put_hardlink(u, archive_entry_hardlink(e), name, shown, err);
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return put_file(u, e, name, shown, err);
	case AE_IFDIR:
		return put_dir(u, e, name, shown, err);
	case AE_IFLNK:
		return put_symlink(u, e, name, shown, err);
	default:
		return entry_error(err, 0, "no file, directory or link:", shown);
	}
}

static int run(struct unpack *u, struct hpl_err *err)
{
	struct archive_entry *e;
	int r;

	if (archive_read_support_format_tar(u->ar) != ARCHIVE_OK ||
		archive_read_support_filter_gzip(u->ar) != ARCHIVE_OK)
		return HPL_FAIL(err, 0, 0, "libarchive has no tar or gzip");
	if (archive_read_open(u->ar, u, NULL, on_read, NULL) != ARCHIVE_OK)
		goto broken;
	/* ARCHIVE_WARN: a name with letters that the C locale does not know; its bytes are kept */
	while ((r = archive_read_next_header(u->ar, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN)
		if (put_entry(u, e, err) < 0)
			return -1;
	if (r != ARCHIVE_EOF)
		goto broken;
	return hpl_stream_finish(u->stream, &u->res.hash, &u->res.archive_bytes, err);
broken:
	if (u->stream_err.text[0]) {
		*err = u->stream_err;
		return -1;
	}
	return HPL_FAIL(err, 0, 0, "no valid tar.gz: %s",
		archive_error_string(u->ar) ? archive_error_string(u->ar) : "?");
}

int hpl_unpack(struct hpl_unpack_result *ret, int fd, int dir_fd,
	const struct hpl_unpack_limits *limits, struct hpl_err *err)
{
	struct unpack *u = calloc(1, sizeof(*u));
	struct hpl_err e = HPL_ERR_NULL;
	int r = -1;

	if (!u)
		return HPL_OOM(err);
	u->dir_fd = dir_fd;
	u->parent_fd = -1;
	u->privileged = geteuid() == 0;
	u->limits = limits;
	u->ar = archive_read_new();
	if (!u->ar)
		HPL_OOM(&e);
	else if (hpl_stream_new(&u->stream, fd, limits->archive_bytes, &e) == 0)
		r = run(u, &e);
	if (u->ar)
		archive_read_free(u->ar);
	hpl_stream_free(u->stream);
	hpl_closep(&u->parent_fd);
	if (r == 0)
		*ret = u->res;
	else if (err)
		*err = e;
	free(u);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <sys/stat.h>
#include <zlib.h>

#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"

/*
 * gzip is undone here by zlib and not by libarchive, because libarchive does not compare the
 * checksum at the end and cannot say how much it has expanded. libarchive parses the tar.
 */
enum {
	MIB = 1 << 20,
	CHUNK = 64 << 10,
	NAME_LIMIT = 1024, /* bytes of a path; PATH_MAX is 4096 and has the folder in front */
	DEPTH_LIMIT = 32,
};

struct source {
	z_stream z;
	size_t in_total;
	uint64_t out_total;
	struct hpl_archive_limits limits;
	enum hpl_archive_fault fault; /* 0: none so far */
	bool ended;
	unsigned char chunk[CHUNK];
};

struct walk {
	struct source src;
	struct archive *a;
	void *names; /* tsearch tree of the files seen */
	unsigned entries;
	int (*entry)(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err);
	void *ud;
};

char *hpl_archive_name(const char *name)
{
	size_t len = strlen(name), out = 0, depth = 0;
	_cleanup_free_ char *copy = NULL;

	if (name[0] == '/' || len > NAME_LIMIT)
		return NULL;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return NULL;
	copy = malloc(len + 1);
	if (!copy)
		return NULL;
	while (*name) {
		size_t n = strcspn(name, "/");

		if (n == 2 && name[0] == '.' && name[1] == '.')
			return NULL;
		if (n && !(n == 1 && name[0] == '.')) {
			if (++depth > DEPTH_LIMIT)
				return NULL;
			if (out)
				copy[out++] = '/';
			memcpy(copy + out, name, n);
			out += n;
		}
		name += n + (name[n] == '/');
	}
	copy[out] = 0;
	return TAKE(copy);
}

static int refuse(struct source *s, enum hpl_archive_fault fault)
{
	if (!s->fault)
		s->fault = fault;
	return -1;
}

/* One chunk of what gzip holds: > 0 bytes, 0 at the end, -1 with s->fault. */
static ssize_t source_next(struct source *s)
{
	size_t got;
	int r;

	if (s->ended || s->fault)
		return s->fault ? -1 : 0;
	s->z.next_out = s->chunk;
	s->z.avail_out = sizeof(s->chunk);
	r = inflate(&s->z, Z_NO_FLUSH);
	got = sizeof(s->chunk) - s->z.avail_out;
	s->out_total += got;
	if (r == Z_STREAM_END) {
		s->ended = true;
		if (s->z.avail_in)
			return refuse(s, HPL_ARCHIVE_NOT_GZIP);
	} else if (r != Z_OK || (!got && !s->z.avail_in)) {
		return refuse(s, HPL_ARCHIVE_NOT_GZIP);
	}
	if (s->out_total > s->limits.total ||
		(s->out_total > MIB && s->out_total / s->limits.ratio > s->in_total))
		return refuse(s, HPL_ARCHIVE_TOO_LARGE);
	return (ssize_t)got;
}

static la_ssize_t read_cb(struct archive *a, void *ud, const void **ret)
{
	struct source *s = ud;
	ssize_t n;

	do
		n = source_next(s);
	while (n == 0 && !s->ended);
	if (n < 0) {
		archive_set_error(a, EINVAL, "bad gzip data");
		return ARCHIVE_FATAL;
	}
	*ret = s->chunk;
	return n;
}

static int fault_error(struct walk *w, enum hpl_archive_fault fault, struct hpl_err *err)
{
	const struct hpl_archive_limits *l = &w->src.limits;

	switch (fault) {
	case HPL_ARCHIVE_NOT_GZIP:
		HPL_FAIL(err, 0, 0, "the archive is not gzip, or it is damaged or cut off");
		hpl_err_cure(err, "make it by: tar -czf - -C FOLDER . | base64 -w0");
		break;
	case HPL_ARCHIVE_TOO_LARGE:
		HPL_FAIL(err, 0, 0, "the archive expands beyond %llu bytes, or to more than %u times "
			"its size", (unsigned long long)l->total, l->ratio);
		break;
	default:
		HPL_FAIL(err, 0, 0, "the archive holds no readable tar");
		hpl_err_cure(err, "make it by: tar -czf - -C FOLDER . | base64 -w0");
	}
	return fault;
}

static int forbidden(struct hpl_err *err, const char *name, const char *why)
{
	char clean[200];

	hpl_escape_line(clean, sizeof(clean), name ? name : "", name ? strlen(name) : 0);
	HPL_FAIL(err, 0, 0, "the archive's entry '%s' %s", clean, why);
	hpl_err_cure(err, "an archive may hold directories and regular files only, each name once and "
		"beneath the top");
	return HPL_ARCHIVE_FORBIDDEN;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* 0, HPL_ARCHIVE_FORBIDDEN when the file was seen before, -1 */
static int remember(struct walk *w, const char *path, struct hpl_err *err)
{
	char *copy = strdup(path);
	char **slot = copy ? tsearch(copy, &w->names, compare_names) : NULL;

	if (!slot) {
		free(copy);
		return HPL_OOM(err);
	}
	if (*slot != copy) {
		free(copy);
		return forbidden(err, path, "occurs twice");
	}
	return 0;
}

static const char *kind_fault(struct archive_entry *ae)
{
	/* in the C locale a name outside ASCII is there as UTF-8 only */
	if (archive_entry_hardlink(ae) || archive_entry_hardlink_utf8(ae))
		return "is a hard link";
	switch (archive_entry_filetype(ae)) {
	case AE_IFREG:
	case AE_IFDIR:
		return NULL;
	case AE_IFLNK:
		return "is a symbolic link";
	case AE_IFIFO:
		return "is a named pipe";
	case AE_IFCHR:
	case AE_IFBLK:
		return "is a device";
	case AE_IFSOCK:
		return "is a socket";
	default:
		return "is of an unknown kind";
	}
}

static int read_content(struct walk *w, struct hpl_buf *content, const char *path,
	struct hpl_err *err)
{
	char chunk[16384];
	uint64_t got = 0;

	content->limit = (size_t)w->src.limits.file + 1;
	for (;;) {
		la_ssize_t n = archive_read_data(w->a, chunk, sizeof(chunk));

		if (n == ARCHIVE_RETRY)
			continue;
		if (n < 0)
			return fault_error(w, w->src.fault ? w->src.fault : HPL_ARCHIVE_BAD_TAR, err);
		if (n == 0)
			break;
		got += (uint64_t)n;
		if (got > w->src.limits.file) {
			forbidden(err, path, "is larger than one file may be");
			return HPL_ARCHIVE_TOO_LARGE;
		}
		hpl_buf_add(content, chunk, (size_t)n);
	}
	return content->failed ? HPL_OOM(err) : 0;
}

static int handle_entry(struct walk *w, struct archive_entry *ae, struct hpl_err *err)
{
	const char *name = archive_entry_pathname(ae);
	_cleanup_buf_ struct hpl_buf content = HPL_BUF_NULL;
	_cleanup_free_ char *path = NULL;
	struct hpl_archive_entry e = {.data = ""};
	const char *fault = kind_fault(ae);
	int r;

	if (!name)
		name = archive_entry_pathname_utf8(ae);
	if (!name)
		return forbidden(err, NULL, "has no name that can be read");
	if (fault)
		return forbidden(err, name, fault);
	if (++w->entries > w->src.limits.entries) {
		HPL_FAIL(err, 0, 0, "the archive has more than %u entries", w->src.limits.entries);
		return HPL_ARCHIVE_TOO_LARGE;
	}
	path = hpl_archive_name(name);
	if (!path)
		return forbidden(err, name, "leads outside, or its name is too long or too deep");
	e.is_dir = archive_entry_filetype(ae) == AE_IFDIR;
	if (!*path)
		return e.is_dir ? 0 : forbidden(err, name, "has no name");
	e.path = path;
	e.mode = archive_entry_mode(ae) & 0777;
	if (!e.is_dir) {
		r = remember(w, path, err);
		if (!r)
			r = read_content(w, &content, path, err);
		if (r)
			return r;
		e.data = content.data ? content.data : "";
		e.len = content.len;
	}
	return w->entry(w->ud, &e, err);
}

/* What is behind the end of the tar must still be valid gzip within the limits. */
static int drain(struct walk *w, struct hpl_err *err)
{
	while (!w->src.ended)
		if (source_next(&w->src) < 0)
			return fault_error(w, w->src.fault, err);
	if (w->src.fault)
		return fault_error(w, w->src.fault, err);
	return w->entries ? 0 : fault_error(w, HPL_ARCHIVE_BAD_TAR, err);
}

static int walk_entries(struct walk *w, struct hpl_err *err)
{
	struct archive_entry *ae;
	int r;

	if (archive_read_open(w->a, &w->src, NULL, read_cb, NULL) != ARCHIVE_OK)
		return fault_error(w, w->src.fault ? w->src.fault : HPL_ARCHIVE_BAD_TAR, err);
	for (;;) {
		r = archive_read_next_header(w->a, &ae);
		if (r == ARCHIVE_EOF)
			return drain(w, err);
		if (r == ARCHIVE_RETRY)
			continue;
		/* a warning is a name that the locale cannot show; the bytes are there */
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return fault_error(w, w->src.fault ? w->src.fault : HPL_ARCHIVE_BAD_TAR, err);
		r = handle_entry(w, ae, err);
		if (r)
			return r;
	}
}

static void set_limits(struct hpl_archive_limits *l, const struct hpl_archive_limits *given)
{
	*l = given ? *given : (struct hpl_archive_limits){0};
	if (!l->total)
		l->total = 256ULL * MIB;
	if (!l->file)
		l->file = 64ULL * MIB;
	if (!l->entries)
		l->entries = 10000;
	if (!l->ratio)
		l->ratio = 200;
}

int hpl_archive_walk(const void *data, size_t len, const struct hpl_archive_limits *limits,
	int (*entry)(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err), void *ud,
	struct hpl_err *err)
{
	struct walk *w;
	int r;

	if (len > UINT32_MAX)
		return HPL_FAIL(err, 0, EFBIG, "archive");
	w = calloc(1, sizeof(*w));
	if (!w)
		return HPL_OOM(err);
	set_limits(&w->src.limits, limits);
	w->entry = entry;
	w->ud = ud;
	w->src.in_total = len;
	w->src.z.next_in = (unsigned char *)(uintptr_t)data;
	w->src.z.avail_in = (unsigned)len;
	w->a = archive_read_new();
	if (!w->a || inflateInit2(&w->src.z, 15 + 16) != Z_OK) {
		r = HPL_OOM(err);
	} else {
		archive_read_support_filter_none(w->a);
		archive_read_support_format_tar(w->a);
		r = walk_entries(w, err);
		inflateEnd(&w->src.z);
	}
	if (w->a)
		archive_read_free(w->a);
	tdestroy(w->names, free);
	free(w);
	return r;
}

static int make_parents(int dir_fd, const char *path, struct hpl_err *err)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return HPL_OOM(err);
	for (char *p = strchr(copy, '/');; p = strchr(p + 1, '/')) {
		if (p)
			*p = 0;
		if (mkdirat(dir_fd, copy, 0755) < 0 && errno != EEXIST)
			return HPL_FAIL(err, 0, errno, "cannot make directory %s", copy);
		if (fstatat(dir_fd, copy, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
			return HPL_FAIL(err, 0, ENOTDIR, "%s", copy);
		if (!p)
			return 0;
		*p = '/';
	}
}

static int check_only(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	return 0;
}

static int write_entry(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	int dir_fd = *(int *)ud;
	mode_t mode = e->mode & 0100 ? 0755 : 0644;
	_cleanup_free_ char *parent = NULL;
	_cleanup_close_ int fd = -1;
	const char *slash = strrchr(e->path, '/');

	if (e->is_dir)
		return make_parents(dir_fd, e->path, err);
	if (slash) {
		parent = strndup(e->path, (size_t)(slash - e->path));
		if (!parent)
			return HPL_OOM(err);
		if (make_parents(dir_fd, parent, err) < 0)
			return -1;
	}
	/* never write into what is there: it may be a link that a workload left behind */
	if (unlinkat(dir_fd, e->path, 0) < 0 && errno != ENOENT)
		return HPL_FAIL(err, 0, errno, "cannot replace %s", e->path);
	fd = hpl_open_beneath(dir_fd, e->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode, err);
	if (fd < 0)
		return -1;
	if (fchmod(fd, mode) < 0)
		return HPL_FAIL(err, 0, errno, "%s", e->path);
	return hpl_write_all(fd, e->data, e->len, err) < 0 ? HPL_WRAP(err, 0, "%s", e->path) : 0;
}

int hpl_archive_extract(const void *data, size_t len, const struct hpl_archive_limits *limits,
	int dir_fd, struct hpl_err *err)
{
	int r = hpl_archive_walk(data, len, limits, check_only, NULL, err);

	if (r)
		return r;
	return hpl_archive_walk(data, len, limits, write_entry, &dir_fd, err);
}

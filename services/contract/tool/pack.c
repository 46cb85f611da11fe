/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "runtime/archive/archive.h"
#include "runtime/base/file.h"

enum { FILE_LIMIT = 16 << 20, DEPTH = 32 }; /* of a contract; of the guest's reader */

struct item {
	char *name;   /* in the archive */
	char *path;   /* on disk */
	bool is_dir, executable;
};
struct hpl_pack {
	struct item *items;
	size_t count;
};

int hpl_pack_new(struct hpl_pack **ret, struct hpl_err *err)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : HPL_OOM(err);
}

void hpl_pack_free(struct hpl_pack *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].name);
		free(p->items[i].path);
	}
	free(p->items);
	free(p);
}

static const char *refused_kind(mode_t mode)
{
	return S_ISLNK(mode) ? "a symbolic link" : S_ISFIFO(mode) ? "a named pipe" :
		S_ISSOCK(mode) ? "a socket" : "a device";
}

static int add_item(struct hpl_pack *p, const char *name, const char *path, const struct stat *st,
	struct hpl_err *err)
{
	struct item *more = reallocarray(p->items, p->count + 1, sizeof(*more));
	_cleanup_free_ char *clean = hpl_archive_name(name);

	if (!more)
		return HPL_OOM(err);
	p->items = more;
	if (!clean)
		return HPL_FAIL(err, 0, 0, "%s: a guest does not accept this name", path);
	more += p->count;
	*more = (struct item){.name = TAKE(clean), .path = strdup(path),
		.is_dir = S_ISDIR(st->st_mode), .executable = st->st_mode & S_IXUSR};
	p->count++;
	return more->path ? 0 : HPL_OOM(err);
}

static int add_path(struct hpl_pack *p, const char *path, const char *name, unsigned depth,
	struct hpl_err *err);

static int add_folder(struct hpl_pack *p, const char *path, const char *name, unsigned depth,
	struct hpl_err *err)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int rc = 0;

	if (!dir)
		return HPL_FAIL(err, 0, errno, "%s", path);
	while (rc == 0 && (d = readdir(dir))) {
		_cleanup_free_ char *child = NULL, *inside = NULL;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		child = hpl_path_join(path, d->d_name);
		inside = *name ? hpl_path_join(name, d->d_name) : strdup(d->d_name);
		rc = child && inside ? add_path(p, child, inside, depth + 1, err) : HPL_OOM(err);
	}
	closedir(dir);
	return rc;
}

static int add_path(struct hpl_pack *p, const char *path, const char *name, unsigned depth,
	struct hpl_err *err)
{
	struct stat st;
	if (depth > DEPTH)
		return HPL_FAIL(err, 0, 0, "%s: folders in more than %d folders", path, DEPTH);
	if (lstat(path, &st) < 0)
		return HPL_FAIL(err, 0, errno, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		HPL_FAIL(err, 0, 0, "%s: is %s; a guest refuses archives that hold one", path,
			refused_kind(st.st_mode));
		hpl_err_cure(err, "%s", S_ISLNK(st.st_mode) ? "put the file itself there" :
			"leave it out");
		return -1;
	}
	if (*name && add_item(p, name, path, &st, err) < 0)
		return -1;
	return S_ISDIR(st.st_mode) ? add_folder(p, path, name, depth, err) : 0;
}

int hpl_pack_add(struct hpl_pack *p, const char *path, struct hpl_err *err)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	/* the argument itself may be a link to a folder: what it names is meant */
	if (stat(path, &st) < 0)
		return HPL_FAIL(err, 0, errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return add_folder(p, path, "", 0, err);
	return add_path(p, path, slash ? slash + 1 : path, 0, err);
}

/* ---- writing ---- */

static int by_name(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static la_ssize_t write_cb(struct archive *a, void *ud, const void *data, size_t len)
{
	struct hpl_buf *out = ud;
	hpl_buf_add(out, data, len);
	if (!out->failed)
		return (la_ssize_t)len;
	archive_set_error(a, ENOMEM, "the archive is too large");
	return -1;
}

static int write_item(struct archive *a, struct archive_entry *e, const struct item *item,
	int64_t mtime, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf data = {.wipe = 1};
	_cleanup_close_ int fd = -1;

	if (!item->is_dir) {
		fd = open(item->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return HPL_FAIL(err, 0, errno, "%s", item->path);
		if (hpl_file_read_fd(&data, fd, FILE_LIMIT, err) < 0)
			return HPL_WRAP(err, 0, "%s", item->path);
	}
	archive_entry_clear(e);
	archive_entry_set_pathname(e, item->name);
	archive_entry_set_filetype(e, item->is_dir ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(e, item->is_dir || item->executable ? 0755 : 0644);
	archive_entry_set_mtime(e, mtime, 0);
	archive_entry_set_size(e, (la_int64_t)data.len);
	if (archive_write_header(a, e) != ARCHIVE_OK ||
		(data.len && archive_write_data(a, data.data, data.len) != (la_ssize_t)data.len))
		return HPL_FAIL(err, 0, 0, "%s: %s", item->path, archive_error_string(a));
	return 0;
}

static int write_all(struct archive *a, struct hpl_buf *out, const struct hpl_pack *p,
	int64_t mtime, struct hpl_err *err)
{
	struct archive_entry *e = archive_entry_new();
	int rc = 0;

	/* GNU's form takes names of any length and bytes without asking for a locale */
	if (!e || archive_write_set_format_gnutar(a) != ARCHIVE_OK ||
		archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
		archive_write_set_filter_option(a, "gzip", "timestamp", NULL) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
		archive_write_open(a, out, NULL, write_cb, NULL) != ARCHIVE_OK)
		rc = HPL_FAIL(err, 0, 0, "the archive cannot be begun: %s", archive_error_string(a));
	for (size_t i = 0; rc == 0 && i < p->count; i++)
		rc = write_item(a, e, &p->items[i], mtime, err);
	if (rc == 0 && archive_write_close(a) != ARCHIVE_OK)
		rc = HPL_FAIL(err, 0, 0, "the archive cannot be ended: %s", archive_error_string(a));
	archive_entry_free(e);
	return rc;
}

int hpl_pack_write(struct hpl_buf *out, struct hpl_pack *p, int64_t mtime, struct hpl_err *err)
{
	struct archive *a;
	int rc;

	if (p->count == 0)
		return HPL_FAIL(err, 0, 0, "there is nothing in it");
	qsort(p->items, p->count, sizeof(*p->items), by_name);
	for (size_t i = 1; i < p->count; i++) {
		if (strcmp(p->items[i - 1].name, p->items[i].name) == 0)
			return HPL_FAIL(err, 0, 0, "%s and %s have the same name in the archive",
				p->items[i - 1].path, p->items[i].path);
	}
	a = archive_write_new();
	if (!a)
		return HPL_OOM(err);
	rc = write_all(a, out, p, mtime, err);
	archive_write_free(a);
	return rc;
}

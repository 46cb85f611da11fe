/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/archive/archive.h"
#include "runtime/archive/tests/tar.h"
#include "runtime/base/file.h"

struct seen {
	unsigned files, dirs;
	char last[256];
	char text[256];
};

static int see(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	struct seen *s = ud;

	if (e->is_dir) {
		s->dirs++;
		return 0;
	}
	s->files++;
	snprintf(s->last, sizeof(s->last), "%s", e->path);
	snprintf(s->text, sizeof(s->text), "%.*s", (int)e->len, e->data);
	return 0;
}

static int walk_tar(struct hpl_buf *tar, const struct hpl_archive_limits *limits, struct seen *s,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf gz = HPL_BUF_NULL;

	tar_end(tar);
	gzip_bytes(&gz, tar->data, tar->len);
	return hpl_archive_walk(gz.data, gz.len, limits, see, s, err);
}

static int make_tmp(char *path)
{
	strcpy(path, "/tmp/hpl-archive-XXXXXX");
	cr_assert(mkdtemp(path));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_assert(fd >= 0);
	return fd;
}

static unsigned count_files(int dir_fd)
{
	DIR *d = fdopendir(dup(dir_fd));
	unsigned n = 0;

	cr_assert(d);
	rewinddir(d);
	for (struct dirent *de; (de = readdir(d));)
		n += de->d_name[0] != '.';
	closedir(d);
	return n;
}

Test(archive, reads_what_tar_of_a_folder_makes)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL;
	struct seen s = {0};
	struct hpl_err err = HPL_ERR_NULL;

	tar_add(&tar, "./", '5', "", NULL, 0, 0755);
	tar_add(&tar, "./bin/", '5', "", NULL, 0, 0755);
	tar_file(&tar, "./docker-compose.yml", "services: {}\n");
	cr_assert_eq(walk_tar(&tar, NULL, &s, &err), 0, "%s", err.text);
	cr_assert_eq(s.files, 1);
	cr_assert_eq(s.dirs, 1);
	cr_assert_str_eq(s.last, "docker-compose.yml");
	cr_assert_str_eq(s.text, "services: {}\n");
}

Test(archive, names_are_normalised_or_refused)
{
	static const char *const rows[][2] = {{"./a//b/", "a/b"}, {"a", "a"}, {".", ""}, {"./", ""},
		{"a/./b", "a/b"}, {"...", "..."}, {"a..b", "a..b"}, {"/a", NULL}, {"..", NULL},
		{"a/..", NULL}, {"a/../b", NULL}, {"a\nb", NULL}, {"a\x7f", NULL}, {"../a", NULL}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *got = hpl_archive_name(rows[i][0]);

		if (rows[i][1])
			cr_assert_str_eq(got, rows[i][1]);
		else
			cr_assert_null(got, "%s gave %s", rows[i][0], got);
	}
}

/* Every hostile name with every member type, alone and behind a good file: refused, nothing written. */
Test(archive, hostile_members_are_refused_and_leave_nothing)
{
	static const char *const names[] = {"/etc/passwd", "../x", "a/../../x", "..", "a/..",
		"./../x", "//x", "a\nb", "a/../b", "/", "x/../../../etc/cron.d/x", "\x01", "docker-compose.yml"};
	static const char types[] = "012346";
	unsigned cases = 0;
	char path[64];
	_cleanup_close_ int fd = make_tmp(path);

	for (size_t n = 0; n < HPL_ARRAY_SIZE(names); n++) {
		for (const char *t = types; *t; t++) {
			for (int behind = 0; behind < 3; behind++) {
				_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL;
				struct hpl_err err = HPL_ERR_NULL;
				int good_name = n == HPL_ARRAY_SIZE(names) - 1;

				if (good_name && *t == '0')
					continue; /* the one harmless combination */
				if (behind)
					tar_file(&tar, "first", "x");
				tar_add(&tar, names[n], *t, behind == 2 ? "first" : "/etc/shadow", NULL, 0, 0644);
				tar_end(&tar);
				gzip_bytes(&gz, tar.data, tar.len);
				cr_assert_eq(hpl_archive_extract(gz.data, gz.len, NULL, fd, &err),
					HPL_ARCHIVE_FORBIDDEN, "name %zu type %c: %s", n, *t, err.text);
				cr_assert(err.text[0]);
				cr_assert_eq(count_files(fd), 0);
				cases++;
			}
		}
	}
	cr_assert_gt(cases, 200);
	rmdir(path);
}

Test(archive, a_hard_link_with_a_name_outside_ascii_is_refused)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL;
	struct seen s = {0};
	struct hpl_err err = HPL_ERR_NULL;
	const char pax[] = "20 linkpath=\xc3\xa9\xc3\xa9\xc3\xa9\n";

	tar_file(&tar, "a", "x");
	tar_add(&tar, "PaxHeaders/l", 'x', "", pax, strlen(pax), 0644);
	tar_add(&tar, "l", '1', "a", NULL, 0, 0644);
	cr_assert_eq(walk_tar(&tar, NULL, &s, &err), HPL_ARCHIVE_FORBIDDEN, "%s", err.text);
}

Test(archive, every_truncation_is_refused)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL;
	char noise[3000];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7919 >> 3);
	tar_add(&tar, "docker-compose.yml", '0', "", noise, sizeof(noise), 0644);
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	for (size_t len = 0; len < gz.len; len++) {
		struct seen s = {0};

		cr_assert_gt(hpl_archive_walk(gz.data, len, NULL, see, &s, NULL), 0, "%zu", len);
	}
	hpl_buf_add(&gz, "x", 1);
	struct seen s = {0};
	cr_assert_eq(hpl_archive_walk(gz.data, gz.len, NULL, see, &s, NULL), HPL_ARCHIVE_NOT_GZIP);
}

Test(archive, a_flipped_bit_never_passes_as_other_content)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL;

	unsigned harmless = 0;

	tar_file(&tar, "docker-compose.yml", "services: {web: {image: x}}\n");
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	for (size_t bit = 10 * 8; bit < gz.len * 8; bit++) { /* the header's time and flags carry nothing */
		struct seen s = {0};

		gz.data[bit / 8] ^= (char)(1 << bit % 8);
		/* some bits are padding of the last block: then the content must be the same */
		if (hpl_archive_walk(gz.data, gz.len, NULL, see, &s, NULL) == 0) {
			cr_assert_str_eq(s.text, "services: {web: {image: x}}\n");
			harmless++;
		}
		gz.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	cr_assert_lt(harmless, gz.len); /* of eight times as many */
}

Test(archive, bombs_meet_a_limit)
{
	_cleanup_free_ char *zeros = calloc(1, 4 << 20);
	struct hpl_archive_limits small = {.total = 1 << 20, .file = 1 << 19, .entries = 10, .ratio = 5000};
	struct hpl_err err = HPL_ERR_NULL;

	for (int i = 0; i < 4; i++) {
		_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL;
		struct hpl_archive_limits l = small;
		struct seen s = {0};

		if (i == 0) { /* total */
			l.file = 8 << 20;
			tar_add(&tar, "a", '0', "", zeros, 4 << 20, 0644);
		} else if (i == 1) { /* one file */
			l.total = 8 << 20;
			tar_add(&tar, "a", '0', "", zeros, 4 << 20, 0644);
		} else if (i == 2) { /* ratio */
			l = (struct hpl_archive_limits){.ratio = 100};
			tar_add(&tar, "a", '0', "", zeros, 4 << 20, 0644);
		} else { /* count */
			char name[16];

			for (int k = 0; k < 11; k++) {
				snprintf(name, sizeof(name), "f%d", k);
				tar_file(&tar, name, "");
			}
		}
		cr_assert_eq(walk_tar(&tar, &l, &s, &err), HPL_ARCHIVE_TOO_LARGE, "case %d: %s", i, err.text);
	}
}

Test(archive, what_is_no_archive_is_told_apart)
{
	_cleanup_buf_ struct hpl_buf gz = HPL_BUF_NULL, empty = HPL_BUF_NULL, tar = HPL_BUF_NULL;
	struct seen s = {0};

	cr_assert_eq(hpl_archive_walk("services:", 9, NULL, see, &s, NULL), HPL_ARCHIVE_NOT_GZIP);
	cr_assert_eq(hpl_archive_walk("", 0, NULL, see, &s, NULL), HPL_ARCHIVE_NOT_GZIP);
	gzip_bytes(&gz, "services: {}\n", 13);
	cr_assert_eq(hpl_archive_walk(gz.data, gz.len, NULL, see, &s, NULL), HPL_ARCHIVE_BAD_TAR);
	tar_end(&tar);
	gzip_bytes(&empty, tar.data, tar.len);
	cr_assert_eq(hpl_archive_walk(empty.data, empty.len, NULL, see, &s, NULL), HPL_ARCHIVE_BAD_TAR);
}

Test(archive, a_file_that_occurs_twice_is_refused)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL;
	struct seen s = {0};
	struct hpl_err err = HPL_ERR_NULL;

	tar_file(&tar, "docker-compose.yml", "a");
	tar_file(&tar, "./docker-compose.yml", "b");
	cr_assert_eq(walk_tar(&tar, NULL, &s, &err), HPL_ARCHIVE_FORBIDDEN);
	cr_assert(strstr(err.text, "occurs twice"));
}

Test(archive, files_are_made_with_their_content_and_never_through_a_link)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL, got = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char path[64], file[128], outside[64];
	_cleanup_close_ int fd = make_tmp(path);
	_cleanup_close_ int out_fd = make_tmp(outside);
	struct stat st;

	cr_assert_eq(symlinkat(outside, fd, "dir"), 0);
	tar_add(&tar, "x/run.sh", '0', "", "#!/bin/sh\n", 10, 04755);
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	cr_assert_eq(hpl_archive_extract(gz.data, gz.len, NULL, fd, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_archive_extract(gz.data, gz.len, NULL, fd, &err), 0, "twice: %s", err.text);
	snprintf(file, sizeof(file), "%s/x/run.sh", path);
	cr_assert_eq(hpl_file_read(&got, file, 100, &err), 0);
	cr_assert_str_eq(got.data, "#!/bin/sh\n");
	cr_assert_eq(stat(file, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0755, "set-id bits are dropped");

	hpl_buf_clear(&tar);
	hpl_buf_clear(&gz);
	tar_file(&tar, "dir/escaped", "x");
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	cr_assert_lt(hpl_archive_extract(gz.data, gz.len, NULL, fd, &err), 0);
	cr_assert_eq(count_files(out_fd), 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"

static char dir[] = "/tmp/hpl-file-XXXXXX";
static char path[128];

static const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make_dir(void)
{
	cr_assert(mkdtemp(dir));
}

static void remove_dir(void)
{
	const char *argv[] = {"/bin/rm", "-rf", dir, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 10000};
	int status;

	hpl_proc_run(&p, &status, NULL);
}

TestSuite(file, .init = make_dir, .fini = remove_dir);

Test(file, written_whole_with_its_mode_and_read_back)
{
	struct hpl_buf b = HPL_BUF_NULL;
	struct stat st;

	cr_assert_eq(hpl_file_write(at("a"), "hello", 5, 0640, NULL), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0640);
	cr_expect_eq(hpl_file_read(&b, path, 5, NULL), 0);
	cr_expect_str_eq(b.data, "hello");
	hpl_buf_done(&b);
}

Test(file, larger_than_its_limit_is_refused)
{
	struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_write(at("a"), "hello", 5, 0600, NULL), 0);
	cr_expect_eq(hpl_file_read(&b, path, 4, &err), -1);
	cr_expect_eq(err.sys, EFBIG);
	cr_expect(strstr(err.text, path));
	hpl_buf_done(&b);
}

Test(file, failed_write_leaves_nothing_behind)
{
	cr_expect_eq(hpl_file_write(at("no/such/dir"), "x", 1, 0600, NULL), -1);
	cr_assert_eq(mkdir(at("d"), 0755), 0);
	cr_expect_eq(hpl_file_write(at("d"), "x", 1, 0600, NULL), -1); /* a directory */
	cr_expect_eq(rmdir(at("d")), 0);
	cr_expect_eq(rmdir(dir), 0);
}

Test(file, beneath_a_directory_means_beneath)
{
	int fd, d;
	const char *const no[] = {"../etc/passwd", "/etc/passwd", "link", "sub/../../x", "linkdir/f"};

	cr_assert_eq(mkdir(at("sub"), 0755), 0);
	cr_assert_eq(hpl_file_write(at("sub/f"), "x", 1, 0600, NULL), 0);
	cr_assert_eq(symlink("/etc/passwd", at("link")), 0);
	cr_assert_eq(symlink("sub", at("linkdir")), 0);
	d = open(dir, O_RDONLY | O_DIRECTORY);
	fd = hpl_open_beneath(d, "sub/f", O_RDONLY, 0, NULL);
	cr_expect_geq(fd, 0);
	close(fd);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(no); i++)
		cr_expect_eq(hpl_open_beneath(d, no[i], O_RDONLY, 0, NULL), -1, "%s", no[i]);
	close(d);
}

Test(file, mkdir_p_makes_parents_and_takes_no_file_for_a_directory)
{
	cr_expect_eq(hpl_mkdir_p(at("x/y/z"), 0700, NULL), 0);
	cr_expect_eq(hpl_mkdir_p(at("x/y/z"), 0700, NULL), 0);
	cr_assert_eq(hpl_file_write(at("f"), "", 0, 0600, NULL), 0);
	cr_expect_eq(hpl_mkdir_p(at("f"), 0700, NULL), -1);
	cr_expect_eq(hpl_mkdir_p(at("f/g"), 0700, NULL), -1);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "proto/messages.h"
#include "services/storage/mountpoint.h"
#include "schema/mounts.h"

Test(storage_mountpoint, ordinary_paths_are_allowed)
{
	static const char *const good[] = {"/mnt/data", "/data", "/data1", "/mnt/a/b/c", "/home/x",
		"/var/lib/postgresql", "/srv", "/usrlocal", "/etcetera", "/runner", "/mnt/..data"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(good); i++)
		cr_assert_eq(hpl_mount_path_check(good[i], NULL), 0, "%s", good[i]);
}

Test(storage_mountpoint, what_the_guest_needs_is_refused)
{
	static const char *const bad[] = {"/", "", "mnt", "/usr", "/usr/local", "/etc", "/etc/hpl",
		"/run", "/run/hpl", "/proc", "/proc/1", "/sys", "/dev", "/dev/shm", "/var",
		"/var/lib", "/var/lib/hpl", "/var/lib/hpl/boot", "/var/hyperprotect", "/root", "/lib",
		"/bin", "/sbin", "/boot", "/mnt/../etc", "/mnt/./x", "/mnt//x", "/mnt/", "/mnt/x/..",
		"/..", "//", "/mnt/a\nb", "/mnt/\x7f"};
	char longname[400] = "/mnt/";
	struct hpl_err err;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++) {
		err = HPL_ERR_NULL;
		cr_assert_eq(hpl_mount_path_check(bad[i], &err), -1, "%s", bad[i]);
		cr_assert_eq(err.msg, HPL_MSG_STORAGE_MOUNT_REFUSED);
		cr_assert(err.cure[0]);
	}
	memset(longname + 5, 'x', 300);
	cr_assert_eq(hpl_mount_path_check(longname, NULL), -1);
}

Test(storage_mountpoint, equal_ones_collide_nested_ones_do_not)
{
	const char *same[] = {"/a", "/b", "/a"}, *nested[] = {"/a", "/a/b"};

	cr_assert_eq(hpl_mount_paths_distinct(same, 3, NULL), -1);
	cr_assert_eq(hpl_mount_paths_distinct(nested, 2, NULL), 0);
}

static char root[64];
static int root_fd;

static void setup(void)
{
	strcpy(root, "/tmp/hpl-root-XXXXXX");
	cr_assert(mkdtemp(root));
	root_fd = open(root, O_RDONLY | O_DIRECTORY);
}

TestSuite(storage_mountpoint_dirs, .init = setup);

Test(storage_mountpoint_dirs, missing_directories_are_made)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct stat st;
	int fd = hpl_mount_path_open(root_fd, "/mnt/data/deep", &err);

	cr_assert_geq(fd, 0, "%s", err.text);
	cr_assert_eq(fstatat(root_fd, "mnt/data/deep", &st, 0), 0);
	cr_assert(S_ISDIR(st.st_mode));
	close(fd);
	fd = hpl_mount_path_open(root_fd, "/mnt/data/deep", &err);
	cr_assert_geq(fd, 0, "a second time: %s", err.text);
	close(fd);
}

Test(storage_mountpoint_dirs, a_file_is_HPL07002E)
{
	struct hpl_err err = HPL_ERR_NULL;
	int fd = openat(root_fd, "file", O_CREAT | O_WRONLY, 0600);

	close(fd);
	cr_assert_eq(hpl_mount_path_open(root_fd, "/file", &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_MOUNT_MUST_BE_DIRECTORY);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_mount_path_open(root_fd, "/file/below", &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_MOUNT_MUST_BE_DIRECTORY);
}

Test(storage_mountpoint_dirs, links_are_not_followed)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(symlinkat("/etc", root_fd, "link"), 0);
	cr_assert_eq(hpl_mount_path_open(root_fd, "/link", &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_MOUNT_REFUSED);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_mount_path_open(root_fd, "/link/below", &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_MOUNT_REFUSED);
}

Test(storage_mountpoint_dirs, a_look_says_the_same_and_makes_nothing)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(mkdirat(root_fd, "mnt", 0755), 0);
	close(openat(root_fd, "mnt/file", O_CREAT | O_WRONLY, 0644));
	cr_assert_eq(symlinkat("/etc", root_fd, "mnt/link"), 0);
	cr_assert_eq(hpl_mount_path_look(root_fd, "/mnt/data/deep", &err), 0, "%s", err.text);
	cr_assert_eq(hpl_mount_path_look(root_fd, "/mnt", &err), 0, "%s", err.text);
	cr_assert_lt(faccessat(root_fd, "mnt/data", F_OK, 0), 0);
	cr_assert_eq(hpl_mount_path_look(root_fd, "/mnt/file", &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_MOUNT_MUST_BE_DIRECTORY);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_mount_path_look(root_fd, "/mnt/link/x", &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_MOUNT_REFUSED);
}

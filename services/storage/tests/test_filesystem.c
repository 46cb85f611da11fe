/* SPDX-License-Identifier: Apache-2.0 */
/* Filesystems in files, made by the real programs; xfs_db, btrfs and cmp are the oracles. */
#include <sys/mount.h>

#include "proto/messages.h"
#include "services/storage/filesystem.h"
#include "services/storage/tests/files.h"

#define MIB (1ULL << 20)

static char path[64];
static int fd = -1;

static void file(uint64_t size)
{
	fd = make_disk(path, size);
}

static void remove_file(void)
{
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
}

static void make(const char *type, uint64_t size)
{
	struct hpl_err err = HPL_ERR_NULL;

	file(size);
	cr_assert_eq(hpl_filesystem_make("/sbin", type, path, NULL, &err), 0, "%s", err.text);
}

static void zero(uint64_t from, uint64_t to)
{
	cr_assert_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
		(off_t)(to - from)), 0);
}

static bool says(const char *want, const char *const *argv)
{
	HPL_CLEANUP(hpl_buf_done) struct hpl_buf out = HPL_BUF_NULL;

	cr_assert_eq(run_program(&out, argv, NULL), 0);
	return out.data && strstr(out.data, want);
}
#define SAYS(want, ...) says((want), (const char *const[]){__VA_ARGS__, NULL})

TestSuite(filesystem, .fini = remove_file, .timeout = 120);

static void made_and_sound(const char *type, uint64_t size)
{
	char found[32] = "", copy[80];

	make(type, size);
	cr_expect_eq(hpl_filesystem_probe(found, sizeof found, fd, NULL), 0);
	cr_expect_str_eq(found, type);
	snprintf(copy, sizeof copy, "%s.copy", path);
	cr_assert_eq(RUN(NULL, "/bin/cp", "--sparse=always", path, copy), 0);
	cr_expect_eq(hpl_filesystem_sound("/sbin", type, path), HPL_SOUND_YES, "%s is sound", type);
	cr_expect_eq(RUN(NULL, "/usr/bin/cmp", path, copy), 0, "a check of %s changes nothing", type);
	unlink(copy);
}

Test(filesystem, an_ext4_is_made_and_found_sound)
{
	made_and_sound("ext4", 16 * MIB);
}

Test(filesystem, the_smallest_xfs_is_made_and_found_sound)
{
	made_and_sound("xfs", 300 * MIB);
	cr_expect(SAYS("sectsize = 4096\nblocksize = 4096\n", "/usr/sbin/xfs_db", "-r", "-c", "sb 0", "-c",
		"p sectsize blocksize", path));
	cr_expect(SAYS("BIGTIME", "/usr/sbin/xfs_db", "-r", "-c", "version", path));
}

Test(filesystem, the_smallest_btrfs_is_made_and_found_sound)
{
	made_and_sound("btrfs", 256 * MIB);
	cr_expect(SAYS("sectorsize\t\t4096\n", "/bin/btrfs", "inspect-internal", "dump-super", path));
	cr_expect(SAYS("csum_type\t\t0 (crc32c)", "/bin/btrfs", "inspect-internal", "dump-super", path));
	cr_expect(SAYS("METADATA|DUP", "/bin/btrfs", "inspect-internal", "dump-tree", "-t", "chunk", path));
}

/* Over what was there, as an interrupted making leaves it. */
Test(filesystem, another_filesystem_is_overwritten)
{
	struct hpl_err err = HPL_ERR_NULL;
	char found[32] = "";

	make("btrfs", 300 * MIB);
	cr_assert_eq(hpl_filesystem_make("/sbin", "xfs", path, NULL, &err), 0, "%s", err.text);
	cr_expect_eq(hpl_filesystem_probe(found, sizeof found, fd, &err), 0, "%s", err.text);
	cr_expect_str_eq(found, "xfs");
	cr_assert_eq(hpl_filesystem_make("/sbin", "ext4", path, NULL, &err), 0, "%s", err.text);
	cr_expect_eq(hpl_filesystem_probe(found, sizeof found, fd, &err), 0, "%s", err.text);
	cr_expect_str_eq(found, "ext4");
}

Test(filesystem, a_torn_ext4_is_not_sound)
{
	make("ext4", 64 * MIB);
	zero(4096, 4 * MIB); /* group descriptors, bitmaps, inodes */
	cr_expect_eq(hpl_filesystem_sound("/sbin", "ext4", path), HPL_SOUND_NO);
}

/* The device ends behind its superblock, so that everything else cannot be read. */
Test(filesystem, of_an_ext4_that_cannot_be_read_is_not_known_whether_it_is_sound)
{
	make("ext4", 64 * MIB);
	cr_assert_eq(truncate(path, 64 << 10), 0);
	cr_expect_eq(hpl_filesystem_sound("/sbin", "ext4", path), HPL_SOUND_UNKNOWN);
}

Test(filesystem, a_torn_xfs_is_not_sound)
{
	make("xfs", 300 * MIB);
	zero(4096, 8192); /* the free space of the first allocation group */
	cr_expect_eq(hpl_filesystem_sound("/sbin", "xfs", path), HPL_SOUND_NO);
}

Test(filesystem, a_torn_btrfs_is_not_sound)
{
	make("btrfs", 256 * MIB);
	zero(MIB, 60 * MIB); /* the trees; the superblocks at 64 KiB and 64 MiB stay */
	zero(65 * MIB, 256 * MIB);
	cr_expect_eq(hpl_filesystem_sound("/sbin", "btrfs", path), HPL_SOUND_NO);
}

Test(filesystem, what_is_no_filesystem_is_not_sound)
{
	file(300 * MIB);
	cr_expect_eq(hpl_filesystem_sound("/sbin", "ext4", path), HPL_SOUND_NO);
	cr_expect_eq(hpl_filesystem_sound("/sbin", "xfs", path), HPL_SOUND_NO);
	cr_expect_eq(hpl_filesystem_sound("/sbin", "btrfs", path), HPL_SOUND_NO);
	cr_expect_eq(hpl_filesystem_sound("/sbin", "vfat", path), HPL_SOUND_UNKNOWN);
	cr_expect_eq(hpl_filesystem_sound("/nowhere", "ext4", path), HPL_SOUND_UNKNOWN);
}

static void too_small(const char *type, uint64_t min, const char *text, const char *cure)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect(hpl_filesystem_fits(type, min, 0, NULL));
	cr_expect_not(hpl_filesystem_fits(type, min - 1, 118 * MIB, &err));
	cr_expect_eq(err.msg, HPL_MSG_STORAGE_FS_TOO_SMALL);
	cr_expect(strstr(err.text, text), "%s", err.text);
	cr_expect(strstr(err.cure, cure), "%s", err.cure);
}

Test(filesystem, what_is_too_small_is_refused_with_the_size_it_needs)
{
	too_small("xfs", 300 * MIB, "needs 300 MiB and would get 299", "at least 418 MiB");
	too_small("btrfs", 256 * MIB, "needs 256 MiB and would get 255", "at least 374 MiB");
	cr_expect(hpl_filesystem_fits("ext4", 0, 0, NULL));
}

/* The number of this program is that of the other one. */
Test(filesystem, mkfs_of_xfs_draws_the_same_line)
{
	struct hpl_err err = HPL_ERR_NULL;

	file(299 * MIB);
	cr_assert_eq(hpl_filesystem_make("/sbin", "xfs", path, NULL, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_LUKS_CREATE_FS_FAILED);
	cr_expect(strstr(err.text, "300MB"), "%s", err.text);
}

Test(filesystem, a_btrfs_over_two_devices_is_refused)
{
	struct hpl_err err = HPL_ERR_NULL;
	char second[64], found[32] = "";
	int other = make_disk(second, 256 * MIB);

	file(256 * MIB);
	cr_assert_eq(RUN(NULL, "/sbin/mkfs.btrfs", "-q", "-f", path, second), 0);
	cr_expect_eq(hpl_filesystem_probe(found, sizeof found, fd, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED);
	cr_expect(strstr(err.text, "over 2 devices"), "%s", err.text);
	close(other);
	unlink(second);
}

/* What /proc/self/mounts would say with device mounted as type. */
static void mounts(char list[80], const char *device, const char *type)
{
	char text[256];

	snprintf(list, 80, "%s.mounts", path);
	snprintf(text, sizeof text, "proc /proc proc rw 0 0\n%s /mnt/data %s rw,nosuid,nodev 0 0\n", device,
		type);
	int m = open(list, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	put(m, 0, text, strlen(text));
	close(m);
}

static void copy_is_named(const char *type, const char *program)
{
	struct hpl_err err = HPL_ERR_NULL;
	char copy[80], list[80];

	make(type, 300 * MIB);
	snprintf(copy, sizeof copy, "%s.copy", path);
	cr_assert_eq(RUN(NULL, "/bin/cp", "--sparse=always", path, copy), 0);
	mounts(list, copy, type);
	cr_expect_eq(hpl_filesystem_mount_failed(path, type, EINVAL, list, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_STORAGE_FS_COPY);
	cr_expect(strstr(err.cure, program), "%s", err.cure);

	/* the same, but of another type, or this device itself, or another filesystem */
	mounts(list, copy, "ext4");
	(void)hpl_filesystem_mount_failed(path, type, EINVAL, list, &err);
	cr_expect_eq(err.msg, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED);
	mounts(list, path, type);
	(void)hpl_filesystem_mount_failed(path, type, EINVAL, list, &err);
	cr_expect_eq(err.msg, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED);
	cr_assert_eq(hpl_filesystem_make("/sbin", type, copy, NULL, NULL), 0);
	mounts(list, copy, type);
	(void)hpl_filesystem_mount_failed(path, type, EINVAL, list, &err);
	cr_expect_eq(err.msg, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED);
	unlink(copy);
	unlink(list);
}

Test(filesystem, a_copied_xfs_is_named_as_such)
{
	copy_is_named("xfs", "xfs_admin");
}

Test(filesystem, a_copied_btrfs_is_named_as_such)
{
	copy_is_named("btrfs", "btrfstune");
}

Test(filesystem, a_program_that_is_missing_has_its_id)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect(hpl_filesystem_tool("/sbin", "xfs", NULL));
	cr_expect_not(hpl_filesystem_tool("/nowhere", "xfs", &err));
	cr_expect_eq(err.msg, HPL_MSG_STORAGE_FS_TOOL_MISSING);
	cr_expect_not(hpl_filesystem_tool("/sbin", "../../bin/sh", &err));
	cr_expect_eq(err.msg, HPL_MSG_STORAGE_FS_TOOL_MISSING);
}

Test(filesystem, a_type_that_the_kernel_lacks_has_its_id)
{
	struct hpl_err err = HPL_ERR_NULL;
	int context = fsopen("no-such-filesystem", 0);

	if (context < 0 && errno != ENODEV)
		cr_skip_test("no right to ask the kernel");
	cr_expect_not(hpl_filesystem_in_kernel("no-such-filesystem", &err));
	cr_expect_eq(err.msg, HPL_MSG_STORAGE_FS_TOOL_MISSING);
	cr_expect(hpl_filesystem_in_kernel("proc", &err));
}

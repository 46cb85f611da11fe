/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "services/disk-check/mounts.h"

static const char text[] =
	"1 1 0:1 / / rw - rootfs rootfs rw\n"
	"22 1 254:3 / / rw,relatime shared:1 - ext4 /dev/mapper/luks-root rw\n"
	"23 22 0:5 / /proc rw - proc proc rw\n"
	"40 22 253:7 / /mnt/my\\040data rw,nosuid,nodev shared:9 master:2 - ext4 /dev/mapper/a rw\n"
	"41 22 253:8 / /mnt/x rw - ext4 /dev/mapper/b rw\n"
	"42 41 0:50 / /mnt/x rw - tmpfs none rw\n"
	"43 22 0:44 /@ /mnt/btrfs rw - btrfs /dev/mapper/luks-b rw,space_cache\n"
	"44 22 253:9 /sub /mnt/part rw - xfs /dev/mapper/d rw\n"
	"45 22 253:10 / /mnt/deep/er rw - xfs /dev/mapper/e rw\n"
	"46 22 0:51 / /mnt/deep rw - tmpfs none rw\n"
	"47 22 0:52 / /mnt/nothing rw -  \n"
	"48 22 0:53 / /mnt/empty rw - tmpfs  rw\n";

static struct hpl_mounts mounts;

static void setup(void)
{
	struct hpl_err err = HPL_ERR_NULL;
	const char *cut = strstr(text, "47 22");
	char *good = strndup(text, (size_t)(cut - text));

	cr_assert_eq(hpl_mounts_parse(&mounts, good, &err), 0, "%s", err.text);
	free(good);
}

static void end(void)
{
	hpl_mounts_done(&mounts);
}

TestSuite(disk_check_mounts, .init = setup, .fini = end);

static void refused(const char *point, uint64_t top, const char *why)
{
	const struct hpl_mount *m;
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(hpl_mount_find(&m, &mounts, point, top, &err), -1, "%s", point);
	cr_expect(strstr(err.text, why), "'%s' does not say '%s'", err.text, why);
}

Test(disk_check_mounts, the_root_is_found_above_the_initramfs)
{
	const struct hpl_mount *m;

	cr_assert_eq(hpl_mount_find(&m, &mounts, "/", 22, NULL), 0);
	cr_expect(m->major == 254 && m->minor == 3);
	cr_expect_str_eq(m->source, "/dev/mapper/luks-root");
	cr_expect_str_eq(m->type, "ext4");
}

Test(disk_check_mounts, an_initramfs_that_stayed_the_root_is_the_root)
{
	struct hpl_mounts only;
	const struct hpl_mount *m;

	cr_assert_eq(hpl_mounts_parse(&only, "1 1 0:1 / / rw - rootfs rootfs rw\n", NULL), 0);
	cr_assert_eq(hpl_mount_find(&m, &only, "/", 1, NULL), 0);
	cr_expect(m->major == 0 && m->minor == 1);
	hpl_mounts_done(&only);
}

Test(disk_check_mounts, escapes_are_undone)
{
	const struct hpl_mount *m;

	cr_assert_eq(hpl_mount_find(&m, &mounts, "/mnt/my data", 40, NULL), 0);
	cr_expect_eq(m->minor, 7);
}

Test(disk_check_mounts, what_was_unmounted_is_refused)
{
	refused("/mnt", 22, "nothing is mounted");
	refused("/mnt/my", 40, "nothing is mounted");
}

Test(disk_check_mounts, what_is_mounted_over_it_is_refused)
{
	refused("/mnt/x", 42, "2 things are mounted there");
	refused("/mnt/x", 41, "2 things are mounted there");
}

Test(disk_check_mounts, what_hides_a_folder_above_is_refused)
{
	const struct hpl_mount *m;

	refused("/mnt/deep/er", 46, "what is mounted at /mnt/deep");
	refused("/mnt/deep/er", 99, "not in the list");
	cr_expect_eq(hpl_mount_find(&m, &mounts, "/mnt/deep/er", 45, NULL), 0);
}

Test(disk_check_mounts, a_part_is_refused_but_of_btrfs)
{
	const struct hpl_mount *m;

	refused("/mnt/part", 44, "only the part /sub");
	cr_assert_eq(hpl_mount_find(&m, &mounts, "/mnt/btrfs", 43, NULL), 0);
	cr_expect(hpl_mount_anonymous(m) && hpl_mount_on_disk(m));
}

Test(disk_check_mounts, what_stands_on_disks)
{
	size_t n = 0;

	for (size_t i = 0; i < mounts.count; i++)
		n += hpl_mount_on_disk(&mounts.list[i]);
	cr_expect_eq(n, 6); /* all but rootfs, proc and the two tmpfs */
}

Test(disk_check_mounts, broken_lists_are_refused)
{
	static const char *const broken[] = {"", "\n\n", "22 1 254:3 / / rw", "22 1 x:3 / / rw - ext4 a rw",
		"22 1 254 / / rw - ext4 a rw", "x 1 254:3 / / rw - ext4 a rw", "22 1 254:3 / / rw - ",
		" - - - \n\n - ", "22 1 254:3 / - ext4 a rw", "22x 1 254:3 / / rw - ext4 a rw",
		"22 1 254:3x / / rw - ext4 a rw", "22 1 254:3 / / rw - ext4 a rw\nrest", text};
	struct hpl_mounts m;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(broken); i++)
		cr_expect_eq(hpl_mounts_parse(&m, broken[i], NULL), -1, "%s", broken[i]);
	cr_expect_eq(hpl_mounts_parse(&m, NULL, NULL), -1);
}

Test(disk_check_mounts, odd_escapes_and_an_empty_source_do_no_harm)
{
	struct hpl_mounts m;

	cr_assert_eq(hpl_mounts_parse(&m, "1 1 0:9 / /a\\04 rw - tmpfs  rw\n2 1 0:9 / /b\\ rw - tmpfs\n"
		"3 1 0:9 /\\134 /\\011\\012 rw - tmpfs x rw\n", NULL), 0);
	cr_expect_eq(m.count, 3);
	cr_expect_str_eq(m.list[1].point, "/b\\");
	cr_expect_str_eq(m.list[1].source, "");
	cr_expect_str_eq(m.list[2].point, "/\t\n");
	cr_expect_str_eq(m.list[2].root, "/\\");
	hpl_mounts_done(&m);
}

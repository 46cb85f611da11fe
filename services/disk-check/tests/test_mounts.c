/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "services/disk-check/mounts.h"

static const char text[] =
	"22 1 254:3 / / rw,relatime shared:1 - ext4 /dev/mapper/luks-root rw\n"
	"23 22 0:5 / /proc rw - proc proc rw\n"
	"40 22 253:7 / /mnt/my\\040data rw,nosuid,nodev shared:9 master:2 - ext4 /dev/mapper/a rw\n"
	"41 22 253:8 / /mnt/x rw - ext4 /dev/mapper/b rw\n"
	"42 22 253:9 /sub /mnt/x rw - ext4 /dev/mapper/c rw\n"
	"43 22 0:44 / /mnt/btrfs rw - btrfs /dev/mapper/luks-b rw,space_cache\n";

Test(disk_check_mounts, device_and_source_are_found)
{
	struct hpl_mount m;

	cr_assert_eq(hpl_mount_find(&m, text, "/", NULL), 0);
	cr_assert(m.major == 254 && m.minor == 3);
	cr_assert_str_eq(m.source, "/dev/mapper/luks-root");
	cr_assert_eq(hpl_mount_find(&m, text, "/mnt/btrfs", NULL), 0);
	cr_assert(m.major == 0 && m.minor == 44);
}

Test(disk_check_mounts, escapes_are_undone)
{
	struct hpl_mount m;

	cr_assert_eq(hpl_mount_find(&m, text, "/mnt/my data", NULL), 0);
	cr_assert_eq(m.minor, 7);
}

Test(disk_check_mounts, what_is_mounted_on_top_counts)
{
	struct hpl_mount m;

	cr_assert_eq(hpl_mount_find(&m, text, "/mnt/x", NULL), 0);
	cr_assert_eq(m.minor, 9);
}

Test(disk_check_mounts, nothing_there_and_broken_lines_are_refused)
{
	struct hpl_mount m;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_mount_find(&m, text, "/mnt", &err), -1);
	cr_assert_eq(hpl_mount_find(&m, "", "/", NULL), -1);
	cr_assert_eq(hpl_mount_find(&m, "22 1 254:3 / / rw", "/", NULL), -1);
	cr_assert_eq(hpl_mount_find(&m, "22 1 x:3 / / rw - ext4 a rw", "/", NULL), -1);
	cr_assert_eq(hpl_mount_find(&m, "22 1 254:3 / / rw - ", "/", NULL), -1);
	cr_assert_eq(hpl_mount_find(&m, " - - - \n\n - ", "/", NULL), -1);
}

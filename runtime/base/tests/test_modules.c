/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "runtime/base/file.h"
#include "runtime/base/modules.h"

Test(modules, only_aliases_of_filesystems_are_taken)
{
	static const char *const good[] = {"fs-xfs", "fs-btrfs", "fs-ext4", "fs-iso9660", "fs-binfmt_misc"};
	static const char *const wrong[] = {"", "fs-", "fs", "xfs", "net-pf-10", "fs-../keys", "fs-a/b",
		"fs-.", "fs-A", "crypto-xts(aes)", " fs-xfs", "fs-xfs ", "fs-xfs\n",
		"fs-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(good); i++)
		cr_expect(hpl_modules_is_filesystem(good[i]), "%s", good[i]);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(wrong); i++)
		cr_expect_not(hpl_modules_is_filesystem(wrong[i]), "%s", wrong[i]);
}

static char bad[256];

static void note(void *ud, const char *name, int sys)
{
	size_t used = strlen(bad);

	snprintf(bad + used, sizeof(bad) - used, "%s=%d ", name, sys);
}

Test(modules, each_name_of_the_order_is_tried_and_none_outside_the_directory)
{
	static const char order[] = "absent.ko\n../absent.ko\nlast.ko some=1\n";
	char dir[] = "/tmp/hpl-modules-XXXXXX", path[64], want[128];

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/order", dir);
	cr_assert_eq(hpl_file_write(path, order, sizeof order - 1, 0600, NULL), 0);
	cr_expect_eq(hpl_modules_load(dir, note, NULL, NULL), 0);
	snprintf(want, sizeof want, "absent.ko=%d ../absent.ko=%d last.ko=%d ", ENOENT, EINVAL, ENOENT);
	cr_expect_str_eq(bad, want);
	unlink(path);
	rmdir(dir);
}

Test(modules, no_directory_is_no_error_and_one_without_order_is)
{
	char dir[] = "/tmp/hpl-modules-XXXXXX";

	cr_assert_not_null(mkdtemp(dir));
	cr_expect_eq(hpl_modules_load("/tmp/hpl-no-such-directory", note, NULL, NULL), 0);
	cr_expect_eq(hpl_modules_load(dir, note, NULL, NULL), -1);
	rmdir(dir);
}

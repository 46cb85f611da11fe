/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"
#include "services/storage/blank.h"
#include "services/storage/tests/files.h"

enum { SIZE = 256 << 20 };

static char path[64];
static int fd = -1;

static void setup(void)
{
	fd = make_disk(path, SIZE);
}

static void teardown(void)
{
	close(fd);
	unlink(path);
}

TestSuite(storage_blank, .init = setup, .fini = teardown);

static int check(char *why, struct hpl_err *err)
{
	*err = HPL_ERR_NULL;
	return hpl_blank_check(fd, 0, SIZE, why, err);
}

Test(storage_blank, zeros_are_blank)
{
	struct hpl_err err;
	char why[HPL_BLANK_WHY];

	cr_assert_eq(check(why, &err), 0, "%s", err.text);
}

Test(storage_blank, one_byte_anywhere_in_the_edges_is_data)
{
	static const uint64_t places[] = {0, 1, 511, 512, 4096, (1 << 20) - 1, 2 << 20, (3 << 20) + 5, (4 << 20) + 16384, SIZE - (1 << 20),
		SIZE - 4096, SIZE - 1};
	struct hpl_err err;
	char why[HPL_BLANK_WHY];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(places); i++) {
		put(fd, places[i], "x", 1);
		cr_assert_eq(check(why, &err), HPL_NOT_BLANK, "at %lu", (unsigned long)places[i]);
		cr_assert(strlen(why) > 0);
		put(fd, places[i], "", 1);
		cr_assert_eq(check(why, &err), 0);
	}
}

Test(storage_blank, data_in_the_middle_only_is_found_by_samples)
{
	struct hpl_err err;
	char why[HPL_BLANK_WHY], mib[4 << 20];

	memset(mib, 0x5a, sizeof mib);
	put(fd, SIZE / 2, mib, sizeof mib);
	cr_assert_eq(check(why, &err), HPL_NOT_BLANK);
}

Test(storage_blank, a_filesystem_a_table_and_luks_are_no_blanks)
{
	struct hpl_err err;
	char why[HPL_BLANK_WHY];

	cr_assert_eq(RUN(NULL, "/sbin/mkfs.ext4", "-q", "-F", path), 0);
	cr_assert_eq(check(why, &err), HPL_NOT_BLANK);
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(ftruncate(fd, SIZE), 0);
	cr_assert_eq(check(why, &err), 0);
	cr_assert_eq(RUN(NULL, "/sbin/sgdisk", "-n", "1:0:0", path), 0);
	cr_assert_eq(check(why, &err), HPL_NOT_BLANK);
	/* only the second table is left: as a partition manager's crash leaves it */
	char zero[1 << 20] = "";
	put(fd, 0, zero, sizeof zero);
	cr_assert_eq(check(why, &err), HPL_NOT_BLANK);
}

Test(storage_blank, what_cannot_be_read_is_an_error_and_never_blank)
{
	struct hpl_err err;
	char why[HPL_BLANK_WHY];

	/* the file ends before the size: short reads */
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_blank_check(fd, 0, (uint64_t)SIZE * 2, why, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_UNREADABLE);
	cr_assert(err.cure[0]);
	/* a descriptor that cannot be read: EBADF */
	int wronly = open(path, O_WRONLY);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_blank_check(wronly, 0, SIZE, why, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_UNREADABLE);
	close(wronly);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_blank_check(fd, 0, 0, why, &err), -1);
}

Test(storage_blank, a_range_is_judged_without_its_surroundings)
{
	struct hpl_err err = HPL_ERR_NULL;
	char why[HPL_BLANK_WHY];

	put(fd, (64 << 20) - 1, "x", 1);
	put(fd, 128 << 20, "x", 1);
	cr_assert_eq(hpl_blank_check(fd, 64 << 20, 64 << 20, why, &err), 0, "%s", err.text);
	put(fd, 64 << 20, "x", 1);
	cr_assert_eq(hpl_blank_check(fd, 64 << 20, 64 << 20, why, &err), HPL_NOT_BLANK);
}

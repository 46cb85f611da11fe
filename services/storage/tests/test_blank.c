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

/* As large as a metadata partition: samples would leave 750 KiB between two of them. */
Test(storage_blank, one_sector_anywhere_in_a_small_range_is_data)
{
	enum { AT = 1 << 20, SMALL = 100 << 20, SECTORS = SMALL / 512, ISLANDS = 100 };
	struct hpl_err err = HPL_ERR_NULL;
	char why[HPL_BLANK_WHY], sector[512], zero[512] = "";

	memset(sector, 0x5a, sizeof sector);
	for (uint64_t i = 0; i < ISLANDS; i++) {
		/* spread without a step in common with the samples; the last one is the last sector */
		uint64_t at = AT + (i == ISLANDS - 1 ? SECTORS - 1 : i * 2027 % SECTORS) * 512;

		put(fd, at, sector, sizeof sector);
		cr_assert_eq(hpl_blank_check_whole(fd, AT, SMALL, why, &err), HPL_NOT_BLANK, "at %lu", (unsigned long)at);
		put(fd, at, zero, sizeof zero);
	}
	cr_assert_eq(hpl_blank_check_whole(fd, AT, SMALL, why, &err), 0, "%s", err.text);
}

Test(storage_blank, an_island_between_two_samples_is_seen_when_all_is_read)
{
	enum { SMALL = 100 << 20, ISLAND = (60 << 20) + (300 << 10) };
	struct hpl_err err = HPL_ERR_NULL;
	char why[HPL_BLANK_WHY];

	put(fd, ISLAND, "x", 1);
	cr_expect_eq(hpl_blank_check_whole(fd, 0, SMALL, why, &err), HPL_NOT_BLANK);
	cr_expect_eq(hpl_blank_check(fd, 0, SMALL, why, &err), 0, "samples see it: this test tells nothing");
}

Test(storage_blank, every_size_of_a_small_range_is_read_to_its_end_and_no_further)
{
	struct hpl_err err = HPL_ERR_NULL;
	char why[HPL_BLANK_WHY];

	for (uint64_t size = 512; size < (20 << 20); size = size * 3 / 2 / 512 * 512 + 512) {
		put(fd, size - 1, "x", 1);
		cr_assert_eq(hpl_blank_check_whole(fd, 0, size, why, &err), HPL_NOT_BLANK, "%lu", (unsigned long)size);
		put(fd, size - 1, "", 1);
		put(fd, size, "x", 1);
		cr_assert_eq(hpl_blank_check_whole(fd, 0, size, why, &err), 0, "%lu: %s", (unsigned long)size, err.text);
		put(fd, size, "", 1);
	}
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
	cr_assert_eq(hpl_blank_check_whole(fd, 0, (uint64_t)SIZE * 2, why, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_UNREADABLE);
	cr_assert(err.cure[0]);
	/* a descriptor that cannot be read: EBADF */
	int wronly = open(path, O_WRONLY);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_blank_check_whole(wronly, 0, SIZE, why, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_UNREADABLE);
	close(wronly);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_blank_check_whole(fd, 0, 0, why, &err), -1);
}

Test(storage_blank, a_range_is_judged_without_its_surroundings)
{
	struct hpl_err err = HPL_ERR_NULL;
	char why[HPL_BLANK_WHY];

	put(fd, (64 << 20) - 1, "x", 1);
	put(fd, 128 << 20, "x", 1);
	cr_assert_eq(hpl_blank_check_whole(fd, 64 << 20, 64 << 20, why, &err), 0, "%s", err.text);
	put(fd, 64 << 20, "x", 1);
	cr_assert_eq(hpl_blank_check_whole(fd, 64 << 20, 64 << 20, why, &err), HPL_NOT_BLANK);
}

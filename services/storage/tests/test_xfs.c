/* SPDX-License-Identifier: Apache-2.0 */
/* Torn blocks that the log names. That the kernel then replays the log shows integration/powercut close-xfs. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/storage/tests/xfs_image.h"
#include "services/storage/xfs.h"

static uint8_t image[IMAGE], after[IMAGE];

static int mend(void)
{
	char path[] = "/tmp/hpl-xfs-XXXXXX";
	int fd = mkstemp(path), r;

	cr_assert(fd >= 0 && pwrite(fd, image, IMAGE, 0) == IMAGE);
	r = hpl_xfs_mend(path);
	cr_assert_eq(pread(fd, after, IMAGE, 0), IMAGE);
	close(fd);
	unlink(path);
	return r;
}

static void expect_untouched(int want)
{
	cr_assert_eq(mend(), want);
	cr_assert_eq(memcmp(image, after, IMAGE), 0);
}

Test(xfs, a_torn_block_that_the_log_names_is_made_old)
{
	for (unsigned nth = 0; nth < LOG_SECTORS; nth++) {
		image_make(image, nth);
		image[NAMED + LATER] ^= 1;
		image[OTHER + LATER] ^= 1; /* no replay would write it */
		cr_assert_eq(mend(), 1, "the record at sector %u of the log", nth);
		memset(image + NAMED + LSN, 0, 8);
		cr_assert_eq(memcmp(image, after, IMAGE), 0, "and nothing else is changed");
		expect_untouched(0);
	}
}

Test(xfs, a_whole_one_is_left_alone)
{
	image_make(image, 2);
	expect_untouched(0);
}

Test(xfs, a_block_that_is_not_what_it_says_is_left_alone)
{
	static const int fields[] = {NAMED /* kind */, NAMED + 15 /* place */, NAMED + 24 /* UUID */};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		image_make(image, 2);
		image[fields[i]] ^= 1;
		expect_untouched(0);
	}
}

Test(xfs, a_block_beyond_the_end_is_not_read)
{
	static const uint64_t sectors[] = {IMAGE / 512 - 1, IMAGE / 512, UINT64_MAX, UINT64_MAX / 512};

	for (size_t i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
		image_make(image, 2);
		image_record(image, 2, sectors[i]);
		expect_untouched(0);
	}
}

Test(xfs, a_log_outside_of_the_filesystem_is_refused)
{
	static const struct { int at; uint8_t v; } wrong[] = {{0, 0}, {101, 0xa4}, {55, 30}, {99, 40}, {120, 40},
		{120, 0}, {124, 64}, {91, 0}, {8, 0xff}};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		image_make(image, 2);
		image[NAMED + LATER] ^= 1;
		image[wrong[i].at] = wrong[i].v;
		expect_untouched(-1);
	}
}

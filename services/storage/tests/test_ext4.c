/* SPDX-License-Identifier: Apache-2.0 */
/* Torn superblocks; mke2fs and e2fsck are the oracles. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/storage/ext4.h"
#include "services/storage/tests/files.h"

#define FIELD(at) (HPL_EXT4_SUPER + (at))
enum { SIZE = 28 << 20, BLOCKS_COUNT = 0x4, WRITE_TIME = 0x30, MAGIC = 0x38, CHECKSUM = 0x3fc };
static char path[64];
static int fd = -1;

static int status_of(const char *program, const char *a, const char *b)
{
	return RUN(NULL, program, a, b, path);
}

static void setup(void)
{
	fd = make_disk(path, SIZE);
	cr_assert_eq(status_of("/sbin/mkfs.ext4", "-q", "-F"), 0);
	cr_assert_eq(status_of("/sbin/fsck.ext4", "-f", "-n"), 0);
}

static void teardown(void)
{
	close(fd);
	unlink(path);
}

TestSuite(ext4, .init = setup, .fini = teardown);

Test(ext4, a_superblock_with_one_new_and_one_old_sector_is_mended)
{
	flip(fd, FIELD(WRITE_TIME), 0x11);
	cr_assert_neq(status_of("/sbin/fsck.ext4", "-f", "-p"), 0, "e2fsck mends it, this code is not needed");
	cr_assert_eq(hpl_ext4_mend("/sbin", path), 0);
	cr_assert_eq(status_of("/sbin/fsck.ext4", "-f", "-n"), 0);
}

Test(ext4, an_old_second_sector_is_mended)
{
	flip(fd, FIELD(CHECKSUM), 0xff);
	cr_assert_eq(hpl_ext4_mend("/sbin", path), 0);
	cr_assert_eq(status_of("/sbin/fsck.ext4", "-f", "-n"), 0);
}

Test(ext4, a_whole_one_is_left_alone)
{
	uint32_t before = word_at(fd, FIELD(CHECKSUM));

	cr_assert_lt(hpl_ext4_mend("/sbin", path), 0);
	cr_assert_eq(word_at(fd, FIELD(CHECKSUM)), before);
}

Test(ext4, a_journal_with_nothing_to_replay_is_left_alone)
{
	flip(fd, FIELD(CHECKSUM), 0xff); /* e2fsck would change it */
	uint32_t before = word_at(fd, FIELD(CHECKSUM));

	cr_assert_lt(hpl_ext4_replay("/sbin", path), 0);
	cr_assert_eq(word_at(fd, FIELD(CHECKSUM)), before);
}

Test(ext4, what_is_not_sound_gets_its_wrong_checksum_back)
{
	uint32_t before = word_at(fd, FIELD(CHECKSUM));

	flip(fd, FIELD(BLOCKS_COUNT + 2), 0x40); /* more blocks than the device has */
	cr_assert_lt(hpl_ext4_mend("/sbin", path), 0);
	cr_assert_eq(word_at(fd, FIELD(CHECKSUM)), before);
	flip(fd, FIELD(BLOCKS_COUNT + 2), 0x40);
	flip(fd, FIELD(MAGIC), 1);
	cr_assert_lt(hpl_ext4_mend("/sbin", path), 0);
	cr_assert_eq(word_at(fd, FIELD(CHECKSUM)), before);
}

static bool was_mounted(void)
{
	uint8_t super[HPL_EXT4_SUPER];

	cr_assert_eq(pread(fd, super, sizeof(super), HPL_EXT4_SUPER), (ssize_t)sizeof(super));
	return hpl_ext4_was_mounted(super);
}

Test(ext4, that_was_mounted_is_known_by_its_count)
{
	cr_assert_not(was_mounted());
	cr_assert_eq(status_of("/sbin/tune2fs", "-C", "1"), 0);
	cr_assert(was_mounted());
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Torn superblocks; mke2fs and e2fsck are the oracles. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/storage/ext4.h"
#include "services/storage/tests/files.h"

#define FIELD(at) (HPL_EXT4_SUPER + (at))
enum { SIZE = 28 << 20, BLOCK = 4096, BLOCKS_COUNT = 0x4, WRITE_TIME = 0x30, MAGIC = 0x38, CHECKSUM = 0x3fc };
static char path[64];
static int fd = -1;

static int status_of(const char *program, const char *a, const char *b)
{
	return RUN(NULL, program, a, b, path);
}

static void setup(void)
{
	fd = make_disk(path, SIZE);
	cr_assert_eq(status_of("/sbin/mkfs.ext4", "-q", "-Fb4096"), 0);
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

/* ---- a journal of three transactions, which debugfs writes ---- */

static uint64_t journal_at; /* bytes */

static void write_journal(void)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	char script[64], block[64], data[BLOCK];
	int to = make_disk(script, 0), from = make_disk(block, 0);

	cr_assert_eq(RUN(&out, "/sbin/debugfs", "-R", "bmap <8> 0", path), 0);
	journal_at = strtoull(out.data, NULL, 10) * BLOCK;
	memset(data, 'x', sizeof(data));
	put(from, 0, data, sizeof(data));
	/* each to a free block */
	dprintf(to, "jo -c -v 3\njw -b 6000 %s\njw -b 6001 %s\njw -b 6002 %s\njc\n", block, block, block);
	close(to);
	close(from);
	cr_assert_eq(RUN(NULL, "/sbin/debugfs", "-w", "-f", script, path), 0);
	unlink(script);
	unlink(block);
}

/* The n-th commit of the journal, from 1 */
static uint64_t commit(int n)
{
	for (uint64_t at = journal_at + BLOCK; at < journal_at + 64 * BLOCK; at += BLOCK)
		if (be32toh(word_at(fd, at)) == 0xc03b3998 && be32toh(word_at(fd, at + 4)) == 2 && --n == 0)
			return at;
	cr_assert_fail("no such commit");
	return 0;
}

Test(ext4, a_journal_with_a_torn_last_commit_is_replayed_up_to_it)
{
	write_journal();
	flip(fd, commit(3) + BLOCK - 1, 0x5a);
	cr_assert_eq(hpl_ext4_replay("/sbin", path), 0);
	cr_assert_eq(status_of("/sbin/fsck.ext4", "-f", "-n"), 0);
	cr_assert_neq(word_at(fd, 6001 * BLOCK), 0, "the transaction before it");
	cr_assert_eq(word_at(fd, 6002 * BLOCK), 0);
}

Test(ext4, a_journal_that_was_damaged_before_its_end_is_for_a_person)
{
	write_journal();
	for (int n = 1; n <= 2; n++) {
		uint64_t at = commit(n) + BLOCK - 1;

		flip(fd, at, 0x5a);
		cr_assert_lt(hpl_ext4_replay("/sbin", path), 0, "commit %d", n);
		flip(fd, at, 0x5a);
	}
	cr_assert_lt(hpl_ext4_replay("/sbin", path), 0, "no commit is torn");
	cr_assert_eq(word_at(fd, 6000 * BLOCK), 0, "nothing was replayed");
	cr_assert_eq(status_of("/sbin/fsck.ext4", "-f", "-p"), 0);
	cr_assert_neq(word_at(fd, 6002 * BLOCK), 0, "and nothing is lost");
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

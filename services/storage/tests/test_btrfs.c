/* SPDX-License-Identifier: Apache-2.0 */
/* Torn superblocks; mkfs.btrfs and btrfs check are the oracles. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/storage/btrfs.h"
#include "services/storage/crc32c.h"
#include "services/storage/filesystem.h"
#include "services/storage/tests/files.h"

#define FIELD(at) (HPL_BTRFS_SUPER_AT + (at))
/* Offsets in the superblock; 0xb2b: the first of four descriptions of older trees, which a commit writes */
enum { SIZE = 256 << 20, CHECKSUM = 0, MAGIC = 0x40, GENERATION = 0x48, ROOT = 0x50, BACKUP_ROOTS = 0xb2b };
static char path[64];
static int fd = -1;

static bool sound(void)
{
	return hpl_filesystem_sound("/sbin", "btrfs", path) == HPL_SOUND_YES;
}

static void setup(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	fd = make_disk(path, SIZE);
	cr_assert_eq(hpl_filesystem_make("/sbin", "btrfs", path, NULL, &err), 0, "%s", err.text);
	cr_assert(sound());
}

static void teardown(void)
{
	close(fd);
	unlink(path);
}

Test(crc32c, is_that_of_castagnoli)
{
	/* RFC 3720, B.4: 32 bytes of zero */
	static const uint8_t zero[32];

	cr_assert_eq(~hpl_crc32c(zero, sizeof(zero)), 0x8a9136aaU);
}

TestSuite(btrfs, .init = setup, .fini = teardown);

Test(btrfs, a_superblock_with_new_and_old_sectors_is_mended)
{
	flip(fd, FIELD(BACKUP_ROOTS), 0x11);
	cr_assert_not(sound(), "btrfs takes it, this code is not needed");
	cr_assert_eq(hpl_btrfs_mend("/sbin", path), 0);
	cr_assert(sound());
}

Test(btrfs, a_whole_one_is_left_alone)
{
	uint32_t before = word_at(fd, FIELD(CHECKSUM));

	cr_assert_lt(hpl_btrfs_mend("/sbin", path), 0);
	cr_assert_eq(word_at(fd, FIELD(CHECKSUM)), before);
}

Test(btrfs, what_is_not_sound_gets_its_wrong_checksum_back)
{
	static const int fields[] = {ROOT + 2, GENERATION + 1, MAGIC};
	uint32_t before = word_at(fd, FIELD(CHECKSUM));

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		flip(fd, FIELD(fields[i]), 0x41);
		cr_assert_lt(hpl_btrfs_mend("/sbin", path), 0, "field at %#x", (unsigned)fields[i]);
		cr_assert_eq(word_at(fd, FIELD(CHECKSUM)), before);
		flip(fd, FIELD(fields[i]), 0x41);
	}
	cr_assert(sound());
}

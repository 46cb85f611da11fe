/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/journal.h"

#include <string.h>

#include "services/storage/bytes.h"
#include "services/storage/crc32c.h"

/* Of the superblock of ext4 */
enum { LOG_BLOCK = 0x18, BACKUP_TYPE = 0xfd, BACKUP = 0x10c, EXTENT_MAGIC = 0xf30a, EXTENT = 12, ROOT_MAX = 4, EXTENTS_MAX = 64,
	UNWRITTEN = 0x8000 };
/* Of the journal; all its blocks begin with magic, type and sequence */
#define MAGIC 0xc03b3998U
enum { TYPE = 4, SEQUENCE = 8, COMMIT = 2, SUPER_V2 = 4, HEAD = 12, CHECKSUM = 16, UUID = 16 };
enum { S_BLOCK = 12, S_LENGTH = 16, S_SEQUENCE = 24, S_INCOMPAT = 40, S_UUID = 48, CSUM_V2_V3 = 0x18 };
enum { BLOCK_MAX = 64 << 10, JOURNAL_MAX = 1 << 24 /* blocks; e2fsprogs makes 10,240,000 at most */ };

struct journal {
	int fd;
	uint32_t block, length, tail, seed; /* bytes; blocks; sequence of the first to be replayed */
	unsigned extents;
	struct { uint64_t from, at; uint32_t count; } extent[EXTENTS_MAX]; /* blocks */
};

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* A leaf of the tree of extents, with room for at most so many */
static int take_leaf(struct journal *j, const uint8_t *e, unsigned room)
{
	unsigned count = le16(e + 2);

	if (le16(e) != EXTENT_MAGIC || le16(e + 6) != 0 || count > room || count > EXTENTS_MAX - j->extents)
		return -1;
	for (; count; count--, j->extents++) {
		e += EXTENT;
		j->extent[j->extents].from = hpl_le32(e);
		j->extent[j->extents].count = le16(e + 4);
		j->extent[j->extents].at = (uint64_t)le16(e + 6) << 32 | hpl_le32(e + 8);
		if (j->extent[j->extents].count > UNWRITTEN)
			return -1;
	}
	return 0;
}

/* Where the journal lies; one of 1 GiB has an index in the inode and its extents in blocks of their own. */
static int find(struct journal *j, const uint8_t *super)
{
	const uint8_t *e = super + BACKUP;
	unsigned count = le16(e + 2);

	if (hpl_le32(super + LOG_BLOCK) > 6 || super[BACKUP_TYPE] != 1)
		return -1;
	j->block = 1024U << hpl_le32(super + LOG_BLOCK);
	if (le16(e + 6) == 0)
		return take_leaf(j, e, ROOT_MAX);
	if (le16(e) != EXTENT_MAGIC || le16(e + 6) != 1 || count > ROOT_MAX)
		return -1;
	for (; count; count--) {
		uint8_t leaf[1024];
		uint64_t at;

		e += EXTENT;
		at = (uint64_t)le16(e + 8) << 32 | hpl_le32(e + 4);
		if (pread(j->fd, leaf, sizeof(leaf), (off_t)(at * j->block)) != (ssize_t)sizeof(leaf) ||
			take_leaf(j, leaf, sizeof(leaf) / EXTENT - 1) < 0)
			return -1;
	}
	return 0;
}

/* The first len bytes of block n of the journal */
static int read_block(const struct journal *j, uint32_t n, uint8_t *to, size_t len)
{
	for (unsigned i = 0; i < j->extents; i++)
		if (n >= j->extent[i].from && n - j->extent[i].from < j->extent[i].count)
			return pread(j->fd, to, len, (off_t)((j->extent[i].at + n - j->extent[i].from) * j->block)) ==
				(ssize_t)len ? 0 : -1;
	return -1;
}

static int read_super(struct journal *j)
{
	uint8_t s[1024];

	if (read_block(j, 0, s, sizeof(s)) < 0 || hpl_be32(s) != MAGIC || hpl_be32(s + TYPE) != SUPER_V2 ||
		hpl_be32(s + S_BLOCK) != j->block || !(hpl_be32(s + S_INCOMPAT) & CSUM_V2_V3))
		return -1;
	j->length = hpl_be32(s + S_LENGTH);
	j->tail = hpl_be32(s + S_SEQUENCE);
	j->seed = hpl_crc32c(s + S_UUID, UUID);
	return j->length <= JOURNAL_MAX ? 0 : -1;
}

/* Its block n: 1 a commit with a wrong checksum, 0 not, -1 it cannot be read */
static int is_torn(const struct journal *j, uint32_t n)
{
	uint8_t block[BLOCK_MAX];
	uint32_t sum;

	if (read_block(j, n, block, j->block) < 0)
		return -1;
	sum = hpl_be32(block + CHECKSUM);
	memset(block + CHECKSUM, 0, sizeof(sum));
	return hpl_crc32c_more(j->seed, block, j->block) != sum;
}

/* Sequences count on for ever: b comes behind a */
static bool behind(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a) > 0;
}

bool hpl_journal_ends_torn(int fd, const uint8_t super[HPL_EXT4_SUPER])
{
	struct journal j = {.fd = fd};
	uint32_t torn = 0, last;
	bool found = false;

	if (find(&j, super) < 0 || read_super(&j) < 0)
		return false;
	last = j.tail - 1;
	for (uint32_t n = 1; n < j.length; n++) {
		uint8_t head[HEAD];
		uint32_t sequence;

		if (read_block(&j, n, head, sizeof(head)) < 0)
			return false;
		sequence = hpl_be32(head + SEQUENCE);
		if (hpl_be32(head) != MAGIC || behind(sequence, j.tail))
			continue; /* data, or of an earlier turn */
		if (behind(last, sequence))
			last = sequence;
		if (hpl_be32(head + TYPE) != COMMIT || (found && !behind(sequence, torn)))
			continue;
		switch (is_torn(&j, n)) {
		case 1:
			torn = sequence;
			found = true;
			break;
		case 0:
			break;
		default:
			return false;
		}
	}
	return found && last == torn;
}

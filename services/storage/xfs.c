/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "XFS Algorithms & Data Structures" (Linux, xfs-documentation): superblock, journaling log, and the headers of
 * blocks of version 5. Numbers are big-endian, but for checksums and for what the log says of a buffer, which
 * are those of the machine that wrote it.
 */
#include "services/storage/xfs.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/file.h"
#include "services/storage/bytes.h"
#include "services/storage/crc32c.h"

enum { SECTOR = 512, SUPER = 512, RECORD_MAX = 32 << 10, OP_HEADER = 12, UUID = 16, CHUNK = 64 << 10 };
enum { SB_UUID = 32, SB_META_UUID = 248, SB_VERSION = 100, SB_INCOMPAT = 216, INCOMPAT_META_UUID = 4 };
#define RECORD_MAGIC 0xfeedbabeU
enum { RECORD_LEN = 12, RECORD_CYCLES = 44 };
enum { BUF_FORMAT = 24, BUF_TYPE = 0x123c, BUF_SECTORS = 6, BUF_AT = 8 };

/* Blocks that fill more than one sector; what has a checksum in each sector, as inodes, is never torn. */
static const struct kind {
	const char *magic;
	uint8_t magic_at, size, at, lsn, uuid, crc; /* offsets; at 0: it does not say where it is */
} kinds[] = {
	{"XDB3", 0, 4, 8, 16, 24, 4}, {"XDD3", 0, 4, 8, 16, 24, 4}, {"XDF3", 0, 4, 8, 16, 24, 4},
	{"\x3d\xf1", 8, 2, 16, 24, 32, 12}, {"\x3d\xff", 8, 2, 16, 24, 32, 12},
	{"\x3e\xbe", 8, 2, 16, 24, 32, 12}, {"\x3b\xee", 8, 2, 16, 24, 32, 12},
	{"AB3B", 0, 4, 16, 24, 32, 52}, {"AB3C", 0, 4, 16, 24, 32, 52}, {"IAB3", 0, 4, 16, 24, 32, 52},
	{"FIB3", 0, 4, 16, 24, 32, 52}, {"RMB3", 0, 4, 16, 24, 32, 52}, {"R3FC", 0, 4, 16, 24, 32, 52},
	{"BMA3", 0, 4, 24, 32, 40, 64}, {"XSLM", 0, 4, 40, 48, 16, 12}, {"XAFL", 0, 4, 0, 24, 8, 32},
};

struct xfs {
	int fd;
	uint8_t uuid[UUID];
	uint64_t size, log, log_size; /* bytes */
	int mended;
};

static int read_super(struct xfs *x)
{
	uint8_t sb[SUPER];
	uint64_t block, start, mask;

	if (pread(x->fd, sb, sizeof(sb), 0) != (ssize_t)sizeof(sb) || memcmp(sb, "XFSB", 4) != 0 ||
		(sb[SB_VERSION + 1] & 15) != 5 || sb[120] < 9 || sb[120] > 16 || !sb[124] || sb[124] > 31)
		return -1;
	memcpy(x->uuid, sb + (hpl_be32(sb + SB_INCOMPAT) & INCOMPAT_META_UUID ? SB_META_UUID : SB_UUID), UUID);
	block = 1ULL << sb[120];
	mask = (1ULL << sb[124]) - 1;
	start = hpl_be64(sb + 48);
	if (!start || start >> sb[124] >= hpl_be32(sb + 88) || hpl_be64(sb + 8) > (uint64_t)INT64_MAX / block)
		return -1;
	x->size = hpl_be64(sb + 8) * block;
	x->log = ((start >> sb[124]) * hpl_be32(sb + 84) + (start & mask)) * block;
	x->log_size = hpl_be32(sb + 96) * block;
	return x->log_size && x->log < x->size && x->log_size <= x->size - x->log ? 0 : -1;
}

/* at: bytes from the start of the log; it is a ring. */
static int read_log(const struct xfs *x, uint64_t at, uint8_t *to, size_t len)
{
	at %= x->log_size;
	size_t first = len < x->log_size - at ? len : (size_t)(x->log_size - at);

	if (pread(x->fd, to, first, (off_t)(x->log + at)) != (ssize_t)first)
		return -1;
	return first == len || pread(x->fd, to + first, len - first, (off_t)x->log) == (ssize_t)(len - first) ?
		0 : -1;
}

/* Is this block, read from byte `at`, one with a wrong checksum? */
static bool is_torn(const struct xfs *x, const struct kind *k, const uint8_t *block, size_t len, uint64_t at)
{
	static const uint8_t zero[4];
	uint32_t right;

	if (memcmp(block + k->magic_at, k->magic, k->size) != 0 || memcmp(block + k->uuid, x->uuid, UUID) != 0 ||
		(k->at && hpl_be64(block + k->at) != at / SECTOR))
		return false;
	right = hpl_crc32c(block, k->crc);
	right = hpl_crc32c_more(right, zero, sizeof(zero));
	right = ~hpl_crc32c_more(right, block + k->crc + 4, len - k->crc - 4);
	return right != hpl_le32(block + k->crc);
}

static int mend_block(struct xfs *x, uint64_t sector, uint32_t sectors)
{
	static const uint8_t old[8];
	uint8_t block[HPL_XFS_BLOCK_MAX];
	const size_t len = (size_t)sectors * SECTOR;
	const uint64_t at = sector * SECTOR;

	if (len <= SECTOR || len > sizeof(block) || sector > x->size / SECTOR || x->size - at < len)
		return 0;
	if (pread(x->fd, block, len, (off_t)at) != (ssize_t)len)
		return -1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *k = &kinds[i];
		if (!is_torn(x, k, block, len, at) || memcmp(block + k->lsn, old, sizeof(old)) == 0)
			continue;
		if (pwrite(x->fd, old, sizeof(old), (off_t)(at + k->lsn)) != (ssize_t)sizeof(old))
			return -1;
		x->mended++;
	}
	return 0;
}

/* What a region of the log begins with, when it says which part of the disk the next ones are of */
static int mend_buffer(struct xfs *x, const uint8_t *region)
{
	uint16_t type, sectors;
	uint64_t at;

	memcpy(&type, region, sizeof(type));
	memcpy(&sectors, region + BUF_SECTORS, sizeof(sectors));
	memcpy(&at, region + BUF_AT, sizeof(at));
	return type == BUF_TYPE ? mend_block(x, at, sectors) : 0;
}

static uint32_t record_len(const uint8_t *header)
{
	uint32_t len = hpl_be32(header + RECORD_LEN);

	return hpl_be32(header) != RECORD_MAGIC || len > RECORD_MAX || len % SECTOR ? 0 : len;
}

/* The record of len bytes whose header, a sector, is at `at` of the log. */
static int mend_record(struct xfs *x, uint64_t at, const uint8_t *header, uint32_t len)
{
	uint8_t data[RECORD_MAX];

	if (read_log(x, at + SECTOR, data, len) < 0)
		return -1;
	/* each sector begins with the number of the turn; what stood there is in the header */
	for (uint32_t i = 0; i < len / SECTOR; i++)
		memcpy(data + i * SECTOR, header + RECORD_CYCLES + 4 * i, 4);
	for (uint32_t done = 0; done + OP_HEADER <= len;) {
		uint32_t region = hpl_be32(data + done + 4);

		done += OP_HEADER;
		if (region > len - done)
			break;
		if (region >= BUF_FORMAT && mend_buffer(x, data + done) < 0)
			return -1;
		done += region;
	}
	return 0;
}

int hpl_xfs_mend(const char *device)
{
	_cleanup_close_ int fd = open(device, O_RDWR | O_CLOEXEC);
	struct xfs x = {.fd = fd};
	uint8_t chunk[CHUNK];

	if (fd < 0 || read_super(&x) < 0)
		return -1;
	for (uint64_t at = 0, next = 0; at < x.log_size; at += CHUNK) {
		size_t len = x.log_size - at < CHUNK ? (size_t)(x.log_size - at) : CHUNK;

		if (read_log(&x, at, chunk, len) < 0)
			return -1;
		for (size_t i = next - at; i < len; i = next - at) {
			uint32_t record = record_len(chunk + i);

			if (record && mend_record(&x, at + i, chunk + i, record) < 0)
				return -1;
			next += SECTOR + record;
		}
	}
	return fsync(fd) == 0 ? x.mended : -1;
}

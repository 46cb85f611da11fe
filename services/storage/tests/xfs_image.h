/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* As much of an xfs as services/storage/xfs.c reads: a superblock, a log of eight sectors with one record, and two blocks
 * of a directory, the first of which the record names. */
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "services/storage/crc32c.h"

enum { IMAGE = 16 << 10, LOG = 1024, LOG_SECTORS = 8, NAMED = 8192, OTHER = 9216, BLOCK = 1024, LSN = 16, CRC = 4,
	LATER = 700 /* a byte of the second sector */ };

static void put16(uint8_t *p, uint16_t v) { v = htobe16(v); memcpy(p, &v, 2); }
static void put32(uint8_t *p, uint32_t v) { v = htobe32(v); memcpy(p, &v, 4); }
static void put64(uint8_t *p, uint64_t v) { v = htobe64(v); memcpy(p, &v, 8); }

static void image_block(uint8_t *p, uint64_t sector)
{
	uint32_t sum;

	memset(p, 0, BLOCK);
	memcpy(p, "XDD3", 4);
	put64(p + 8, sector);
	put64(p + LSN, 0x100000250);
	memset(p + 24, 'u', 16);
	memset(p + 500, 'n', 300);
	sum = htole32(~hpl_crc32c(p, BLOCK));
	memcpy(p + CRC, &sum, 4);
}

/* A record whose header is sector nth of the log. What names the block begins its second sector of data, so that the
 * number of the turn hides it, and the record goes on at the start of the log when nth is near the end. */
static void image_record(uint8_t *image, unsigned nth, uint64_t sector)
{
	const uint16_t type = 0x123c, regions = 2, sectors = BLOCK / 512;
	uint8_t data[1024] = {0}, *header = image + LOG + nth * 512;

	put32(data + 4, 488);
	put32(data + 500 + 4, 24);
	memcpy(data + 512, &type, 2);
	memcpy(data + 514, &regions, 2);
	memcpy(data + 518, &sectors, 2);
	memcpy(data + 520, &sector, 8);
	put32(data + 512 + 24 + 4, 1000); /* longer than the record */
	put32(header, 0xfeedbabe);
	put32(header + 4, 1);
	put32(header + 12, sizeof(data));
	for (unsigned i = 0; i < 2; i++) {
		memcpy(header + 44 + 4 * i, data + 512 * i, 4);
		put32(data + 512 * i, 1);
		memcpy(image + LOG + (nth + 1 + i) % LOG_SECTORS * 512, data + 512 * i, 512);
	}
}

static void image_make(uint8_t *image, unsigned nth)
{
	memset(image, 0, IMAGE);
	memcpy(image, "XFSB", 4);
	put32(image + 4, 512);
	put64(image + 8, IMAGE / 512);
	memset(image + 32, 'u', 16);
	put64(image + 48, LOG / 512);
	put32(image + 84, IMAGE / 512);
	put32(image + 88, 1);
	put32(image + 96, LOG_SECTORS);
	put16(image + 100, 0xb4a5);
	image[120] = 9;
	image[124] = 5;
	image_block(image + NAMED, NAMED / 512);
	image_block(image + OTHER, OTHER / 512);
	image_record(image, nth, NAMED / 512);
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Numbers as filesystems keep them, at any address. */
#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static inline uint32_t hpl_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint32_t hpl_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t hpl_be64(const uint8_t *p)
{
	return (uint64_t)hpl_be32(p) << 32 | hpl_be32(p + 4);
}

/* Writes one and flushes. 0 or -1. */
static inline int hpl_put_le32(int fd, off_t at, uint32_t v)
{
	v = htole32(v);
	return pwrite(fd, &v, sizeof(v), at) == (ssize_t)sizeof(v) && fsync(fd) == 0 ? 0 : -1;
}

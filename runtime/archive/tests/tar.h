/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Builds tar and gzip bytes by hand, so that tests can say exactly what a hostile one holds. */
#include <stdio.h>
#include <zlib.h>

#include "runtime/base/buf.h"

/* Appends one ustar member with padding. type '0' file, '5' directory, '1' hard link ... */
static inline void tar_add(struct hpl_buf *out, const char *name, char type, const char *link,
	const void *data, size_t len, unsigned mode)
{
	unsigned char h[512] = {0};
	unsigned sum = 0;

	memcpy(h, name, strnlen(name, 100));
	snprintf((char *)h + 100, 8, "%07o", mode);
	snprintf((char *)h + 108, 8, "%07o", 0u);
	snprintf((char *)h + 116, 8, "%07o", 0u);
	snprintf((char *)h + 124, 12, "%011o", (unsigned)len);
	snprintf((char *)h + 136, 12, "%011o", 0u);
	h[156] = (unsigned char)type;
	memcpy(h + 157, link, strnlen(link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	hpl_buf_add(out, h, sizeof(h));
	hpl_buf_add(out, data, len);
	memset(h, 0, sizeof(h));
	if (len % 512)
		hpl_buf_add(out, h, 512 - len % 512);
}

static inline void tar_file(struct hpl_buf *out, const char *name, const char *text)
{
	tar_add(out, name, '0', "", text, strlen(text), 0644);
}

static inline void tar_end(struct hpl_buf *out)
{
	char zero[1024] = {0};

	hpl_buf_add(out, zero, sizeof(zero));
}

static inline void gzip_bytes(struct hpl_buf *out, const void *data, size_t len)
{
	z_stream z = {0};
	unsigned char chunk[65536];
	int r;

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (unsigned char *)(uintptr_t)data;
	z.avail_in = (unsigned)len;
	do {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		r = deflate(&z, Z_FINISH);
		hpl_buf_add(out, chunk, sizeof(chunk) - z.avail_out);
	} while (r == Z_OK);
	deflateEnd(&z);
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the LUKS2 header on a disk says, and how the short-lived program that reads it tells that to the
 * service: one line. The host writes that disk, so the service itself never parses it.
 *
 * Format: LUKS2 On-Disk Format Specification 1.1.2, sections 2 and 3.
 */
#include "runtime/base/err.h"

struct hpl_luks_header {
	char uuid[40];
	char cipher[64];          /* of the one segment, "aes-xts-plain64" */
	unsigned keyslots;
	unsigned key_bytes;       /* of the volume key, the same in all key slots */
	uint64_t offset;          /* bytes to the data */
	uint32_t sector_size;
};

/* Appends nothing, writes "luks2 <uuid> <cipher> <keyslots> <key bytes> <offset> <sector size>\n". */
void hpl_luks_header_print(char *out, size_t size, const struct hpl_luks_header *h);
/* The reverse. -1: not of that form. */
int hpl_luks_header_parse(struct hpl_luks_header *ret, const char *line, struct hpl_err *err);

/* Exit statuses of hpl-disk-check-header. */
enum { HPL_HEADER_OK = 0, HPL_HEADER_NONE = 1, HPL_HEADER_UNREADABLE = 2, HPL_HEADER_USAGE = 3 };

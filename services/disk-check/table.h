/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is a mapping what was opened? The table of a crypt target as the kernel tells it, parsed and compared
 * field by field. Pure. Format: Documentation/admin-guide/device-mapper/dm-crypt.rst of Linux:
 *   <cipher> :<key bytes>:<key type>:<description> <iv_offset> <major>:<minor> <offset> [<#opt> <opt>...]
 * A key that stands in the table in hex is refused: it belongs into the kernel's keyring only.
 */
#include <stdbool.h>

#include "services/disk-check/dm.h"

#define HPL_TABLE_CIPHER "aes-xts-plain64"
enum { HPL_TABLE_KEY_BYTES = 64, HPL_TABLE_UUID = 36 }; /* characters of a UUID */

/* Options that change only who does the work, not what is written. allow_discards tells the host
 * which blocks are free, and is not among them. */
enum {
	HPL_TABLE_SAME_CPU = 1, HPL_TABLE_SUBMIT_FROM_CPUS = 2, HPL_TABLE_NO_READ_QUEUE = 4,
	HPL_TABLE_NO_WRITE_QUEUE = 8, HPL_TABLE_HIGH_PRIORITY = 16,
};

struct hpl_table {
	char cipher[64];
	char key[128];             /* "cryptsetup:<uuid>-d0", description of a logon key */
	unsigned key_bytes;
	unsigned major, minor;     /* of the device below */
	uint64_t iv_offset, offset; /* in units of 512 bytes */
	uint32_t sector_size;      /* bytes */
	unsigned options;
};
/* params: the line behind "crypt". -1: what is wrong, without a word of it that could be a key. */
int hpl_table_parse(struct hpl_table *ret, const char *params, struct hpl_err *err);
/* The table of a mapping: exactly one target, of the kind crypt. */
int hpl_table_of(struct hpl_table *ret, const struct hpl_dm *dm, struct hpl_err *err);
bool hpl_table_same(const struct hpl_table *a, const struct hpl_table *b);

/* What was opened. */
struct hpl_opened {
	const char *mapping;       /* "luks-<uuid>" */
	const char *uuid;          /* with dashes */
	const char *cipher;
	unsigned key_bytes;
	unsigned major, minor;     /* the device below, as its node in /dev says now */
	uint64_t device_bytes;     /* its size now */
	uint64_t data_offset;      /* bytes; 0 with sector_size 0: not known */
	uint32_t sector_size;
	bool later;                /* checked before: the device may have grown, the mapping follows in
				    * the next boot */
};
/* A UUID in its usual form of 36 characters. */
bool hpl_table_is_uuid(const char *uuid);
/* State, size and table of a mapping against what was opened. -1: the first difference, no message. */
int hpl_table_judge(const struct hpl_dm *dm, const struct hpl_table *t, const struct hpl_opened *o,
	struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The kernel's answer to DM_TABLE_STATUS with DM_STATUS_TABLE_FLAG (<linux/dm-ioctl.h>): the state of
 * one mapping and its table in use. Pure: bytes in, values out.
 */
#include "runtime/base/err.h"

/* The longest line of a crypt target: cipher, 512 bytes of key in hex, options. */
enum { HPL_DM_PARAMS = 2048, HPL_DM_ANSWER = 16384 };

struct hpl_dm {
	uint32_t flags;            /* DM_READONLY_FLAG, DM_SUSPEND_FLAG, ... */
	unsigned major, minor;     /* of the mapping */
	char name[128], uuid[129];
	uint32_t targets;
	uint64_t start, length;    /* of the first target, in units of 512 bytes; 0 without one */
	char type[17];
	char params[HPL_DM_PARAMS]; /* may hold a key: hpl_dm_done */
};
void hpl_dm_done(struct hpl_dm *dm); /* wipes */
#define _cleanup_dm_ HPL_CLEANUP(hpl_dm_done)

/* answer: struct dm_ioctl and what follows it, size bytes. -1: it is not well formed; no message. */
int hpl_dm_decode(struct hpl_dm *ret, const void *answer, size_t size, struct hpl_err *err);

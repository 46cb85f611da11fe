/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A LUKS device in a file, with its record in another one. */
#include "services/storage/luks.h"
#include "services/storage/tests/files.h"

/* at: where the record is, 0: none */
static inline struct hpl_luks luks_on(const char *path, uint64_t size, uint32_t memory_kb, int record_fd, uint64_t at)
{
	struct hpl_luks l = HPL_LUKS_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_luks_init(&l, path, size, &err), 0, "%s", err.text);
	l.memory_kb = memory_kb;
	l.record_fd = record_fd;
	l.record_at = at;
	if (at)
		cr_assert_geq(hpl_record_read(&l.record, record_fd, at, &err), 0, "%s", err.text);
	return l;
}

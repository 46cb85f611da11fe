/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the engine's log file: the records do not depend on how the bytes come. */
#include <stdint.h>

#include "services/container/ctrlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct hpl_buf *out, const char *text, size_t size, size_t piece)
{
	struct hpl_ctrlog c = HPL_CTRLOG_NULL;

	for (size_t at = 0; at < size;) {
		struct hpl_ctrlog_record r = {0};
		size_t left = size - at < piece ? size - at : piece, used;
		bool has = false;

		used = hpl_ctrlog_feed(&c, text + at, left, &r, &has);
		if (!used || used > left)
			abort();
		at += used;
		if (!has)
			continue;
		if (!r.text || !r.wall_us || memchr(r.text, '\n', r.len))
			abort();
		hpl_buf_fmt(out, "%d %llu %zu ", r.is_err, (unsigned long long)r.wall_us, r.len);
		hpl_buf_add(out, r.text, r.len);
	}
	hpl_ctrlog_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf whole = HPL_BUF_NULL, pieces = HPL_BUF_NULL;

	run(&whole, (const char *)data, size, size + 1);
	run(&pieces, (const char *)data, size, size ? data[0] % 13 + 1u : 1);
	if (whole.len != pieces.len || (whole.len && memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	return 0;
}

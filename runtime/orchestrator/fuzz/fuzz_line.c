/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes of a service's standard error: lines for console and syslog without control characters,
 * however they are cut into pieces, and a record of syslog that is one line. */
#include <stdint.h>

#include "runtime/base/syslog.h"
#include "runtime/base/utf8.h"
#include "runtime/orchestrator/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		const unsigned char *p = (const unsigned char *)text + i;

		n = hpl_utf8_step(p, len - i);
		if (!n || (n == 1 && ((*p < 0x20 && *p != '\t') || *p == 0x7f)) ||
			(n == 2 && p[0] == 0xc2 && p[1] < 0xa0))
			abort();
	}
}

static void take(void *ud, const struct hpl_line *line)
{
	_cleanup_buf_ struct hpl_buf record = HPL_BUF_NULL;
	struct hpl_buf *all = ud;

	if (line->len != strlen(line->text) || line->len > HPL_LOG_LINE || line->sev < HPL_SEV_ERR ||
		line->sev > HPL_SEV_DEBUG)
		abort();
	clean(line->text, line->len);
	hpl_syslog_format(&record, HPL_FACILITY_DAEMON, line->sev, 1795227963123456, line->tag, 7,
		line->text, line->len);
	clean(record.data, record.len);
	hpl_buf_fmt(all, "%d %s %s\n", line->sev, line->tag, line->text);
}

static void run(struct hpl_buf *out, const uint8_t *data, size_t size, size_t piece)
{
	static char *const items[] = {(char *)(uintptr_t)"a", (char *)(uintptr_t)"hpcr-disk-mount", NULL};
	static struct hpl_lines lines;
	struct hpl_names tags = {(char **)(uintptr_t)items, 2};

	hpl_lines_init(&lines, &tags);
	for (size_t at = 0; at < size; at += piece)
		hpl_lines_feed(&lines, (const char *)data + at, size - at < piece ? size - at : piece, 1000,
			take, out);
	hpl_lines_finish(&lines, 1000, take, out);
	for (unsigned i = 0; hpl_lines_last(&lines, i); i++)
		if (i >= HPL_LINE_RING)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf whole = HPL_BUF_NULL, pieces = HPL_BUF_NULL;
	char small[32];

	run(&whole, data, size, size ? size : 1);
	run(&pieces, data, size, size ? data[0] % 7 + 1u : 1);
	if (whole.len != pieces.len || (whole.len && memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	for (size_t n = 0; n <= sizeof(small); n++) {
		size_t len = hpl_escape_line(small, n, (const char *)data, size);

		if (n && (len >= n || small[len]))
			abort();
		clean(small, n ? len : 0);
	}
	/* any tag and time */
	if (size > 8) {
		_cleanup_buf_ struct hpl_buf record = HPL_BUF_NULL;
		_cleanup_free_ char *tag = strndup((const char *)data + 8, size - 8);
		uint64_t us;

		memcpy(&us, data, 8);
		hpl_syslog_format(&record, HPL_FACILITY_DAEMON, HPL_SEV_INFO, us, tag ? tag : "", 1,
			(const char *)data, size);
		clean(record.data, record.len);
	}
	return 0;
}

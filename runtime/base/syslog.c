/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/syslog.h"

#include <stdio.h>
#include <time.h>

enum { TAG_MAX = 48 }; /* RFC 5424 section 6: APP-NAME has at most 48 characters */

void hpl_syslog_format(struct hpl_buf *out, int facility, enum hpl_severity sev, uint64_t wall_us,
	const char *tag, long pid, const char *text, size_t text_len)
{
	char clean_tag[TAG_MAX + 1], line[HPL_LOG_LINE];
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	size_t n = 0;

	for (; tag[n] && n < TAG_MAX; n++)
		clean_tag[n] = tag[n] > 0x20 && tag[n] < 0x7f ? tag[n] : '_';
	clean_tag[n] = 0;
	gmtime_r(&seconds, &tm);
	n = hpl_escape_line(line, sizeof(line), text, text_len);
	hpl_buf_fmt(out, "<%d>1 %04d-%02d-%02dT%02d:%02d:%02d.%06uZ - %s %ld - - ",
		facility * 8 + (int)sev, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		tm.tm_min, tm.tm_sec, (unsigned)(wall_us % 1000000), clean_tag[0] ? clean_tag : "-", pid);
	hpl_buf_add(out, line, n);
}

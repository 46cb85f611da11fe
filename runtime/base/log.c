/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/log.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/base/utf8.h"

/* A C1 control (U+0080 to U+009F): some terminals obey it. */
static int is_c1(const unsigned char *p, size_t n)
{
	return n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

size_t hpl_escape_line(char *out, size_t out_size, const char *text, size_t text_len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t at = 0;

	for (size_t i = 0; i < text_len;) {
		size_t n = hpl_utf8_step(p + i, text_len - i);
		char esc[5];

		if ((n == 1 && (p[i] < 0x20 || p[i] == 0x7f) && p[i] != '\t') || is_c1(p + i, n))
			n = 0;
		if (n == 0) {
			if (p[i] == '\n')
				strcpy(esc, "\\n");
			else
				snprintf(esc, sizeof(esc), "\\x%02x", p[i]);
		}
		if (at + (n ? n : strlen(esc)) + 1 > out_size)
			break;
		memcpy(out + at, n ? (const char *)p + i : esc, n ? n : strlen(esc));
		at += n ? n : strlen(esc);
		i += n ? n : 1;
	}
	if (out_size)
		out[at] = 0;
	return at;
}

void hpl_vlog_tag(enum hpl_severity sev, const char *tag, const char *fmt, va_list ap)
{
	char raw[HPL_LOG_LINE], line[HPL_LOG_LINE + 128];
	int head;
	size_t len;
	int keep = errno;

	vsnprintf(raw, sizeof(raw), fmt, ap);
	head = snprintf(line, 128, "<%d>%s%.64s%s", sev, tag ? "@" : "", tag ? tag : "",
		tag ? " " : "");
	len = head + hpl_escape_line(line + head, HPL_LOG_LINE, raw, strlen(raw));
	line[len++] = '\n';
	/* one write: lines of parent and children of one service do not mix */
	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		;
	errno = keep;
}

void hpl_log_tag(enum hpl_severity sev, const char *tag, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	hpl_vlog_tag(sev, tag, fmt, ap);
	va_end(ap);
}

void hpl_log(enum hpl_severity sev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	hpl_vlog_tag(sev, NULL, fmt, ap);
	va_end(ap);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/log.h"

#include <errno.h>
#include <stdio.h>

/* Length of the valid UTF-8 sequence at p (RFC 3629), 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t n;
	uint32_t min, c;

	if (p[0] < 0x80)
		return 1;
	if ((p[0] & 0xe0) == 0xc0)
		n = 2, min = 0x80, c = p[0] & 0x1f;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3, min = 0x800, c = p[0] & 0x0f;
	else if ((p[0] & 0xf8) == 0xf0)
		n = 4, min = 0x10000, c = p[0] & 0x07;
	else
		return 0;
	if (left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* C1 controls (0x80-0x9f) are control characters for some terminals */
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || c < 0xa0)
		return 0;
	return n;
}

size_t hpl_escape_line(char *out, size_t out_size, const char *text, size_t text_len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t at = 0;

	for (size_t i = 0; i < text_len;) {
		size_t n = utf8_length(p + i, text_len - i);
		char esc[5];

		if (n == 1 && (p[i] < 0x20 || p[i] == 0x7f) && p[i] != '\t')
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

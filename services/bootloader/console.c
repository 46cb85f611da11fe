// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/console.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"

/* One line, one write: kernel messages on the same console can only stand between lines. What
 * comes from outside was escaped where it was put into the text, and is escaped here again. */
static void put(int fd, const char *prefix, const char *text)
{
	char line[HPL_ERR_TEXT + HPL_ERR_PLACE + HPL_ERR_CURE + 256];
	size_t n = strlen(prefix);

	memcpy(line, prefix, n);
	n += hpl_escape_line(line + n, sizeof(line) - n - 1, text, strlen(text));
	line[n++] = '\n';
	(void)hpl_write_all(fd, line, n, NULL); /* a console that is gone stops no boot */
}

static void put_va(int fd, const char *prefix, const char *fmt, va_list ap)
{
	char text[HPL_ERR_TEXT];

	vsnprintf(text, sizeof(text), fmt, ap);
	put(fd, prefix, text);
}

void hpl_console_step(int fd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_va(fd, "# ", fmt, ap);
	va_end(ap);
}

void hpl_console_line(int fd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_va(fd, "", fmt, ap);
	va_end(ap);
}

void hpl_console_build(int fd, const char *build, const char *enabler)
{
	hpl_console_step(fd, "HPL11 build:%s enabler:%s", build, enabler);
}

void hpl_console_date(int fd, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[64];

	/* the process never calls setlocale(), so names are those of the C locale */
	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%a %b %e %H:%M:%S UTC %Y", &tm))
		hpl_console_step(fd, "%s", text);
}

void hpl_console_message(int fd, uint32_t msg, const char *cause)
{
	const struct hpl_msg_info *m = hpl_msg_info(msg);

	if (cause)
		hpl_console_step(fd, "%s: %s -> %s", m->id, m->text, cause);
	else
		hpl_console_step(fd, "%s: %s", m->id, m->text);
}

void hpl_console_failure(int fd, const struct hpl_err *err)
{
	const struct hpl_msg_info *m =
		hpl_msg_info(err->msg ? err->msg : HPL_MSG_BOOTLOADER_INTERNAL_ERROR);
	char text[HPL_ERR_TEXT + HPL_ERR_PLACE + HPL_ERR_CURE + 200];

	snprintf(text, sizeof(text), "%s: %s -> %s%s%s%s%s%s", m->id, m->text, err->place,
		err->place[0] ? ": " : "", err->text, err->cure[0] ? " (" : "", err->cure,
		err->cure[0] ? ")" : "");
	put(fd, "# ", text);
	put(fd, "", "Boot aborted");
}

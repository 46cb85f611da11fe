/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/err.h"

#include <stdio.h>

#include "runtime/base/log.h"

static void set_field(char *field, size_t size, const char *fmt, va_list ap)
{
	char raw[HPL_ERR_TEXT];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	hpl_escape_line(field, size, raw, strlen(raw));
}

int hpl_err_set(struct hpl_err *err, const char *where, uint32_t msg, int sys, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (!err)
		return -1;
	*err = HPL_ERR_NULL;
	err->msg = msg;
	err->sys = sys;
	err->where = where;
	va_start(ap, fmt);
	set_field(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	if (sys)
		snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(sys));
	return -1;
}

int hpl_err_wrap(struct hpl_err *err, uint32_t msg, const char *fmt, ...)
{
	char old[HPL_ERR_TEXT];
	va_list ap;
	size_t len;

	if (!err)
		return -1;
	if (!err->msg)
		err->msg = msg;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	set_field(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, "%s%s", old[0] ? ": " : "", old);
	return -1;
}

void hpl_err_place(struct hpl_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->place[0])
		return;
	va_start(ap, fmt);
	set_field(err->place, sizeof(err->place), fmt, ap);
	va_end(ap);
}

void hpl_err_cure(struct hpl_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->cure[0])
		return;
	va_start(ap, fmt);
	set_field(err->cure, sizeof(err->cure), fmt, ap);
	va_end(ap);
}

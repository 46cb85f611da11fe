/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Log lines of a service: "<severity>text" on standard error, one write per line.
 *
 * The orchestrator reads them, puts tag and pid in front and forwards them to syslog and console.
 * A line may name another tag of its service's manifest: "<6>@hpcr-disk-mount text".
 * Severities are those of RFC 5424. Control characters in the text are escaped (\n, \xNN), so
 * that one call is one line; lines are cut at HPL_LOG_LINE bytes. Library folders do not log.
 */
#include <stdarg.h>

#include "runtime/base/util.h"

enum hpl_severity {
	HPL_SEV_ERR = 3,
	HPL_SEV_WARNING = 4,
	HPL_SEV_NOTICE = 5,
	HPL_SEV_INFO = 6,
	HPL_SEV_DEBUG = 7,
};
enum { HPL_LOG_LINE = 8000 }; /* below rsyslog's default maxMessageSize of 8 KiB */

void hpl_log(enum hpl_severity sev, const char *fmt, ...) HPL_PRINTF(2, 3);
/* tag NULL: the first tag of the manifest */
void hpl_log_tag(enum hpl_severity sev, const char *tag, const char *fmt, ...) HPL_PRINTF(3, 4);
void hpl_vlog_tag(enum hpl_severity sev, const char *tag, const char *fmt, va_list ap)
	HPL_PRINTF(3, 0);

/* Copies text to out with control characters (and DEL, and invalid UTF-8) escaped; always
 * NUL-terminated, cut at out_size. Returns the length written. */
size_t hpl_escape_line(char *out, size_t out_size, const char *text, size_t text_len);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One log record for the local rsyslog: an RFC 5424 datagram on the Unix socket
 * HPL_SYSLOG_SOCKET, "<PRI>1 TIMESTAMP - TAG PID - - TEXT", so that the time at which a line was
 * written is kept however late it is delivered.
 */
#include "runtime/base/buf.h"
#include "runtime/base/log.h"

#define HPL_SYSLOG_SOCKET "/run/hpl/log/socket"
enum { HPL_FACILITY_DAEMON = 3 };

/* Appends the record to out. tag: characters outside RFC 5424 APP-NAME become '_', cut at 48. */
void hpl_syslog_format(struct hpl_buf *out, int facility, enum hpl_severity sev, uint64_t wall_us,
	const char *tag, long pid, const char *text, size_t text_len);

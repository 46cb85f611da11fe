/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The console lines that automation watches (facts 05, section 5.4). Each call is one line and
 * one write. The lines go to a descriptor so that a test can read them.
 */
#include "runtime/base/buf.h"

/* "# text" */
void hpl_console_step(int fd, const char *fmt, ...) HPL_PRINTF(2, 3);
/* the text as it is */
void hpl_console_line(int fd, const char *fmt, ...) HPL_PRINTF(2, 3);
/* "# HPL11 build:<build> enabler:<enabler>" */
void hpl_console_build(int fd, const char *build, const char *enabler);
/* "# Tue Mar  3 13:53:10 UTC 2026": the form of `date -u` in the C locale */
void hpl_console_date(int fd, int64_t seconds);
/* "# HPL11099I: bootloader end" or "# <id>: <text> -> <cause>" for a warning */
void hpl_console_message(int fd, uint32_t msg, const char *cause);
/* "# HPL11001E: <text> -> [<place>: ]<cause>[ (<cure>)]", one line, then "Boot aborted" */
void hpl_console_failure(int fd, const struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The console: lines go out as it takes them, never blocking the loop. */
#include <stdbool.h>
#include <uv.h>

#include "runtime/base/err.h"
#include "runtime/orchestrator/lineq.h"

struct hpl_console {
	int fd;                /* -1: none */
	bool polled;           /* poll is initialised (a terminal or pipe; a file never waits) */
	bool waiting;
	uv_poll_t poll;
	char who[32];          /* "hpld[1]", for its own lines */
	struct hpl_lineq queue;
};

/* path NULL: a description of standard error of its own. The struct is zeroed before. */
int hpl_console_open(struct hpl_console *c, uv_loop_t *loop, const char *path, struct hpl_err *err);
void hpl_console_line(struct hpl_console *c, const char *text, size_t len);
/* Waits up to timeout_ms until everything is out; at the end only. */
void hpl_console_drain(struct hpl_console *c, int timeout_ms);
/* Closes; the struct must live until the loop has run the close callback. */
void hpl_console_close(struct hpl_console *c);

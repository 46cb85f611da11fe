/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What podman and podman-compose print, read as text. Pure.
 *
 * podman-compose prints the whole command line of each podman it runs, with every value of the
 * containers' environment in it, and does not fail when a container does not start. So its own
 * output is never logged as it is: this code says what may be logged, and what failed.
 */
#include <stdbool.h>

#include "runtime/base/buf.h"

struct hpl_chatter {
	char command[16];      /* the podman command that runs: "run", "start", "" */
	char container[128];   /* its container, if known */
	char failed[128];      /* first container that could not be started, empty: none */
	unsigned started;      /* run or start commands that went well */
};
#define HPL_CHATTER_NULL ((struct hpl_chatter){0})

/* One line of podman-compose's standard output. program: the podman it was told to use. Appends
 * to log what may be logged of it; nothing is appended for lines that may hold values. */
void hpl_chatter_line(struct hpl_chatter *c, const char *program, const char *line, size_t len,
	struct hpl_buf *log);

/* What an engine's error line means to the user. Both strings are static; NULL: not known. */
struct hpl_engine_cause {
	const char *cause;
	const char *cure;
};
const struct hpl_engine_cause *hpl_engine_explain(const char *line);

/* The last lines that an engine wrote to standard error. */
enum { HPL_ENGINE_LINES = 8, HPL_ENGINE_LINE = 400 };
struct hpl_engine_tail {
	char lines[HPL_ENGINE_LINES][HPL_ENGINE_LINE];
	unsigned count; /* lines so far; the last HPL_ENGINE_LINES are there */
	char known[HPL_ENGINE_LINE]; /* the first error line whose meaning is known, however long ago */
};
void hpl_engine_tail_add(struct hpl_engine_tail *t, const char *line, size_t len);
/* Fills err (whose message is given) from the tail: the meaning of the first line that is known,
 * else the last kept line with "Error" or the last at all. */
void hpl_engine_tail_to_err(const struct hpl_engine_tail *t, uint32_t msg, const char *what,
	struct hpl_err *err);

/* The log tag of a container: compose_<service>_<n> of a compose workload becomes
 * compose-<service>-<n>, as compose itself would name it; others keep their name. */
void hpl_container_tag(char *out, size_t size, const char *name, bool compose);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What tools write: text for people (colours on a terminal only, never when NO_COLOR is set, control
 * characters escaped), JSON for machines.
 */
#include <stdbool.h>
#include <stdio.h>

#include "runtime/base/buf.h"
#include "runtime/tool/options.h"

enum hpl_colour { HPL_PLAIN, HPL_RED, HPL_YELLOW, HPL_GREEN, HPL_BOLD, HPL_DIM };
/* The sequence that switches to the colour on this stream, or "". */
const char *hpl_tool_colour(FILE *out, enum hpl_colour colour);
/* Appends text with control characters and bytes that are not UTF-8 as \xNN: nothing from a file
 * reaches a terminal as a command. */
void hpl_tool_escape(struct hpl_buf *out, const char *text, size_t len);
/* "hpl contract show: <text>", its cure on a second line; to standard error. Returns exit_code. */
int hpl_tool_fail(const struct hpl_tool_call *c, const struct hpl_err *err, int exit_code);
/* Writes the buffer to standard output; HPL_EXIT_GOOD, or HPL_EXIT_CALL when it failed earlier. */
int hpl_tool_write(const struct hpl_tool_call *c, const struct hpl_buf *b);

/* A JSON document that grows in buf (set buf.wipe when it may hold secrets). key: NULL inside a
 * list and at the top. Strings that are not UTF-8 get the replacement character. */
struct hpl_json {
	struct hpl_buf buf;
	bool compact;        /* one line; else two blanks per level */
	unsigned depth;
	bool filled;         /* the open object or list has a member */
};
#define HPL_JSON_NULL ((struct hpl_json){0})
void hpl_json_open(struct hpl_json *j, const char *key, char bracket); /* '{' or '[' */
void hpl_json_close(struct hpl_json *j, char bracket);                 /* '}' or ']' */
void hpl_json_string(struct hpl_json *j, const char *key, const char *value); /* NULL: null */
void hpl_json_string_n(struct hpl_json *j, const char *key, const char *value, size_t len);
void hpl_json_number(struct hpl_json *j, const char *key, long long value);
void hpl_json_bool(struct hpl_json *j, const char *key, bool value);
void hpl_json_done(struct hpl_json *j);
#define _cleanup_json_ HPL_CLEANUP(hpl_json_done)

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * YAML as text: writing a value so that every reader gets exactly the same bytes back, and finding
 * the text that the user wrote for a value. What is written is read back before it is given out.
 */
#include "runtime/base/buf.h"
#include "schema/node.h"

/* Appends "key: value" with its line end. One line where that is safe (tokens, base64), else block
 * text, else a quoted string. -1: text holds what YAML cannot (no UTF-8, control characters). */
int hpl_yaml_put_text(struct hpl_buf *out, const char *key, const char *text, size_t len,
	struct hpl_err *err);
/* Appends "key:" and a value that is given as YAML text, as hpl_yaml_source makes it. */
void hpl_yaml_put_yaml(struct hpl_buf *out, const char *key, const char *yaml, size_t len);

/* Appends what the user wrote as the value of map's entry number index, moved to the left margin,
 * comments kept, lines ended by LF; JSON (which is YAML) where the text cannot stand alone: flow
 * collections, aliases. text is the document that map was read from. */
int hpl_yaml_source(struct hpl_buf *out, const char *text, size_t len, const struct hpl_node *map,
	size_t index, struct hpl_err *err);

/* Appends the section text (a mapping) with key set to a one-line value: an entry that was there is
 * replaced, the rest stays as it was written where that is possible. -1: text is no mapping. */
int hpl_yaml_set_key(struct hpl_buf *out, const char *text, size_t len, const char *key,
	const char *value, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Writing "key: text" lines of YAML so that the reader gets exactly the same text back. */
#include "runtime/base/buf.h"
#include "schema/node.h"

/* Can YAML carry the text: valid UTF-8 without NUL and without the characters that are not allowed
 * in a stream even when they are escaped (surrogates)? */
bool hpl_yaml_text_fits(const char *text, size_t len);
/* "key: |" and the text as a block, or a quoted scalar where a block cannot carry it. Ends with LF. */
void hpl_yaml_write_text(struct hpl_buf *out, const char *key, size_t key_len, const char *text,
	size_t len);
/* "key: " and the node in JSON form, which is YAML as well. Ends with LF. */
void hpl_yaml_write_node(struct hpl_buf *out, const char *key, size_t key_len,
	const struct hpl_node *node);

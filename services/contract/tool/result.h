/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What several verbs say in the same way. */
#include "services/contract/tool/source.h"

/* The prefix of tokens: --prefix, else the one that the current tools for --product write, else
 * the one that every image knows. */
const char *hpl_token_prefix(const struct hpl_source *s);
/* An input that the verb cannot do without: says so, returns the exit code. */
int hpl_source_missing(const struct hpl_source *s, const char *name);
/* Writes a text; a query gets it as the member name, its SHA-256 as "sha256". Returns an exit code. */
int hpl_result_write(const struct hpl_source *s, const char *name, const struct hpl_buf *out);

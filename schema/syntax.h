/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Why a text is no YAML, in words for the one who wrote it. Inner header. */
#include <stddef.h>
#include <yaml.h>

struct hpl_syntax {
	const char *what, *cure; /* fixed strings; cure may be NULL */
	yaml_mark_t at;          /* where to look: for what was left open, where it was opened */
};
/* p has just failed with a scanner or parser error over text. */
struct hpl_syntax hpl_syntax_explain(const yaml_parser_t *p, const char *text, size_t len);

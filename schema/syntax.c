/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml says what its scanner was doing; people need to know what they wrote. A quote or bracket
 * that is never closed is seen at the end of the file and meant where it was opened.
 */
#include "schema/syntax.h"

#include <stdbool.h>
#include <string.h>

#include "runtime/base/util.h"

struct saying {
	const char *problem;     /* begins libyaml's text */
	const char *context;     /* is in libyaml's context; NULL: any */
	bool opened;             /* the place is where the construct began */
	const char *what, *cure;
};

static const struct saying sayings[] = {
	{"found unexpected end of stream", "quoted", true, "a quote that is never closed",
		"close the quote in this line"},
	{"found unexpected document indicator", "quoted", true, "a quote that is never closed",
		"close the quote in this line"},
	{"could not find expected ':'", NULL, true, "a line that is neither \"key: value\" nor a part "
		"of the value above it", "write a colon and a blank after the key, or indent the line "
		"below the value that it belongs to"},
	{"mapping values are not allowed", NULL, false, "a second \": \" in one line, or a line "
		"indented deeper than its neighbours", "quote a value that holds \": \"; give keys of "
		"one mapping the same indentation"},
	{"did not find expected key", "flow", true, "braces { } that are not closed, or not separated "
		"by commas", "close the braces"},
	{"did not find expected key", NULL, false, "a line whose indentation fits no mapping above it, "
		"or text behind a closing quote", "give keys of one mapping the same indentation"},
	{"did not find expected '-' indicator", NULL, false, "a line in a list that does not begin "
		"with \"- \"", "begin each item with \"- \", all at the same indentation"},
	{"did not find expected ',' or ']'", NULL, true, "a bracket [ that is not closed, or items that "
		"are not separated by commas", "close the bracket"},
	{"did not find expected ',' or '}'", NULL, true, "a brace { that is not closed, or members that "
		"are not separated by commas", "close the brace"},
	{"block sequence entries are not allowed", NULL, false, "a \"- \" where no list can begin",
		"begin the list in the line after its key"},
	{"mapping keys are not allowed", NULL, false, "a \"? \" where no key can begin", "quote the text"},
	{"found unknown escape character", NULL, false, "an unknown escape (\\) in double quotes",
		"use single quotes, or write \\\\ for a backslash"},
	{"did not find expected hexdecimal number", NULL, false, "a \\x, \\u or \\U escape without its "
		"hexadecimal digits", "write \\u and four digits"},
	{"found undefined tag handle", NULL, false, "a tag (!) with a prefix that is not declared",
		"remove the tag, or quote a text that begins with \"!\""},
	{"found a tab character", NULL, false, "a tab in the indentation", "indent with blanks"},
	{"did not find expected alphabetic or numeric", NULL, false, "an anchor (&) or alias (*) "
		"without a name", "quote a text that begins with * or &"},
	{"did not find expected node content", NULL, false, "a value is missing, or a comma or bracket "
		"stands where none can", "quote a text that begins with a bracket, brace or comma"},
	{"did not find expected <document start>", NULL, false, "text behind the end of the document",
		"bring the whole contract into one mapping, its keys in the first column"},
	{"did not find expected comment or line break", NULL, false, "text behind the | or > of a block",
		"begin the block's text in the next line"},
	{"found character that cannot start any token", NULL, false, "a character that cannot begin a "
		"value", "quote a value that begins with @, ` or %"},
};

/* Is there a tab among the blanks at the start of the mark's line? (A mark counts characters, the
 * text is bytes: only its line can be followed.) */
static bool tab_indent(const char *text, size_t len, yaml_mark_t m)
{
	size_t at = 0;

	for (size_t line = 0; line < m.line && at < len; at++)
		line += text[at] == '\n';
	for (; at < len && (text[at] == ' ' || text[at] == '\t'); at++) {
		if (text[at] == '\t')
			return true;
	}
	return false;
}

struct hpl_syntax hpl_syntax_explain(const yaml_parser_t *p, const char *text, size_t len)
{
	const char *problem = p->problem ? p->problem : "", *context = p->context ? p->context : "";
	struct hpl_syntax s = {.what = "not readable as YAML", .at = p->problem_mark};

	if (tab_indent(text, len, p->problem_mark))
		return (struct hpl_syntax){"a tab in the indentation", "indent with blanks",
			p->problem_mark};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(sayings); i++) {
		const struct saying *y = &sayings[i];
		if (strncmp(problem, y->problem, strlen(y->problem)) != 0 ||
			(y->context && !strstr(context, y->context)))
			continue;
		s.what = y->what;
		s.cure = y->cure;
		if (y->opened && *context)
			s.at = p->context_mark;
		break;
	}
	return s;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* hpl-explain ID...: the catalogue's entry for an id, or a list of all. */
#include <ctype.h>

#include "proto/messages.h"
#include "runtime/tool/output.h"
#include "tool-spec-hpl-explain.h"

enum { ID_LEN = 9 }; /* HPL05001E */

static const char *severity_name(const struct hpl_msg_info *m)
{
	return m->severity <= HPL_SEV_ERR ? "error" : m->severity == HPL_SEV_WARNING ? "warning" :
		"information";
}

static const char *outcome_name(const struct hpl_msg_info *m)
{
	static const char *const names[] = {[HPL_OUTCOME_NONE] = "none", [HPL_OUTCOME_RETRY] = "retry",
		[HPL_OUTCOME_FINAL] = "final"};
	return names[m->outcome];
}

/* What the outcome means to who reads it. */
static const char *outcome_text(const struct hpl_msg_info *m)
{
	static const char *const texts[] = {
		[HPL_OUTCOME_NONE] = "no failure; the guest goes on",
		[HPL_OUTCOME_RETRY] = "it may go well another time",
		[HPL_OUTCOME_FINAL] = "the same contract fails again",
	};
	return texts[m->outcome];
}

static void entry_text(struct hpl_buf *out, const struct hpl_msg_info *m, const char *bold,
	const char *plain)
{
	if (out->len)
		hpl_buf_str(out, "\n");
	hpl_buf_fmt(out, "%s%s%s (%s, said by %s)\n", bold, m->id, plain, severity_name(m), m->part);
	hpl_buf_fmt(out, "  text:     %s\n", m->text);
	hpl_buf_fmt(out, "  happened: %s\n", m->cause);
	if (*m->action)
		hpl_buf_fmt(out, "  to do:    %s\n", m->action);
	hpl_buf_fmt(out, "  outcome:  %s\n", outcome_text(m));
}

static void entry_json(struct hpl_json *j, const struct hpl_msg_info *m)
{
	hpl_json_open(j, NULL, '{');
	hpl_json_string(j, "id", m->id);
	hpl_json_string(j, "name", m->name);
	hpl_json_string(j, "severity", severity_name(m));
	hpl_json_string(j, "part", m->part);
	hpl_json_string(j, "text", m->text);
	hpl_json_string(j, "cause", m->cause);
	hpl_json_string(j, "action", m->action);
	hpl_json_string(j, "outcome", outcome_name(m));
	hpl_json_close(j, '}');
}

static bool is_id(const char *s)
{
	static const char form[] = "AAA00000A";
	for (size_t i = 0; i < ID_LEN; i++) {
		if (form[i] == 'A' ? !isalpha((unsigned char)s[i]) : !isdigit((unsigned char)s[i]))
			return false;
	}
	return strncasecmp(s, "HPL", 3) == 0;
}

/* The first id in a word or a whole log line, in capitals. */
static bool find_id(char ret[ID_LEN + 1], const char *text)
{
	for (; *text && strlen(text) >= ID_LEN; text++) {
		if (!is_id(text))
			continue;
		for (size_t i = 0; i < ID_LEN; i++)
			ret[i] = (char)toupper((unsigned char)text[i]);
		ret[ID_LEN] = 0;
		return true;
	}
	return false;
}

static int unknown_id(const struct hpl_tool_call *c, const char *word, const char *id)
{
	static const char *ids[HPL_MSG__COUNT];
	const char *guess;
	size_t n = 0;
	for (uint32_t m = 1; m < HPL_MSG__COUNT; m++)
		ids[n++] = hpl_msg_info(m)->id;
	ids[n] = NULL;
	guess = id ? hpl_tool_guess(id, ids) : NULL;
	return guess ? hpl_tool_usage_error(c->verb, "no id %s; did you mean %s?", id, guess) :
		hpl_tool_usage_error(c->verb, "%s is no message id; ids look like HPL05001E", word);
}

/* One id may stand for two messages (HPL13000I does): all of them. */
static int explain_word(const struct hpl_tool_call *c, const char *word, bool json,
	struct hpl_json *j, struct hpl_buf *text)
{
	const char *bold = hpl_tool_colour(stdout, HPL_BOLD), *plain = *bold ?
		hpl_tool_colour(stdout, HPL_PLAIN) : "";
	char id[ID_LEN + 1];
	bool found = false, form = find_id(id, word);
	for (uint32_t m = 1; form && m < HPL_MSG__COUNT; m++) {
		const struct hpl_msg_info *info = hpl_msg_info(m);
		if (strcmp(info->id, id) != 0)
			continue;
		found = true;
		if (json)
			entry_json(j, info);
		else
			entry_text(text, info, bold, plain);
	}
	return found ? HPL_EXIT_GOOD : unknown_id(c, word, form ? id : NULL);
}

static int list_all(const struct hpl_tool_call *c, bool json, struct hpl_json *j,
	struct hpl_buf *text)
{
	const char *part = hpl_tool_value(c, "part");
	bool found = false;
	for (uint32_t m = 1; m < HPL_MSG__COUNT; m++) {
		const struct hpl_msg_info *info = hpl_msg_info(m);
		if (part && strcmp(part, info->part) != 0)
			continue;
		found = true;
		if (json)
			entry_json(j, info);
		else
			hpl_buf_fmt(text, "%s  %-16s %s\n", info->id, info->part, info->text);
	}
	return found ? HPL_EXIT_GOOD : hpl_tool_usage_error(c->verb, "no part %s says ids", part);
}

static int explain(const struct hpl_tool_call *c)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	_cleanup_json_ struct hpl_json j = HPL_JSON_NULL;
	const char *format = hpl_tool_value(c, "format");
	bool json = format && strcmp(format, "json") == 0, list = hpl_tool_has(c, "list");
	int rc = HPL_EXIT_GOOD;

	if (list == (c->arg_count > 0))
		return hpl_tool_usage_error(c->verb, list ? "--list takes no ids" : "which id?");
	if (hpl_tool_has(c, "part") && !list)
		return hpl_tool_usage_error(c->verb, "--part goes with --list");
	hpl_json_open(&j, NULL, '[');
	if (list)
		rc = list_all(c, json, &j, &text);
	for (size_t i = 0; i < c->arg_count && rc == HPL_EXIT_GOOD; i++)
		rc = explain_word(c, c->args[i], json, &j, &text);
	hpl_json_close(&j, ']');
	return rc == HPL_EXIT_GOOD ? hpl_tool_write(c, json ? &j.buf : &text) : rc;
}

int main(int argc, char **argv)
{
	static const struct hpl_tool_row row = {&spec_explain, explain};
	return hpl_tool_single(&row, argc, argv);
}

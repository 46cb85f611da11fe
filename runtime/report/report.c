/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/report/report.h"

#include <string.h>

#include "proto/messages.h"

const char *hpl_report_severity(const struct hpl_fault *f)
{
	enum hpl_severity s = hpl_msg_info(f->msg)->severity;

	return s <= HPL_SEV_ERR ? "error" : s == HPL_SEV_WARNING ? "warning" : "note";
}

void hpl_report_count(const struct hpl_faults *faults, size_t *ret_errors, size_t *ret_warnings)
{
	*ret_errors = *ret_warnings = 0;
	for (size_t i = 0; i < faults->count; i++)
		(*(hpl_fault_is_error(&faults->items[i]) ? ret_errors : ret_warnings))++;
}

/* ---- text ---- */

static void escaped(struct hpl_buf *out, const char *text)
{
	hpl_tool_escape(out, text, strlen(text));
}

void hpl_report_head(struct hpl_buf *out, const char *file, struct hpl_pos pos,
	const struct hpl_fault *f)
{
	enum hpl_colour colour = hpl_fault_is_error(f) ? HPL_RED : HPL_YELLOW;

	escaped(out, file);
	if (pos.line)
		hpl_buf_fmt(out, ":%u:%u", pos.line, pos.col);
	hpl_buf_fmt(out, ": %s%s%s %s ", hpl_tool_colour(stdout, colour), hpl_report_severity(f),
		hpl_tool_colour(stdout, HPL_PLAIN), hpl_msg_info(f->msg)->id);
	escaped(out, f->path);
	hpl_buf_str(out, *f->path ? ": " : "");
	escaped(out, f->text);
	hpl_buf_str(out, "\n");
}

void hpl_report_cure(struct hpl_buf *out, const struct hpl_fault *f)
{
	if (!*f->cure)
		return;
	hpl_buf_str(out, "  cure: ");
	escaped(out, f->cure);
	hpl_buf_str(out, "\n");
}

void hpl_report_number(struct hpl_buf *out, size_t n, const char *what)
{
	hpl_buf_fmt(out, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

void hpl_report_verdict(struct hpl_buf *out, const char *file, bool valid, const char *rest,
	size_t errors, size_t warnings)
{
	escaped(out, file);
	hpl_buf_fmt(out, ": %s", hpl_tool_colour(stdout, valid ? HPL_GREEN : HPL_RED));
	if (valid)
		hpl_buf_str(out, "valid");
	else
		hpl_report_number(out, errors, "error");
	hpl_buf_fmt(out, "%s%s", hpl_tool_colour(stdout, HPL_PLAIN), valid ? rest : "");
	if (warnings) {
		hpl_buf_str(out, ", ");
		hpl_report_number(out, warnings, "warning");
	}
	hpl_buf_str(out, "\n");
}

/* ---- JSON ---- */

void hpl_report_json(struct hpl_json *j, const char *file, struct hpl_pos pos,
	const struct hpl_fault *f)
{
	static const char *const actions[] = {[HPL_FIX_RENAME] = "rename", [HPL_FIX_REMOVE] = "remove",
		[HPL_FIX_ADD] = "add", [HPL_FIX_REPLACE] = "replace"};

	hpl_json_open(j, NULL, '{');
	hpl_json_string(j, "id", hpl_msg_info(f->msg)->id);
	hpl_json_string(j, "severity", hpl_report_severity(f));
	hpl_json_string(j, "file", file);
	hpl_json_number(j, "line", pos.line);
	hpl_json_number(j, "column", pos.line ? pos.col : 0);
	hpl_json_string(j, "path", f->path);
	hpl_json_string(j, "keyword", f->keyword);
	hpl_json_string(j, "text", f->text);
	hpl_json_string(j, "cure", f->cure);
	if (f->fix == HPL_FIX_NONE) {
		hpl_json_string(j, "fix", NULL);
	} else {
		hpl_json_open(j, "fix", '{');
		hpl_json_string(j, "action", actions[f->fix]);
		hpl_json_string(j, "text", f->fix_text);
		hpl_json_close(j, '}');
	}
	hpl_json_close(j, '}');
}

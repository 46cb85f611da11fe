/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/utf8.h"
#include "runtime/report/report.h"
#include "runtime/tool/input.h"
#include "services/network/netconfig.h"
#include "services/network/tool/verbs.h"

enum { FAULTS = 1000 }; /* who has more mends the first ones first */

struct validation {
	const struct hpl_tool_call *call;
	bool json;
	struct hpl_buf text;
	struct hpl_json out;
};

/* The line that a fault points to, and a mark beneath the place. Nothing in it is secret. */
static void excerpt(struct hpl_buf *out, const struct hpl_buf *file, struct hpl_pos pos)
{
	const char *line = file->data, *end = file->data + file->len, *stop;
	size_t col;

	for (unsigned n = 1; line && n < pos.line; n++) {
		line = memchr(line, '\n', (size_t)(end - line));
		line = line ? line + 1 : NULL;
	}
	if (!line || line == end)
		return;
	stop = memchr(line, '\n', (size_t)(end - line));
	if (!stop)
		stop = end;
	if (stop > line && stop[-1] == '\r')
		stop--;
	col = hpl_utf8_count(line, (size_t)(stop - line));
	if (col > 200) /* no line that people write */
		return;
	col = pos.col && pos.col - 1 < col ? pos.col - 1 : col;
	hpl_buf_fmt(out, "  %5u | ", pos.line);
	hpl_tool_escape(out, line, (size_t)(stop - line));
	hpl_buf_fmt(out, "\n        | %*s%s^%s\n", (int)col, "", hpl_tool_colour(stdout, HPL_RED),
		hpl_tool_colour(stdout, HPL_PLAIN));
}

static void as_text(struct validation *v, const char *file, const struct hpl_buf *text,
	const struct hpl_faults *faults, bool valid)
{
	size_t errors, warnings;

	for (size_t i = 0; i < faults->count; i++) {
		const struct hpl_fault *f = &faults->items[i];

		hpl_report_head(&v->text, file, f->pos, f);
		excerpt(&v->text, text, f->pos);
		hpl_report_cure(&v->text, f);
	}
	hpl_report_count(faults, &errors, &warnings);
	hpl_report_verdict(&v->text, file, valid, "", errors, warnings);
}

static void as_json(struct validation *v, const char *file, const struct hpl_faults *faults, bool valid)
{
	hpl_json_open(&v->out, NULL, '{');
	hpl_json_string(&v->out, "file", file);
	hpl_json_bool(&v->out, "valid", valid);
	hpl_json_open(&v->out, "faults", '[');
	for (size_t i = 0; i < faults->count; i++)
		hpl_report_json(&v->out, file, faults->items[i].pos, &faults->items[i]);
	hpl_json_close(&v->out, ']');
	hpl_json_close(&v->out, '}');
}

static int validate(struct validation *v, const char *file)
{
	_cleanup_free_ struct hpl_net_config *config = calloc(1, sizeof(*config));
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct hpl_faults faults = {.limit = FAULTS};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = config ? hpl_tool_read(&text, file, HPL_NET_CONFIG_BYTES, &err) : HPL_OOM(&err);

	if (rc == 0)
		rc = hpl_net_config_read(config, text.data ? text.data : "", text.len, &faults, &err);
	if (rc < 0)
		return hpl_tool_fail(v->call, &err, HPL_EXIT_CALL);
	if (v->json)
		as_json(v, file, &faults, rc == 0);
	else
		as_text(v, file, &text, &faults, rc == 0);
	hpl_faults_done(&faults);
	return rc ? HPL_EXIT_BAD : HPL_EXIT_GOOD;
}

int hpl_verb_validate(const struct hpl_tool_call *c)
{
	struct validation v = {.call = c, .json = hpl_streq(hpl_tool_value(c, "format"), "json")};
	int worst = HPL_EXIT_GOOD, rc;

	if (v.json && c->arg_count > 1)
		hpl_json_open(&v.out, NULL, '[');
	for (size_t i = 0; i < c->arg_count; i++) {
		rc = validate(&v, c->args[i]);
		worst = rc > worst ? rc : worst;
	}
	if (v.json && c->arg_count > 1)
		hpl_json_close(&v.out, ']');
	rc = hpl_tool_write(c, v.json ? &v.out.buf : &v.text);
	hpl_buf_done(&v.text);
	hpl_json_done(&v.out);
	return rc > worst ? rc : worst;
}

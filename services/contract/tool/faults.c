/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/faults.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/utf8.h"
#include "runtime/report/report.h"

enum { KEY_SHOWN = 72 };
static const char MASK[] = "********";

void hpl_verdict_count(struct hpl_verdict *v, const struct hpl_faults *faults)
{
	hpl_report_count(faults, &v->errors, &v->warnings);
}

/* ---- the line that a fault points to ---- */

/* Length of the key with its colon at the beginning of a line ("  - name:"), 0: there is none that is
 * plainly a key. What does not look like one may be a piece of a value over several lines. */
static size_t key_length(const char *line, size_t len)
{
	size_t i = 0, begin;
	char quote = 0;

	while (i < len && (line[i] == ' ' || (line[i] == '-' && i + 1 < len && line[i + 1] == ' ')))
		i++;
	if (i < len && (line[i] == '"' || line[i] == '\''))
		quote = line[i++];
	begin = i;
	while (i < len && (isalnum((unsigned char)line[i]) || (line[i] && strchr("_-./@", line[i])) ||
		(line[i] == ':' && i + 1 < len && !strchr(" \t\"'", line[i + 1]))))
		i++;
	if (i == begin || i - begin > KEY_SHOWN)
		return 0;
	if (quote && (i == len || line[i++] != quote))
		return 0;
	if (i == len || line[i] != ':' || (i + 1 < len && line[i + 1] != ' '))
		return 0;
	return i + 1;
}

/* Words of the schemas: with a text that is no YAML nothing else is known to be a key. */
static bool is_schema_key(const char *line, size_t len)
{
	static const char *const keys[] = {"workload", "env", "attestationPublicKey",
		"envWorkloadSignature", "type", "compose", "play", "archive", "resources", "templates",
		"volumes", "seed", "previousSeed", "mount", "filesystem", "auths", "username", "password",
		"images", "dct", "rhs", "notary", "publicKey", "logging", "syslog", "logRouter",
		"hostname", "port", "server", "cert", "key", "iamApiKey", "tags", "signingKey",
		"cacerts", "confidential-containers"};
	while (len && (*line == ' ' || *line == '-')) {
		line++;
		len--;
	}
	for (size_t i = 0; len && i < HPL_ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i]) == len - 1 && strncmp(line, keys[i], len - 1) == 0)
			return true;
	}
	return false;
}

static void excerpt(struct hpl_buf *out, const struct hpl_opened_place *at, const char *keyword)
{
	const char *red = hpl_tool_colour(stdout, HPL_RED), *plain = hpl_tool_colour(stdout, HPL_PLAIN);
	size_t key, col = at->pos.col ? at->pos.col - 1 : 0, shown, indent = 0;

	if (!at->line || !at->line_len)
		return;
	key = key_length(at->line, at->line_len);
	if (hpl_streq(keyword, "yaml") && !is_schema_key(at->line, key))
		key = 0;
	while (indent < at->line_len && at->line[indent] == ' ')
		indent++;
	if (!key)
		key = indent;
	hpl_buf_fmt(out, "  %5u | ", at->pos.line);
	hpl_tool_escape(out, at->line, key);
	shown = hpl_utf8_count(at->line, key);
	if (key < at->line_len) {
		if (key > indent)
			hpl_buf_str(out, " "), shown++;
		hpl_buf_str(out, MASK);
	}
	if (col > shown)
		col = shown;
	hpl_buf_fmt(out, "\n        | %*s%s^%s\n", (int)col, "", red, plain);
}

/* ---- text ---- */

static void fault_text(struct hpl_buf *out, const struct hpl_opened *o, const struct hpl_fault *f)
{
	struct hpl_opened_place at;

	hpl_opened_place(&at, o, f->pos);
	hpl_report_head(out, at.file, at.pos, f);
	excerpt(out, &at, f->keyword);
	hpl_report_cure(out, f);
}

void hpl_faults_text(struct hpl_buf *out, const struct hpl_opened *o, const struct hpl_faults *faults,
	const struct hpl_verdict *v)
{
	const char *closed;
	char rest[64];

	for (size_t i = 0; i < faults->count; i++)
		fault_text(out, o, &faults->items[i]);
	for (size_t i = 0; (closed = hpl_opened_closed(o, i)); i++) {
		hpl_tool_escape(out, o->file, strlen(o->file));
		hpl_buf_str(out, ": ");
		hpl_tool_escape(out, closed, strlen(closed));
		hpl_buf_fmt(out, ": encrypted, not looked at; %s\n", o->key ?
			"the key that was given does not open it" : "give --key to look inside");
	}
	snprintf(rest, sizeof(rest), " for %s%s", v->product,
		hpl_opened_closed(o, 0) ? " as far as it was looked at" : "");
	hpl_report_verdict(out, o->file, v->valid, rest, v->errors, v->warnings);
}

/* ---- JSON ---- */

static void fault_json(struct hpl_json *j, const struct hpl_opened *o, const struct hpl_fault *f)
{
	struct hpl_opened_place at;

	hpl_opened_place(&at, o, f->pos);
	hpl_report_json(j, at.file, at.pos, f);
}

void hpl_faults_json(struct hpl_json *j, const struct hpl_opened *o, const struct hpl_faults *faults,
	const struct hpl_verdict *v)
{
	const char *closed;

	hpl_json_open(j, NULL, '{');
	hpl_json_string(j, "file", o->file);
	hpl_json_string(j, "product", v->product);
	hpl_json_bool(j, "valid", v->valid);
	hpl_json_open(j, "faults", '[');
	for (size_t i = 0; i < faults->count; i++)
		fault_json(j, o, &faults->items[i]);
	hpl_json_close(j, ']');
	hpl_json_open(j, "unopened", '[');
	for (size_t i = 0; (closed = hpl_opened_closed(o, i)); i++)
		hpl_json_string(j, NULL, closed);
	hpl_json_close(j, ']');
	hpl_json_close(j, '}');
}

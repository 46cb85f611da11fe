/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/source.h"

#include <stdarg.h>
#include <stdio.h>

#include "runtime/base/file.h"
#include "runtime/base/utf8.h"
#include "runtime/tool/input.h"

enum { NAME_LEN = 64 };

/* "no-validate" as a member: "no_validate". */
static const char *member_name(char buf[NAME_LEN], const char *name, const char *suffix)
{
	snprintf(buf, NAME_LEN, "%s%s", name, suffix);
	for (char *p = buf; *p; p++) {
		if (*p == '-')
			*p = '_';
	}
	return buf;
}

/* The option that gives name on a command line, NULL: none does. */
static const struct hpl_tool_option *option_of(const struct hpl_tool_verb *v, const char *name)
{
	char file[NAME_LEN];
	snprintf(file, sizeof(file), "%s-file", name);
	for (size_t i = 0; i < v->option_count; i++) {
		if (hpl_streq(v->options[i].name, name) || hpl_streq(v->options[i].name, file))
			return &v->options[i];
	}
	return NULL;
}

static const char *query_value(const struct hpl_source *s, const char *name, const char *suffix)
{
	char buf[NAME_LEN];
	return hpl_node_get_str(hpl_doc_root(s->query), member_name(buf, name, suffix));
}

/* ---- the query ---- */

static bool is_known(const struct hpl_source *s, const char *member)
{
	char name[NAME_LEN];
	size_t n = strlen(member);
	if (n >= sizeof(name))
		return false;
	memcpy(name, member, n + 1);
	if (n > 5 && strcmp(name + n - 5, "_file") == 0)
		name[n -= 5] = '\0';
	if (hpl_streq(name, s->argument))
		return true;
	for (char *p = name; *p; p++) {
		if (*p == '_')
			*p = '-';
	}
	return !hpl_streq(name, "external") && !hpl_streq(name, "output") &&
		option_of(s->call->verb, name);
}

static int check_query(const struct hpl_source *s, struct hpl_err *err)
{
	const struct hpl_node *root = hpl_doc_root(s->query);
	if (root->kind != HPL_MAP)
		return HPL_FAIL(err, 0, 0, "the query on standard input is no JSON object");
	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_entry *e = &root->map.entries[i];
		if (!is_known(s, e->key))
			return HPL_FAIL(err, 0, 0, "the query has the unknown member %.60s", e->key);
		if (e->value->kind != HPL_STRING)
			return HPL_FAIL(err, 0, 0, "the query's member %.60s is no string", e->key);
	}
	return 0;
}

static int check_values(const struct hpl_source *s, struct hpl_err *err)
{
	const struct hpl_tool_verb *v = s->call->verb;
	for (size_t i = 0; i < v->option_count; i++) {
		const struct hpl_tool_option *o = &v->options[i];
		const char *value = o->values ? query_value(s, o->name, "") : NULL;
		bool good = !value;
		for (size_t k = 0; !good && o->values[k]; k++)
			good = strcmp(o->values[k], value) == 0;
		if (!good)
			return HPL_FAIL(err, 0, 0, "the query's member %s has a value that is not known",
				o->name);
	}
	return 0;
}

static int read_query(struct hpl_source *s, struct hpl_err *err)
{
	/* a contract, and escapes that make it longer */
	const struct hpl_reader_limits limits = {.bytes = 4 * HPL_TOOL_INPUT, .depth = 4, .nul = true};
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	if (hpl_tool_read(&b, "-", 4 * HPL_TOOL_INPUT - 1, err) < 0)
		return -1;
	if (hpl_yaml_read(&s->query, b.data ? b.data : "", b.len, &limits, (struct hpl_pos){1, 1}, 0,
		err) < 0)
		return HPL_WRAP(err, 0, "the query on standard input");
	if (check_query(s, err) < 0)
		return -1;
	return check_values(s, err);
}

int hpl_source_open(struct hpl_source *ret, const struct hpl_tool_call *c, const char *argument)
{
	struct hpl_err err = HPL_ERR_NULL;
	*ret = (struct hpl_source){.call = c, .argument = argument, .failed = HPL_EXIT_BAD};
	if (option_of(c->verb, "external") && hpl_tool_has(c, "external")) {
		if (c->arg_count || c->given_count > 1)
			return hpl_tool_usage_error(c->verb,
				"--external takes its inputs from standard input only");
		return read_query(ret, &err) < 0 ? hpl_source_fail(ret, &err) : 0;
	}
	if (argument && c->arg_count == 0)
		return hpl_tool_usage_error(c->verb, "the argument is missing");
	return 0;
}

void hpl_source_done(struct hpl_source *s)
{
	hpl_doc_free(TAKE(s->query));
}

/* ---- inputs ---- */

static const char *path_of(const struct hpl_source *s, const char *name, size_t n)
{
	const struct hpl_tool_option *o;
	if (s->query)
		return n ? NULL : query_value(s, name, "_file");
	if (hpl_streq(name, s->argument))
		return n < s->call->arg_count ? s->call->args[n] : NULL;
	o = option_of(s->call->verb, name);
	return o ? hpl_tool_nth(s->call, o->name, n) : NULL;
}

bool hpl_source_has(const struct hpl_source *s, const char *name)
{
	return path_of(s, name, 0) || (s->query && query_value(s, name, ""));
}

int hpl_source_nth(struct hpl_source *s, const char *name, size_t n, struct hpl_buf *ret,
	struct hpl_err *err)
{
	const char *path = path_of(s, name, n);
	char member[NAME_LEN];

	if (s->query && n == 0) {
		const struct hpl_node *value = hpl_node_get(hpl_doc_root(s->query),
			member_name(member, name, ""));
		if (value && path)
			return HPL_FAIL(err, 0, 0, "the query has both %s and %s_file", member, member);
		if (value) {
			hpl_buf_add(ret, value->str.text, value->str.len);
			return ret->failed ? HPL_OOM(err) : 0;
		}
	}
	if (!path)
		return 1;
	if (hpl_tool_read(ret, path, HPL_TOOL_INPUT, err) < 0) {
		s->failed = s->query ? HPL_EXIT_BAD : HPL_EXIT_CALL;
		return -1;
	}
	return 0;
}

int hpl_source_text(struct hpl_source *s, const char *name, struct hpl_buf *ret, struct hpl_err *err)
{
	return hpl_source_nth(s, name, 0, ret, err);
}

const char *hpl_source_argument(const struct hpl_source *s, size_t n)
{
	if (s->query)
		return n ? NULL : query_value(s, s->argument, "");
	return n < s->call->arg_count ? s->call->args[n] : NULL;
}

const char *hpl_source_file(const struct hpl_source *s, const char *name)
{
	const char *path = path_of(s, name, 0);
	return !path ? name : strcmp(path, "-") == 0 ? "standard input" : path;
}

const char *hpl_source_value(const struct hpl_source *s, const char *name)
{
	return s->query ? query_value(s, name, "") : hpl_tool_value(s->call, name);
}

bool hpl_source_flag(const struct hpl_source *s, const char *name)
{
	const char *value;
	if (!s->query)
		return hpl_tool_has(s->call, name);
	value = query_value(s, name, "");
	return hpl_streq(value, "true") || hpl_streq(value, "1");
}

/* ---- results ---- */

int hpl_source_wrong(struct hpl_source *s, struct hpl_err *err, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->failed = s->query ? HPL_EXIT_BAD : HPL_EXIT_CALL;
	return HPL_FAIL(err, 0, 0, "%s", text);
}

int hpl_source_fail(const struct hpl_source *s, const struct hpl_err *err)
{
	return hpl_tool_fail(s->call, err, s->failed);
}

void hpl_source_warn(const struct hpl_source *s, const char *fmt, ...)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hpl_tool_escape(&b, text, strlen(text));
	fprintf(stderr, "%s: warning: %s\n", s->call->verb->command, b.data ? b.data : "");
}

static bool is_text(const struct hpl_result *r)
{
	for (size_t i = 0, n; i < r->len; i += n) {
		n = hpl_utf8_step((const unsigned char *)r->text + i, r->len - i);
		if (n == 0)
			return false;
	}
	return true;
}

int hpl_source_write(const struct hpl_source *s, const struct hpl_result *results, size_t count)
{
	_cleanup_json_ struct hpl_json j = {.buf.wipe = 1};
	struct hpl_err err = HPL_ERR_NULL;
	const char *file;

	if (s->query) {
		hpl_json_open(&j, NULL, '{');
		for (size_t i = 0; i < count; i++) {
			if (!is_text(&results[i])) {
				HPL_FAIL(&err, 0, 0, "the result is no text, which JSON cannot hold");
				return hpl_source_fail(s, &err);
			}
			hpl_json_string_n(&j, results[i].name, results[i].text ? results[i].text : "",
				results[i].len);
		}
		hpl_json_close(&j, '}');
		return hpl_tool_write(s->call, &j.buf);
	}
	file = option_of(s->call->verb, "output") ? hpl_tool_value(s->call, "output") : NULL;
	if (!file) {
		if (results->len)
			fwrite(results->text, 1, results->len, stdout);
		return HPL_EXIT_GOOD; /* a failed write is seen when the verb ends */
	}
	if (hpl_file_write(file, results->len ? results->text : "", results->len, 0600, &err) < 0)
		return hpl_tool_fail(s->call, &err, HPL_EXIT_CALL);
	return HPL_EXIT_GOOD;
}

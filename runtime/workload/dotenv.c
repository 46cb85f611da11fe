/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "runtime/base/secret.h"
#include "runtime/base/utf8.h"
#include "runtime/workload/env.h"

/*
 * The grammar is that of python-dotenv 0.21 (its regular expressions), the reader that
 * podman-compose has. Two of its habits matter for writing: ${...} is expanded in every value,
 * however it is quoted; and a quote behind a backslash does not end a quoted value, even when
 * that backslash is itself escaped, as long as another quote follows somewhere in the file.
 */
struct reader {
	const char *p, *end;
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static int is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
}

static void skip_line(struct reader *r)
{
	while (r->p < r->end && *r->p != '\n' && *r->p != '\r')
		r->p++;
	if (r->p < r->end)
		r->p++;
}

/* The closing quote of the value that begins at r->p, NULL when there is none. */
static const char *closing_quote(const struct reader *r, char quote)
{
	const char *last = NULL;

	for (const char *p = r->p; p < r->end; p++) {
		if (*p != quote)
			continue;
		last = p;
		if (p == r->p || p[-1] != '\\')
			return p;
	}
	return last;
}

static void decode_escapes(struct hpl_buf *out, const char *p, const char *end, char quote)
{
	static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";

	for (; p < end; p++) {
		const char *e = p + 1 < end && *p == '\\' ? strchr(from, p[1]) : NULL;

		if (e && *e && (quote == '"' || e - from < 2)) {
			hpl_buf_add(out, &to[e - from], 1);
			p++;
		} else {
			hpl_buf_add(out, p, 1);
		}
	}
}

static int read_value(struct reader *r, struct hpl_buf *out)
{
	const char *start, *end;

	if (r->p < r->end && (*r->p == '"' || *r->p == '\'')) {
		char quote = *r->p++;
		const char *close = closing_quote(r, quote);

		if (!close)
			return -1;
		decode_escapes(out, r->p, close, quote);
		r->p = close + 1;
		return 0;
	}
	start = r->p;
	while (r->p < r->end && *r->p != '\n' && *r->p != '\r')
		r->p++;
	end = r->p;
	for (const char *p = start; p < end; p++)
		if (*p == '#' && p > start && is_blank(p[-1]))
			end = p;
	while (end > start && is_blank(end[-1]))
		end--;
	hpl_buf_add(out, start, (size_t)(end - start));
	return 0;
}

static int read_key(struct reader *r, struct hpl_buf *out)
{
	const char *start;

	if (r->end - r->p > 7 && strncmp(r->p, "export", 6) == 0 && is_blank(r->p[6])) {
		r->p += 6;
		skip_blanks(r);
	}
	start = r->p;
	if (r->p < r->end && *r->p == '\'') {
		const char *close = memchr(r->p + 1, '\'', (size_t)(r->end - r->p - 1));

		if (!close || close == r->p + 1)
			return -1;
		hpl_buf_add(out, start + 1, (size_t)(close - start - 1));
		r->p = close + 1;
		return 0;
	}
	while (r->p < r->end && *r->p != '=' && *r->p != '#' && !is_space(*r->p))
		r->p++;
	hpl_buf_add(out, start, (size_t)(r->p - start));
	return r->p > start ? 0 : -1;
}

/* One binding. 1: name and value; 0: nothing to keep; -1: a faulty line. */
static int read_binding(struct reader *r, struct hpl_buf *name, struct hpl_buf *value)
{
	int has_value = 0;

	if (*r->p != '#') {
		if (read_key(r, name) < 0)
			return -1;
		skip_blanks(r);
		if (r->p < r->end && *r->p == '=') {
			r->p++;
			skip_blanks(r);
			if (read_value(r, value) < 0)
				return -1;
			has_value = 1;
		}
	}
	skip_blanks(r);
	if (r->p < r->end && *r->p == '#')
		while (r->p < r->end && *r->p != '\n' && *r->p != '\r')
			r->p++;
	if (r->p < r->end && *r->p != '\n' && *r->p != '\r')
		return -1;
	return has_value;
}

/* Length of the ${NAME} or ${NAME:-default} at text, 0 when there is none. NAME is anything without
 * } and : ; *ret_default is NULL or the default's begin, which ends before the closing brace. */
static size_t variable_at(const char *text, size_t *ret_name_len, const char **ret_default)
{
	size_t n;

	if (text[0] != '$' || text[1] != '{')
		return 0;
	n = strcspn(text + 2, "}:");
	*ret_name_len = n;
	*ret_default = NULL;
	if (text[2 + n] == ':') {
		if (text[3 + n] != '-')
			return 0;
		*ret_default = text + 4 + n;
		n += 2 + strcspn(*ret_default, "}");
	}
	return text[2 + n] == '}' ? n + 3 : 0;
}

static int resolve(struct hpl_buf *out, const char *text, const struct hpl_env *env,
	const struct hpl_env *base, struct hpl_err *err)
{
	while (*text) {
		_cleanup_free_ char *name = NULL;
		const char *value, *def;
		size_t name_len, n = variable_at(text, &name_len, &def);

		if (!n) {
			hpl_buf_add(out, text++, 1);
			continue;
		}
		name = strndup(text + 2, name_len);
		if (!name)
			return HPL_OOM(err);
		value = hpl_env_get(base, name);
		if (!value)
			value = hpl_env_get(env, name);
		if (value)
			hpl_buf_str(out, value);
		else if (def)
			hpl_buf_add(out, def, (size_t)(text + n - 1 - def));
		text += n;
	}
	return 0;
}

static bool is_utf8(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len && n; i += n)
		n = hpl_utf8_step((const unsigned char *)text + i, len - i);
	return n > 0;
}

/* May the name stand at the begin of a line? A quoted one may hold a line end or blanks (python's: also
 * some of Unicode), and written again it would be another name, perhaps one of the contract. */
static bool is_plain_name(const char *name)
{
	if (*name == '\'')
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name >= 0x7f || *name == '=' || *name == '#')
			return false;
	return true;
}

int hpl_dotenv_read(struct hpl_env *env, const char *text, size_t len, const struct hpl_env *base,
	struct hpl_err *err)
{
	struct reader r = {text, text + len};

	if (memchr(text, 0, len))
		return HPL_FAIL(err, 0, 0, ".env holds a NUL byte");
	if (!is_utf8(text, len)) /* the reader of podman-compose stops at such a file */
		return HPL_FAIL(err, 0, 0, ".env is not UTF-8");
	for (;;) {
		_cleanup_buf_ struct hpl_buf name = {.wipe = 1}, value = {.wipe = 1}, full = {.wipe = 1};
		int kind;

		while (r.p < r.end && is_space(*r.p))
			r.p++;
		if (r.p == r.end)
			return 0;
		kind = read_binding(&r, &name, &value);
		if (kind < 0)
			skip_line(&r);
		if (kind <= 0)
			continue;
		if (resolve(&full, value.data ? value.data : "", env, base, err) < 0)
			return -1;
		if (name.failed || value.failed || full.failed)
			return HPL_OOM(err);
		if (is_plain_name(name.data) && !hpl_env_get(base, name.data) &&
			hpl_env_set(env, name.data, full.data ? full.data : "", err) < 0)
			return -1;
	}
}

/* May the value stand without quotes and be read as it is by everybody? */
static int is_bare(const char *v)
{
	size_t n = strlen(v);

	if (!n)
		return 1;
	if (*v == '"' || *v == '\'' || is_space(*v) || is_space(v[n - 1]) || strstr(v, "${"))
		return 0;
	for (; *v; v++)
		if (((unsigned char)*v < 0x20 && *v != '\t') || (unsigned char)*v >= 0x80 ||
			(is_blank(*v) && v[1] == '#'))
			return 0; /* python takes some of these for white space */
	return 1;
}

/* ${ becomes ${:-$}{ : a variable without name has its default, a dollar. */
static void write_quoted(struct hpl_buf *out, const char *v)
{
	hpl_buf_str(out, "\"");
	for (; *v; v++) {
		if (v[0] == '$' && v[1] == '{')
			hpl_buf_str(out, "${:-$}");
		else if (v[0] == '\\' && !v[1])
			hpl_buf_str(out, "${:-\\\\}"); /* not before the closing quote, see above */
		else if (*v == '\\' || *v == '"')
			hpl_buf_fmt(out, "\\%c", *v);
		else if (*v == '\n')
			hpl_buf_str(out, "\\n");
		else if (*v == '\r')
			hpl_buf_str(out, "\\r");
		else
			hpl_buf_add(out, v, 1);
	}
	hpl_buf_str(out, "\"");
}

void hpl_dotenv_write(struct hpl_buf *out, const struct hpl_env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		const char *v = env->items[i].value;

		hpl_buf_fmt(out, "%s=", env->items[i].name);
		if (is_bare(v))
			hpl_buf_str(out, v);
		else
			write_quoted(out, v);
		hpl_buf_str(out, "\n");
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/workload/env.h"

#include <ctype.h>
#include <errno.h>

#include "runtime/base/log.h"
#include "runtime/base/secret.h"

/* DISABLE_HC_SYSTEMD: podman must not ask systemd for health timers. PYTHONUNBUFFERED: lines of
 * podman-compose come when they are printed. */
const char *const hpl_engine_environment[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"LANG=C.UTF-8",
	"XDG_RUNTIME_DIR=/run/user/0",
	"DISABLE_HC_SYSTEMD=true",
	"PYTHONUNBUFFERED=1",
	NULL,
};

static void var_done(struct hpl_env_var *v)
{
	if (v->value)
		hpl_wipe(v->value, strlen(v->value));
	free(v->value);
	free(v->name);
}

void hpl_env_done(struct hpl_env *env)
{
	for (size_t i = 0; i < env->count; i++)
		var_done(&env->items[i]);
	free(env->items);
	*env = HPL_ENV_NULL;
}

const char *hpl_env_get(const struct hpl_env *env, const char *name)
{
	for (size_t i = 0; env && i < env->count; i++)
		if (hpl_streq(env->items[i].name, name))
			return env->items[i].value;
	return NULL;
}

int hpl_env_set(struct hpl_env *env, const char *name, const char *value, struct hpl_err *err)
{
	struct hpl_env_var v = {strdup(name), strdup(value)};
	struct hpl_env_var *more;

	if (!v.name || !v.value)
		goto oom;
	for (size_t i = 0; i < env->count; i++) {
		if (!hpl_streq(env->items[i].name, name))
			continue;
		var_done(&env->items[i]);
		env->items[i] = v;
		return 0;
	}
	more = reallocarray(env->items, env->count + 1, sizeof(*more));
	if (!more)
		goto oom;
	env->items = more;
	env->items[env->count++] = v;
	return 0;
oom:
	var_done(&v);
	return HPL_OOM(err);
}

static int name_length(const char *s)
{
	int n = 0;

	if (!isalpha((unsigned char)*s) && *s != '_')
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* NUL and what is not UTF-8 cannot be an environment value that a .env file holds. */
static int valid_value(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = p[i] < 0x80 ? 1 : p[i] >= 0xf0 ? 4 : p[i] >= 0xe0 ? 3 : 2;

		if (!p[i] || (n > 1 && (p[i] < 0xc2 || p[i] > 0xf4)) || i + n > len)
			return 0;
		for (size_t k = 1; k < n; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return 0;
		i += n;
	}
	return 1;
}

int hpl_env_add_slice(struct hpl_env *env, Hpl__EnvVar *const *vars, size_t count,
	struct hpl_err *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = vars[i]->name;
		const ProtobufCBinaryData *v = &vars[i]->value;
		_cleanup_free_ char *text = NULL;
		int r;

		if (!name_length(name) || name[name_length(name)])
			return HPL_FAIL(err, 0, 0, "'%s' is no name of a variable", name);
		if (!valid_value(v->data, v->len)) {
			hpl_err_place(err, "contract: env.%s", name);
			return HPL_FAIL(err, 0, 0, "the value of %s holds NUL or is not UTF-8", name);
		}
		text = strndup(v->len ? (const char *)v->data : "", v->len);
		if (!text)
			return HPL_OOM(err);
		r = hpl_env_set(env, name, text, err);
		hpl_wipe(text, strlen(text));
		if (r < 0)
			return -1;
	}
	return 0;
}

/* One $-expression of podman-compose's grammar at text[0] == '$'. Returns its length, 0 when the
 * dollar stands for itself. */
static size_t parse_dollar(const char *text, struct hpl_buf *name, struct hpl_buf *arg, char *ret_op)
{
	const char *p = text + 1;
	int n;

	*ret_op = 0;
	if (*p == '$') {
		*ret_op = '$';
		return 2;
	}
	n = name_length(p);
	if (n) {
		hpl_buf_add(name, p, (size_t)n);
		return 1 + (size_t)n;
	}
	if (*p != '{' || !(n = name_length(p + 1)))
		return 0;
	hpl_buf_add(name, p + 1, (size_t)n);
	p += 1 + n;
	if (*p != '}') {
		size_t len;

		p += *p == ':';
		if (*p != '-' && *p != '?')
			return 0;
		*ret_op = *p++;
		len = strcspn(p, "}");
		if (!len)
			return 0; /* the grammar wants at least one character here */
		hpl_buf_add(arg, p, len);
		p += len;
	}
	return *p == '}' ? (size_t)(p + 1 - text) : 0;
}

int hpl_env_interpolate(struct hpl_buf *out, const char *text, const struct hpl_env *env,
	struct hpl_err *err)
{
	while (*text) {
		_cleanup_buf_ struct hpl_buf name = HPL_BUF_NULL, arg = HPL_BUF_NULL;
		size_t plain = strcspn(text, "$"), n;
		const char *value;
		char op;

		hpl_buf_add(out, text, plain);
		text += plain;
		if (!*text)
			break;
		n = parse_dollar(text, &name, &arg, &op);
		if (name.failed || arg.failed)
			return HPL_OOM(err);
		if (!n || op == '$') {
			hpl_buf_add(out, "$", 1);
			text += n ? n : 1;
			continue;
		}
		text += n;
		value = hpl_env_get(env, name.data);
		if (!value && op == '?')
			return HPL_FAIL(err, 0, 0, "the variable %s is not set: %s", name.data, arg.data);
		hpl_buf_str(out, value ? value : op == '-' ? arg.data : "");
	}
	return out->failed ? HPL_OOM(err) : 0;
}

/* The name in " .Env.NAME " or NULL. */
static char *template_name(const char *p, size_t len)
{
	static const char prefix[] = ".Env.";
	size_t n = 0;

	while (len && isspace((unsigned char)*p))
		p++, len--;
	while (len && isspace((unsigned char)p[len - 1]))
		len--;
	if (len <= strlen(prefix) || strncmp(p, prefix, strlen(prefix)) != 0)
		return NULL;
	p += strlen(prefix);
	len -= strlen(prefix);
	n = (size_t)name_length(p);
	return n == len ? strndup(p, len) : NULL;
}

static int expand_action(struct hpl_buf *out, const char *p, size_t len, const struct hpl_env *env,
	struct hpl_err *err)
{
	_cleanup_free_ char *name = template_name(p, len);
	const char *value = name ? hpl_env_get(env, name) : NULL;

	if (!name) {
		HPL_FAIL(err, 0, 0, "the template expression '{{%.*s}}' is not supported", (int)len, p);
		hpl_err_cure(err, "only {{ .Env.NAME }} is supported");
		return -1;
	}
	if (!value) {
		HPL_FAIL(err, 0, 0, "the template uses .Env.%s, which the contract does not set", name);
		hpl_err_cure(err, "set %s in workload.env or env.env", name);
		return -1;
	}
	hpl_buf_str(out, value);
	return 0;
}

static int is_trim_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int hpl_env_template(struct hpl_buf *out, const char *text, const struct hpl_env *env,
	struct hpl_err *err)
{
	size_t floor = out->len; /* a trim does not reach into a value that was put in */

	for (;;) {
		const char *open = strstr(text, "{{"), *close, *p;
		size_t len;

		hpl_buf_add(out, text, open ? (size_t)(open - text) : strlen(text));
		if (!open)
			return out->failed ? HPL_OOM(err) : 0;
		p = open + 2;
		close = strstr(p, "}}");
		if (!close)
			return HPL_FAIL(err, 0, 0, "a template expression '{{' is not closed");
		text = close + 2;
		if (p[0] == '-' && is_trim_space(p[1])) {
			while (out->len > floor && is_trim_space(out->data[out->len - 1]))
				out->data[--out->len] = 0;
			p++;
		}
		len = (size_t)(close - p);
		if (len >= 2 && close[-1] == '-' && is_trim_space(close[-2])) {
			len--;
			while (is_trim_space(*text))
				text++;
		}
		if (expand_action(out, p, len, env, err) < 0)
			return -1;
		floor = out->len;
	}
}

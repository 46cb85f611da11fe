/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/workload/play.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/archive/archive.h"
#include "runtime/base/b64.h"
#include "runtime/base/secret.h"

enum { DOCS_MAX = 1000, DEPTH_MAX = 64, PATH_BYTES = 256 };

static void doc_done(struct hpl_play_doc *d)
{
	if (d->text)
		hpl_wipe(d->text, d->len);
	free(d->text);
	free(d->origin);
	hpl_doc_free(d->tree);
}

void hpl_play_done(struct hpl_play *p)
{
	for (size_t i = 0; i < p->count; i++)
		doc_done(&p->docs[i]);
	free(p->docs);
	hpl_buf_done(&p->archive);
	*p = HPL_PLAY_NULL;
}

static void json_string(struct hpl_buf *out, const char *s, size_t len)
{
	hpl_buf_str(out, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			hpl_buf_fmt(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			hpl_buf_fmt(out, "\\u%04x", c);
		else
			hpl_buf_add(out, &s[i], 1);
	}
	hpl_buf_str(out, "\"");
}

static int expand_string(struct hpl_buf *out, const struct hpl_node *n, const struct hpl_env *env,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};

	if (strlen(n->str.text) != n->str.len)
		return HPL_FAIL(err, 0, 0, "a string holds NUL");
	if (hpl_env_template(&text, n->str.text, env, err) < 0)
		return -1;
	json_string(out, text.data ? text.data : "", text.len);
	return 0;
}

/* Adds a step to the path of n; returns the length without it. */
static size_t step(char *path, const char *key, size_t index)
{
	size_t len = strlen(path);

	if (key)
		snprintf(path + len, PATH_BYTES - len, ".%s", key);
	else
		snprintf(path + len, PATH_BYTES - len, "[%zu]", index);
	return len;
}

/* Writes the tree as JSON with the templates in its string values expanded (not in keys). path: of n, in
 * an array of PATH_BYTES; for the place of what fails. */
static int expand(struct hpl_buf *out, const struct hpl_node *n, const struct hpl_env *env,
	char *path, unsigned depth, struct hpl_err *err)
{
	size_t len;

	if (depth > DEPTH_MAX)
		return HPL_FAIL(err, 0, 0, "deeper than %d levels", DEPTH_MAX);
	switch (n->kind) {
	case HPL_STRING:
		if (expand_string(out, n, env, err) == 0)
			return 0;
		hpl_err_place(err, "%s", path);
		return -1;
	case HPL_LIST:
		hpl_buf_str(out, "[");
		for (size_t i = 0; i < n->list.count; i++) {
			hpl_buf_str(out, i ? "," : "");
			len = step(path, NULL, i);
			if (expand(out, n->list.items[i], env, path, depth + 1, err) < 0)
				return -1;
			path[len] = 0;
		}
		hpl_buf_str(out, "]");
		return 0;
	case HPL_MAP:
		hpl_buf_str(out, "{");
		for (size_t i = 0; i < n->map.count; i++) {
			const struct hpl_entry *e = &n->map.entries[i];

			hpl_buf_str(out, i ? "," : "");
			json_string(out, e->key, e->key_len);
			hpl_buf_str(out, ":");
			len = step(path, e->key, 0);
			if (expand(out, e->value, env, path, depth + 1, err) < 0)
				return -1;
			path[len] = 0;
		}
		hpl_buf_str(out, "}");
		return 0;
	default:
		hpl_node_to_json(out, n);
		return 0;
	}
}

static int check_kind(struct hpl_play_doc *d, struct hpl_err *err)
{
	const struct hpl_node *root = hpl_doc_root(d->tree);
	const char *kind = hpl_node_get_str(root, "kind");
	const char *version = hpl_node_get_str(root, "apiVersion");

	if (!hpl_streq(kind, "Pod") && !hpl_streq(kind, "ConfigMap")) {
		HPL_FAIL(err, 0, 0, "kind '%s' is not supported", kind ? kind : "(none)");
		hpl_err_cure(err, "only Pod and ConfigMap of apiVersion v1 are supported");
		return -1;
	}
	if (!hpl_streq(version, "v1"))
		return HPL_FAIL(err, 0, 0, "apiVersion '%s' of a %s; v1 is needed",
			version ? version : "(none)", kind);
	if (!hpl_node_get_str(hpl_node_get(root, "metadata"), "name"))
		return HPL_FAIL(err, 0, 0, "a %s without metadata.name", kind);
	d->is_pod = hpl_streq(kind, "Pod");
	return 0;
}

/* A byte order mark may begin a file, but not a document within the stream that is made of all. */
static void skip_mark(const char **text, size_t *len)
{
	if (*len >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
		*text += 3;
		*len -= 3;
	}
}

/* Reads text, checks it and appends the document. origin and text are copied. */
static int add_doc(struct hpl_play *p, const char *origin, const char *text, size_t len,
	uint32_t line, struct hpl_err *err)
{
	struct hpl_reader_limits limits = {.aliases = 1000};
	struct hpl_play_doc d = {0}, *more;

	skip_mark(&text, &len);
	d.origin = strdup(origin);
	d.text = malloc(len + 1);
	more = reallocarray(p->docs, p->count + 1, sizeof(*more));
	if (more)
		p->docs = more;
	if (!d.origin || !d.text || !more) {
		doc_done(&d);
		return HPL_OOM(err);
	}
	memcpy(d.text, text, len);
	d.text[len] = 0;
	d.len = len;
	if (p->count >= DOCS_MAX)
		HPL_FAIL(err, 0, 0, "more than %d documents", DOCS_MAX);
	else if (hpl_yaml_read(&d.tree, d.text, len, &limits, (struct hpl_pos){line, 1}, 0, err) == 0 &&
		check_kind(&d, err) == 0) {
		p->docs[p->count++] = d;
		p->pods += d.is_pod;
		return 0;
	}
	doc_done(&d);
	hpl_err_place(err, "%s", origin);
	return HPL_WRAP(err, 0, "%s", origin);
}

static int add_template(struct hpl_play *p, const char *origin, const ProtobufCBinaryData *in,
	const struct hpl_env *env, struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *tree = NULL;
	_cleanup_buf_ struct hpl_buf json = {.wipe = 1};
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s", origin);
	if (hpl_yaml_read(&tree, (const char *)in->data, in->len, NULL, (struct hpl_pos){1, 1}, 0,
		    err) < 0 ||
		expand(&json, hpl_doc_root(tree), env, path, 0, err) < 0) {
		hpl_err_place(err, "%s", origin);
		return HPL_WRAP(err, 0, "%s", origin);
	}
	if (json.failed)
		return HPL_OOM(err);
	return add_doc(p, origin, json.data, json.len, 1, err);
}

/* The ConfigMap that pods take the contract's variables from. */
static int add_config_map(struct hpl_play *p, const struct hpl_env *env, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf json = {.wipe = 1};

	hpl_buf_str(&json, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
		"{\"name\":\"contract.config.map\"},\"data\":{");
	for (size_t i = 0; i < env->count; i++) {
		hpl_buf_str(&json, i ? "," : "");
		json_string(&json, env->items[i].name, strlen(env->items[i].name));
		hpl_buf_str(&json, ":");
		json_string(&json, env->items[i].value, strlen(env->items[i].value));
	}
	hpl_buf_str(&json, "}}");
	if (json.failed)
		return HPL_OOM(err);
	return add_doc(p, "contract.config.map", json.data, json.len, 1, err);
}

static bool only_blank(const char *p, const char *end)
{
	while (p < end) {
		size_t n = strcspn(p, "\n");
		const char *q = p + strspn(p, " \t\r");

		if (q < p + n && *q != '#')
			return false;
		p += n + 1;
	}
	return true;
}

/* A line that begins with --- ends a document wherever it stands (YAML 1.2, 9.1.2). */
static bool is_separator(const char *p)
{
	return strncmp(p, "---", 3) == 0 && (!p[3] || strchr(" \t\r\n", p[3]));
}

static int add_stream(struct hpl_play *p, const char *origin, const char *text, size_t len,
	struct hpl_err *err)
{
	const char *end = text + len, *start, *line;
	uint32_t at = 1, start_line = 1;

	skip_mark(&text, &len);
	start = line = text;
	if (memchr(text, 0, len))
		return HPL_FAIL(err, 0, 0, "%s holds NUL", origin);
	while (line < end) {
		const char *next = strchr(line, '\n');

		next = next ? next + 1 : end;
		at++;
		if (next < end && !is_separator(next)) {
			line = next;
			continue;
		}
		/* "--- # note" alone is an empty document as well */
		if (!only_blank(is_separator(start) ? start + 3 : start, next) &&
			add_doc(p, origin, start, (size_t)(next - start), start_line, err) < 0)
			return -1;
		start = line = next;
		start_line = at;
	}
	return 0;
}

static int on_entry(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	struct hpl_play *p = ud;
	const char *dot = strrchr(e->path, '.');

	if (e->is_dir || strchr(e->path, '/') || !dot)
		return 0;
	if (!hpl_streq(dot, ".yaml") && !hpl_streq(dot, ".yml") && !hpl_streq(dot, ".json"))
		return 0;
	return add_stream(p, e->path, e->data, e->len, err);
}

static int load_archive(struct hpl_play *p, const ProtobufCBinaryData *in, struct hpl_err *err)
{
	int r;

	if (!in->len)
		return 0;
	if (hpl_b64_decode(&p->archive, (const char *)in->data, in->len, HPL_B64_WHITESPACE, err) < 0)
		r = -1;
	else
		r = hpl_archive_walk(p->archive.data, p->archive.len, NULL, on_entry, p, err);
	if (r)
		hpl_err_place(err, "contract: workload.play.archive");
	return r ? -1 : 0;
}

static int load(struct hpl_play *p, const Hpl__WorkloadSlice *w, struct hpl_err *err)
{
	_cleanup_env_ struct hpl_env env = HPL_ENV_NULL;
	char origin[64];

	if (hpl_env_add_slice(&env, w->env, w->n_env, err) < 0 || add_config_map(p, &env, err) < 0)
		return -1;
	for (size_t i = 0; i < w->n_resources; i++) {
		snprintf(origin, sizeof(origin), "workload.play.resources[%zu]", i);
		if (add_doc(p, origin, (const char *)w->resources[i].data, w->resources[i].len, 1, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < w->n_templates; i++) {
		snprintf(origin, sizeof(origin), "workload.play.templates[%zu]", i);
		if (add_template(p, origin, &w->templates[i], &env, err) < 0)
			return -1;
	}
	return load_archive(p, &w->play_archive, err);
}

int hpl_play_load(struct hpl_play *ret, const Hpl__WorkloadSlice *workload, struct hpl_err *err)
{
	struct hpl_play p = HPL_PLAY_NULL;

	if (load(&p, workload, err) < 0) {
		hpl_play_done(&p);
		return -1;
	}
	*ret = p;
	return 0;
}

void hpl_play_stream(struct hpl_buf *out, const struct hpl_play *p)
{
	for (int pods = 0; pods < 2; pods++) {
		for (size_t i = 0; i < p->count; i++) {
			const struct hpl_play_doc *d = &p->docs[i];

			if (d->is_pod != pods)
				continue;
			if (!is_separator(d->text))
				hpl_buf_str(out, "---\n");
			hpl_buf_add(out, d->text, d->len);
			if (d->len && d->text[d->len - 1] != '\n')
				hpl_buf_str(out, "\n");
		}
	}
}

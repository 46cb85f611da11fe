/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/orchestrator/manifest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "proto/topics.h"
#include "runtime/orchestrator/manifest_keys.h"

bool hpl_names_has(const struct hpl_names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (hpl_streq(n->items[i], name))
			return true;
	return false;
}

static void names_done(struct hpl_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->items[i]);
	free(n->items);
	*n = (struct hpl_names){0};
}

/* The one way in which a file is refused. */
static int refuse(const struct reading *r, struct hpl_pos pos, const char *path, struct hpl_err *err,
	const char *fmt, ...) HPL_PRINTF(5, 6);
static int refuse(const struct reading *r, struct hpl_pos pos, const char *path, struct hpl_err *err,
	const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hpl_err_set(err, __func__, HPL_MSG_ORCHESTRATOR_PROFILE, 0, "%s", text);
	hpl_err_place(err, "%s:%u:%u %s", r->file, pos.line, pos.col, path);
	return -1;
}

/* Lower case letters, digits, '-', '_', '.': what names of services, tags and settings consist of. */
static bool is_name(const char *s)
{
	size_t len = strlen(s);

	if (!len || len > 64 || s[0] == '-' || s[0] == '.')
		return false;
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !isdigit((unsigned char)*s) && !strchr("-_.", *s))
			return false;
	return true;
}

/* Absolute, without "." and ".." and double slashes. */
static bool is_path(const char *s)
{
	if (s[0] != '/' || !s[1] || strlen(s) >= 256)
		return false;
	for (; *s; s++)
		if (s[0] == '/' && (s[1] == '/' || s[1] == '\0' || !strncmp(s, "/./", 3) ||
			!strncmp(s, "/../", 4) || !strcmp(s, "/.") || !strcmp(s, "/..")))
			return false;
	return true;
}

static int want(const struct reading *r, const struct hpl_node *n, enum hpl_kind kind,
	const char *path, struct hpl_err *err)
{
	if (n->kind == kind)
		return 0;
	return refuse(r, n->pos, path, err, "is %s, must be %s", hpl_kind_name(n->kind),
		hpl_kind_name(kind));
}

static const char *const form_names[] = {
	[FORM_NAME] = "a name of lower case letters, digits, '-', '_' and '.'",
	[FORM_PATH] = "an absolute path without . and ..",
	[FORM_TOPIC] = "a topic of proto/topics.yaml",
	[FORM_ANY] = "text",
};

static bool has_form(enum form form, const char *text)
{
	switch (form) {
	case FORM_NAME:
		return is_name(text);
	case FORM_PATH:
		return is_path(text);
	case FORM_TOPIC:
		return hpl_topic_find(text) != NULL;
	case FORM_ANY:
		return true;
	}
	return false;
}

static int read_text(const struct reading *r, char **ret, const struct hpl_node *n, enum form form,
	const char *path, struct hpl_err *err)
{
	if (want(r, n, HPL_STRING, path, err) < 0)
		return -1;
	if (!has_form(form, n->str.text))
		return refuse(r, n->pos, path, err, "must be %s", form_names[form]);
	*ret = strdup(n->str.text);
	return *ret ? 0 : HPL_OOM(err);
}

static int read_names(const struct reading *r, struct hpl_names *ret, const struct hpl_node *n,
	enum form form, const char *path, struct hpl_err *err)
{
	if (want(r, n, HPL_LIST, path, err) < 0)
		return -1;
	if (n->list.count > 64)
		return refuse(r, n->pos, path, err, "has more than 64 entries");
	ret->items = calloc(n->list.count + 1, sizeof(*ret->items));
	if (!ret->items)
		return HPL_OOM(err);
	for (size_t i = 0; i < n->list.count; i++) {
		const struct hpl_node *item = n->list.items[i];

		if (read_text(r, &ret->items[i], item, form, path, err) < 0)
			return -1;
		ret->count = i + 1;
		for (size_t k = 0; k < i; k++)
			if (hpl_streq(ret->items[k], ret->items[i]))
				return refuse(r, item->pos, path, err, "%s is named twice", ret->items[i]);
	}
	return 0;
}

static int read_number(const struct reading *r, uint32_t *ret, const struct hpl_node *n,
	const struct key *key, struct hpl_err *err)
{
	if (want(r, n, HPL_INT, key->name, err) < 0)
		return -1;
	if (n->integer < key->min || n->integer > key->max)
		return refuse(r, n->pos, key->name, err, "is outside %lld to %lld", (long long)key->min,
			(long long)key->max);
	*ret = (uint32_t)n->integer;
	return 0;
}

static int read_word(const struct reading *r, bool *ret, const struct hpl_node *n,
	const struct key *key, struct hpl_err *err)
{
	const char *text = hpl_node_str(n);

	if (!hpl_streq(text, key->word_false) && !hpl_streq(text, key->word_true))
		return refuse(r, n->pos, key->name, err, "must be %s or %s", key->word_false,
			key->word_true);
	*ret = hpl_streq(text, key->word_true);
	return 0;
}

static int read_value(const struct reading *r, void *base, const struct key *key,
	const struct hpl_node *n, struct hpl_err *err)
{
	void *to = (char *)base + key->offset;

	switch (key->kind) {
	case KEY_TEXT:
		return read_text(r, to, n, key->form, key->name, err);
	case KEY_NAMES:
		return read_names(r, to, n, key->form, key->name, err);
	case KEY_NUMBER:
		return read_number(r, to, n, key, err);
	case KEY_WORD:
		return read_word(r, to, n, key, err);
	case KEY_FLAG:
		if (want(r, n, HPL_BOOL, key->name, err) < 0)
			return -1;
		*(bool *)to = n->boolean;
		return 0;
	case KEY_SPECIAL:
		return key->special(r, base, n, err);
	}
	return 0;
}

int hpl_read_keys(const struct reading *r, const struct key *keys, const struct hpl_node *map,
	const char *path, void *base, struct hpl_err *err)
{
	if (want(r, map, HPL_MAP, path, err) < 0)
		return -1;
	for (size_t i = 0; i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];
		const struct key *key = keys;

		while (key->name && !hpl_streq(key->name, e->key))
			key++;
		if (!key->name)
			return refuse(r, e->pos, e->key, err, "is no key of %s", path);
		if (read_value(r, base, key, e->value, err) < 0)
			return -1;
	}
	for (const struct key *key = keys; key->name; key++)
		if (key->required && !hpl_node_get(map, key->name))
			return refuse(r, map->pos, key->name, err, "is missing");
	return 0;
}

/* ---- keys that need more than a kind */

static int read_settings(const struct reading *r, void *base, const struct hpl_node *n,
	struct hpl_err *err)
{
	struct hpl_manifest *m = base;
	char number[32];

	if (want(r, n, HPL_MAP, "settings", err) < 0)
		return -1;
	for (size_t i = 0; i < n->map.count; i++) {
		const struct hpl_entry *e = &n->map.entries[i];
		const char *value = hpl_node_str(e->value);

		if (!is_name(e->key))
			return refuse(r, e->pos, "settings", err, "%s", form_names[FORM_NAME]);
		if (e->value->kind == HPL_BOOL)
			value = e->value->boolean ? "true" : "false";
		if (e->value->kind == HPL_INT) {
			snprintf(number, sizeof(number), "%lld", (long long)e->value->integer);
			value = number;
		}
		if (!value)
			return refuse(r, e->value->pos, e->key, err, "must be text, a whole number or true or false");
		if (hpl_manifest_set(m, e->key, value, err) < 0) {
			hpl_err_place(err, "%s:%u:%u %s", r->file, e->pos.line, e->pos.col, e->key);
			return HPL_WRAP(err, HPL_MSG_ORCHESTRATOR_PROFILE, "%s", r->file);
		}
	}
	return 0;
}

static int read_groups(const struct reading *r, void *base, const struct hpl_node *n,
	struct hpl_err *err)
{
	struct hpl_manifest *m = base;

	if (want(r, n, HPL_LIST, "groups", err) < 0)
		return -1;
	/* one place is kept for the group of the bus */
	if (n->list.count >= HPL_SANDBOX_GROUPS)
		return refuse(r, n->pos, "groups", err, "has more than %d entries", HPL_SANDBOX_GROUPS - 1);
	for (size_t i = 0; i < n->list.count; i++) {
		const struct hpl_node *item = n->list.items[i];

		if (want(r, item, HPL_INT, "groups", err) < 0)
			return -1;
		if (item->integer < 1 || item->integer > 65533)
			return refuse(r, item->pos, "groups", err, "is outside 1 to 65533");
		m->groups[m->group_count++] = (uint32_t)item->integer;
	}
	return 0;
}

static int read_capabilities(const struct reading *r, void *base, const struct hpl_node *n,
	struct hpl_err *err)
{
	struct hpl_manifest *m = base;

	if (want(r, n, HPL_LIST, "capabilities", err) < 0)
		return -1;
	for (size_t i = 0; i < n->list.count; i++) {
		const struct hpl_node *item = n->list.items[i];
		int cap = hpl_capability_find(hpl_node_str(item));

		if (cap < 0)
			return refuse(r, item->pos, "capabilities", err, "must be a capability such as sys_admin");
		m->capabilities |= 1ULL << cap;
	}
	return 0;
}

static int read_syscalls(const struct reading *r, void *base, const struct hpl_node *n,
	struct hpl_err *err)
{
	struct hpl_manifest *m = base;

	if (want(r, n, HPL_LIST, "syscalls", err) < 0)
		return -1;
	m->syscalls = 0;
	for (size_t i = 0; i < n->list.count; i++) {
		const struct hpl_node *item = n->list.items[i];
		hpl_filter_groups bit = hpl_filter_group_find(hpl_node_str(item));

		if (!bit)
			return refuse(r, item->pos, "syscalls", err,
				"must be a group: base, file, process, mount, net, keyring, time, container");
		m->syscalls |= bit;
	}
	return 0;
}

#define AT(member) .offset = offsetof(struct hpl_manifest, member)
static const struct key sandbox_keys[] = {
	{"uid", KEY_NUMBER, AT(uid), .required = true, .min = 0, .max = 65533},
	{"groups", KEY_SPECIAL, .special = read_groups},
	{"capabilities", KEY_SPECIAL, .special = read_capabilities},
	{"network", KEY_FLAG, AT(network)},
	{"mounts", KEY_WORD, AT(own_mounts), .word_false = "shared", .word_true = "private"},
	{"new_privileges", KEY_FLAG, AT(new_privileges)},
	{"read", KEY_NAMES, AT(read), .form = FORM_PATH},
	{"write", KEY_NAMES, AT(write), .form = FORM_PATH},
	{"devices", KEY_NAMES, AT(devices), .form = FORM_PATH},
	{"syscalls", KEY_SPECIAL, .special = read_syscalls},
	{"memory_mb", KEY_NUMBER, AT(memory_mb), .min = 0, .max = 1 << 20},
	{"nofile", KEY_NUMBER, AT(nofile), .min = 16, .max = 1 << 20},
	{"nproc", KEY_NUMBER, AT(nproc), .min = 0, .max = 1 << 22},
	{"memlock_kb", KEY_NUMBER, AT(memlock_kb), .min = 0, .max = 4 << 20},
	{0},
};

static int read_sandbox(const struct reading *r, void *base, const struct hpl_node *n,
	struct hpl_err *err)
{
	return hpl_read_keys(r, sandbox_keys, n, "sandbox", base, err);
}

static const struct key manifest_keys[] = {
	{"name", KEY_TEXT, AT(name), .form = FORM_NAME, .required = true},
	{"program", KEY_TEXT, AT(program), .form = FORM_NAME, .required = true},
	{"tags", KEY_NAMES, AT(tags), .form = FORM_NAME, .required = true},
	{"console", KEY_FLAG, AT(console)},
	{"lifetime", KEY_WORD, AT(lifetime_daemon), .word_false = "oneshot", .word_true = "daemon",
		.required = true},
	{"receive", KEY_NAMES, AT(receive), .form = FORM_TOPIC},
	{"publish", KEY_NAMES, AT(publish), .form = FORM_TOPIC},
	{"ready_s", KEY_NUMBER, AT(ready_s), .min = 1, .max = 3600},
	{"done_s", KEY_NUMBER, AT(done_s), .min = 0, .max = 86400},
	{"watchdog_s", KEY_NUMBER, AT(watchdog_s), .min = 0, .max = 3600},
	{"restart", KEY_NUMBER, AT(restart), .min = 0, .max = 1000},
	{"stop_s", KEY_NUMBER, AT(stop_s), .min = 0, .max = 300},
	{"settings", KEY_SPECIAL, .special = read_settings},
	{"sandbox", KEY_SPECIAL, .special = read_sandbox, .required = true},
	{0},
};
#undef AT
#define AT(member) .offset = offsetof(struct hpl_profile, member)
static const struct key profile_keys[] = {
	{"profile", KEY_TEXT, AT(name), .form = FORM_NAME, .required = true},
	{"services", KEY_NAMES, AT(services), .form = FORM_NAME, .required = true},
	{"boot_deadline_s", KEY_NUMBER, AT(boot_deadline_s), .min = 0, .max = 86400},
	{"success", KEY_NAMES, AT(success), .form = FORM_TOPIC},
	{0},
};
#undef AT

/* ---- rules over several keys */

/* A confidential topic is received by its one reader; hpld's own topics are hpld's. */
static int check_topics(const struct reading *r, const struct hpl_manifest *m,
	const struct hpl_node *root, struct hpl_err *err)
{
	const struct hpl_node *list = hpl_node_get(root, "receive");

	for (size_t i = 0; i < m->receive.count; i++) {
		const struct hpl_topic *t = hpl_topic_find(m->receive.items[i]);

		if (t->reader && !hpl_streq(t->reader, m->name))
			return refuse(r, list->list.items[i]->pos, "receive", err,
				"%s is confidential, only %s may receive it", t->name, t->reader);
	}
	list = hpl_node_get(root, "publish");
	for (size_t i = 0; i < m->publish.count; i++) {
		const char *t = m->publish.items[i];

		if (hpl_streq(t, HPL_TOPIC_SYSTEM_BOOT) || hpl_streq(t, HPL_TOPIC_SERVICE_READY) ||
			hpl_streq(t, HPL_TOPIC_SERVICE_EXITED))
			return refuse(r, list->list.items[i]->pos, "publish", err,
				"%s is published by hpld only", t);
		if (hpl_streq(t, HPL_TOPIC_SYSTEM_SHUTDOWN) && !hpl_streq(m->name, "catch"))
			return refuse(r, list->list.items[i]->pos, "publish", err,
				"%s is published by catch only", t);
	}
	return 0;
}

static int check_manifest(const struct reading *r, const struct hpl_manifest *m,
	const struct hpl_node *root, struct hpl_err *err)
{
	if (!m->tags.count)
		return refuse(r, hpl_node_get(root, "tags")->pos, "tags", err, "must name at least one tag");
	if (m->done_s && m->lifetime == HPL_DAEMON)
		return refuse(r, hpl_node_get(root, "done_s")->pos, "done_s", err,
			"is for a oneshot service only");
	return check_topics(r, m, root, err);
}

static int open_document(struct hpl_doc **ret, const char *file, const char *text, size_t len,
	struct hpl_err *err)
{
	struct hpl_reader_limits limits = {.bytes = HPL_MANIFEST_BYTES, .depth = 8, .nodes = 4096};
	char at[HPL_ERR_PLACE];

	if (hpl_yaml_read(ret, text, len, &limits, (struct hpl_pos){1, 1}, 0, err) == 0)
		return 0;
	if (err) {
		snprintf(at, sizeof(at), "%s", err->place);
		err->place[0] = '\0';
		hpl_err_place(err, "%.100s:%.100s", file, at);
		err->msg = HPL_MSG_ORCHESTRATOR_PROFILE;
	}
	return -1;
}

int hpl_manifest_parse(struct hpl_manifest *ret, const char *file, const char *text, size_t len,
	struct hpl_err *err)
{
	struct hpl_manifest m = {.ready_s = 30, .watchdog_s = 30, .stop_s = 5, .own_mounts = true,
		.memory_mb = 64, .nofile = 64, .memlock_kb = 1024,
		.syscalls = hpl_filter_group_find("base")};
	struct reading r = {file};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *root;

	if (open_document(&doc, file, text, len, err) < 0)
		return -1;
	root = hpl_doc_root(doc);
	if (hpl_read_keys(&r, manifest_keys, root, "the manifest", &m, err) < 0) {
		hpl_manifest_done(&m);
		return -1;
	}
	m.lifetime = m.lifetime_daemon ? HPL_DAEMON : HPL_ONESHOT;
	if (check_manifest(&r, &m, root, err) < 0) {
		hpl_manifest_done(&m);
		return -1;
	}
	*ret = m;
	return 0;
}

void hpl_manifest_done(struct hpl_manifest *m)
{
	free(m->name);
	free(m->program);
	names_done(&m->tags);
	names_done(&m->receive);
	names_done(&m->publish);
	names_done(&m->read);
	names_done(&m->write);
	names_done(&m->devices);
	for (size_t i = 0; i < m->setting_count; i++) {
		free(m->settings[i].name);
		free(m->settings[i].value);
	}
	*m = (struct hpl_manifest){0};
}

int hpl_profile_parse(struct hpl_profile *ret, const char *file, const char *text, size_t len,
	struct hpl_err *err)
{
	struct hpl_profile p = {.boot_deadline_s = 3000};
	struct reading r = {file};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *root;
	int rc;

	if (open_document(&doc, file, text, len, err) < 0)
		return -1;
	root = hpl_doc_root(doc);
	rc = hpl_read_keys(&r, profile_keys, root, "the profile", &p, err);
	if (!rc && (!p.services.count || p.services.count > HPL_SERVICES_MAX))
		rc = refuse(&r, hpl_node_get(root, "services")->pos, "services", err,
			"must name 1 to %d services", HPL_SERVICES_MAX);
	if (rc < 0) {
		hpl_profile_done(&p);
		return -1;
	}
	*ret = p;
	return 0;
}

void hpl_profile_done(struct hpl_profile *p)
{
	if (p->manifests)
		for (size_t i = 0; i < p->services.count; i++)
			hpl_manifest_done(&p->manifests[i]);
	free(p->manifests);
	free(p->name);
	names_done(&p->services);
	names_done(&p->success);
	*p = (struct hpl_profile){0};
}

int hpl_manifest_set(struct hpl_manifest *m, const char *name, const char *value,
	struct hpl_err *err)
{
	struct hpl_setting *s = m->settings;
	char *copy = strdup(value);

	if (!copy)
		return HPL_OOM(err);
	while (s < m->settings + m->setting_count && !hpl_streq(s->name, name))
		s++;
	if (s == m->settings + m->setting_count) {
		char *key = m->setting_count < HPL_SETTINGS_MAX ? strdup(name) : NULL;

		if (!key) {
			free(copy);
			return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, 0, "more than %d settings",
				HPL_SETTINGS_MAX);
		}
		s->name = key;
		s->value = NULL;
		m->setting_count++;
	}
	free(s->value);
	s->value = copy;
	return 0;
}

const char *hpl_manifest_setting(const struct hpl_manifest *m, const char *name,
	const char *fallback)
{
	for (size_t i = 0; i < m->setting_count; i++)
		if (hpl_streq(m->settings[i].name, name))
			return m->settings[i].value;
	return fallback;
}

struct hpl_manifest *hpl_profile_find(struct hpl_profile *p, const char *service)
{
	for (size_t i = 0; i < p->services.count; i++)
		if (hpl_streq(p->services.items[i], service))
			return &p->manifests[i];
	return NULL;
}

int hpl_settings_parse(struct hpl_profile *p, struct hpl_manifest *hpld, const char *file,
	const char *text, size_t len, struct hpl_err *err)
{
	struct reading r = {file};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *root;

	if (open_document(&doc, file, text, len, err) < 0)
		return -1;
	root = hpl_doc_root(doc);
	if (root->kind == HPL_NULL) /* an empty file sets nothing */
		return 0;
	if (want(&r, root, HPL_MAP, "the settings", err) < 0)
		return -1;
	for (size_t i = 0; i < root->map.count; i++) {
		const struct hpl_entry *e = &root->map.entries[i];
		struct hpl_manifest *m = hpl_streq(e->key, "hpld") ? hpld : hpl_profile_find(p, e->key);

		if (!m)
			return refuse(&r, e->pos, e->key, err, "is no service of the profile %s", p->name);
		if (read_settings(&r, m, e->value, err) < 0)
			return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A fault: path, place, rule, cause and cure. Values of strings are never said. */
#include <stdarg.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/log.h"
#include "schema/validator.h"

/* ---- paths ---- */

static bool plain_key(const char *key, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!hpl_in_charset("a-zA-Z0-9_-", (unsigned char)key[i]))
			return false;
	}
	return len > 0;
}

void hpl_path_key(char *out, size_t size, const char *key, size_t len)
{
	char escaped[160];
	if (plain_key(key, len)) {
		hpl_words_add(out, size, "%s%s", *out ? "." : "", key);
		return;
	}
	hpl_escape_line(escaped, sizeof(escaped), key, len);
	hpl_words_add(out, size, "[\"%s\"]", escaped);
}

void hpl_path_add(char *out, size_t size, const struct at *at)
{
	if (!at)
		return;
	hpl_path_add(out, size, at->up);
	if (at->entry)
		hpl_path_key(out, size, at->entry->key, at->entry->key_len);
	else
		hpl_words_add(out, size, "[%zu]", at->index);
}

/* ---- faults ---- */

struct hpl_fault *hpl_fault_new(struct run *r)
{
	struct hpl_fault *fault;
	int rc = hpl_faults_add(&fault, r->faults, r->err);
	if (rc < 0)
		r->broken = true;
	return rc ? NULL : fault;
}

/* Keywords whose fault is told by what the schema expects instead. */
static bool says_form(const char *keyword)
{
	static const char *const names[] = {"pattern", "format", "oneOf", "anyOf", "not", "type",
		"minLength", "maxLength", "false"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
		if (strcmp(keyword, names[i]) == 0)
			return true;
	}
	return false;
}

static void set_text(struct hpl_fault *f, const struct sub *s, const char *text, bool whole)
{
	char raw[sizeof(f->text)] = "";

	hpl_words_add(raw, sizeof(raw), "%s", whole && s->said ? s->said : text);
	if (whole && !s->said && s->expect && says_form(f->keyword))
		hpl_words_add(raw, sizeof(raw), "; expected: %s", s->expect);
	hpl_escape_line(f->text, sizeof(f->text), raw, strlen(raw));
}

static void set_cure(struct hpl_fault *f, const struct sub *s, const char *cure)
{
	char raw[sizeof(f->cure)] = "";

	if (*cure || s->cure)
		hpl_words_add(raw, sizeof(raw), "%s", *cure ? cure : s->cure);
	else if (s->expect)
		hpl_words_add(raw, sizeof(raw), "write %s", s->expect);
	else
		hpl_words_add(raw, sizeof(raw), "write what is allowed, or remove it");
	hpl_escape_line(f->cure, sizeof(f->cure), raw, strlen(raw));
}

bool hpl_fault_say(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *entry, const struct hpl_words *w)
{
	bool warning = w->msg && hpl_msg_info(w->msg)->severity > HPL_SEV_ERR;

	r->warned |= warning;
	if (!r->faults || r->broken)
		return warning;
	struct hpl_fault *f = hpl_fault_new(r);
	if (!f)
		return warning;
	hpl_words_add(f->path, sizeof(f->path), "%s", r->prefix);
	hpl_path_add(f->path, sizeof(f->path), at);
	if (entry)
		hpl_path_key(f->path, sizeof(f->path), entry->key, entry->key_len);
	f->pos = entry ? entry->pos : n->pos;
	if (!entry && n->kind == HPL_MAP && at && at->entry)
		f->pos = at->entry->pos; /* what a mapping lacks is said at its name */
	f->keyword = c->keyword->name;
	f->msg = w->msg ? w->msg : c->sub->msg ? c->sub->msg : HPL_MSG_CONTRACT_VALIDATE_CONTRACT;
	snprintf(f->rule, sizeof(f->rule), "%s/%s", c->sub->pointer, f->keyword);
	set_text(f, c->sub, w->text, !entry && !warning);
	set_cure(f, c->sub, w->cure);
	f->fix = w->fix;
	snprintf(f->fix_text, sizeof(f->fix_text), "%s", w->fix_text);
	return warning;
}

bool hpl_fault_add(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *entry, const char *cure, const char *fmt, ...)
{
	struct hpl_words w = HPL_WORDS_NULL;
	va_list ap;

	if (!r->faults)
		return false;
	va_start(ap, fmt);
	vsnprintf(w.text, sizeof(w.text), fmt, ap);
	va_end(ap);
	snprintf(w.cure, sizeof(w.cure), "%s", cure ? cure : "");
	return hpl_fault_say(r, c, n, at, entry, &w);
}

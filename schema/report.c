/* SPDX-License-Identifier: Apache-2.0 */
/* What a fault says: path, place, rule, cause and cure. Values of strings are never said. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/log.h"
#include "runtime/base/utf8.h"
#include "schema/validator.h"

/* ---- words ---- */

void hpl_describe(char *out, size_t size, const struct hpl_node *n)
{
	switch (n->kind) {
	case HPL_NULL:
		snprintf(out, size, "empty (null)");
		break;
	case HPL_BOOL:
		snprintf(out, size, "true or false");
		break;
	case HPL_INT:
		snprintf(out, size, "an integer");
		break;
	case HPL_REAL:
		snprintf(out, size, "a number");
		break;
	case HPL_STRING:
		snprintf(out, size, "a string of %zu characters",
			hpl_utf8_count(n->str.text, n->str.len));
		break;
	case HPL_LIST:
		snprintf(out, size, "a list");
		break;
	case HPL_MAP:
		snprintf(out, size, "a mapping");
		break;
	}
}

static bool in_charset(const char *set, unsigned char c)
{
	for (; *set; set++) {
		if (set[1] == '-' && set[2]) {
			if (c >= (unsigned char)set[0] && c <= (unsigned char)set[2])
				return true;
			set += 2;
		} else if ((unsigned char)*set == c) {
			return true;
		}
	}
	return false;
}

static const char *class_of(unsigned char c)
{
	if (c == ' ')
		return "a blank";
	if (c == '\n' || c == '\r')
		return "a line end";
	if (c == '\t')
		return "a tab";
	if (c < 0x20 || c == 0x7f)
		return "a control character";
	if (c >= 0x80)
		return "a character outside ASCII";
	if (c >= '0' && c <= '9')
		return "a digit";
	if (c >= 'A' && c <= 'Z')
		return "an upper-case letter";
	if (c >= 'a' && c <= 'z')
		return "a lower-case letter";
	return "a special character";
}

void hpl_pattern_describe(char *out, size_t size, const struct sub *s, const struct hpl_node *n)
{
	size_t nth = 1;
	for (size_t i = 0; s->charset && i < n->str.len; i++) {
		unsigned char c = (unsigned char)n->str.text[i];
		if (!in_charset(s->charset, c)) {
			snprintf(out, size, "has %s as character %zu, which is not allowed",
				class_of(c), nth);
			return;
		}
		nth += (c & 0xc0) != 0x80;
	}
	char what[64];
	hpl_describe(what, sizeof(what), n);
	if (s->expect)
		snprintf(out, size, "is %s", what);
	else
		snprintf(out, size, "is %s that does not match the pattern %.150s", what,
			hpl_node_get_str(s->node, "pattern"));
}

size_t hpl_edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	enum { MAX = 40 };
	size_t row[MAX + 1];
	if (a_len > MAX || b_len > MAX)
		return MAX;
	for (size_t k = 0; k <= b_len; k++)
		row[k] = k;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t k = 1; k <= b_len; k++) {
			/* a difference of case counts nothing: "Seed" is near to "seed" */
			size_t best = diagonal + ((a[i - 1] | 0x20) != (b[k - 1] | 0x20));
			diagonal = row[k];
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			row[k] = best;
		}
	}
	return row[b_len];
}

const char *hpl_nearest_property(const struct sub *s, const char *key, size_t len)
{
	const char *best = NULL;
	size_t least = 1 + len / 4;
	for (size_t i = 0; i < s->property_count; i++) {
		const struct property *p = &s->properties[i];
		size_t d = hpl_edit_distance(key, len, p->name, p->len);
		if (d <= least && d < p->len) {
			least = d ? d - 1 : 0;
			best = p->name;
			if (d == 0)
				break;
		}
	}
	return best;
}

/* ---- paths ---- */

static bool plain_key(const char *key, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!in_charset("a-zA-Z0-9_-", (unsigned char)key[i]))
			return false;
	}
	return len > 0;
}

static void add_text(char *out, size_t size, const char *text)
{
	size_t n = strlen(out);
	snprintf(out + n, size - n, "%s", text);
}

static void add_key(char *out, size_t size, const struct hpl_entry *e)
{
	char key[160];
	if (plain_key(e->key, e->key_len)) {
		if (*out)
			add_text(out, size, ".");
		add_text(out, size, e->key);
		return;
	}
	hpl_escape_line(key, sizeof(key), e->key, e->key_len);
	add_text(out, size, "[\"");
	add_text(out, size, key);
	add_text(out, size, "\"]");
}

static void add_path(char *out, size_t size, const struct at *at)
{
	char index[24];
	if (!at)
		return;
	add_path(out, size, at->up);
	if (at->entry) {
		add_key(out, size, at->entry);
	} else {
		snprintf(index, sizeof(index), "[%zu]", at->index);
		add_text(out, size, index);
	}
}

/* ---- faults ---- */

static struct hpl_fault *new_fault(struct run *r)
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

HPL_PRINTF(7, 0)
static struct hpl_fault *add_fault(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *entry, const char *cure, const char *fmt,
	va_list ap)
{
	char raw[sizeof(((struct hpl_fault *)0)->text)];
	struct hpl_fault *f = new_fault(r);
	if (!f)
		return NULL;
	add_text(f->path, sizeof(f->path), r->prefix);
	add_path(f->path, sizeof(f->path), at);
	if (entry)
		add_key(f->path, sizeof(f->path), entry);
	f->pos = entry ? entry->pos : n->pos;
	if (!entry && n->kind == HPL_MAP && at && at->entry)
		f->pos = at->entry->pos; /* what a mapping lacks is said at its name */
	f->keyword = c->keyword->name;
	f->msg = c->sub->msg ? c->sub->msg : HPL_MSG_CONTRACT_VALIDATE_CONTRACT;
	snprintf(f->rule, sizeof(f->rule), "%s/%s", c->sub->pointer, f->keyword);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	if (c->sub->expect && !entry && says_form(f->keyword)) {
		size_t len = strlen(raw);
		snprintf(raw + len, sizeof(raw) - len, "; expected: %s", c->sub->expect);
	}
	hpl_escape_line(f->text, sizeof(f->text), raw, strlen(raw));
	if (!cure)
		cure = c->sub->cure;
	if (cure)
		hpl_escape_line(f->cure, sizeof(f->cure), cure, strlen(cure));
	return f;
}

bool hpl_fault_add(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *entry, const char *cure, const char *fmt, ...)
{
	va_list ap;

	if (!r->faults || r->broken)
		return false;
	va_start(ap, fmt);
	add_fault(r, c, n, at, entry, cure, fmt, ap);
	va_end(ap);
	return false;
}

void hpl_fault_warn(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *entry, uint32_t msg, const char *cure,
	const char *fmt, ...)
{
	struct hpl_fault *f;
	va_list ap;

	r->warned = true;
	if (!r->faults || r->broken)
		return;
	va_start(ap, fmt);
	f = add_fault(r, c, n, at, entry, cure, fmt, ap);
	va_end(ap);
	if (f)
		f->msg = msg;
}

/* ---- alternatives ---- */

/* The one name that a branch requires and nothing else, NULL: it is of another form. */
static const char *only_requires(const struct sub *s)
{
	const struct hpl_node *list = hpl_node_get(s->node, "required");
	if (s->check_count > 2 || !list || list->list.count != 1)
		return NULL;
	return hpl_node_str(list->list.items[0]);
}

static bool fault_requires(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	char wanted[160] = "", found[160] = "";
	size_t have = 0;
	for (size_t i = 0; i < c->sub_count; i++) {
		const char *name = only_requires(c->subs[i]);
		if (i)
			add_text(wanted, sizeof(wanted), i + 1 == c->sub_count ? " or " : ", ");
		add_text(wanted, sizeof(wanted), name);
		if (!hpl_node_get(n, name))
			continue;
		if (have++)
			add_text(found, sizeof(found), " and ");
		add_text(found, sizeof(found), name);
	}
	bool any = strcmp(c->keyword->name, "anyOf") == 0;
	if (have)
		return hpl_fault_add(r, c, n, at, NULL, "keep one of them",
			"has %s, must have exactly one of: %s", found, wanted);
	return hpl_fault_add(r, c, n, at, NULL, NULL, "lacks %s %s", any ? "one of:" :
		"exactly one of:", wanted);
}

/* How near a branch came: lower is nearer. A wrong type of the value itself, or a wrong constant
 * (the word that tells branches apart), rules a branch out; else the one that got deepest. */
static size_t branch_distance(const struct hpl_faults *f, const char *own_path)
{
	enum { RULED_OUT = 1 << 20, PER_LEVEL = 1 << 10 };
	size_t distance = 0, depth = 0, own = strlen(own_path);
	for (size_t i = 0; i < f->count; i++) {
		const struct hpl_fault *x = &f->items[i];
		if (strcmp(x->keyword, "const") == 0 || strcmp(x->keyword, "enum") == 0 ||
			(strcmp(x->keyword, "type") == 0 && strcmp(x->path, own_path) == 0))
			distance = RULED_OUT;
		size_t len = strlen(x->path) - own;
		if (len > depth)
			depth = len;
	}
	return distance + PER_LEVEL * (sizeof(f->items->path) - depth) + f->count;
}

/* The faults of the branch that comes nearest. */
static bool fault_nearest(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	struct hpl_faults *all = r->faults, best = {0};
	char own_path[sizeof(all->items->path)] = "";
	size_t least = SIZE_MAX;

	add_text(own_path, sizeof(own_path), r->prefix);
	add_path(own_path, sizeof(own_path), at);
	for (size_t i = 0; i < c->sub_count && !r->broken; i++) {
		struct hpl_faults mine = {.limit = all->limit};
		r->faults = &mine;
		hpl_check_sub(r, c->subs[i], n, at);
		size_t distance = mine.count ? branch_distance(&mine, own_path) : SIZE_MAX;
		if (distance < least) {
			hpl_faults_done(&best);
			best = mine;
			least = distance;
		} else {
			hpl_faults_done(&mine);
		}
	}
	r->faults = all;
	for (size_t i = 0; i < best.count && !r->broken; i++) {
		struct hpl_fault *f = new_fault(r);
		if (!f)
			break;
		*f = best.items[i];
	}
	hpl_faults_done(&best);
	return false;
}

bool hpl_fault_branches(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	char what[64];
	size_t fits = 0, requires = 0;
	if (!r->faults || r->broken)
		return false;
	hpl_describe(what, sizeof(what), n);
	for (size_t i = 0; i < c->sub_count; i++) {
		fits += hpl_check_quiet(r, c->subs[i], n, at);
		requires += only_requires(c->subs[i]) != NULL;
	}
	if (requires == c->sub_count && n->kind == HPL_MAP)
		return fault_requires(r, c, n, at);
	if (c->sub->expect)
		return hpl_fault_add(r, c, n, at, NULL, NULL, "is %s", what);
	if (fits > 1)
		return hpl_fault_add(r, c, n, at, NULL, NULL, "is %s that fits %zu of the "
			"alternatives, must fit one", what, fits);
	return fault_nearest(r, c, n, at);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of keys: missing, misspelt, not known, at the wrong place. A misspelt key that is missing
 * under its right name is one mistake and becomes one fault.
 */
#include <stdio.h>

#include "proto/messages.h"
#include "schema/validator.h"

/* How far from a key its neighbours are looked at: a mapping may have a million keys, and each may be
 * wrong. */
enum { NEIGHBOURS = 64 };

static bool has_property(const struct sub *s, const char *key, size_t len)
{
	return hpl_find_property(s, key, len) != NULL;
}

static const struct sub *property_of(const struct sub *s, const char *name)
{
	const struct property *p = hpl_find_property(s, name, strlen(name));

	return p ? hpl_sub_target(p->sub) : NULL;
}

const struct hpl_entry *hpl_misspelt(const struct sub *s, const struct hpl_node *map,
	const char *name, size_t len)
{
	const struct hpl_entry *best = NULL;
	size_t least = 1 + len / 5;

	for (size_t i = 0; i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];
		if (has_property(s, e->key, e->key_len))
			continue;
		size_t d = hpl_edit_distance(e->key, e->key_len, name, len);
		if (d < len && (best ? d < least : d <= least)) {
			best = e;
			least = d;
		}
	}
	return best;
}

/* ---- missing ---- */

bool hpl_fault_misspelt(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e, const char *name)
{
	struct hpl_words w = {.fix = HPL_FIX_RENAME};

	snprintf(w.text, sizeof(w.text), "is not known here, and \"%.60s\" is missing", name);
	snprintf(w.cure, sizeof(w.cure), "did you mean \"%.60s\"?", name);
	snprintf(w.fix_text, sizeof(w.fix_text), "%s", name);
	return hpl_fault_say(r, c, n, at, e, &w);
}

bool hpl_fault_required(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_node *name)
{
	struct hpl_words w = HPL_WORDS_NULL;
	const char *key = name->str.text;

	if (!r->faults)
		return false;
	const struct hpl_entry *e = hpl_misspelt(c->sub, n, key, name->str.len);
	if (e)
		return hpl_fault_misspelt(r, c, n, at, e, key);
	const struct sub *wanted = property_of(c->sub, key);
	const struct hpl_node *value = wanted ? hpl_sub_const(wanted) : NULL;
	snprintf(w.text, sizeof(w.text), "lacks \"%.100s\"", key);
	if (value) {
		w.fix = HPL_FIX_ADD;
		snprintf(w.fix_text, sizeof(w.fix_text), "%.60s: ", key);
		hpl_words_yaml(w.fix_text, sizeof(w.fix_text), value);
		snprintf(w.cure, sizeof(w.cure), "add \"%s\"", w.fix_text);
	} else if (!c->sub->cure) {
		snprintf(w.cure, sizeof(w.cure), "add \"%.60s:\"", key);
		if (wanted && wanted->expect)
			hpl_words_add(w.cure, sizeof(w.cure), " with %s", wanted->expect);
	}
	return hpl_fault_say(r, c, n, at, NULL, &w);
}

/* Is e said already, as the wrong spelling of a name that is missing? */
static bool stands_for_missing(const struct sub *s, const struct hpl_node *map,
	const struct hpl_entry *e)
{
	const struct hpl_node *list = hpl_node_get(s->node, "required");

	for (size_t i = 0; list && i < list->list.count; i++) {
		const char *name = hpl_node_str(list->list.items[i]);
		if (name && !hpl_node_get(map, name) &&
			hpl_misspelt(s, map, name, strlen(name)) == e)
			return true;
	}
	return false;
}

/* ---- not known ---- */

static bool fits_pattern(struct run *r, const struct sub *s, const char *key)
{
	for (size_t i = 0; i < s->pattern_count; i++) {
		if (hpl_pattern_matches(r, s->patterns[i].pattern, key, strlen(key)))
			return true;
	}
	return false;
}

/* What people write around a name: a scheme and a path, a tag, capitals, characters not in it. */
static void simpler(char *out, size_t size, const char *key, int way)
{
	const char *scheme = strstr(key, "://");

	snprintf(out, size, "%s", scheme ? scheme + 3 : key);
	if (way == 0 || way == 1) /* https://host/v2 -> host; host/name:tag -> host/name */
		out[strcspn(out, way == 0 ? "/" : "@")] = '\0';
	if (way == 1) {
		char *colon = strrchr(out, ':');
		if (colon && !strchr(colon, '/'))
			*colon = '\0';
	}
	for (char *p = out; way >= 2 && *p; p++) {
		if (*p >= 'A' && *p <= 'Z' && way == 2)
			*p += 'a' - 'A';
		else if (way == 3 && strchr(" .-", *p))
			*p = '_';
	}
}

static bool simpler_name(struct hpl_words *w, struct run *r, const struct sub *s,
	const struct hpl_node *map, const struct hpl_entry *e)
{
	char name[128];

	for (int way = 0; way < 4; way++) {
		if (e->key_len >= sizeof(name))
			return false;
		simpler(name, sizeof(name), e->key, way);
		if (!*name || strcmp(name, e->key) == 0 || !fits_pattern(r, s, name) ||
			hpl_node_get(map, name))
			continue;
		w->fix = HPL_FIX_RENAME;
		snprintf(w->fix_text, sizeof(w->fix_text), "%s", name);
		snprintf(w->cure, sizeof(w->cure), "name it \"%s\"", name);
		return true;
	}
	return false;
}

/* A key that belongs to an empty mapping before it: it lacks its indentation. */
static const struct hpl_entry *belongs_below(const struct sub *s, const struct hpl_node *map,
	const struct hpl_entry *e)
{
	const struct hpl_entry *found = NULL;
	size_t index = (size_t)(e - map->map.entries);

	for (size_t i = index > NEIGHBOURS ? index - NEIGHBOURS : 0; i < index; i++) {
		const struct hpl_entry *before = &map->map.entries[i];
		const struct sub *p = before->value->kind == HPL_NULL ? property_of(s, before->key) : NULL;
		if (p && has_property(p, e->key, e->key_len))
			found = before;
	}
	return found;
}

static void say_known(struct hpl_words *w, const struct sub *s)
{
	snprintf(w->cure, sizeof(w->cure), "remove it");
	for (size_t i = 0; i < s->property_count; i++) {
		size_t room = sizeof(w->cure) - strlen(w->cure);
		if (room < s->properties[i].len + 8) {
			hpl_words_add(w->cure, sizeof(w->cure), ", ...");
			break;
		}
		hpl_words_add(w->cure, sizeof(w->cure), "%s%s", i ? ", " : "; known here: ",
			s->properties[i].name);
	}
}

static void say_place(struct hpl_words *w, const char *key, const char *place)
{
	if (!*place) {
		snprintf(w->text, sizeof(w->text), "is not known here; \"%.60s\" belongs to the top of the "
			"contract", key);
		snprintf(w->cure, sizeof(w->cure), "move it to the top, beside workload and env");
		return;
	}
	snprintf(w->text, sizeof(w->text), "is not known here; \"%.60s\" belongs below \"%.60s\"", key,
		place);
	snprintf(w->cure, sizeof(w->cure), "move it below \"%.60s:\", indented deeper", place);
}

/* False: nothing is near, and that may be so. */
static bool unknown_words(struct hpl_words *w, struct run *r, const struct sub *s,
	const struct hpl_node *map, const struct hpl_entry *e)
{
	const char *near = hpl_nearest_property(s, e->key, e->key_len);
	const char *place = hpl_node_get_str(hpl_node_get(s->node, "x-belongs"), e->key);
	const struct hpl_entry *above = belongs_below(s, map, e);

	snprintf(w->text, sizeof(w->text), s->keys ? "is no %s" : s->unknown ?
		"is not known here and is ignored" : "is not known here", s->keys);
	if (above || place) {
		say_place(w, e->key, above ? above->key : place);
		return true;
	}
	if (near && !hpl_node_get(map, near)) {
		w->fix = HPL_FIX_RENAME;
		snprintf(w->fix_text, sizeof(w->fix_text), "%s", near);
		snprintf(w->cure, sizeof(w->cure), "did you mean \"%s\"?", near);
		return true;
	}
	if (simpler_name(w, r, s, map, e))
		return true;
	w->fix = HPL_FIX_REMOVE;
	if (near)
		snprintf(w->cure, sizeof(w->cure), "remove it: \"%s\" is there already", near);
	else if (s->keys)
		snprintf(w->cure, sizeof(w->cure), "use such a name, or remove it");
	else
		say_known(w, s);
	return near || s->unknown != HPL_UNKNOWN_NEAR;
}

bool hpl_fault_unknown(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e)
{
	static const struct keyword additional = {.name = "additionalProperties"};
	struct hpl_words w = HPL_WORDS_NULL;
	struct check said = *c;

	if (!r->faults && !c->sub->unknown)
		return false;
	if (stands_for_missing(c->sub, n, e))
		return c->sub->unknown != HPL_UNKNOWN_ASIS;
	if (r->faults && hpl_faults_full(r->faults))
		return c->sub->unknown; /* no words for what is not said: they take long to find */
	said.keyword = &additional;
	if (!unknown_words(&w, r, c->sub, n, e))
		return true;
	if (!c->sub->unknown)
		return hpl_fault_say(r, &said, n, at, e, &w);
	w.msg = HPL_MSG_CONTRACT_UNKNOWN_FIELD;
	hpl_fault_say(r, &said, n, at, e, &w);
	return true;
}

/* ---- beside its mapping instead of in it ---- */

/* Is e, an entry of a mapping with free names, rather a property of such an entry (or near to one)? */
static bool misplaced(const struct sub *entry, const struct hpl_entry *e)
{
	const struct sub *s = hpl_sub_target(entry);

	return e->value->kind != HPL_MAP && e->value->kind != HPL_NULL && s->property_count &&
		hpl_sub_wants(s, HPL_MAP) && hpl_nearest_property(s, e->key, e->key_len);
}

bool hpl_fault_misplaced(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e, const struct sub *entry)
{
	static const struct keyword type = {.name = "type"};
	const struct hpl_entry *owner = NULL;
	struct hpl_words w = HPL_WORDS_NULL;
	struct check said = *c;
	size_t index = (size_t)(e - n->map.entries);

	if (e->value->kind == HPL_NULL) { /* what should be in it stands behind it, and is said there */
		for (size_t i = index + 1; i < n->map.count && i - index <= NEIGHBOURS; i++) {
			if (misplaced(entry, &n->map.entries[i]))
				return true;
		}
		return false;
	}
	if (!misplaced(entry, e))
		return false;
	for (size_t i = index > NEIGHBOURS ? index - NEIGHBOURS : 0; i < index; i++) {
		if (!misplaced(entry, &n->map.entries[i]))
			owner = &n->map.entries[i];
	}
	said.keyword = &type;
	snprintf(w.text, sizeof(w.text), "stands beside the names that it should stand below");
	snprintf(w.cure, sizeof(w.cure), "write the name of the entry above it and indent it deeper");
	if (owner) {
		snprintf(w.text, sizeof(w.text), "stands beside \"%.60s\", must stand below it",
			owner->key);
		snprintf(w.cure, sizeof(w.cure), "indent \"%.60s\" deeper than \"%.60s\"", e->key,
			owner->key);
	}
	hpl_fault_say(r, &said, n, at, e, &w);
	return true;
}

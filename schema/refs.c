/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers, anchors, dialects and references of schema documents: see compiler.h. */
#include <stdio.h>

#include "schema/compiler.h"

enum { DEPTH_MAX = 256 }; /* of a schema document; the reader's limit is 64 unless it is told another */

/* ---- tables ---- */

static struct known *known_slot(struct known *table, size_t size, const struct hpl_node *node)
{
	size_t i = ((uintptr_t)node >> 4) * 0x9e3779b97f4a7c15u & (size - 1);
	while (table[i].node && table[i].node != node)
		i = (i + 1) & (size - 1);
	return &table[i];
}

struct known *hpl_known(struct compiler *k, const struct hpl_node *node)
{
	if ((k->known_count + 1) * 2 > k->known_size) {
		size_t size = k->known_size ? k->known_size * 2 : 256;
		struct known *table = calloc(size, sizeof(*table));
		if (!table) {
			HPL_OOM(k->err);
			return NULL;
		}
		for (size_t i = 0; i < k->known_size; i++) {
			if (k->known[i].node)
				*known_slot(table, size, k->known[i].node) = k->known[i];
		}
		free(k->known);
		k->known = table;
		k->known_size = size;
	}
	struct known *slot = known_slot(k->known, k->known_size, node);
	k->known_count += !slot->node;
	slot->node = node;
	return slot;
}

static struct name *name_slot(struct name *table, size_t size, const char *key)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (const char *p = key; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	size_t i = (h ^ h >> 32) & (size - 1);
	while (table[i].key && strcmp(table[i].key, key) != 0)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static const struct name *find_name(const struct compiler *k, const char *key)
{
	const struct name *n = k->names ? name_slot(k->names, k->name_size, key) : NULL;
	return n && n->key ? n : NULL;
}

static int names_grow(struct compiler *k)
{
	size_t size = k->name_size ? k->name_size * 2 : 64;
	struct name *table = calloc(size, sizeof(*table));
	if (!table)
		return HPL_OOM(k->err);
	for (size_t i = 0; i < k->name_size; i++) {
		if (k->names[i].key)
			*name_slot(table, size, k->names[i].key) = k->names[i];
	}
	free(k->names);
	k->names = table;
	k->name_size = size;
	return 0;
}

/* "uri#fragment" in the arena; fragment NULL: "uri" */
static const char *name_key(struct compiler *k, const char *uri, const char *fragment)
{
	size_t uri_len = strlen(uri), len = fragment ? strlen(fragment) + 1 : 0;
	char *key = hpl_compile_alloc(k, 1, uri_len + len + 1);
	if (key && fragment)
		snprintf(key, uri_len + len + 1, "%s#%s", uri, fragment);
	else if (key)
		memcpy(key, uri, uri_len + 1);
	return key;
}

static int add_name(struct compiler *k, const char *fragment, const struct hpl_node *node,
	struct resource *res, const char *uri, bool dynamic)
{
	const char *key = name_key(k, uri, fragment);
	if (!key || ((k->name_count + 1) * 2 > k->name_size && names_grow(k) < 0))
		return -1;
	struct name *n = name_slot(k->names, k->name_size, key);
	if (n->key && n->node != node) {
		HPL_FAIL(k->err, 0, 0, "schema: the identifier \"%.200s\" is there twice", key);
		hpl_err_place(k->err, "%u:%u", node->pos.line, node->pos.col);
		return -1;
	}
	k->name_count += !n->key;
	*n = (struct name){key, node, res, dynamic || (n->key && n->dynamic)};
	return 0;
}

void hpl_compiler_done(struct compiler *k)
{
	free(k->known);
	free(k->names);
}

/* ---- dialects ---- */

static bool same_uri(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	n -= n && a[n - 1] == '#';
	m -= m && b[m - 1] == '#';
	return n == m && memcmp(a, b, n) == 0;
}

static const struct hpl_schema_document *find_document(const struct compiler *k, const char *uri)
{
	for (size_t i = 0; k->options && i < k->options->document_count; i++) {
		if (same_uri(k->options->documents[i].uri, uri))
			return &k->options->documents[i];
	}
	return NULL;
}

static int fail_dialect(struct compiler *k, const struct hpl_node *at, const char *what,
	const char *name)
{
	HPL_FAIL(k->err, 0, 0, "schema: %s \"%.200s\" is not known", what, name ? name : "");
	hpl_err_place(k->err, "%u:%u", at->pos.line, at->pos.col);
	return -1;
}

static bool known_dialect(const char *uri, struct dialect *ret)
{
	if (uri && same_uri(uri, "https://json-schema.org/draft/2020-12/schema")) {
		ret->draft = DRAFT_2020;
		ret->vocabularies = VOCABULARIES_2020;
		return true;
	}
	if (uri && (same_uri(uri, "http://json-schema.org/draft-07/schema") ||
		same_uri(uri, "https://json-schema.org/draft-07/schema"))) {
		ret->draft = DRAFT_07;
		ret->vocabularies = VOCABULARIES_07;
		return true;
	}
	return false;
}

/* 2020-12 section 8.1.2: which vocabularies a metaschema asks for */
static int read_vocabularies(struct compiler *k, const struct hpl_node *list, struct dialect *ret)
{
	static const char prefix[] = "https://json-schema.org/draft/2020-12/vocab/";
	static const struct { const char *name; unsigned bit; } known[] = {
		{"core", VOC_CORE}, {"applicator", VOC_APPLICATOR}, {"validation", VOC_VALIDATION},
		{"unevaluated", VOC_UNEVALUATED}, {"meta-data", 0}, {"content", 0},
		{"format-annotation", VOC_FORMAT}, {"format-assertion", VOC_FORMAT | VOC_FORMAT_ASSERTS},
	};
	ret->vocabularies = VOC_CORE;
	for (size_t i = 0; list->kind == HPL_MAP && i < list->map.count; i++) {
		const struct hpl_entry *e = &list->map.entries[i];
		const char *name = strncmp(e->key, prefix, sizeof(prefix) - 1) == 0 ?
			e->key + sizeof(prefix) - 1 : "";
		size_t n = 0;
		while (n < HPL_ARRAY_SIZE(known) && strcmp(known[n].name, name) != 0)
			n++;
		if (n < HPL_ARRAY_SIZE(known))
			ret->vocabularies |= known[n].bit;
		else if (e->value->kind != HPL_BOOL || e->value->boolean)
			return fail_dialect(k, e->value, "the vocabulary", e->key);
	}
	return 0;
}

int hpl_dialect_of(struct compiler *k, const struct hpl_node *n, const struct dialect *base,
	struct dialect *ret)
{
	const struct hpl_node *arg = hpl_node_get(n, "$schema");
	const char *uri = hpl_node_str(arg);
	*ret = *base;
	if (!arg || known_dialect(uri, ret))
		return 0;
	const struct hpl_schema_document *meta = uri ? find_document(k, uri) : NULL;
	if (!meta || !known_dialect(hpl_node_get_str(meta->root, "$schema"), ret))
		return fail_dialect(k, arg, "the dialect", uri);
	const struct hpl_node *list = hpl_node_get(meta->root, "$vocabulary");
	return ret->draft == DRAFT_2020 && list ? read_vocabularies(k, list, ret) : 0;
}

/* ---- index ---- */

enum { ONE_OF = 1, LIST_OF = 2, MAP_OF = 4 };
/* Where schemas stand within a schema. */
static const struct place {
	const char *name;
	unsigned shapes, drafts;
} places[] = {
	{"$defs", MAP_OF, DRAFT_2020}, {"definitions", MAP_OF, DRAFT_BOTH}, {"properties", MAP_OF, DRAFT_BOTH},
	{"patternProperties", MAP_OF, DRAFT_BOTH}, {"dependentSchemas", MAP_OF, DRAFT_2020},
	{"dependencies", MAP_OF, DRAFT_BOTH}, {"allOf", LIST_OF, DRAFT_BOTH}, {"anyOf", LIST_OF, DRAFT_BOTH},
	{"oneOf", LIST_OF, DRAFT_BOTH}, {"prefixItems", LIST_OF, DRAFT_2020},
	{"items", ONE_OF | LIST_OF, DRAFT_BOTH}, {"additionalItems", ONE_OF, DRAFT_07},
	{"contains", ONE_OF, DRAFT_BOTH}, {"additionalProperties", ONE_OF, DRAFT_BOTH},
	{"propertyNames", ONE_OF, DRAFT_BOTH}, {"unevaluatedItems", ONE_OF, DRAFT_2020},
	{"unevaluatedProperties", ONE_OF, DRAFT_2020}, {"not", ONE_OF, DRAFT_BOTH}, {"if", ONE_OF, DRAFT_BOTH},
	{"then", ONE_OF, DRAFT_BOTH}, {"else", ONE_OF, DRAFT_BOTH}, {"contentSchema", ONE_OF, DRAFT_2020},
	{"x-legacy", ONE_OF, DRAFT_BOTH},
};

static int index_schema(struct compiler *k, const struct hpl_node *n, struct resource *res,
	bool is_root, unsigned depth);

static int index_value(struct compiler *k, const struct place *p, const struct hpl_node *v,
	struct resource *res, unsigned depth)
{
	if ((p->shapes & ONE_OF) && v->kind == HPL_MAP)
		return index_schema(k, v, res, false, depth);
	for (size_t i = 0; (p->shapes & LIST_OF) && v->kind == HPL_LIST && i < v->list.count; i++) {
		if (index_schema(k, v->list.items[i], res, false, depth) < 0)
			return -1;
	}
	for (size_t i = 0; (p->shapes & MAP_OF) && v->kind == HPL_MAP && i < v->map.count; i++) {
		if (index_schema(k, v->map.entries[i].value, res, false, depth) < 0)
			return -1;
	}
	return 0;
}

static struct resource *resource_new(struct compiler *k, const char *uri, const struct hpl_node *n,
	const struct dialect *base)
{
	struct resource *res = hpl_compile_alloc(k, 1, sizeof(*res));
	if (!res)
		return NULL;
	*res = (struct resource){.uri = uri, .node = n, .next = k->resources};
	struct known *known = hpl_dialect_of(k, n, base, &res->dialect) < 0 ? NULL : hpl_known(k, n);
	if (!known)
		return NULL;
	known->resource = res;
	k->resources = res;
	return res;
}

/* What an $id says: *ret_uri without fragment, NULL: it is an anchor only (draft-07). */
static int read_id(struct compiler *k, const struct hpl_node *n, const struct dialect *d,
	const char *base, const char **ret_uri, const char **ret_anchor)
{
	const struct hpl_node *arg = hpl_node_get(n, "$id");
	const char *id = hpl_node_str(arg), *hash = id ? strchr(id, '#') : NULL;

	*ret_uri = *ret_anchor = NULL;
	/* draft-07: beside a $ref nothing counts */
	if (!id || (d->draft == DRAFT_07 && hpl_node_get(n, "$ref")))
		return 0;
	if (hash && hash[1]) {
		if (d->draft != DRAFT_07) {
			HPL_FAIL(k->err, 0, 0, "schema: an $id has no fragment");
			hpl_err_place(k->err, "%u:%u", arg->pos.line, arg->pos.col);
			return -1;
		}
		*ret_anchor = hash + 1;
	}
	if (hash == id && *ret_anchor)
		return 0;
	char *text = hpl_arena_copy(&k->schema->arena, id, hash ? (size_t)(hash - id) : strlen(id));
	*ret_uri = text ? hpl_uri_resolve(&k->schema->arena, base, text) : NULL;
	return *ret_uri ? 0 : HPL_OOM(k->err);
}

static int add_dynamic(struct compiler *k, struct resource *res, const char *name,
	const struct hpl_node *n)
{
	struct dynamic *d = hpl_compile_alloc(k, 1, sizeof(*d));
	if (!d)
		return -1;
	*d = (struct dynamic){.name = name, .node = n, .next = res->dynamics};
	res->dynamics = d;
	return add_name(k, name, n, res, res->uri, true);
}

static int index_anchors(struct compiler *k, const struct hpl_node *n, struct resource *res,
	const char *old_anchor)
{
	const char *anchor = hpl_node_get_str(n, "$anchor");
	const char *dynamic = hpl_node_get_str(n, "$dynamicAnchor");

	if (old_anchor && add_name(k, old_anchor, n, res, res->uri, false) < 0)
		return -1;
	if (res->dialect.draft == DRAFT_07)
		return 0;
	if (anchor && add_name(k, anchor, n, res, res->uri, false) < 0)
		return -1;
	return dynamic ? add_dynamic(k, res, dynamic, n) : 0;
}

static int index_schema(struct compiler *k, const struct hpl_node *n, struct resource *res,
	bool is_root, unsigned depth)
{
	const char *uri, *anchor;

	if (n->kind != HPL_MAP)
		return 0;
	if (depth >= DEPTH_MAX)
		return HPL_FAIL(k->err, 0, 0, "schema: nested too deep");
	/* a schema with its own $schema is read by that dialect's rules, its $id too */
	struct dialect dialect;
	if (is_root)
		dialect = res->dialect;
	else if (hpl_dialect_of(k, n, &res->dialect, &dialect) < 0)
		return -1;
	if (read_id(k, n, &dialect, res->uri, &uri, &anchor) < 0)
		return -1;
	if (uri && !is_root) {
		res = resource_new(k, uri, n, &res->dialect);
		if (!res || add_name(k, NULL, n, res, uri, false) < 0)
			return -1;
	}
	if (index_anchors(k, n, res, anchor) < 0)
		return -1;
	for (size_t i = 0; i < n->map.count; i++) {
		const struct hpl_entry *e = &n->map.entries[i];
		for (size_t p = 0; p < HPL_ARRAY_SIZE(places); p++) {
			if (!(places[p].drafts & res->dialect.draft) || strcmp(places[p].name, e->key))
				continue;
			if (index_value(k, &places[p], e->value, res, depth + 1) < 0)
				return -1;
			break;
		}
	}
	return 0;
}

int hpl_refs_document(struct compiler *k, const char *uri, const struct hpl_node *root,
	struct resource **ret)
{
	static const struct dialect dialects[] = {
		[HPL_DIALECT_2020_12] = {DRAFT_2020, VOCABULARIES_2020},
		[HPL_DIALECT_07] = {DRAFT_07, VOCABULARIES_07},
	};
	const struct dialect *base = &dialects[k->options ? k->options->dialect : HPL_DIALECT_2020_12];
	struct resource *res = resource_new(k, uri, root, base);
	const char *own, *anchor;

	if (!res || read_id(k, root, &res->dialect, uri, &own, &anchor) < 0)
		return -1;
	if (own) {
		res->uri = own;
		if (add_name(k, NULL, root, res, own, false) < 0)
			return -1;
	}
	if (add_name(k, NULL, root, res, uri, false) < 0)
		return -1;
	*ret = res;
	return index_schema(k, root, res, true, 0);
}

/* ---- references ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent escapes of a fragment, in place. */
static void unescape(char *s)
{
	char *out = s;
	for (; *s; s++) {
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			*out++ = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 2;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* One segment of a pointer (RFC 6901 section 4): ~1 is /, ~0 is ~. In place; returns what follows. */
static char *next_segment(char *s)
{
	char *out = s;
	for (; *s && *s != '/'; s++) {
		if (*s == '~' && (s[1] == '0' || s[1] == '1'))
			*out++ = *++s == '0' ? '~' : '/';
		else
			*out++ = *s;
	}
	char *next = *s ? s + 1 : NULL;
	*out = '\0';
	return next;
}

static const struct hpl_node *list_item(const struct hpl_node *list, const char *index)
{
	size_t n = strlen(index), i = 0;
	if (n == 0 || n > 9 || strspn(index, "0123456789") != n || (*index == '0' && n > 1))
		return NULL;
	i = strtoul(index, NULL, 10);
	return i < list->list.count ? list->list.items[i] : NULL;
}

/* pointer is destroyed. *res: the resource that the target stands in. */
static const struct hpl_node *find_pointer(struct compiler *k, struct resource **res, char *pointer)
{
	const struct hpl_node *n = (*res)->node;
	char *segment = pointer + 1;
	while (n && segment) {
		char *next = next_segment(segment);
		n = n->kind == HPL_LIST ? list_item(n, segment) : hpl_node_get(n, segment);
		if (n && n->kind == HPL_MAP) {
			const struct known *known = hpl_known(k, n);
			if (!known)
				return NULL;
			if (known->resource)
				*res = known->resource;
		}
		segment = next;
	}
	return n;
}

static int fail_reference(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, const char *uri)
{
	char what[300] = "there is nothing at this reference";
	if (*uri)
		snprintf(what, sizeof(what), "no document was given for \"%.200s\" (none is loaded)", uri);
	return hpl_compile_fail(k, s, keyword, arg, what);
}

static struct resource *find_resource(struct compiler *k, const char *uri)
{
	const struct name *n = find_name(k, uri);
	const struct hpl_schema_document *d = n ? NULL : find_document(k, uri);
	struct resource *res = NULL;
	if (n)
		return n->resource;
	return d && hpl_refs_document(k, uri, d->root, &res) == 0 ? res : NULL;
}

/* What the fragment names in res; *res changes when the target stands in another resource. */
static const struct hpl_node *find_fragment(struct compiler *k, struct resource **res, char *fragment,
	bool *ret_dynamic)
{
	*ret_dynamic = false;
	if (!*fragment)
		return (*res)->node;
	if (*fragment == '/')
		return find_pointer(k, res, fragment);
	const char *key = name_key(k, (*res)->uri, fragment);
	const struct name *n = key ? find_name(k, key) : NULL;
	if (!n)
		return NULL;
	*res = n->resource;
	*ret_dynamic = n->dynamic;
	return n->node;
}

int hpl_refs_find(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, struct sub **ret, const char **ret_dynamic)
{
	const char *text = hpl_node_str(arg), *hash = text ? strchr(text, '#') : NULL;
	struct hpl_arena *arena = &k->schema->arena;
	bool dynamic;

	if (!text)
		return hpl_compile_fail(k, s, keyword, arg, "must be a reference");
	const char *relative = hpl_arena_copy(arena, text, hash ? (size_t)(hash - text) : strlen(text));
	char *fragment = hpl_arena_copy(arena, hash ? hash + 1 : "", hash ? strlen(hash + 1) : 0);
	const char *uri = relative ? hpl_uri_resolve(arena, s->resource->uri, relative) : NULL;
	if (!uri || !fragment)
		return HPL_OOM(k->err);
	const struct resource *here = s->resource;
	struct resource *res = *relative ? find_resource(k, uri) : (struct resource *)here;
	if (!res) /* a document that was found and is bad has said so */
		return find_document(k, uri) ? -1 : fail_reference(k, s, keyword, arg, uri);
	unescape(fragment);
	const char *pointer = hpl_arena_copy(arena, text, strlen(text));
	const char *anchor = hpl_arena_copy(arena, fragment, strlen(fragment));
	if (!pointer || !anchor)
		return HPL_OOM(k->err);
	const struct hpl_node *target = find_fragment(k, &res, fragment, &dynamic);
	if (!target)
		return fail_reference(k, s, keyword, arg, "");
	*ret_dynamic = dynamic ? anchor : NULL;
	/* a rule within the document is named by its pointer alone */
	return hpl_compile_sub(k, target, *pointer == '#' ? pointer + 1 : pointer, res, ret);
}

int hpl_refs_compile_dynamic(struct compiler *k)
{
	/* compiling one may index another document, whose resources come to the head of the list */
	for (bool more = k->schema->dynamic; more;) {
		more = false;
		for (struct resource *res = k->resources; res; res = res->next) {
			for (struct dynamic *d = res->dynamics; d; d = d->next) {
				if (d->sub)
					continue;
				more = true;
				if (hpl_compile_sub(k, d->node, d->name, res, &d->sub) < 0)
					return -1;
			}
		}
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/node.h"

#include <inttypes.h>
#include <math.h>

#include "runtime/base/buf.h"
#include "schema/doc.h"

struct hpl_doc *hpl_doc_new(void)
{
	return calloc(1, sizeof(struct hpl_doc));
}

const struct hpl_node *hpl_doc_root(const struct hpl_doc *d)
{
	return d->root;
}

void hpl_doc_free(struct hpl_doc *d)
{
	if (!d)
		return;
	hpl_arena_done(&d->arena);
	free(d);
}

const struct hpl_node *hpl_node_get(const struct hpl_node *map, const char *key)
{
	if (!map || map->kind != HPL_MAP)
		return NULL;
	size_t len = strlen(key);
	for (size_t i = 0; i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];
		if (e->key_len == len && memcmp(e->key, key, len) == 0)
			return e->value;
	}
	return NULL;
}

bool hpl_node_is_lines(const struct hpl_node *map)
{
	for (size_t i = 0; i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];

		if (e->pos.col != 1 || (i && e->pos.line <= map->map.entries[i - 1].pos.line))
			return false;
	}
	return true;
}

const char *hpl_node_str(const struct hpl_node *n)
{
	return n && n->kind == HPL_STRING ? n->str.text : NULL;
}

const char *hpl_node_get_str(const struct hpl_node *map, const char *key)
{
	return hpl_node_str(hpl_node_get(map, key));
}

bool hpl_node_get_int(const struct hpl_node *map, const char *key, int64_t *ret)
{
	const struct hpl_node *n = hpl_node_get(map, key);
	if (!n || n->kind != HPL_INT)
		return false;
	*ret = n->integer;
	return true;
}

bool hpl_node_get_bool(const struct hpl_node *map, const char *key, bool *ret)
{
	const struct hpl_node *n = hpl_node_get(map, key);
	if (!n || n->kind != HPL_BOOL)
		return false;
	*ret = n->boolean;
	return true;
}

const char *hpl_kind_name(enum hpl_kind kind)
{
	static const char *const names[] = {
		[HPL_NULL] = "null", [HPL_BOOL] = "boolean", [HPL_INT] = "integer",
		[HPL_REAL] = "number", [HPL_STRING] = "string", [HPL_LIST] = "list",
		[HPL_MAP] = "mapping",
	};
	return (unsigned)kind < HPL_ARRAY_SIZE(names) ? names[kind] : "unknown";
}

static void json_string(struct hpl_buf *out, const char *s, size_t len)
{
	static const char esc[] = "\b\t\n\f\r\"\\", name[] = "btnfr\"\\";
	size_t from = 0;
	hpl_buf_add(out, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		const char *p = c ? strchr(esc, c) : NULL;
		if (!p && c >= 0x20 && c != 0x7f)
			continue;
		hpl_buf_add(out, s + from, i - from);
		if (p)
			hpl_buf_fmt(out, "\\%c", name[p - esc]);
		else
			hpl_buf_fmt(out, "\\u%04x", c);
		from = i + 1;
	}
	hpl_buf_add(out, s + from, len - from);
	hpl_buf_add(out, "\"", 1);
}

/* Numbers keep the digits of the file where these are JSON, so that nothing is rounded. */
static void json_real(struct hpl_buf *out, const struct hpl_node *n)
{
	const char *s = n->scalar;
	if (!isfinite(n->real) && s) {
		/* JSON has no infinity; its text is what another YAML reader can take back */
		json_string(out, s, strlen(s));
	} else if (s && (*s == '-' || (*s >= '0' && *s <= '9')) && !strpbrk(s, "xo") &&
		s[strlen(s) - 1] != '.' && !strstr(s, ".e") && !strstr(s, ".E") &&
		!strstr(s, "-.") && !(s[*s == '-'] == '0' && s[(*s == '-') + 1] >= '0' &&
		s[(*s == '-') + 1] <= '9')) {
		hpl_buf_str(out, s);
	} else {
		hpl_buf_fmt(out, "%.17g", n->real);
	}
}

void hpl_node_to_json(struct hpl_buf *out, const struct hpl_node *n)
{
	switch (n->kind) {
	case HPL_NULL:
		hpl_buf_str(out, "null");
		break;
	case HPL_BOOL:
		hpl_buf_str(out, n->boolean ? "true" : "false");
		break;
	case HPL_INT:
		hpl_buf_fmt(out, "%" PRId64, n->integer);
		break;
	case HPL_REAL:
		json_real(out, n);
		break;
	case HPL_STRING:
		json_string(out, n->str.text, n->str.len);
		break;
	case HPL_LIST:
		for (size_t i = 0; i < n->list.count; i++) {
			hpl_buf_str(out, i ? "," : "[");
			hpl_node_to_json(out, n->list.items[i]);
		}
		hpl_buf_str(out, n->list.count ? "]" : "[]");
		break;
	case HPL_MAP:
		for (size_t i = 0; i < n->map.count; i++) {
			hpl_buf_str(out, i ? "," : "{");
			json_string(out, n->map.entries[i].key, n->map.entries[i].key_len);
			hpl_buf_str(out, ":");
			hpl_node_to_json(out, n->map.entries[i].value);
		}
		hpl_buf_str(out, n->map.count ? "}" : "{}");
		break;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/contract/place.h"

#include <stdlib.h>
#include <string.h>

/* The entry whose key begins text and ends where a path element may end; the longest one. */
static const struct hpl_entry *step(const struct hpl_node *map, const char *text)
{
	const struct hpl_entry *best = NULL;

	for (size_t i = 0; i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];
		if (strncmp(text, e->key, e->key_len) == 0 && e->key_len &&
			(!text[e->key_len] || strchr(".[:", text[e->key_len])) &&
			(!best || e->key_len > best->key_len))
			best = e;
	}
	return best;
}

/* A name that stands in one of a list's mappings: env.cacerts. */
static const struct hpl_entry *step_items(const struct hpl_node *list, const char *text)
{
	const struct hpl_entry *e = NULL;

	for (size_t i = 0; i < list->list.count && !e; i++) {
		if (list->list.items[i]->kind == HPL_MAP)
			e = step(list->list.items[i], text);
	}
	return e;
}

/* Sections are trees of their own where they are block text. */
static const struct hpl_node *value_of(const struct hpl_contract *c, const struct hpl_node *map,
	const struct hpl_entry *e)
{
	const struct hpl_node *tree = NULL;

	if (map == hpl_contract_root(c) && strcmp(e->key, "workload") == 0)
		tree = hpl_contract_workload(c);
	else if (map == hpl_contract_root(c) && strcmp(e->key, "env") == 0)
		tree = hpl_contract_env(c);
	return tree ? tree : e->value;
}

static void reached(struct hpl_fault *f, const char *begin, const char *end, struct hpl_pos pos)
{
	size_t n = 0;

	for (; begin < end && n + 1 < sizeof(f->path); begin++) {
		if (strncmp(begin, ": ", 2) == 0)
			begin++; /* "resources[0]: spec" becomes "resources[0].spec" */
		f->path[n++] = *begin == ' ' ? '.' : *begin;
	}
	f->path[n] = '\0';
	f->pos = pos;
}

bool hpl_place_in_contract(const struct hpl_contract *c, const char *place, struct hpl_fault *f)
{
	static const char prefix[] = "contract: ";
	const struct hpl_node *n = hpl_contract_root(c);
	const char *begin = strncmp(place, prefix, strlen(prefix)) == 0 ? place + strlen(prefix) : place;
	const char *at = begin;

	while (*at) {
		if (*at == '.' && at != begin) {
			at++;
		} else if (strncmp(at, ": ", 2) == 0 && at != begin) {
			at += 2; /* a document of the contract, then a path inside it */
		} else if (*at == '[' && n->kind == HPL_LIST) {
			char *end;
			unsigned long i = strtoul(at + 1, &end, 10);
			if (*end != ']' || i >= n->list.count)
				return false;
			n = n->list.items[i];
			at = end + 1;
			reached(f, begin, at, n->pos);
		} else {
			const struct hpl_entry *e = n->kind == HPL_LIST ? step_items(n, at) :
				n->kind == HPL_MAP ? step(n, at) : NULL;
			if (!e)
				return false;
			at += e->key_len;
			n = value_of(c, n, e);
			reached(f, begin, at, n->kind == HPL_MAP || n->kind == HPL_LIST ? e->pos : n->pos);
		}
	}
	return at != begin;
}

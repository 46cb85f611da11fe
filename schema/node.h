/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A document tree with places: what the YAML and JSON readers make and the validator reads.
 *
 * Every node knows line and column of its value, and a mapping's entry those of its key, so that
 * an error can point into the user's file. Nodes live in their document's arena and die with it.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

enum hpl_kind { HPL_NULL, HPL_BOOL, HPL_INT, HPL_REAL, HPL_STRING, HPL_LIST, HPL_MAP };

struct hpl_pos {
	uint32_t line;   /* from 1 */
	uint32_t col;    /* from 1, in characters */
};

struct hpl_node;
struct hpl_entry {
	const char *key;         /* NUL-terminated; keys are strings without NUL */
	size_t key_len;
	struct hpl_pos pos;      /* of the key */
	struct hpl_node *value;
};
struct hpl_node {
	enum hpl_kind kind;
	struct hpl_pos pos;
	bool block;              /* string written as a literal block scalar (|): content_pos holds */
	struct hpl_pos content_pos; /* first character of the block's content */
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct { const char *text; size_t len; } str; /* NUL-terminated as well */
		struct { struct hpl_node **items; size_t count; } list;
		struct { struct hpl_entry *entries; size_t count; } map;
	};
	const char *scalar;      /* the text of a number as it was written, else NULL */
};

struct hpl_doc;
const struct hpl_node *hpl_doc_root(const struct hpl_doc *d);
void hpl_doc_free(struct hpl_doc *d); /* wipes its strings: contracts hold secrets */
static inline void hpl_doc_freep(struct hpl_doc **d)
{
	hpl_doc_free(*d);
}
#define _cleanup_doc_ HPL_CLEANUP(hpl_doc_freep)

struct hpl_reader_limits {
	size_t bytes;       /* 0: 16 MiB */
	unsigned depth;     /* 0: 64 */
	unsigned aliases;   /* 0: none are accepted */
	size_t nodes;       /* 0: 1 000 000; an alias counts as what it stands for */
	bool nul;           /* strings (not keys) may hold the escape \0: JSON documents */
	bool contract;      /* err->msg says why the text was refused (HPL05004E to HPL05011E), 0:
			     * it is no YAML */
};
/* What a contract and each of its sections may cost: the same for every reader of one. */
extern const struct hpl_reader_limits hpl_contract_limits;

/* As indent: every place is the origin. For text whose lines are not those of the user's file
 * (a quoted string with \n in it). */
#define HPL_PLACE_FIXED UINT32_MAX

/* YAML 1.2 core schema on libyaml: one document; duplicate keys, tags outside the core, invalid
 * UTF-8, NUL, too deep or too large input are refused. origin: position of the text's first
 * character in the user's file ({1,1} for a whole file), so that nested block text keeps its
 * places; indent: columns that the block scalar stripped from each line. err->place gets
 * "line:col". JSON is read by the same call (it is a subset of YAML). */
int hpl_yaml_read(struct hpl_doc **ret, const char *text, size_t len,
	const struct hpl_reader_limits *limits, struct hpl_pos origin, uint32_t indent,
	struct hpl_err *err);

/* Queries: NULL when absent or of another kind. */
const struct hpl_node *hpl_node_get(const struct hpl_node *map, const char *key);
/* Every key of the mapping stands at the beginning of a line of its own. */
bool hpl_node_is_lines(const struct hpl_node *map);
const char *hpl_node_str(const struct hpl_node *n);            /* text of a string node */
const char *hpl_node_get_str(const struct hpl_node *map, const char *key);
bool hpl_node_get_int(const struct hpl_node *map, const char *key, int64_t *ret);
bool hpl_node_get_bool(const struct hpl_node *map, const char *key, bool *ret);
const char *hpl_kind_name(enum hpl_kind kind);
/* Writes the node as JSON (keys in document order). */
struct hpl_buf;
void hpl_node_to_json(struct hpl_buf *out, const struct hpl_node *n);

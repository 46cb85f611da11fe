/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compiling a schema: the state that schema.c and refs.c share. Inner header.
 *
 * A document is indexed once, before anything of it is compiled: which of its objects are resources
 * (have an identifier of their own), and what their anchors are. Only places where a schema may
 * stand are looked at, so that an "$id" within an enum means nothing. References find their
 * target by name in that index and are compiled when they are met.
 */
#include "schema/validator.h"

/* What stands for a node of a schema document: its compiled form, the resource that begins there. */
struct known {
	const struct hpl_node *node;
	struct sub *sub;
	struct resource *resource;
};

/* "uri" or "uri#anchor" */
struct name {
	const char *key;
	const struct hpl_node *node;
	struct resource *resource;
	bool dynamic;                   /* by $dynamicAnchor */
};

struct compiler {
	struct hpl_schema *schema;
	const struct hpl_schema_options *options;
	struct known *known;            /* open addressing, size a power of two */
	size_t known_count, known_size;
	struct name *names;             /* the same */
	size_t name_count, name_size;
	struct resource *resources;
	unsigned depth;
	struct hpl_err *err;
};

/* The entry of a node, made when it is not there. NULL: no memory. */
struct known *hpl_known(struct compiler *k, const struct hpl_node *node);

/* Indexes a document that was read from uri (without fragment). */
int hpl_refs_document(struct compiler *k, const char *uri, const struct hpl_node *root,
	struct resource **ret);
/* The schema that a reference of s means. *ret_dynamic: the name of the $dynamicAnchor that it led
 * to, NULL: it led to something else. */
int hpl_refs_find(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, struct sub **ret, const char **ret_dynamic);
/* Compiles the dynamic anchors of all resources: what a $dynamicRef may lead to in a run. */
int hpl_refs_compile_dynamic(struct compiler *k);
/* The dialect that n's $schema names; base: where there is none. */
int hpl_dialect_of(struct compiler *k, const struct hpl_node *n, const struct dialect *base,
	struct dialect *ret);
void hpl_compiler_done(struct compiler *k);

/* uri.c: reference against base as RFC 3986 section 5.2 has it, both without fragment. NULL: no memory. */
char *hpl_uri_resolve(struct hpl_arena *arena, const char *base, const char *reference);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON Schema: compile a schema document once, validate trees with it, report every fault with the
 * instance path, the position in the user's file, the rule that was broken and what is allowed.
 */
#include "schema/node.h"

struct hpl_schema;

enum hpl_fix { HPL_FIX_NONE, HPL_FIX_RENAME, HPL_FIX_REMOVE, HPL_FIX_ADD, HPL_FIX_REPLACE };

struct hpl_fault {
	uint32_t msg;             /* enum hpl_msg; its severity is the fault's: a warning (W) makes
				   * nothing invalid */
	char path[256];           /* "workload.volumes.data.seed" */
	struct hpl_pos pos;       /* of the faulted key or value */
	const char *keyword;      /* "pattern", "required", ... of the schema */
	char rule[128];           /* JSON pointer into the schema: "/properties/env/required" */
	char text[384];           /* what was found and what is allowed, never a secret value */
	char cure[256];
	/* The cure for machines, where it is mechanical: at the key or value that path names. */
	enum hpl_fix fix;
	char fix_text[160];       /* RENAME: the right key; ADD: "key: value" to add to the mapping;
				   * REPLACE: the value as YAML */
};
struct hpl_faults {
	struct hpl_fault *items;
	size_t count, cap;
	size_t limit;             /* stop after so many; 0 = 100 */
};
void hpl_faults_done(struct hpl_faults *f);
/* *ret is a new fault, zeroed, at the end. 1: the limit is reached, nothing was added. */
int hpl_faults_add(struct hpl_fault **ret, struct hpl_faults *f, struct hpl_err *err);
bool hpl_faults_full(const struct hpl_faults *f); /* the limit is reached */
/* By the severity of its message id. */
bool hpl_fault_is_error(const struct hpl_fault *f);

/* schema: a tree read by hpl_yaml_read; it is borrowed and must outlive the result. The dialect is what
 * its $schema says (2020-12 or draft-07), 2020-12 where it says nothing. format asserts. */
int hpl_schema_compile(struct hpl_schema **ret, const struct hpl_node *schema, struct hpl_err *err);

/* A document that references may lead to. Nothing is ever loaded: what is not given is refused. */
struct hpl_schema_document {
	const char *uri;               /* absolute, without fragment */
	const struct hpl_node *root;   /* borrowed as the schema is */
};
enum hpl_dialect { HPL_DIALECT_2020_12, HPL_DIALECT_07 };
struct hpl_schema_options {
	const struct hpl_schema_document *documents; /* borrowed for the call */
	size_t document_count;
	enum hpl_dialect dialect;      /* where a document has no $schema */
	bool format_annotates;         /* format asserts nothing, as JSON Schema has it by default */
};
int hpl_schema_compile_with(struct hpl_schema **ret, const struct hpl_node *schema,
	const struct hpl_schema_options *options, struct hpl_err *err);
void hpl_schema_free(struct hpl_schema *s);
enum {
	HPL_SCHEMA_LEGACY = 1, /* what fits x-legacy where it does not fit is a warning (HPL05012W) */
};
/* 0: nothing found, or warnings only. 1: errors were added (perhaps warnings too). -1: could not be
 * done (memory, match limit). path_prefix goes in front of each path ("workload"), may be empty.
 * flags: HPL_SCHEMA_LEGACY or 0. */
int hpl_schema_validate(const struct hpl_schema *s, const struct hpl_node *instance,
	const char *path_prefix, unsigned flags, struct hpl_faults *faults, struct hpl_err *err);
/* The same with a part that is built into the library ("network"); see parts/. */
int hpl_part_validate(const char *part, const struct hpl_node *instance, const char *path_prefix,
	unsigned flags, struct hpl_faults *faults, struct hpl_err *err);

/* Edits from a to b (insert, delete, change; case counts nothing): for "did you mean". Names of
 * more than 40 bytes are far from everything. */
size_t hpl_edit_distance(const char *a, size_t a_len, const char *b, size_t b_len);

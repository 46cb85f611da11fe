/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The table form in which manifest.c says what a file may hold; one row is one key. */
#include "runtime/orchestrator/manifest.h"
#include "schema/node.h"

struct reading {
	const char *file;    /* for places */
};

enum form { FORM_NAME, FORM_PATH, FORM_TOPIC, FORM_ANY };

enum key_kind {
	KEY_TEXT,     /* char * */
	KEY_NAMES,    /* struct hpl_names */
	KEY_NUMBER,   /* uint32_t */
	KEY_FLAG,     /* bool */
	KEY_WORD,     /* bool, written as one of two words */
	KEY_SPECIAL,  /* a function */
};

struct key {
	const char *name;             /* NULL ends the table */
	enum key_kind kind;
	size_t offset;                /* of the member in the result */
	bool required;
	enum form form;
	int64_t min, max;
	const char *word_false, *word_true;
	int (*special)(const struct reading *r, void *base, const struct hpl_node *n,
		struct hpl_err *err);
};

int hpl_read_keys(const struct reading *r, const struct key *keys, const struct hpl_node *map,
	const char *path, void *base, struct hpl_err *err);

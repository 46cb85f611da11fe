/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Which schema parts make a product, and the contract from inside. Inner header of this folder. */
#include "schema/contract.h"

struct hpl_doc;

enum { HPL_SECTION_KEYS = 64 }; /* top-level keys that a contract may have */

struct hpl_contract {
	char *file;
	bool allow_tokens;
	struct hpl_doc *doc;
	struct hpl_doc *nested[2];      /* block text of workload and env as trees */
	const struct hpl_node *workload, *env;
	struct hpl_section *sections;
	size_t section_count;
	/* what the schema is applied to: the root with its sections as trees; without tokens */
	struct hpl_node whole;
	struct hpl_entry *entries;
	struct hpl_faults faults;       /* found while reading */
};

/* rules.c: adds what the trees show beyond the schema; keyword "rule". */
int hpl_contract_rules(const struct hpl_contract *c, const struct hpl_validate_options *o,
	struct hpl_faults *faults, struct hpl_err *err);
const char *const *hpl_product_parts(enum hpl_product product);
/* *ret is owned by the library. */
int hpl_part_schema(const struct hpl_schema **ret, const char *name, struct hpl_err *err);
/* For leak checkers at the end of tests. */
void hpl_parts_free(void);

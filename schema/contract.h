/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The contract as a value: user-data read once, its sections with their places, the schema parts
 * applied. One library for guest and command line ("what passes on a laptop is not refused in
 * the guest for its form").
 */
#include "schema/schema.h"

enum hpl_product { HPL_PRODUCT_HPVS, HPL_PRODUCT_CCRT, HPL_PRODUCT_CCRV, HPL_PRODUCT_CCCO };
/* "hpvs", "ccrt", "ccrv", "ccco"; -1: unknown */
int hpl_product_parse(enum hpl_product *ret, const char *name);

struct hpl_contract;

/* text: user-data, sections decrypted or not (an undecrypted token section is a fault at its
 * place unless allow_tokens). file: name used in places, e.g. "contract" or "contract.yaml".
 * The text is copied. -1 only when the text is no YAML mapping; a section that is missing or whose
 * text is no YAML is a fault of hpl_contract_validate, so that the other one can still be read. */
int hpl_contract_read(struct hpl_contract **ret, const char *file, const char *text, size_t len,
	bool allow_tokens, struct hpl_err *err);
void hpl_contract_free(struct hpl_contract *c);

/* Section trees (block text parsed, mappings as they are); NULL: absent or a token. */
const struct hpl_node *hpl_contract_workload(const struct hpl_contract *c);
const struct hpl_node *hpl_contract_env(const struct hpl_contract *c);
/* The exact value string of a top-level key; NULL when absent or not a string. */
const char *hpl_contract_value(const struct hpl_contract *c, const char *key, size_t *ret_len);
const struct hpl_node *hpl_contract_root(const struct hpl_contract *c);

struct hpl_validate_options {
	enum hpl_product product;
	bool legacy;  /* seeds of 3 to 14 characters and logDNA are warnings (HPL05012W) */
	uint32_t providers; /* key providers of the image, bits by schema/key_sources.h */
};
/* Validates by the schema parts of the product and the rules on trees; all faults, gravest first:
 * missing and unreadable sections, then errors in the order of the file, then warnings.
 * 0 nothing found or warnings only, 1 errors found, -1 could not be done. */
int hpl_contract_validate(const struct hpl_contract *c, const struct hpl_validate_options *o,
	struct hpl_faults *faults, struct hpl_err *err);
/* One part alone, as the service it belongs to needs it: "logging", "volumes", "auths", ... */
int hpl_contract_validate_part(const struct hpl_contract *c, const char *part,
	struct hpl_faults *faults, struct hpl_err *err);
/* "contract:12:3" + path into err->place, rule and text into err->text, the cure. */
void hpl_fault_to_err(struct hpl_err *err, const char *file, const struct hpl_fault *fault);

/* Where the sections' texts begin; used by tools. */
struct hpl_section {
	const char *name;        /* "workload", "env", "attestationPublicKey", ... */
	bool is_token;
	struct hpl_pos pos;
};
size_t hpl_contract_sections(const struct hpl_contract *c, const struct hpl_section **ret);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema parts, compiled when they are first asked for and kept for the life of the process
 * (a command line checks many contracts, a service one). Not for use by several threads at once:
 * a compiled schema holds the match memory of its patterns.
 */
#include "schema/parts.h"

#include "schema/compose.h"

enum { PARTS_MAX = 32 };

static struct {
	struct hpl_doc *doc;
	struct hpl_schema *schema;
} compiled[PARTS_MAX];

static int compile_part(size_t i, struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_part *p = &hpl_parts[i];
	if (hpl_yaml_read(&doc, p->text, p->len, NULL, (struct hpl_pos){1, 1}, 0, err) < 0 ||
		hpl_schema_compile(&compiled[i].schema, hpl_doc_root(doc), err) < 0)
		return HPL_WRAP(err, 0, "schema part %s", p->name);
	compiled[i].doc = TAKE(doc);
	return 0;
}

int hpl_part_schema(const struct hpl_schema **ret, const char *name, struct hpl_err *err)
{
	for (size_t i = 0; i < PARTS_MAX && hpl_parts[i].name; i++) {
		if (strcmp(hpl_parts[i].name, name) != 0)
			continue;
		if (!compiled[i].schema && compile_part(i, err) < 0)
			return -1;
		*ret = compiled[i].schema;
		return 0;
	}
	return HPL_FAIL(err, 0, 0, "there is no schema part %.40s", name);
}

int hpl_part_validate(const char *part, const struct hpl_node *instance, const char *path_prefix,
	unsigned flags, struct hpl_faults *faults, struct hpl_err *err)
{
	const struct hpl_schema *s;

	if (hpl_part_schema(&s, part, err) < 0)
		return -1;
	return hpl_schema_validate(s, instance, path_prefix, flags, faults, err);
}

void hpl_parts_free(void)
{
	for (size_t i = 0; i < PARTS_MAX; i++) {
		hpl_schema_free(TAKE(compiled[i].schema));
		hpl_doc_free(TAKE(compiled[i].doc));
	}
}

/* Base parts first; what a product asks beyond them behind. Order: facts 1.1. */
const char *const *hpl_product_parts(enum hpl_product product)
{
	static const char *const hpvs[] = {"contract", "app", "app-any", "kube", "logging",
		"logging-required", "volumes", "images", "auths", "signature", "attestation", NULL};
	static const char *const ccrv[] = {"contract", "app", "app-ccrv", "kube", "logging",
		"logging-required", "volumes", "images", "auths", "signature", "attestation", NULL};
	static const char *const ccco[] = {"contract", "app", "app-any", "app-ccco", "kube", "logging",
		"volumes", "volumes-ccco", "images", "auths", "signature", "attestation", NULL};
	switch (product) {
	case HPL_PRODUCT_CCRV:
		return ccrv;
	case HPL_PRODUCT_CCCO:
		return ccco;
	default:
		return hpvs;
	}
}

int hpl_product_parse(enum hpl_product *ret, const char *name)
{
	static const char *const names[] = {[HPL_PRODUCT_HPVS] = "hpvs",
		[HPL_PRODUCT_CCRT] = "ccrt", [HPL_PRODUCT_CCRV] = "ccrv",
		[HPL_PRODUCT_CCCO] = "ccco"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
		if (hpl_streq(name, names[i])) {
			*ret = (enum hpl_product)i;
			return 0;
		}
	}
	return -1;
}

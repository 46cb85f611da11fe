/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema, a NUL, an instance: the schema is refused in words or compiled in both dialects, and the
 * instance has the same verdict with and without a report. The schema is also the one document that it
 * may refer to.
 */
#include <stdint.h>
#include <stdlib.h>

#include "schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool ok)
{
	if (!ok)
		abort();
}

static bool has_error(const struct hpl_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct hpl_fault *f = &faults->items[i];
		insist(*f->text && *f->cure && f->keyword && f->pos.line);
		if (hpl_fault_is_error(f))
			return true;
	}
	return false;
}

static void run(const struct hpl_schema *s, const struct hpl_node *instance, unsigned flags)
{
	struct hpl_faults faults = {.limit = 20};
	struct hpl_err err = HPL_ERR_NULL;
	int quiet = hpl_schema_validate(s, instance, "", flags, NULL, &err);
	int said = hpl_schema_validate(s, instance, "", flags, &faults, &err);

	insist(quiet >= 0 || *err.text);
	/* to say more takes more steps: only that may end a run that was quick without words */
	insist(quiet == said || said < 0);
	/* warnings may have filled the list */
	insist(said < 0 || hpl_faults_full(&faults) || has_error(&faults) == (said == 1));
	hpl_faults_done(&faults);
}

static void compile_and_run(const struct hpl_node *schema, const struct hpl_node *instance,
	enum hpl_dialect dialect)
{
	const struct hpl_schema_document self = {"https://example.com/a/self", schema};
	const struct hpl_schema_options o = {.documents = &self, .document_count = 1,
		.dialect = dialect};
	struct hpl_schema *s = NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_schema_compile_with(&s, schema, &o, &err) < 0) {
		insist(!s && *err.text);
		return;
	}
	if (instance) {
		run(s, instance, 0);
		run(s, instance, HPL_SCHEMA_LEGACY);
	}
	hpl_schema_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hpl_reader_limits limits = {.depth = 128, .nodes = 4000, .nul = true};
	static const struct hpl_reader_limits few = {.nodes = 400, .nul = true};
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size, rest = nul ? size - len - 1 : 0;
	_cleanup_doc_ struct hpl_doc *schema = NULL, *instance = NULL;
	const struct hpl_pos top = {1, 1};

	if (hpl_yaml_read(&schema, (const char *)data, len, &limits, top, 0, NULL) < 0)
		return 0;
	if (nul)
		(void)hpl_yaml_read(&instance, (const char *)nul + 1, rest, &few, top, 0, NULL);
	for (int d = HPL_DIALECT_2020_12; d <= HPL_DIALECT_07; d++)
		compile_and_run(hpl_doc_root(schema), instance ? hpl_doc_root(instance) : NULL,
			(enum hpl_dialect)d);
	return 0;
}

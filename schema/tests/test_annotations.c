/* SPDX-License-Identifier: Apache-2.0 */
/* What the annotations of our own do: warnings, legacy forms, ids. */
#include <criterion/criterion.h>

#include "proto/messages.h"
#include "schema/schema.h"

static struct hpl_doc *schema_doc, *doc;
static struct hpl_schema *schema;
static struct hpl_faults faults;
static struct hpl_err err;

static int run(const char *schema_text, const char *text, unsigned flags)
{
	static const struct hpl_pos top = {1, 1};
	cr_assert_eq(hpl_yaml_read(&schema_doc, schema_text, strlen(schema_text), NULL, top, 0, &err), 0,
		"%s", err.text);
	if (hpl_schema_compile(&schema, hpl_doc_root(schema_doc), &err) < 0)
		return -2;
	cr_assert_eq(hpl_yaml_read(&doc, text, strlen(text), NULL, top, 0, &err), 0, "%s", err.text);
	return hpl_schema_validate(schema, hpl_doc_root(doc), "", flags, &faults, &err);
}

static void done(void)
{
	hpl_schema_free(TAKE(schema));
	hpl_doc_free(TAKE(schema_doc));
	hpl_doc_free(TAKE(doc));
	hpl_faults_done(&faults);
}

TestSuite(annotations, .fini = done);

/* The ids of all faults, in their order. */
static void says(int rc, const char *schema_text, const char *text, unsigned flags, const char *ids)
{
	char got[200] = "";
	cr_expect_eq(run(schema_text, text, flags), rc, "%s with %s: %s", schema_text, text, err.text);
	for (size_t i = 0; i < faults.count; i++) {
		strcat(got, i ? " " : "");
		strcat(got, hpl_msg_info(faults.items[i].msg)->id);
	}
	cr_expect_str_eq(got, ids, "%s with %s: %s", schema_text, text, got);
	done();
}

#define UNKNOWN "HPL05013W"
#define LEGACY "HPL05012W"
#define EXTENSION "HPL05014W"
#define ERROR "HPL05001E"

Test(annotations, unknown_keys_are_warnings)
{
	static const char warn[] = "{properties: {seed: {type: string}}, x-unknown: warn, "
		"additionalProperties: false}";
	says(0, warn, "{seed: a}", 0, "");
	says(0, warn, "{seed: a, other: b}", 0, UNKNOWN);
	says(0, warn, "{seed: a, sed: b, other: 1}", 0, UNKNOWN " " UNKNOWN);
	says(1, warn, "{seed: 1, other: b}", 0, ERROR " " UNKNOWN);
}

Test(annotations, unknown_keys_near_to_known_ones)
{
	static const char near[] = "{properties: {logging: {}}, x-unknown: near}";
	says(0, near, "{other: b}", 0, "");
	says(0, near, "{loging: b}", 0, UNKNOWN);
}

Test(annotations, warnings_within_the_alternative_that_fits)
{
	static const char any[] = "{anyOf: [{type: integer}, {type: object, properties: {ab: {}}, "
		"x-unknown: warn}]}";
	static const char one[] = "{oneOf: [{type: integer}, {type: object, properties: {ab: {}}, "
		"x-unknown: warn}]}";
	says(0, any, "{x: 1}", 0, UNKNOWN);
	says(0, one, "{x: 1}", 0, UNKNOWN);
	says(0, any, "3", 0, "");
	says(1, one, "x", 0, ERROR);
}

Test(annotations, legacy_forms)
{
	static const char seed[] = "{properties: {a: {type: string, minLength: 5, "
		"x-legacy: {type: string, minLength: 3}}}}";
	says(0, seed, "{a: abcde}", HPL_SCHEMA_LEGACY, "");
	says(0, seed, "{a: abc}", HPL_SCHEMA_LEGACY, LEGACY);
	says(1, seed, "{a: abc}", 0, ERROR);
	says(1, seed, "{a: ab}", HPL_SCHEMA_LEGACY, ERROR);
}

Test(annotations, extensions)
{
	static const char vlan[] = "{properties: {v: {type: integer, x-extension: is ours}}}";
	says(0, vlan, "{v: 1}", 0, EXTENSION);
	says(0, vlan, "{w: 1}", 0, "");
	says(1, vlan, "{v: x}", 0, ERROR);
	says(0, "{properties: {v: {x-extension: true}}}", "{v: 1}", 0, EXTENSION);
	says(0, "{properties: {v: {x-extension: false}}}", "{v: 1}", 0, "");
}

Test(annotations, another_id)
{
	says(1, "{properties: {v: {type: string, x-msg: HPL11002E}}}", "{v: 1}", 0, "HPL11002E");
	cr_expect_eq(run("{x-msg: HPL05012W}", "1", 0), -2);
	done();
	cr_expect_eq(run("{x-msg: HPL99999E}", "1", 0), -2);
	done();
	cr_expect_eq(run("{x-unknown: perhaps}", "1", 0), -2);
}

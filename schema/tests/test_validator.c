/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <criterion/criterion.h>

#include "runtime/base/buf.h"
#include "schema/schema.h"

static struct hpl_doc *schema_doc, *doc;
static struct hpl_schema *schema;
static struct hpl_faults faults;
static struct hpl_err err;

static int run(const char *schema_text, const char *text)
{
	static const struct hpl_pos top = {1, 1};
	cr_assert_eq(hpl_yaml_read(&schema_doc, schema_text, strlen(schema_text), NULL, top, 0, &err), 0,
		"%s", err.text);
	if (hpl_schema_compile(&schema, hpl_doc_root(schema_doc), &err) < 0)
		return -2;
	cr_assert_eq(hpl_yaml_read(&doc, text, strlen(text), NULL, top, 0, &err), 0, "%s", err.text);
	return hpl_schema_validate(schema, hpl_doc_root(doc), "", 0, &faults, &err);
}

static void done(void)
{
	hpl_schema_free(TAKE(schema));
	hpl_doc_free(TAKE(schema_doc));
	hpl_doc_free(TAKE(doc));
	hpl_faults_done(&faults);
}

TestSuite(validator, .fini = done);

static void valid(const char *schema_text, const char *text)
{
	cr_expect_eq(run(schema_text, text), 0, "%s with %s: %s", schema_text, text,
		faults.count ? faults.items[0].text : err.text);
	done();
}

/* The one fault: keyword, path, rule, and words of its text. */
static void fault(const char *schema_text, const char *text, const char *path, const char *rule,
	const char *word)
{
	cr_assert_eq(run(schema_text, text), 1, "%s with %s: %s", schema_text, text, err.text);
	const struct hpl_fault *f = &faults.items[0];
	cr_expect_str_eq(f->path, path, "%s", f->path);
	cr_expect_str_eq(f->rule, rule, "%s", f->rule);
	cr_expect(strstr(f->text, word), "\"%s\" lacks \"%s\"", f->text, word);
	done();
}

Test(validator, type)
{
	valid("{type: integer}", "1.0");
	valid("{type: [string, 'null']}", "null");
	valid("{type: number}", "5");
	fault("{type: object}", "[]", "", "/type", "is a list, must be a mapping");
	fault("{type: [string, integer]}", "1.5", "", "/type", "must be a string or an integer");
}

Test(validator, const_and_enum)
{
	valid("{const: {a: [1, 2.0]}}", "{a: [1.0, 2]}");
	fault("{const: x}", "y", "", "/const", "must be \"x\"");
	fault("{enum: [a, b]}", "A", "", "/enum", "must be one of: a, b");
}

Test(validator, numbers)
{
	valid("{minimum: 1, maximum: 3, multipleOf: 0.5}", "2.5");
	fault("{minimum: 9007199254740993}", "9007199254740992", "", "/minimum", "at least");
	fault("{maximum: 3}", "3.1", "", "/maximum", "is 3.1, must be at most 3");
	fault("{exclusiveMinimum: 0}", "0", "", "/exclusiveMinimum", "more than 0");
	fault("{exclusiveMaximum: 0}", "0", "", "/exclusiveMaximum", "less than 0");
	fault("{multipleOf: 3}", "10", "", "/multipleOf", "a multiple of 3");
}

Test(validator, strings)
{
	valid("{minLength: 2, maxLength: 2}", "\xc3\xa9\xc3\xa9");
	fault("{minLength: 2}", "\xc3\xa9", "", "/minLength", "has 1 character");
	fault("{maxLength: 1}", "ab", "", "/maxLength", "at most 1");
	fault("{pattern: ^a$}", "\"a\\n\"", "", "/pattern", "form that is not allowed");
	valid("{pattern: ^\\d+$}", "'12'");
	fault("{pattern: ^\\d+$}", "\"\xd9\xa1\"", "", "/pattern", "form that is not allowed");
	fault("{format: ipv4}", "1.2.3", "", "/format", "no IPv4 address");
	valid("{format: no-such-format}", "x");
}

Test(validator, lists)
{
	valid("{prefixItems: [{type: string}], items: {type: integer}, uniqueItems: true}", "[a, 1, 2]");
	fault("{prefixItems: [{type: string}], items: {type: integer}}", "[a, b]", "[1]", "/items/type",
		"must be an integer");
	fault("{minItems: 1}", "[]", "", "/minItems", "at least 1");
	fault("{maxItems: 1}", "[1, 2]", "", "/maxItems", "at most 1");
	fault("{uniqueItems: true}", "[{a: 1, b: 2}, {b: 2, a: 1.0}]", "[1]", "/uniqueItems", "the same as item 1");
}

Test(validator, many_items_are_compared_by_hash)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	hpl_buf_str(&b, "[");
	for (int i = 0; i < 20000; i++)
		hpl_buf_fmt(&b, "%d,", i);
	hpl_buf_str(&b, "{}]");
	valid("{uniqueItems: true}", b.data);
	b.data[b.len - 3] = ' ';
	b.data[b.len - 2] = '7';
	fault("{uniqueItems: true}", b.data, "[20000]", "/uniqueItems", "the same as item 8");
}

Test(validator, big_mappings_are_equal_in_any_order)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	hpl_buf_str(&b, "[{");
	for (int i = 0; i < 50000; i++)
		hpl_buf_fmt(&b, "a%d: %d, ", i, i);
	hpl_buf_str(&b, "}, {");
	for (int i = 50000; i-- > 0;)
		hpl_buf_fmt(&b, "a%d: %d, ", i, i);
	hpl_buf_str(&b, "}]");
	fault("{uniqueItems: true}", b.data, "[1]", "/uniqueItems", "the same as item 1");
	b.data[b.len - 5] = '7'; /* a0: 7 */
	valid("{uniqueItems: true}", b.data);
}

Test(validator, mappings)
{
	valid("{properties: {a: {type: string}}, patternProperties: {^x: {type: integer}}, "
		"additionalProperties: {type: boolean}}", "{a: b, x1: 5, other: true}");
	fault("{properties: {alpha: {}, beta: {}}, additionalProperties: false}", "{alhpa: 1}", "alhpa",
		"/additionalProperties", "not known");
	fault("{properties: {a: {properties: {b: {type: string}}}}}", "a: {b: 1}", "a.b",
		"/properties/a/properties/b/type", "must be a string");
	fault("{patternProperties: {^x: {type: integer}}}", "{x.y: a}", "[\"x.y\"]",
		"/patternProperties/^x/type", "must be an integer");
	fault("{required: [a, b]}", "{a: 1}", "", "/required", "lacks \"b\"");
	fault("{propertyNames: {maxLength: 1}}", "{ab: 1}", "ab", "/propertyNames/maxLength", "2 char");
	fault("{minProperties: 1}", "{}", "", "/minProperties", "at least 1");
	fault("{maxProperties: 0}", "{a: 1}", "", "/maxProperties", "at most 0");
	fault("{dependentRequired: {a: [b]}}", "{a: 1}", "", "/dependentRequired", "needs \"b\"");
	fault("{dependentSchemas: {a: {required: [c]}}}", "{a: 1}", "", "/dependentSchemas/a/required",
		"lacks \"c\"");
}

Test(validator, did_you_mean)
{
	cr_assert_eq(run("{properties: {hostname: {}, port: {}}, additionalProperties: false}",
		"{hostnmae: 1}"), 1);
	cr_expect_str_eq(faults.items[0].cure, "did you mean \"hostname\"?");
	done();
	cr_assert_eq(run("{properties: {hostname: {}, port: {}}, additionalProperties: false}",
		"{zzz: 1}"), 1);
	cr_expect_str_eq(faults.items[0].cure, "remove it; known here: hostname, port");
	done();
	cr_assert_eq(run("{required: [hostname]}", "{Hostname: 1}"), 1);
	cr_expect_str_eq(faults.items[0].cure, "did you mean \"hostname\"?");
}

Test(validator, applicators)
{
	valid("{allOf: [{minimum: 1}, {maximum: 2}]}", "2");
	fault("{allOf: [{minimum: 1}, {maximum: 2}]}", "3", "", "/allOf/1/maximum", "at most 2");
	fault("{oneOf: [{required: [a]}, {required: [b]}]}", "{a: 1, b: 1}", "", "/oneOf",
		"has a and b, must have exactly one of: a or b");
	fault("{oneOf: [{type: integer}, {minimum: 2}]}", "3", "", "/oneOf", "fits 2");
	fault("{not: {type: string}}", "a", "", "/not", "not allowed");
	fault("{if: {required: [a]}, then: {required: [b]}, else: {required: [c]}}", "{a: 1}", "",
		"/then/required", "\"b\"");
	fault("{if: {required: [a]}, then: {required: [b]}, else: {required: [c]}}", "{x: 1}", "",
		"/else/required", "\"c\"");
	fault("false", "1", "", "/false", "not allowed");
}

Test(validator, the_nearest_alternative_is_told)
{
	fault("{anyOf: [{type: object, properties: {k: {const: a}, v: {type: string}}, required: [k]}, "
		"{type: object, properties: {k: {const: b}, v: {type: integer}}, required: [k]}]}",
		"{k: b, v: x}", "v", "/anyOf/1/properties/v/type", "must be an integer");
	fault("{anyOf: [{pattern: ^a}, {pattern: ^b}], x-expect: a or b}", "c", "", "/anyOf",
		"is a string of 1 character; expected: a or b");
}

Test(validator, references)
{
	valid("{$ref: '#/$defs/list', $defs: {list: {items: {$ref: '#'}}}}", "[[], [[]]]");
	fault("{properties: {a: {$ref: '#/$defs/x~1y%25'}}, $defs: {'x/y%': {type: string}}}", "{a: 1}",
		"a", "/$defs/x~1y%25/type", "must be a string");
	valid("{$ref: '#here', $defs: {x: {$anchor: here, type: string}}}", "a");
	cr_expect_eq(run("{$ref: '#/$defs/none'}", "1"), -2);
	cr_expect(strstr(err.text, "nothing at this reference"), "%s", err.text);
	done();
	cr_expect_eq(run("{$ref: 'http://example.com/x'}", "1"), -2);
	done();
}

Test(validator, a_schema_that_refers_to_itself_ends)
{
	cr_expect_eq(run("{$defs: {a: {$ref: '#/$defs/a'}}, $ref: '#/$defs/a'}", "1"), -1);
	cr_expect(strstr(err.text, "without end"), "%s", err.text);
}

Test(validator, a_pattern_that_explodes_is_stopped)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	for (int i = 0; i < 40; i++)
		hpl_buf_str(&b, "a");
	hpl_buf_str(&b, "!");
	cr_expect_eq(run("{pattern: '^(a+)+$'}", b.data), -1);
	cr_expect(strstr(err.text, "within its limits"), "%s", err.text);
	done();
	cr_expect_eq(run("{not: {pattern: '^(a+)+$'}}", b.data), -1);
}

Test(validator, what_is_no_schema_is_refused)
{
	static const char *const schemas[] = {"{type: strnig}", "{pattern: '('}", "{minLength: -1}",
		"{required: a}", "{properties: []}", "5", "{items: [{}]}", "{enum: a}", "{allOf: []}",
		"{$dynamicRef: '#x'}", "{contains: 1}", "{maxContains: -1}", "{unevaluatedItems: []}",
		"{$schema: 'https://example.com/other'}", "{$id: 'https://example.com/x#y'}",
		"{$defs: {a: {$anchor: x}, b: {$anchor: x}}}", "{dependentRequired: {a: {}}}",
		"{dependencies: {a: 1}}", "{multipleOf: 0}", "{$ref: 5}", "{$ref: '#/%'}"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(schemas); i++) {
		cr_expect_eq(run(schemas[i], "1"), -2, "%s", schemas[i]);
		cr_expect_neq(*err.text, '\0');
		done();
	}
}

Test(validator, contains)
{
	valid("{contains: {type: integer}, minContains: 0}", "[a]");
	valid("{contains: {type: integer}, maxContains: 1e300}", "[1, 2, 3]");
	fault("{contains: {type: integer}}", "[a]", "", "/contains", "has 0 items of the form that is");
	fault("{contains: {type: integer}, minContains: 2}", "[a, 1]", "", "/contains", "at least 2");
	fault("{contains: {type: integer}, maxContains: 1}", "[1, 2]", "", "/contains", "more than 1 item");
}

Test(validator, what_nothing_else_looked_at)
{
	valid("{allOf: [{properties: {a: {}}}], unevaluatedProperties: false}", "{a: 1}");
	fault("{allOf: [{properties: {a: {}}}], unevaluatedProperties: false}", "{a: 1, b: 2}", "b",
		"/unevaluatedProperties", "not known here");
	fault("{prefixItems: [{}], unevaluatedItems: {type: integer}}", "[a, 1, b]", "[2]",
		"/unevaluatedItems/type", "must be an integer");
	/* what failed looked at nothing */
	fault("{anyOf: [{properties: {a: {const: 1}, b: {}}, required: [c]}, {properties: {a: {}}}], "
		"unevaluatedProperties: false}", "{a: 1, b: 2}", "b", "/unevaluatedProperties", "not known");
	/* where something is wrong, it is said and no more */
	fault("{properties: {a: {type: string}}, unevaluatedProperties: false}", "{a: 1, b: 2}", "a",
		"/properties/a/type", "must be a string");
}

Test(validator, many_members_are_looked_at)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	for (int i = 0; i < 1000; i++)
		hpl_buf_fmt(&b, "a%d: 1\n", i);
	valid("{anyOf: [{patternProperties: {^a: {type: string}}}, {patternProperties: {^a: {}}}], "
		"unevaluatedProperties: false}", b.data);
	hpl_buf_str(&b, "b: 1\n");
	fault("{anyOf: [{patternProperties: {^a: {}}}], unevaluatedProperties: false}", b.data, "b",
		"/unevaluatedProperties", "not known");
}

Test(validator, draft_07)
{
#define D7 "$schema: 'http://json-schema.org/draft-07/schema#', "
	valid("{" D7 "definitions: {i: {type: integer}}, $ref: '#/definitions/i', maximum: 1}", "5");
	fault("{" D7 "items: [{}, {type: string}], additionalItems: {type: integer}}", "[1, a, b]",
		"[2]", "/additionalItems/type", "must be an integer");
	fault("{" D7 "dependencies: {a: [b], c: {required: [d]}}}", "{a: 1}", "", "/dependencies",
		"needs \"b\"");
	fault("{" D7 "dependencies: {a: [b], c: {required: [d]}}}", "{c: 1}", "",
		"/dependencies/c/required", "lacks \"d\"");
	/* unknown to that draft */
	valid("{" D7 "prefixItems: [{type: string}], dependentRequired: {a: [b]}}", "[1]");
	valid("{" D7 "$ref: '#x', definitions: {a: {$id: '#x', type: integer}}}", "1");
}

/* ---- documents ---- */

static struct hpl_doc *others[2];

static void no_others(void)
{
	done();
	hpl_doc_free(TAKE(others[0]));
	hpl_doc_free(TAKE(others[1]));
}

TestSuite(documents, .fini = no_others);

static int run_with(const char *schema_text, const char *other, const char *text)
{
	static const struct hpl_pos top = {1, 1};
	struct hpl_schema_document given = {.uri = "https://example.com/dir/other.json"};
	const struct hpl_schema_options o = {.documents = &given, .document_count = 1};

	cr_assert_eq(hpl_yaml_read(&others[0], other, strlen(other), NULL, top, 0, &err), 0);
	given.root = hpl_doc_root(others[0]);
	cr_assert_eq(hpl_yaml_read(&schema_doc, schema_text, strlen(schema_text), NULL, top, 0, &err), 0);
	if (hpl_schema_compile_with(&schema, hpl_doc_root(schema_doc), &o, &err) < 0)
		return -2;
	cr_assert_eq(hpl_yaml_read(&doc, text, strlen(text), NULL, top, 0, &err), 0);
	return hpl_schema_validate(schema, hpl_doc_root(doc), "", 0, &faults, &err);
}

Test(documents, a_reference_leads_to_a_document_that_was_given)
{
	cr_expect_eq(run_with("{$id: 'https://example.com/dir/x', $ref: 'other.json#/$defs/a'}",
		"{$defs: {a: {$ref: '#n'}, b: {$anchor: n, type: integer}}}", "x"), 1);
	cr_assert_eq(faults.count, 1);
	cr_expect_str_eq(faults.items[0].rule, "n/type");
	no_others();
	cr_expect_eq(run_with("{$ref: 'https://example.com/dir/../dir/./other.json'}",
		"{type: integer}", "5"), 0);
}

Test(documents, none_is_loaded)
{
	cr_expect_eq(run_with("{$ref: 'https://example.com/dir/third.json'}", "{}", "5"), -2);
	cr_expect(strstr(err.text, "no document was given for \"https://example.com/dir/third.json\""),
		"%s", err.text);
}

Test(documents, a_bad_one_is_refused)
{
	cr_expect_eq(run_with("{$ref: 'https://example.com/dir/other.json'}", "{type: x}", "5"), -2);
	no_others();
	cr_expect_eq(run_with("{$ref: 'https://example.com/dir/other.json'}",
		"{$schema: 'https://example.com/none'}", "5"), -2);
	cr_expect(strstr(err.text, "dialect"), "%s", err.text);
}

Test(documents, a_metaschema_says_which_vocabularies_count)
{
	cr_expect_eq(run_with("{$schema: 'https://example.com/dir/other.json', type: string, "
		"properties: {a: false}}",
		"{$schema: 'https://json-schema.org/draft/2020-12/schema', $vocabulary: "
		"{'https://json-schema.org/draft/2020-12/vocab/applicator': true}}", "{b: 1}"), 0);
	no_others();
	cr_expect_eq(run_with("{$schema: 'https://example.com/dir/other.json'}",
		"{$schema: 'https://json-schema.org/draft/2020-12/schema', $vocabulary: "
		"{'https://example.com/vocab/mine': true}}", "{b: 1}"), -2);
	cr_expect(strstr(err.text, "vocabulary"), "%s", err.text);
}

Test(documents, formats_may_annotate)
{
	static const struct hpl_schema_options o = {.format_annotates = true};
	const char *text = "{format: ipv4}";

	cr_assert_eq(hpl_yaml_read(&schema_doc, text, strlen(text), NULL, (struct hpl_pos){1, 1}, 0, &err), 0);
	cr_assert_eq(hpl_schema_compile_with(&schema, hpl_doc_root(schema_doc), &o, &err), 0);
	cr_assert_eq(hpl_yaml_read(&doc, "x", 1, NULL, (struct hpl_pos){1, 1}, 0, &err), 0);
	cr_expect_eq(hpl_schema_validate(schema, hpl_doc_root(doc), "", 0, &faults, &err), 0);
}

/* ---- bounds ---- */

Test(validator, alternatives_without_end_are_stopped)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	hpl_buf_str(&b, "{$ref: '#/$defs/a0', $defs: {a40: false");
	for (int i = 0; i < 40; i++)
		hpl_buf_fmt(&b, ", a%d: {anyOf: [{$ref: '#/$defs/a%d'}, {$ref: '#/$defs/a%d'}]}", i, i + 1,
			i + 1);
	hpl_buf_str(&b, "}}");
	cr_expect_eq(run(b.data, "1"), -1);
	cr_expect(strstr(err.text, "too many alternatives"), "%s", err.text);
}

Test(validator, numbers_beyond_what_is_exact)
{
	valid("{multipleOf: 1}", "1e300");
	fault("{multipleOf: 1}", "100000000000000.5", "", "/multipleOf", "a multiple of 1");
	valid("{multipleOf: 0.0001}", "0.0075");
	fault("{multipleOf: 0.0001}", "0.00751", "", "/multipleOf", "a multiple of 0.0001");
	fault("{multipleOf: 1e-308}", "1e308", "", "/multipleOf", "a multiple of");
	valid("{maxLength: 1e300}", "a");
	fault("{minLength: 1e300}", "a", "", "/minLength", "at least");
}

/* ---- patterns ---- */

Test(validator, patterns_are_those_of_ecma_262)
{
	valid("{pattern: '^\\p{Letter}+$'}", "\"\\u00e9a\"");
	valid("{pattern: '^\\P{gc=Letter}\\p{Script=Greek}$'}", "\"1\\u03b1\"");
	valid("{pattern: '^[\\S]+[^\\s]$'}", "ab");
	fault("{pattern: '^\\S$'}", "\"\\ufeff\"", "", "/pattern", "form that is not allowed");
	fault("{pattern: '^[\\S]$'}", "\"\\u2003\"", "", "/pattern", "form that is not allowed");
	fault("{pattern: '^.$'}", "\"\\u2028\"", "", "/pattern", "form that is not allowed");
	valid("{pattern: '^\\ud83d\\ude00$'}", "\"\\U0001f600\"");
	valid("{pattern: '^[[a]]$'}", "'[]'");
	valid("{pattern: '^a{,2}$'}", "'a{,2}'");
	valid("{pattern: '^(?<n>a)\\k<n>$'}", "aa");
}

Test(validator, what_only_pcre_knows_is_refused)
{
	static const char *const patterns[] = {"\\\\Aa", "a\\\\Z", "\\\\h", "(?i)a", "(*ACCEPT)", "(?R)",
		"(?>a)", "(?#x)", "\\\\Qa\\\\E", "(?P<n>a)", "\\\\p{None}", "\\\\p", "a\\\\"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(patterns); i++) {
		char text[64];
		snprintf(text, sizeof(text), "{pattern: \"%s\"}", patterns[i]);
		cr_expect_eq(run(text, "1"), -2, "%s", text);
		done();
	}
}

Test(validator, faults_are_limited_and_have_places)
{
	faults.limit = 3;
	cr_assert_eq(run("{items: {type: string}}", "[1,\n 2, 3, 4, 5]"), 1);
	cr_expect_eq(faults.count, 3);
	cr_expect_eq(faults.items[1].pos.line, 2);
	cr_expect_eq(faults.items[1].pos.col, 2);
	cr_expect_str_eq(faults.items[1].path, "[1]");
	faults.limit = 0;
}

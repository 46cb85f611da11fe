/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "proto/messages.h"
#include "runtime/base/buf.h"
#include "schema/node.h"

static const struct hpl_pos TOP = {1, 1};

static struct hpl_doc *read_ok(const char *text, size_t len, const struct hpl_reader_limits *l)
{
	struct hpl_doc *d = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_yaml_read(&d, text, len, l, TOP, 0, &err);
	cr_assert_eq(rc, 0, "%s at %s", err.text, err.place);
	return d;
}

#define OK(text) read_ok((text), strlen(text), NULL)

static void refused_n(const char *text, size_t len, const struct hpl_reader_limits *l,
	const char *place, const char *word)
{
	struct hpl_doc *d = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	cr_assert_eq(hpl_yaml_read(&d, text, len, l, TOP, 0, &err), -1, "accepted: %.80s", text);
	cr_assert_null(d);
	if (place)
		cr_expect_str_eq(err.place, place, "%s: place %s", err.text, err.place);
	cr_expect(strstr(err.text, word), "\"%s\" lacks \"%s\"", err.text, word);
}

#define REFUSED(text, place, word) refused_n((text), strlen(text), NULL, (place), (word))

static void json_is(const char *yaml, const char *json)
{
	_cleanup_doc_ struct hpl_doc *d = OK(yaml);
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	hpl_node_to_json(&b, hpl_doc_root(d));
	cr_expect_str_eq(b.data, json, "%s", b.data);
}

Test(reader, core_schema_of_yaml_1_2)
{
	json_is("{a: null, b: ~, c: Null, d: , e: true, f: False}", "{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":true,\"f\":false}");
	json_is("[0, -7, +12, 0x1F, 0o17, 007]", "[0,-7,12,31,15,7]");
	json_is("[1.5, -0.25e3, 1e3]", "[1.5,-0.25e3,1e3]");
	json_is("[.5, 5., .inf]", "[0.5,5,\".inf\"]");
	json_is("a: 9223372036854775807", "{\"a\":9223372036854775807}");
	json_is("a: 92233720368547758080", "{\"a\":92233720368547758080}");
}

Test(reader, yaml_1_1_surprises_are_strings)
{
	json_is("[yes, no, on, off, y, N, 1_000, 12:30:45, 2001-01-01, 0b11, =, <<]",
		"[\"yes\",\"no\",\"on\",\"off\",\"y\",\"N\",\"1_000\",\"12:30:45\",\"2001-01-01\","
		"\"0b11\",\"=\",\"<<\"]");
	json_is("['1', \"true\", !!str 5, ! 6]", "[\"1\",\"true\",\"5\",\"6\"]");
}

Test(reader, json_is_yaml)
{
	json_is("{\"a\":[1,2.0,\"\\u00e9\\n\\/\"],\"b\":{}, \"c\":[]}\n",
		"{\"a\":[1,2.0,\"\xc3\xa9\\n/\"],\"b\":{},\"c\":[]}");
}

Test(reader, places_of_keys_and_values)
{
	_cleanup_doc_ struct hpl_doc *d = OK("a: 1\nb:\n  - x\n  - key: \xc3\xa9 v\n");
	const struct hpl_node *root = hpl_doc_root(d);
	cr_assert_eq(root->map.count, 2);
	cr_expect_eq(root->map.entries[1].pos.line, 2);
	cr_expect_eq(root->map.entries[1].pos.col, 1);
	const struct hpl_node *item = root->map.entries[1].value->list.items[1];
	cr_expect_eq(item->map.entries[0].pos.line, 4);
	cr_expect_eq(item->map.entries[0].pos.col, 5);
	cr_expect_eq(item->map.entries[0].value->pos.col, 10);
}

static void content_at(const char *text, const char *key, unsigned line, unsigned col)
{
	_cleanup_doc_ struct hpl_doc *d = OK(text);
	const struct hpl_node *n = hpl_node_get(hpl_doc_root(d), key);
	cr_assert(n && n->block);
	cr_expect_eq(n->content_pos.line, line, "%u", n->content_pos.line);
	cr_expect_eq(n->content_pos.col, col, "%u", n->content_pos.col);
}

Test(reader, content_of_block_scalars)
{
	content_at("w: |\n  type: x\n", "w", 2, 3);
	content_at("# c\nw: |-  # note\n    type: x\n     y\n", "w", 3, 5);
	content_at("w: |\n\n\n   a\n", "w", 2, 4);
	content_at("w: |2\n    a\n", "w", 2, 3);
	content_at("v: x\nw: |\r\n  a\r\n  b\r\n", "w", 3, 3);
	content_at("w: |\n", "w", 2, 1);
}

Test(reader, nested_text_keeps_its_places)
{
	struct hpl_doc *d = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	const char *text = "a: 1\nb: [\n";
	cr_assert_eq(hpl_yaml_read(&d, text, strlen(text), NULL, (struct hpl_pos){10, 5}, 4, &err), -1);
	cr_expect_str_eq(err.place, "12:5", "%s", err.place);
	cr_assert_eq(hpl_yaml_read(&d, "a: 1\nb: 2", 9, NULL, (struct hpl_pos){10, 5}, 4, &err), 0);
	cr_expect_eq(hpl_doc_root(d)->map.entries[0].pos.col, 5);
	cr_expect_eq(hpl_doc_root(d)->map.entries[1].pos.line, 11);
	cr_expect_eq(hpl_doc_root(d)->map.entries[1].value->pos.col, 8);
	hpl_doc_free(d);
	cr_assert_eq(hpl_yaml_read(&d, "a: 1\nb: 2", 9, NULL, (struct hpl_pos){10, 5},
		HPL_PLACE_FIXED, &err), 0);
	cr_expect_eq(hpl_doc_root(d)->map.entries[1].pos.line, 10);
	cr_expect_eq(hpl_doc_root(d)->map.entries[1].pos.col, 5);
	hpl_doc_free(d);
}

Test(reader, duplicate_keys_are_refused)
{
	REFUSED("a: 1\nb: 2\na: 3\n", "3:1", "\"a\" is there twice (first in line 1)");
	REFUSED("a: 1\n\"a\": 3\n", "2:1", "twice");
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	for (int i = 0; i < 1000; i++)
		hpl_buf_fmt(&b, "key%d: 1\n", i);
	hpl_doc_free(read_ok(b.data, b.len, NULL));
	hpl_buf_str(&b, "key500: 1\n");
	refused_n(b.data, b.len, NULL, "1001:1", "\"key500\" is there twice (first in line 501)");
}

Test(reader, aliases_are_refused_unless_asked_for)
{
	REFUSED("a: &x 1\nb: *x\n", "2:4", "aliases are not accepted");
	struct hpl_reader_limits l = {.aliases = 4};
	const char *t = "a: &x {k: v}\nb: *x\nc: [*x, *x]\n";
	_cleanup_doc_ struct hpl_doc *d = read_ok(t, strlen(t), &l);
	cr_expect_str_eq(hpl_node_get_str(hpl_node_get(hpl_doc_root(d), "b"), "k"), "v");
	t = "a: &x 1\nb: [*x, *x, *x, *x, *x]\n";
	refused_n(t, strlen(t), &l, "2:21", "more than 4 aliases");
	t = "a: &x [*x]\n";
	refused_n(t, strlen(t), &l, "1:8", "inside the value");
	t = "a: *nope\n";
	refused_n(t, strlen(t), &l, "1:4", "without an anchor");
}

Test(reader, an_alias_bomb_is_counted_not_expanded)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_reader_limits l = {.aliases = 1000};
	hpl_buf_str(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 30; i++) {
		hpl_buf_fmt(&b, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			hpl_buf_fmt(&b, "*a%d,", i - 1);
		hpl_buf_str(&b, "]\n");
	}
	refused_n(b.data, b.len, &l, NULL, "more than 1000000 values");
}

Test(reader, an_alias_adds_its_levels)
{
	struct hpl_reader_limits l = {.aliases = 10, .depth = 4};
	const char *t = "a: &x [[1]]\nb: [*x]\n";
	hpl_doc_free(read_ok(t, strlen(t), &l));
	t = "a: &x [[1]]\nb: [[*x]]\n";
	refused_n(t, strlen(t), &l, "2:6", "deeper than 4");
	t = "a: &x [[1]]\nb: &y [*x]\nc: [*y]\n";
	refused_n(t, strlen(t), &l, "3:5", "deeper than 4");
}

Test(reader, depth_nodes_and_size_are_limited)
{
	char deep[2001];
	memset(deep, '[', 1000);
	memset(deep + 1000, ']', 1000);
	deep[2000] = '\0';
	REFUSED(deep, "1:65", "deeper than 64 levels");
	memset(deep, '-', 1);
	struct hpl_reader_limits l = {.nodes = 5};
	hpl_doc_free(read_ok("[1,2,3,4]", 9, &l));
	refused_n("[1,2,3,4,5]", 11, &l, "1:10", "more than 5 values");
	l = (struct hpl_reader_limits){.bytes = 8};
	refused_n("[1,2,3,4]", 9, &l, NULL, "limit of 8");
}

Test(reader, bytes_that_are_no_text_are_refused)
{
	refused_n("a: b\0c", 6, NULL, "1:5", "control character 0x00");
	REFUSED("a: \"x\\0y\"", "1:4", "NUL character");
	REFUSED("\"x\\0y\": a", "1:1", "NUL character");
	REFUSED("a: 1\nb: \xff", "2:4", "not UTF-8 (byte 0xff)");
	REFUSED("b: \xc0\x80", "1:4", "not UTF-8");
	REFUSED("b: \xed\xa0\x80", "1:4", "not UTF-8");
	REFUSED("b: \xe2\x82", "1:4", "not UTF-8");
	REFUSED("b: \x01", "1:4", "control character 0x01");
	REFUSED("b: x\x7f", "1:5", "control character 0x7f");
	REFUSED("b: \xc2\x80", "1:4", "forbidden character");
	REFUSED("b: \xef\xbb\xbf", "1:4", "forbidden character");
	struct hpl_reader_limits l = {.nul = true};
	_cleanup_doc_ struct hpl_doc *d = read_ok("a: \"x\\0y\"", 9, &l);
	cr_expect_eq(hpl_node_get(hpl_doc_root(d), "a")->str.len, 3);
}

Test(reader, one_document_only)
{
	hpl_doc_free(OK("---\na: 1\n...\n"));
	REFUSED("a: 1\n---\nb: 2\n", "2:1", "second document");
	_cleanup_doc_ struct hpl_doc *d = OK("# nothing\n");
	cr_expect_eq(hpl_doc_root(d)->kind, HPL_NULL);
	_cleanup_doc_ struct hpl_doc *e = read_ok("", 0, NULL);
	cr_expect_eq(hpl_doc_root(e)->kind, HPL_NULL);
}

Test(reader, tags_outside_the_core_are_refused)
{
	REFUSED("a: !!python/object:os.system x", "1:4", "outside the core schema");
	REFUSED("a: !mine {b: c}", "1:4", "outside the core schema");
	REFUSED("a: !!binary YQ==", "1:4", "outside the core schema");
	REFUSED("a: !!int x", "1:4", "no int");
	json_is("[!!int \"5\", !!float 5, !!map {}, !!seq [], !!null '']", "[5,5,{},[],null]");
}

Test(reader, keys_are_strings)
{
	REFUSED("? [a]\n: b\n", "1:3", "key must be a string");
	REFUSED("{{a: b}: c}", "1:2", "key must be a string");
	json_is("1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}");
}

Test(reader, syntax_errors_have_place_and_cure)
{
	struct hpl_doc *d = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	cr_assert_eq(hpl_yaml_read(&d, "a:\n\t- b\n", 8, NULL, TOP, 0, &err), -1);
	cr_expect_str_eq(err.place, "2:1", "%s", err.place);
	cr_expect(strstr(err.text, "a tab in the indentation"), "%s", err.text);
	REFUSED("a: b: c\n", "1:5", "a second \": \"");
	/* what is left open is shown where it was opened */
	REFUSED("a: 1\nb: 'x\nc: 2\n", "2:4", "a quote that is never closed");
	REFUSED("a: 1\nb: \"x\nc: 2\n", "2:4", "a quote that is never closed");
	REFUSED("a: 1\nb: \"x\nc: \"y\"\nd: 3\n", "2:4", "a quote that is closed lines below");
	REFUSED("b: 'x\nc: 2\nd: 'y z'\n", "1:4", "a quote that is closed lines below");
	REFUSED("a: [1, 2\nb: 1\n", "1:4", "a bracket [ that is not closed");
	REFUSED("a: {b: 1\nc: 2\n", "1:4", "a brace { that is not closed");
	REFUSED("a:\n  b: 1\n   c: 2\n", "3:5", "indented deeper than its neighbours");
	REFUSED("a:\n  b: 1\n c: 2\n", "3:2", "fits no mapping");
	REFUSED("a: 1\nworkload\nb: 2\n", "2:1", "neither");
	REFUSED("a: @x\n", "1:4", "cannot begin a value");
	REFUSED("a: &\n", NULL, "without a name");
	REFUSED("a: !x!y z\n", "1:4", "prefix that is not declared");
	REFUSED("a: | text\n", NULL, "behind the |");
	REFUSED("a: \"\\q\"\n", NULL, "escape");
}

Test(reader, byte_order_mark_is_skipped)
{
	_cleanup_doc_ struct hpl_doc *d = OK("\xef\xbb\xbf" "a: 1\n");
	cr_expect_eq(hpl_doc_root(d)->map.entries[0].pos.col, 1);
}

Test(reader, queries)
{
	_cleanup_doc_ struct hpl_doc *d = OK("s: x\ni: 5\nb: true\nm: {k: v}\n");
	const struct hpl_node *r = hpl_doc_root(d);
	int64_t i = 0;
	bool b = false;
	cr_expect_str_eq(hpl_node_get_str(r, "s"), "x");
	cr_expect_null(hpl_node_get_str(r, "i"));
	cr_expect(hpl_node_get_int(r, "i", &i) && i == 5);
	cr_expect_not(hpl_node_get_int(r, "s", &i));
	cr_expect(hpl_node_get_bool(r, "b", &b) && b);
	cr_expect_null(hpl_node_get(NULL, "x"));
	cr_expect_null(hpl_node_get(r, "none"));
	cr_expect_str_eq(hpl_kind_name(HPL_MAP), "mapping");
}

static void contract_refuses(enum hpl_msg msg, const char *text, size_t len)
{
	struct hpl_doc *d = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	cr_assert_eq(hpl_yaml_read(&d, text, len, &hpl_contract_limits, TOP, 0, &err), -1);
	cr_expect_eq(err.msg, msg, "%s: %s", hpl_msg_info(err.msg)->id, err.text);
	cr_expect(!msg || *err.cure, "no cure: %s", err.text);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_yaml_read(&d, text, len, NULL, TOP, 0, &err), -1);
	cr_expect_eq(err.msg, 0, "what is no contract has ids of its own");
}

Test(reader, a_contract_is_refused_with_an_id_for_the_reason)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
#define REASON(msg, text) contract_refuses((msg), (text), sizeof(text) - 1)
	REASON(HPL_MSG_CONTRACT_DUPLICATE_KEY, "a: 1\na: 2\n");
	REASON(HPL_MSG_CONTRACT_ENCODING, "a: \xff\n");
	REASON(HPL_MSG_CONTRACT_NUL, "a: \0\n");
	REASON(HPL_MSG_CONTRACT_NUL, "a: \"\\0\"\n");
	REASON(HPL_MSG_CONTRACT_DOCUMENTS, "a: 1\n---\nb: 1\n");
	REASON(HPL_MSG_CONTRACT_TAG, "a: !!binary aGk=\n");
	REASON(0, "a: [1\n");
	for (int i = 0; i < 65; i++)
		hpl_buf_str(&b, "[");
	contract_refuses(HPL_MSG_CONTRACT_DEPTH, b.data, b.len);
	hpl_buf_done(&b);
	hpl_buf_str(&b, "a: &a x\nb: [");
	for (int i = 0; i < 65; i++)
		hpl_buf_str(&b, "*a, ");
	hpl_buf_str(&b, "]\n");
	contract_refuses(HPL_MSG_CONTRACT_ALIASES, b.data, b.len);
}

Test(reader, pairs_of_surrogates_are_characters_in_json)
{
	json_is("{\"a\": \"\\ud83d\\ude00\\u0041\", \"\\uD834\\uDD1E\": 1}",
		"{\"a\":\"\xf0\x9f\x98\x80""A\",\"\xf0\x9d\x84\x9e\":1}");
	/* a backslash that is escaped begins none */
	json_is("[\"\\\\ud83d\", \"\\ud83d\\ude00\"]", "[\"\\\\ud83d\",\"\xf0\x9f\x98\x80\"]");
	/* YAML that is no JSON: a plain text is what it is */
	json_is("{a: \\ud83d\\ude00}", "{\"a\":\"\\\\ud83d\\\\ude00\"}");
	json_is("[true \"\\ud83d\\ude00\"]", "[\"true \\\"\\\\ud83d\\\\ude00\\\"\"]");
	REFUSED("[\"\\ud83d\"]", "1:5", "not readable");
	REFUSED("[\"\\ude00\\ud83d\"]", "1:5", "not readable");
}

Test(reader, pairs_keep_the_places_of_what_follows)
{
	_cleanup_doc_ struct hpl_doc *d = OK("[\"\\ud83d\\ude00\", 1,\n \"x\\ud83d\\ude00\\ud83d\\ude00\", 2]");
	const struct hpl_node *n = hpl_doc_root(d);
	cr_expect_eq(n->list.items[1]->pos.col, 18);
	cr_expect_eq(n->list.items[2]->pos.col, 2);
	cr_expect_eq(n->list.items[3]->pos.col, 31);
	cr_expect_eq(n->list.items[3]->pos.line, 2);
	REFUSED("[\"\\ud83d\\ude00\", \"\\ud83d\"]", "1:21", "not readable");
}

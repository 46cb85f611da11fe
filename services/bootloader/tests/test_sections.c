// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/sections.h"
#include "services/bootloader/tests/util.h"

#include "proto/messages.h"
#include "services/bootloader/keys.h"
#include "services/bootloader/yamlout.h"

static EVP_PKEY *key;
static void setup(void)
{
	dir_make();
	make_key("img");
	cr_assert_eq(hpl_keys_load(&key, at("img.key"), NULL), 0);
}
static void teardown(void)
{
	EVP_PKEY_free(key);
	dir_remove();
}
TestSuite(sections, .init = setup, .fini = teardown);

static struct hpl_sections opened(const char *text)
{
	struct hpl_sections s;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_sections_open(&s, text, strlen(text), key, &err), 0, "%s: %s", err.place,
		err.text);
	return s;
}

Test(sections, tokens_of_both_prefixes_become_block_text_in_their_place)
{
	_cleanup_buf_ struct hpl_buf u = HPL_BUF_NULL;

	hpl_buf_str(&u, "# my contract\nworkload: ");
	make_token(&u, "hyper-protect-basic", "img", "type: workload\nenv:\n  A: b\n");
	hpl_buf_str(&u, "\nenvWorkloadSignature: abc=\nenv: |\n  ");
	make_token(&u, "contract-basic", "img", "type: env");
	hpl_buf_str(&u, "\nother: [1, 2] # kept");
	struct hpl_sections s = opened(u.data);
	cr_assert_eq(s.decrypted, 2);
	cr_assert_eq(s.ignored, 0);
	cr_assert_null(s.refused);
	cr_assert_str_eq(s.text.data, "# my contract\nworkload: |\n  type: workload\n  env:\n    A: b\n"
				      "envWorkloadSignature: abc=\nenv: |-\n  type: env\n"
				      "other: [1, 2] # kept");
	hpl_sections_done(&s);
}

Test(sections, plain_sections_stay_byte_for_byte)
{
	static const char text[] = "---\nworkload: |\n    type: workload\n\n    x: 1\nenv:\n  type: env\n";
	struct hpl_sections s = opened(text);

	cr_assert_eq(s.decrypted + s.ignored, 0);
	cr_assert_str_eq(s.text.data, text);
	hpl_sections_done(&s);
}

Test(sections, hashes_are_those_of_the_documented_command)
{
	_cleanup_buf_ struct hpl_buf u = HPL_BUF_NULL, token = HPL_BUF_NULL;

	make_token(&token, "hyper-protect-basic", "img", "type: workload\n");
	hpl_buf_fmt(&u, "env: |\n  type: env\n  a: b\nworkload: %s\nzz: {b: 1, a: [x, true]}\n", token.data);
	struct hpl_sections s = opened(u.data);
	cr_assert_eq(s.count, 3);
	cr_assert_str_eq(s.list[0].name, "workload");
	cr_assert_str_eq(s.list[1].name, "env");
	cr_assert_str_eq(s.list[2].name, "zz");
	cr_assert_eq(strncmp(s.list[0].hash.hex,
			     RUN_IN(token.data, token.len, "/usr/bin/sha256sum"), 64), 0);
	cr_assert_eq(strncmp(s.list[1].hash.hex,
			     RUN_IN("type: env\na: b", 14, "/usr/bin/sha256sum"), 64), 0);
	cr_assert_eq(strncmp(s.list[2].hash.hex,
			     RUN_IN("{\"b\":1,\"a\":[\"x\",true]}", 22, "/usr/bin/sha256sum"), 64), 0);
	hpl_sections_done(&s);
}

Test(sections, a_token_for_another_key_is_counted_and_refuses_its_section)
{
	_cleanup_buf_ struct hpl_buf u = HPL_BUF_NULL;

	make_key("other");
	hpl_buf_str(&u, "workload: |\n  type: workload\nenv: ");
	make_token(&u, "hyper-protect-basic", "other", "type: env\n");
	hpl_buf_str(&u, "\nthird: hyper-protect-basic.AAAA.AAAA\n");
	struct hpl_sections s = opened(u.data);
	cr_assert_eq(s.decrypted, 0);
	cr_assert_eq(s.ignored, 2);
	cr_assert_str_eq(s.refused, "env");
	cr_assert_str_eq(s.text.data, u.data, "what does not open stays as it is");
	hpl_sections_done(&s);
}

Test(sections, text_that_no_block_can_carry_reads_back_the_same)
{
	static const char *const texts[] = {"a\r\nb\r\n", " indented first\nb: 1\n", "\n\nx: 1\n\n\n",
		"tab\there\n", "bell\a", "nel\xc2\x85x\n", "\n", "quote \" back \\ \xf0\x9f\x98\x80\n", "\xef\xbb\xbf"
		"bom: 1\n", "k: |\n  deep\n   deeper\n"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct hpl_buf u = HPL_BUF_NULL;
		hpl_buf_str(&u, "workload: ");
		make_token(&u, "hyper-protect-basic", "img", texts[i]);
		hpl_buf_str(&u, "\nenv: x\n");
		struct hpl_sections s = opened(u.data); /* it compares what it wrote itself */
		cr_assert_eq(s.decrypted, 1, "text %zu", i);
		hpl_sections_done(&s);
	}
}

Test(sections, json_user_data_is_written_again_as_yaml)
{
	_cleanup_buf_ struct hpl_buf u = HPL_BUF_NULL;

	hpl_buf_str(&u, "{\"workload\": \"");
	make_token(&u, "hyper-protect-basic", "img", "type: workload\n");
	hpl_buf_str(&u, "\", \"env\": {\"type\": \"env\"}, \"a b\": \"x\\ny\"}");
	struct hpl_sections s = opened(u.data);
	cr_assert_str_eq(s.text.data,
		"workload: |\n  type: workload\nenv: {\"type\":\"env\"}\n\"a b\": |-\n  x\n  y\n");
	hpl_sections_done(&s);
}

Test(sections, what_is_no_contract_is_HPL11001E_with_its_place)
{
	static const struct {
		const char *text, *place;
	} cases[] = {{"", "user-data"}, {" \n\t\n", "user-data"}, {"- a\n- b\n", "user-data"},
		{"just words\n", "user-data"}, {"{}", "user-data"}, {"a: [1\n", "user-data:"},
		{"a: x: y\n", "user-data:1:5"}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(cases); i++) {
		struct hpl_sections s;
		struct hpl_err err = HPL_ERR_NULL;
		cr_assert_eq(hpl_sections_open(&s, cases[i].text, strlen(cases[i].text), key, &err), -1,
			"case %zu", i);
		cr_assert_eq(err.msg, HPL_MSG_BOOTLOADER_INVALID_CONTRACT, "case %zu", i);
		cr_assert_eq(strncmp(err.place, cases[i].place, strlen(cases[i].place)), 0,
			"case %zu: %s: %s", i, err.place, err.text);
	}
}

Test(sections, what_the_reader_refuses_has_an_id_for_the_reason)
{
	static const struct {
		const char *text, *place;
		enum hpl_msg msg;
	} cases[] = {{"workload: 1\nworkload: 2\n", "user-data:2:1", HPL_MSG_CONTRACT_DUPLICATE_KEY},
		{"a: \"\xff\"\n", "user-data:1:5", HPL_MSG_CONTRACT_ENCODING},
		{"a: 1\n---\nb: 1\n", "user-data:2:1", HPL_MSG_CONTRACT_DOCUMENTS},
		{"a: !secret x\n", "user-data:1:4", HPL_MSG_CONTRACT_TAG}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(cases); i++) {
		struct hpl_sections s;
		struct hpl_err err = HPL_ERR_NULL;
		cr_assert_eq(hpl_sections_open(&s, cases[i].text, strlen(cases[i].text), key, &err), -1);
		cr_expect_eq(err.msg, cases[i].msg, "case %zu", i);
		cr_expect_str_eq(err.place, cases[i].place, "%s", err.place);
		cr_expect(*err.cure);
	}
}

Test(sections, aliases_stay_and_mean_the_same)
{
	struct hpl_sections s = opened("workload: {a: &x 1}\nenv: {b: *x}\n");

	cr_assert_eq(s.count, 2);
	cr_expect_str_eq(s.text.data, "workload: {a: &x 1}\nenv: {b: *x}\n", "%s", s.text.data);
	hpl_sections_done(&s);
}

Test(sections, missing_sections_are_left_to_the_contract_service)
{
	struct hpl_sections s = opened("something: else\n");

	cr_assert_eq(s.count, 1);
	cr_assert_null(s.refused);
	hpl_sections_done(&s);
}

static void auditor(const char *value, int want)
{
	_cleanup_buf_ struct hpl_buf u = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	EVP_PKEY *k = NULL;

	hpl_buf_fmt(&u, "attestationPublicKey: %s\n", value);
	struct hpl_sections s = opened(u.data);
	cr_assert(s.has_key);
	cr_assert_eq(hpl_sections_auditor_key(&k, &s, &err), want, "%s", err.text);
	if (want < 0)
		cr_assert_eq(err.msg, HPL_MSG_BOOTLOADER_ENCRYPT_ATTESTATION);
	EVP_PKEY_free(k);
	hpl_sections_done(&s);
}

Test(sections, the_auditors_key_comes_as_pem_base64_or_a_token_of_either)
{
	_cleanup_buf_ struct hpl_buf pem = get_file("img.pub"), value = HPL_BUF_NULL;

	hpl_yaml_write_text(&value, "k", 1, pem.data, pem.len);
	auditor(value.data + 5, 0); /* what stands behind "k": with its quotes */
	hpl_buf_clear(&value);
	hpl_buf_str(&value, RUN("/usr/bin/openssl", "base64", "-A", "-in", "img.pub"));
	auditor(value.data, 0);
	_cleanup_buf_ struct hpl_buf token = HPL_BUF_NULL;
	make_token(&token, "hyper-protect-basic", "img", value.data);
	auditor(token.data, 0);
	hpl_buf_clear(&token);
	make_token(&token, "contract-basic", "img", pem.data);
	auditor(token.data, 0);
	auditor("nonsense", -1);
	auditor("''", -1);
	auditor("{a: b}", -1);
	auditor("hyper-protect-basic.AAAA.AAAA", -1);
}

Test(sections, an_auditors_key_that_is_not_rsa_is_refused)
{
	RUN("/usr/bin/openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
		"ec.key");
	RUN("/usr/bin/openssl", "pkey", "-in", "ec.key", "-pubout", "-out", "ec.pub");
	auditor(RUN("/usr/bin/openssl", "base64", "-A", "-in", "ec.pub"), -1);
}

Test(sections, host_names)
{
	static const struct {
		const char *text;
		int want;
		const char *name;
	} cases[] = {{"local-hostname: guest-1.example\n", 0, "guest-1.example"}, {"a: b\n", 1, ""},
		{"", 1, ""}, {"[", 1, ""}, {"- x\n", 1, ""}, {"{\"local-hostname\": \"vm\"}", 0, "vm"},
		{"local-hostname: 12\n", 0, "12"}, {"local-hostname: a b\n", -1, ""},
		{"local-hostname: \"a\\nb\"\n", -1, ""}, {"local-hostname: ../x\n", -1, ""},
		{"local-hostname: $(id)\n", -1, ""}, {"local-hostname: -a\n", -1, ""},
		{"local-hostname: a..b\n", -1, ""}, {"local-hostname: a-\n", -1, ""},
		{"local-hostname: "
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", -1, ""}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(cases); i++) {
		char name[65] = "";
		int r = hpl_hostname_parse(name, sizeof(name), cases[i].text, strlen(cases[i].text), NULL);
		cr_assert_eq(r, cases[i].want, "case %zu: %d", i, r);
		cr_assert_str_eq(name, cases[i].name);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "schema/contract.h"
#include "services/contract/mask.h"
#include "runtime/contract/tests/sample.h"

static char *mask(const char *text)
{
	struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	size_t len;
	cr_assert_eq(hpl_mask_seeds(&out, text, strlen(text), &err), 0, "%s", err.text);
	return hpl_buf_take(&out, &len);
}

Test(contract_mask, seeds_become_asterisks_and_the_rest_stays)
{
	_cleanup_free_ char *m = mask(SAMPLE);
	cr_expect_eq(strlen(m), strlen(SAMPLE));
	cr_expect_null(strstr(m, SEED_W));
	cr_expect_null(strstr(m, SEED_E));
	cr_expect_null(strstr(m, SEED_OLD));
	cr_expect_not_null(strstr(m, "      seed: ******************\n      mount: /mnt/x\n"));
	cr_expect_not_null(strstr(m, "password: secret-w"));
	_cleanup_free_ char *again = mask(m);
	cr_expect_str_eq(again, m);
}

static void gone(const char *text, const char *seed)
{
	_cleanup_free_ char *m = mask(text);
	struct hpl_contract *c = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	cr_expect_null(strstr(m, seed), "%s", m);
	cr_assert_eq(hpl_contract_read(&c, "x", m, strlen(m), true, &err), 0, "%s\n%s", err.text, m);
	const char *left = hpl_node_get_str(hpl_node_get(hpl_node_get(hpl_contract_env(c), "volumes"),
		"a"), "seed");
	cr_assert_not_null(left, "%s", m);
	cr_expect_eq(strspn(left, "*"), strlen(left), "%s", m);
	cr_expect_str_eq(hpl_node_get_str(hpl_contract_env(c), "keep"), "this");
	hpl_contract_free(c);
}

Test(contract_mask, every_way_to_write_a_seed)
{
	gone("env: |\n  keep: this\n  volumes: {a: {seed: 'abcdefghijklmnop'}}\n", "abcdefghijklmnop");
	gone("env:\n  keep: this\n  volumes: {a: {seed: abcdefghijklmnop}}\n", "abcdefghijklmnop");
	gone("env: |\n  keep: this\n  volumes: {a: {seed: \"abc\\\"defghijklmnop\"}}\n", "defghijklmnop");
	gone("env: \"keep: this\\nvolumes: {a: {seed: 'abcdefghijklmnop'}}\\n\"\n", "abcdefghijklmnop");
	gone("env: |\n  keep: this\n  volumes:\n    a:\n      seed: >-\n        abcdefgh\n        ijklmnop\n",
		"ijklmnop");
	gone("env: |\n  keep: this\n  volumes: {a: {seed: short}}\n", "short");
}

Test(contract_mask, seed_and_previous_seed_of_both_sections)
{
	_cleanup_free_ char *m = mask("workload: |\n  volumes:\n    a: {seed: aaaaaaaaaaaaaaa1, "
		"previousSeed: aaaaaaaaaaaaaaa2}\n    b: {seed: bbbbbbbbbbbbbbb1}\n"
		"env:\n  volumes:\n    a: {seed: aaaaaaaaaaaaaaa3, previousSeed: aaaaaaaaaaaaaaa4}\n"
		"    b: {seed: 'bbbbbbbbbbbbbbb3', previousSeed: \"bbbbbbbbbbbbbbb\\x34\"}\n");
	cr_expect_null(strstr(m, "aaaa"), "%s", m);
	cr_expect_null(strstr(m, "bbbb"), "%s", m);
}

Test(contract_mask, key_blobs_of_grep11)
{
	_cleanup_free_ char *m = mask("env:\n  volumes:\n    a:\n      grep11:\n        metadata:\n"
		"          aesKeyBlob: QUJDREVGR0g=\n          previousaesKeyBlob: eHl6eHl6eHl6\n");
	cr_expect_null(strstr(m, "QUJD"));
	cr_expect_null(strstr(m, "eHl6"));
}

Test(contract_mask, a_contract_without_volumes_is_left_alone)
{
	static const char text[] = "workload: |\n  a: 1 # note\nenv: hyper-protect-basic.QUJD.QUJD\n";
	_cleanup_free_ char *m = mask(text);
	cr_expect_str_eq(m, text);
}

Test(contract_mask, what_is_no_contract_is_refused)
{
	struct hpl_buf out = HPL_BUF_NULL;
	cr_expect_eq(hpl_mask_seeds(&out, "- a\n", 4, NULL), -1);
	cr_expect_null(out.data);
}

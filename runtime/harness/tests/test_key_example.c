/* SPDX-License-Identifier: Apache-2.0 */
/* The provider of docs/key-providers.md does what that page says. */
#include <criterion/criterion.h>

#include "runtime/harness/key_provider.h"

extern const struct hpl_key_provider_def example_def;

static void done(struct hpl_key_answer *a)
{
	hpl_secret_done(&a->seed);
	hpl_buf_done(&a->blob);
}

Test(key_example, a_new_volume_gets_a_seed_that_the_blob_gives_again)
{
	HPL_CLEANUP(done) struct hpl_key_answer made = {.blob = {.wipe = 1}}, again = {.blob = {.wipe = 1}},
		other = {.blob = {.wipe = 1}};
	struct hpl_key_ask in = {.volume = "data", .parameters = "{}", .parameters_len = 2};
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(example_def.ask(&in, &made, &err), 0, "%s", err.text);
	cr_assert_eq(example_def.ask(&in, &other, &err), 0, "%s", err.text);
	cr_assert(made.seed.len == 32 && made.blob.len == 32 && other.seed.len == 32);
	cr_expect_neq(memcmp(made.seed.data, other.seed.data, 32), 0);
	in.blob = made.blob.data;
	in.blob_len = made.blob.len;
	in.encrypted = true;
	cr_assert_eq(example_def.ask(&in, &again, &err), 0, "%s", err.text);
	cr_assert_eq(again.seed.len, 32);
	cr_expect_eq(memcmp(made.seed.data, again.seed.data, 32), 0);
	cr_expect_eq(again.blob.len, 0, "nothing new to store");
}

Test(key_example, a_lost_or_cut_blob_is_a_failure_and_no_new_seed)
{
	HPL_CLEANUP(done) struct hpl_key_answer out = {.blob = {.wipe = 1}};
	struct hpl_key_ask in = {.volume = "data", .parameters = "{}", .parameters_len = 2,
		.encrypted = true};
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(example_def.ask(&in, &out, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_STORAGE_UNWRAP_KEY_FAILED);
	in.blob = "cut";
	in.blob_len = 3;
	cr_expect_eq(example_def.ask(&in, &out, &err), -1);
	cr_expect(!out.seed.data && !out.blob.len);
}

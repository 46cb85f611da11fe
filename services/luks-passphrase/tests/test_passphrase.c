/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "runtime/base/proc.h"
#include "services/luks-passphrase/passphrase.h"

/* The documented command: both seeds without a line end into sha256sum. */
static void by_program_bytes(char out[65], const void *first, size_t first_len, const void *second,
	size_t second_len)
{
	static const char *const argv[] = {"/usr/bin/sha256sum", NULL};
	_cleanup_buf_ struct hpl_buf in = HPL_BUF_NULL, text = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	hpl_buf_add(&in, first, first_len);
	hpl_buf_add(&in, second, second_len);
	struct hpl_proc p = {.argv = argv, .input = in.data, .input_len = in.len,
		.timeout_ms = 10000, .out = &text};
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert_eq(status, 0);
	cr_assert_geq(text.len, 64);
	memcpy(out, text.data, 64);
	out[64] = 0;
}

static void by_program(char out[65], const char *env, const char *workload)
{
	by_program_bytes(out, env, strlen(env), workload, strlen(workload));
}

static void assert_same(const char *env, const char *workload)
{
	_cleanup_secret_ struct hpl_secret p = HPL_SECRET_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char want[65];

	by_program(want, env, workload);
	const struct hpl_seed seeds[] = {{env, strlen(env)}, {workload, strlen(workload)}};

	cr_assert_eq(hpl_passphrase_derive(&p, seeds, 2, &err), 0, "%s", err.text);
	cr_assert_eq(p.len, HPL_PASSPHRASE_LEN);
	cr_assert_str_eq((char *)p.data, want);
}

Test(passphrase, equals_what_sha256sum_prints)
{
	assert_same("seed-of-the-env-section", "seed-of-the-workload");
	assert_same("a", "b");
	assert_same("0123456789012345678901234567890123456789012345678901234567890123", "!@#$%^&*(){}");
	assert_same("gr\xc3\xbc\xc3\x9f dich \xe2\x82\xac", "\n trailing line end \n");
}

Test(passphrase, the_env_seed_comes_first)
{
	_cleanup_secret_ struct hpl_secret a = HPL_SECRET_NULL, b = HPL_SECRET_NULL;
	const struct hpl_seed xy[] = {{"first seed", 10}, {"second seed", 11}}, yx[] = {xy[1], xy[0]};

	cr_assert_eq(hpl_passphrase_derive(&a, xy, 2, NULL), 0);
	cr_assert_eq(hpl_passphrase_derive(&b, yx, 2, NULL), 0);
	cr_assert_neq(memcmp(a.data, b.data, HPL_PASSPHRASE_LEN), 0);
}

Test(passphrase, an_empty_seed_is_refused_and_named)
{
	_cleanup_secret_ struct hpl_secret p = HPL_SECRET_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_seed seeds[] = {{NULL, 0}, {"some seed", 9}, {NULL, 0}};

	cr_assert_eq(hpl_passphrase_derive(&p, seeds, 2, &err), -1);
	cr_assert(strstr(err.text, "env"));
	cr_assert_null(p.data);
	err = HPL_ERR_NULL;
	seeds[0] = seeds[1];
	seeds[1] = (struct hpl_seed){NULL, 0};
	cr_assert_eq(hpl_passphrase_derive(&p, seeds, 2, &err), -1);
	cr_assert(strstr(err.text, "workload"));
	seeds[1] = seeds[0];
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_passphrase_derive(&p, seeds, 3, &err), -1);
	cr_assert(strstr(err.text, "provider"));
	cr_assert_null(p.data);
	cr_assert_null(strstr(err.text, "some seed"));
}

Test(passphrase, a_third_seed_is_joined_to_the_digits_of_two)
{
	_cleanup_secret_ struct hpl_secret two = HPL_SECRET_NULL, three = HPL_SECRET_NULL,
		later = HPL_SECRET_NULL;
	const struct hpl_seed seeds[] = {{"of env", 6}, {"of workload", 11}, {"\x00\xff third", 8}};
	char interim[65], want[65];

	by_program(interim, "of env", "of workload");
	cr_assert_eq(hpl_passphrase_derive(&two, seeds, 2, NULL), 0);
	cr_assert_str_eq((char *)two.data, interim);
	/* bytes, not text: a NUL counts */
	cr_assert_eq(hpl_passphrase_derive(&three, seeds, 3, NULL), 0);
	by_program_bytes(want, interim, 64, seeds[2].data, seeds[2].len);
	cr_assert_str_eq((char *)three.data, want);
	cr_assert_eq(hpl_passphrase_extend(&later, &two, seeds[2], NULL), 0);
	cr_assert_str_eq((char *)later.data, want);
}

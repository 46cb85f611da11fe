/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "runtime/base/proc.h"
#include "services/luks-passphrase/passphrase.h"

/* The documented command: both seeds without a line end into sha256sum. */
static void by_program(char out[65], const char *env, const char *workload)
{
	static const char *const argv[] = {"/usr/bin/sha256sum", NULL};
	_cleanup_buf_ struct hpl_buf in = HPL_BUF_NULL, text = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	hpl_buf_str(&in, env);
	hpl_buf_str(&in, workload);
	struct hpl_proc p = {.argv = argv, .input = in.data, .input_len = in.len,
		.timeout_ms = 10000, .out = &text};
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert_eq(status, 0);
	cr_assert_geq(text.len, 64);
	memcpy(out, text.data, 64);
	out[64] = 0;
}

static void assert_same(const char *env, const char *workload)
{
	_cleanup_secret_ struct hpl_secret p = HPL_SECRET_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char want[65];

	by_program(want, env, workload);
	cr_assert_eq(hpl_passphrase_derive(&p, (struct hpl_seed){env, strlen(env)},
		(struct hpl_seed){workload, strlen(workload)}, &err), 0, "%s", err.text);
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
	struct hpl_seed x = {"first seed", 10}, y = {"second seed", 11};

	cr_assert_eq(hpl_passphrase_derive(&a, x, y, NULL), 0);
	cr_assert_eq(hpl_passphrase_derive(&b, y, x, NULL), 0);
	cr_assert_neq(memcmp(a.data, b.data, HPL_PASSPHRASE_LEN), 0);
}

Test(passphrase, an_empty_seed_is_refused_and_named)
{
	_cleanup_secret_ struct hpl_secret p = HPL_SECRET_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_seed empty = {NULL, 0}, some = {"some seed", 9};

	cr_assert_eq(hpl_passphrase_derive(&p, empty, some, &err), -1);
	cr_assert(strstr(err.text, "env"));
	cr_assert_null(p.data);
	err = HPL_ERR_NULL;
	cr_assert_eq(hpl_passphrase_derive(&p, some, empty, &err), -1);
	cr_assert(strstr(err.text, "workload"));
	cr_assert_null(strstr(err.text, "some seed"));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>

#include "runtime/base/err.h"

Test(err, wrap_adds_context_and_keeps_the_first_message)
{
	struct hpl_err e = HPL_ERR_NULL;

	cr_expect_eq(HPL_FAIL(&e, 7, ENOENT, "cannot open %s", "x"), -1);
	cr_expect_eq(HPL_WRAP(&e, 8, "reading the profile"), -1);
	cr_expect_eq(e.msg, 7);
	cr_expect_eq(e.sys, ENOENT);
	cr_expect_str_eq(e.text, "reading the profile: cannot open x: No such file or directory");
}

Test(err, names_a_message_once_and_keeps_the_nearest_place)
{
	struct hpl_err e = HPL_ERR_NULL;

	HPL_FAIL(&e, 0, 0, "a\nb");
	HPL_WRAP(&e, 8, "c");
	cr_expect_eq(e.msg, 8);
	cr_expect_str_eq(e.text, "c: a\\nb");
	hpl_err_place(&e, "f:%d", 1);
	hpl_err_place(&e, "f:%d", 2);
	cr_expect_str_eq(e.place, "f:1");
}

Test(err, none_to_fill_is_fine)
{
	cr_expect_eq(HPL_FAIL(NULL, 1, 0, "x"), -1);
	cr_expect_eq(HPL_WRAP(NULL, 1, "x"), -1);
	hpl_err_place(NULL, "x");
}

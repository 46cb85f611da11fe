/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "runtime/base/buf.h"
#include "runtime/base/secret.h"

Test(buf, grows_and_stays_terminated)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	for (int i = 0; i < 1000; i++)
		hpl_buf_fmt(&b, "%d,", i);
	cr_expect_eq(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	cr_expect_eq(strlen(b.data), b.len);
	cr_expect_not(b.failed);
}

Test(buf, first_failure_stays)
{
	_cleanup_buf_ struct hpl_buf b = {.limit = 8};

	hpl_buf_str(&b, "1234567");
	hpl_buf_str(&b, "89");
	cr_expect(b.failed);
	hpl_buf_str(&b, "8");
	cr_expect_str_eq(b.data, "1234567");
	cr_expect_null(hpl_buf_take(&b, NULL));
}

Test(buf, take_hands_over)
{
	struct hpl_buf b = HPL_BUF_NULL;
	size_t len = 9;
	char *p = hpl_buf_take(&b, &len);

	cr_expect_str_eq(p, "");
	cr_expect_eq(len, 0);
	free(p);
	cr_expect_null(b.data);
}

Test(secret, is_terminated_and_gone_afterwards)
{
	struct hpl_secret s = HPL_SECRET_NULL;

	cr_assert_eq(hpl_secret_copy(&s, "geheim", 6, NULL), 0);
	cr_expect_str_eq((char *)s.data, "geheim");
	hpl_secret_done(&s);
	cr_expect_null(s.data);
	hpl_secret_done(&s);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "runtime/base/b64.h"

static void round_trip(const char *plain, const char *text)
{
	struct hpl_buf enc = HPL_BUF_NULL, dec = HPL_BUF_NULL;

	hpl_b64_encode(&enc, plain, strlen(plain));
	cr_expect_str_eq(enc.data ? enc.data : "", text);
	cr_expect_eq(hpl_b64_decode(&dec, text, strlen(text), HPL_B64_STRICT, NULL), 0);
	cr_expect_str_eq(dec.data ? dec.data : "", plain);
	hpl_buf_done(&enc);
	hpl_buf_done(&dec);
}

/* RFC 4648 section 10 */
Test(b64, test_vectors_of_the_rfc)
{
	round_trip("", "");
	round_trip("f", "Zg==");
	round_trip("fo", "Zm8=");
	round_trip("foo", "Zm9v");
	round_trip("foob", "Zm9vYg==");
	round_trip("fooba", "Zm9vYmE=");
	round_trip("foobar", "Zm9vYmFy");
}

Test(b64, one_text_for_one_value)
{
	const char *const no[] = {"Zg=", "Zg", "Z", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", " Zm9v",
		"Zm_v", "Zm-v", "=", "====", "Z===", "Zg==="};
	struct hpl_buf out = HPL_BUF_NULL;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(no); i++)
		cr_expect_eq(hpl_b64_decode(&out, no[i], strlen(no[i]), HPL_B64_STRICT, NULL), -1, "%s",
			no[i]);
	hpl_buf_done(&out);
}

Test(b64, white_space_where_it_is_allowed)
{
	struct hpl_buf out = HPL_BUF_NULL;
	const char text[] = " Zm9v\r\n\tYm Fy\n";

	cr_expect_eq(hpl_b64_decode(&out, text, strlen(text), HPL_B64_WHITESPACE, NULL), 0);
	cr_expect_str_eq(out.data, "foobar");
	hpl_buf_done(&out);
}

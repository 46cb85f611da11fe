/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what decodes, encodes again to the same text (without its white space), and bytes survive the
 * round trip. */
#include "runtime/base/b64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL, back = HPL_BUF_NULL;

	hpl_b64_encode(&text, data, size);
	if (hpl_b64_decode(&back, text.len ? text.data : "", text.len, HPL_B64_STRICT, NULL) < 0 ||
		back.len != size || (size && memcmp(back.data, data, size) != 0))
		abort();
}

static int is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf strict = HPL_BUF_NULL, loose = HPL_BUF_NULL, bare = HPL_BUF_NULL,
		again = HPL_BUF_NULL;
	int s = hpl_b64_decode(&strict, (const char *)data, size, HPL_B64_STRICT, NULL);
	int l = hpl_b64_decode(&loose, (const char *)data, size, HPL_B64_WHITESPACE, NULL);

	round_trip(data, size);
	for (size_t i = 0; i < size; i++)
		if (!is_space(data[i]))
			hpl_buf_add(&bare, data + i, 1);
	if (s == 0 && (l < 0 || bare.len != size))
		abort();
	if (l < 0)
		return 0;
	hpl_b64_encode(&again, loose.data, loose.len);
	if (again.len != bare.len || (bare.len && memcmp(again.data, bare.data, bare.len) != 0))
		abort();
	return 0;
}

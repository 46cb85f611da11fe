/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/token_form.h"

#include <string.h>

#include "runtime/base/util.h"

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int hpl_token_split(struct hpl_token_parts *ret, const char *text, size_t len)
{
	static const char *const prefixes[] = {HPL_TOKEN_PREFIX, HPL_TOKEN_PREFIX_CCRT};
	const char *dot;

	while (len && is_space(text[0]))
		text++, len--;
	while (len && is_space(text[len - 1]))
		len--;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (len <= n + 1 || memcmp(text, prefixes[i], n) != 0 || text[n] != '.')
			continue;
		ret->rsa = text + n + 1;
		dot = memchr(ret->rsa, '.', len - n - 1);
		if (!dot)
			return -1;
		ret->rsa_len = (size_t)(dot - ret->rsa);
		ret->data = dot + 1;
		ret->data_len = len - (size_t)(ret->data - text);
		return memchr(ret->data, '.', ret->data_len) ? -1 : 0;
	}
	return -1;
}

int hpl_token_looks_like(const char *text, size_t len)
{
	struct hpl_token_parts p;

	return hpl_token_split(&p, text, len) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/result.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "runtime/base/token_form.h"

const char *hpl_token_prefix(const struct hpl_source *s)
{
	const char *prefix = hpl_source_value(s, "prefix"), *product = hpl_source_value(s, "product");
	if (prefix)
		return prefix;
	if (hpl_streq(product, "ccrt") || hpl_streq(product, "ccrv"))
		return HPL_TOKEN_PREFIX_CCRT;
	return HPL_TOKEN_PREFIX;
}

int hpl_source_missing(const struct hpl_source *s, const char *name)
{
	struct hpl_err err = HPL_ERR_NULL;
	if (!s->query)
		return hpl_tool_usage_error(s->call->verb, "--%s is missing", name);
	HPL_FAIL(&err, 0, 0, "the query has no member %s or %s_file", name, name);
	return hpl_source_fail(s, &err);
}

int hpl_result_write(const struct hpl_source *s, const char *name, const struct hpl_buf *out)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned n = 0;

	if (out->failed)
		return hpl_tool_write(s->call, out);
	if (EVP_Digest(out->data ? out->data : "", out->len, sum, &n, EVP_sha256(), NULL) != 1)
		n = 0;
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	const struct hpl_result results[] = {{name, out->data, out->len},
		{"sha256", hex, strlen(hex)}};
	return hpl_source_write(s, results, HPL_ARRAY_SIZE(results));
}

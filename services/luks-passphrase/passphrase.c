/* SPDX-License-Identifier: Apache-2.0 */
#include "services/luks-passphrase/passphrase.h"

#include <stdbool.h>

#include <openssl/evp.h>

enum { DIGEST_LEN = 32 };

static void ctx_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx); /* clears what it holds of the seeds */
}

static int digest_seeds(uint8_t *out, struct hpl_seed first, struct hpl_seed second)
{
	HPL_CLEANUP(ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned len = 0;

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
		EVP_DigestUpdate(ctx, first.data, first.len) != 1 ||
		EVP_DigestUpdate(ctx, second.data, second.len) != 1 ||
		EVP_DigestFinal_ex(ctx, out, &len) != 1 || len != DIGEST_LEN)
		return -1;
	return 0;
}

int hpl_passphrase_derive(struct hpl_secret *ret, struct hpl_seed env, struct hpl_seed workload,
	struct hpl_err *err)
{
	static const char digits[] = "0123456789abcdef";
	_cleanup_secret_ struct hpl_secret digest = HPL_SECRET_NULL;
	struct hpl_secret out = HPL_SECRET_NULL;
	bool env_first = HPL_SEED_ORDER == HPL_SEED_ENV_THEN_WORKLOAD;

	if (env.len == 0 || workload.len == 0)
		return HPL_FAIL(err, 0, 0, "the seed of the %s section is empty",
			env.len == 0 ? "env" : "workload");
	if (hpl_secret_alloc(&digest, DIGEST_LEN, err) < 0)
		return -1;
	if (digest_seeds(digest.data, env_first ? env : workload, env_first ? workload : env) < 0)
		return HPL_FAIL(err, 0, 0, "SHA-256 is not available in the crypto library");
	if (hpl_secret_alloc(&out, HPL_PASSPHRASE_LEN, err) < 0)
		return -1;
	for (size_t i = 0; i < DIGEST_LEN; i++) {
		out.data[2 * i] = (uint8_t)digits[digest.data[i] >> 4];
		out.data[2 * i + 1] = (uint8_t)digits[digest.data[i] & 15];
	}
	*ret = out;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/luks-passphrase/passphrase.h"

#include <sodium/crypto_hash_sha256.h>
#include <stdbool.h>

enum { DIGEST_LEN = crypto_hash_sha256_BYTES };

/* By libsodium, which the bus has already: libcrypto would double the time that the start takes. */
static void digest_seeds(uint8_t *out, struct hpl_seed first, struct hpl_seed second)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, first.data, first.len);
	crypto_hash_sha256_update(&state, second.data, second.len);
	crypto_hash_sha256_final(&state, out);
	hpl_wipe(&state, sizeof(state)); /* it held parts of the seeds */
}

/* The hash of first and second as text. */
static int join(struct hpl_secret *ret, struct hpl_seed first, struct hpl_seed second, struct hpl_err *err)
{
	static const char digits[] = "0123456789abcdef";
	_cleanup_secret_ struct hpl_secret digest = HPL_SECRET_NULL;
	struct hpl_secret out = HPL_SECRET_NULL;

	if (hpl_secret_alloc(&digest, DIGEST_LEN, err) < 0)
		return -1;
	digest_seeds(digest.data, first, second);
	if (hpl_secret_alloc(&out, HPL_PASSPHRASE_LEN, err) < 0)
		return -1;
	for (size_t i = 0; i < DIGEST_LEN; i++) {
		out.data[2 * i] = (uint8_t)digits[digest.data[i] >> 4];
		out.data[2 * i + 1] = (uint8_t)digits[digest.data[i] & 15];
	}
	*ret = out;
	return 0;
}

int hpl_passphrase_derive(struct hpl_secret *ret, struct hpl_seed env, struct hpl_seed workload,
	struct hpl_err *err)
{
	bool env_first = HPL_SEED_ORDER == HPL_SEED_ENV_THEN_WORKLOAD;

	if (env.len == 0 || workload.len == 0)
		return HPL_FAIL(err, 0, 0, "the seed of the %s section is empty",
			env.len == 0 ? "env" : "workload");
	return join(ret, env_first ? env : workload, env_first ? workload : env, err);
}

int hpl_passphrase_extend(struct hpl_secret *ret, const struct hpl_secret *interim,
	struct hpl_seed third, struct hpl_err *err)
{
	if (third.len == 0)
		return HPL_FAIL(err, 0, 0, "the third seed is empty");
	return join(ret, (struct hpl_seed){interim->data, interim->len}, third, err);
}

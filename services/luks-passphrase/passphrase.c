/* SPDX-License-Identifier: Apache-2.0 */
#include "services/luks-passphrase/passphrase.h"

#include <errno.h>
#include <sodium/crypto_hash_sha256.h>

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

int hpl_passphrase_extend(struct hpl_secret *ret, const struct hpl_secret *interim,
	struct hpl_seed third, struct hpl_err *err)
{
	if (third.len == 0)
		return HPL_FAIL(err, 0, 0, "the third seed is empty");
	return join(ret, (struct hpl_seed){interim->data, interim->len}, third, err);
}

int hpl_passphrase_derive(struct hpl_secret *ret, const struct hpl_seed *seeds, size_t count,
	struct hpl_err *err)
{
	static const enum hpl_seed_of order[HPL_SEEDS_MAX] = HPL_SEED_ORDER;
	static const char *const from[HPL_SEEDS_MAX] = {"env section", "workload section", "provider"};
	struct hpl_secret out = HPL_SECRET_NULL;

	if (count < 2 || count > HPL_SEEDS_MAX)
		return HPL_FAIL(err, 0, EINVAL, "%zu seeds", count);
	for (size_t i = 0; i < count; i++)
		if (seeds[i].len == 0)
			return HPL_FAIL(err, 0, 0, "the seed of the %s is empty", from[i]);
	if (join(&out, seeds[order[0]], seeds[order[1]], err) < 0)
		return -1;
	for (size_t i = 2; i < count; i++) {
		_cleanup_secret_ struct hpl_secret interim = out;

		out = HPL_SECRET_NULL;
		if (hpl_passphrase_extend(&out, &interim, seeds[order[i]], err) < 0)
			return -1;
	}
	*ret = out;
	return 0;
}

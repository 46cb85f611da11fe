/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From seeds to one LUKS passphrase: the lower-case hex digits of SHA-256(seed of env, seed of
 * workload), 64 characters without a line end (facts 7.1, the same as
 * `printf %s "$env$workload" | sha256sum`). Each further seed is joined to what came out before:
 * SHA-256(those 64 characters, third seed), in hex again (the figure of facts 7.1; not seen on a
 * real volume).
 *
 * The seeds are joined without a separator, so ("ab","c") and ("a","bc") give one passphrase. That
 * is how existing volumes were made; it is kept for them.
 */
#include "runtime/base/secret.h"

enum { HPL_PASSPHRASE_LEN = 64 };

/* Where a seed comes from: the index in a list of seeds. */
enum hpl_seed_of { HPL_SEED_OF_ENV, HPL_SEED_OF_WORKLOAD, HPL_SEED_OF_PROVIDER, HPL_SEEDS_MAX };

/* The order in which seeds enter the hash. One constant, because everything that opens a volume
 * depends on it and the documentation is the only source. */
#define HPL_SEED_ORDER {HPL_SEED_OF_ENV, HPL_SEED_OF_WORKLOAD, HPL_SEED_OF_PROVIDER}

struct hpl_seed {
	const void *data;
	size_t len;
};

/**
 * hpl_passphrase_derive() - the passphrase of one volume
 * @ret: set on success; the caller wipes it with hpl_secret_done()
 * @seeds: by enum hpl_seed_of, borrowed; none may be empty
 * @count: two, or three with that of a provider
 *
 * Return: 0, or -1 with *err (its text never holds a seed).
 */
int hpl_passphrase_derive(struct hpl_secret *ret, const struct hpl_seed *seeds, size_t count,
	struct hpl_err *err);
/* The same where the third seed comes later: interim is the passphrase of the first two. */
int hpl_passphrase_extend(struct hpl_secret *ret, const struct hpl_secret *interim,
	struct hpl_seed third, struct hpl_err *err);

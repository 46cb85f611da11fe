/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From two seeds to one LUKS passphrase: the lower-case hex digits of
 * SHA-256(seed of env, seed of workload), 64 characters without a line end (facts 7.1, the same as
 * `printf %s "$env$workload" | sha256sum`).
 *
 * The seeds are joined without a separator, so ("ab","c") and ("a","bc") give one passphrase. That
 * is how existing volumes were made; it is kept for them.
 */
#include "runtime/base/secret.h"

enum { HPL_PASSPHRASE_LEN = 64 };

/* The order in which seeds enter the hash. One constant, because everything that opens a volume
 * depends on it and the documentation is the only source. */
enum hpl_seed_order { HPL_SEED_ENV_THEN_WORKLOAD, HPL_SEED_WORKLOAD_THEN_ENV };
#define HPL_SEED_ORDER HPL_SEED_ENV_THEN_WORKLOAD

struct hpl_seed {
	const void *data;
	size_t len;
};

/**
 * hpl_passphrase_derive() - the passphrase of one volume
 * @ret: set on success; the caller wipes it with hpl_secret_done()
 * @env, @workload: the seeds, borrowed; neither may be empty
 *
 * Return: 0, or -1 with *err (its text never holds a seed).
 */
int hpl_passphrase_derive(struct hpl_secret *ret, struct hpl_seed env, struct hpl_seed workload,
	struct hpl_err *err);
/* The passphrase with a third seed, of a key management system: the same hash over the interim
 * passphrase of two seeds and the third (the figure of facts 7.1; not seen on a real volume). */
int hpl_passphrase_extend(struct hpl_secret *ret, const struct hpl_secret *interim,
	struct hpl_seed third, struct hpl_err *err);

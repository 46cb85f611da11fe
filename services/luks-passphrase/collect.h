/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The passphrases on their way: made of two seeds at once, and of the third where a volume has a
 * key provider, when that one has answered. Of the seeds nothing is kept: what waits for a third
 * one is the passphrase of the first two.
 */
#include <stdbool.h>

#include "proto/events.pb-c.h"
#include "runtime/base/key_limits.h"
#include "runtime/base/secret.h"

struct hpl_collect_entry {
	char *volume, *provider;       /* owned; provider NULL: the passphrase is complete */
	struct hpl_secret current;
	struct hpl_secrets previous;   /* most likely one first; none: no seed changes */
};

struct hpl_collection {
	bool begun;                    /* the seeds have come */
	size_t count, waiting;         /* volumes; those without their third seed */
	uint32_t wait_s;               /* the longest that a provider may try */
	/* locked memory of four pages a volume stays below the manifest's memlock_kb */
	struct hpl_collect_entry entries[HPL_KEY_VOLUMES_MAX];
};

/* Takes the seeds, once. Borrowed. -1 with place and cure. */
int hpl_collect_seeds(struct hpl_collection *c, const Hpl__SeedsSlice *in, struct hpl_err *err);
/* Takes an answer of the provider source: volumes of its own that still wait, each once. All or
 * nothing of it is used: -1 with HPL07029E. */
int hpl_collect_third(struct hpl_collection *c, const char *source, const Hpl__KeySeeds *in,
	struct hpl_err *err);
/* "data (key-kms), logs (key-kms)": who still waits for whom. */
void hpl_collect_missing(const struct hpl_collection *c, char *out, size_t size);
/* Wipes and frees; may be called again. */
void hpl_collection_done(struct hpl_collection *c);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A key provider: a service that gives the third seed of volumes (docs/key-providers.md). The
 * provider writes one function that asks its key service once; this harness does the rest: requests
 * and answers on the bus, retries, time limits, sizes, wiping, the end.
 *
 *   requests -> for each volume, one after another: [stored blob from storage] -> ask
 *            -> key.stored, key.seeds    ask returned 0
 *            -> ask again later          HPL_KEY_RETRY, until the time of the request is over
 *            -> failure                  -1, or the time is over
 */
#include "runtime/base/buf.h"
#include "runtime/base/key_limits.h"
#include "runtime/base/secret.h"
#include "runtime/harness/service.h"

enum {
	HPL_KEY_RETRY_MAX_S = 60,       /* a later try than that would waste the time of a boot */
	HPL_KEY_ONCE_S = 60,            /* how long the only try of timeout 0 may take */
};
enum { HPL_KEY_RETRY = 1 };

/* One question, all of it borrowed. */
struct hpl_key_ask {
	const char *volume;
	const char *parameters;         /* JSON text of the contract: check it as bytes from outside */
	size_t parameters_len;
	const void *blob;               /* what an earlier boot stored, from an unprotected disk */
	size_t blob_len;                /* 0: nothing */
	bool encrypted;                 /* the volume exists: without a blob a new seed cannot open it */
};

struct hpl_key_answer {
	struct hpl_secret seed;         /* 1 to HPL_KEY_SEED_MAX bytes */
	struct hpl_buf blob;            /* to be stored before the seed is used; empty: leave it */
	unsigned retry_after_s;         /* with HPL_KEY_RETRY; 0: the harness chooses */
};

struct hpl_key_provider_def {
	const char *name;               /* of the service, "key-kms" */
	const char *topic;              /* of its requests, HPL_TOPIC_CONTRACT_KEY_KMS */
	bool stored;                    /* asks only when storage has said what the volume holds */
	/* Asks the key service once. Runs on a thread of its own and may block; state that it keeps is
	 * its own. 0 and the answer; HPL_KEY_RETRY and *err: may go well later; -1 and *err: never. The
	 * text of *err goes to the log. */
	int (*ask)(const struct hpl_key_ask *in, struct hpl_key_answer *out, struct hpl_err *err);
};

/* The whole main(); does not return. */
_Noreturn void hpl_key_provider_main(const struct hpl_key_provider_def *def);

/* For tests: the parts of it. The service is made of the definition, the provider is its state, and
 * is freed when the service is and nothing is asked any more. def must outlive both. */
struct hpl_key_provider;
int hpl_key_provider_new(struct hpl_key_provider **ret, const struct hpl_key_provider_def *def,
	struct hpl_err *err);
const struct hpl_service_def *hpl_key_provider_service(const struct hpl_key_provider *p);
void hpl_key_provider_free(struct hpl_key_provider *p);

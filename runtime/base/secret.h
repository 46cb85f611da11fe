/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A secret: bytes in their own pages, locked, left out of core dumps, wiped before they are freed.
 * No function prints one. Where the kernel refuses to lock (RLIMIT_MEMLOCK) the secret is still
 * wiped and kept from dumps.
 */
#include "runtime/base/err.h"

struct hpl_secret {
	uint8_t *data; /* NUL behind the end, so that text may be used as a C string */
	size_t len;
	size_t map_len;
};
#define HPL_SECRET_NULL ((struct hpl_secret){0})

/* An empty secret with room for size bytes (len = size, zeroed). */
int hpl_secret_alloc(struct hpl_secret *ret, size_t size, struct hpl_err *err);
int hpl_secret_copy(struct hpl_secret *ret, const void *data, size_t len, struct hpl_err *err);
void hpl_secret_done(struct hpl_secret *s);
#define _cleanup_secret_ HPL_CLEANUP(hpl_secret_done)

/* The passphrases that a volume may have had before its seeds changed: of two sides three (collect.h). */
enum { HPL_SECRETS_MAX = 3 };
struct hpl_secrets {
	struct hpl_secret list[HPL_SECRETS_MAX];
	size_t count;
};
#define HPL_SECRETS_NULL ((struct hpl_secrets){0})

/* Copies one more into it. 0; -1: *err, also when it is full. */
int hpl_secrets_add(struct hpl_secrets *s, const void *data, size_t len, struct hpl_err *err);
void hpl_secrets_done(struct hpl_secrets *s);
#define _cleanup_secrets_ HPL_CLEANUP(hpl_secrets_done)

/* Overwrites memory in a way the compiler keeps. */
void hpl_wipe(void *p, size_t len);
/* Forbids core dumps and ptrace of this process (RLIMIT_CORE 0, PR_SET_DUMPABLE 0). */
void hpl_secret_harden_process(void);

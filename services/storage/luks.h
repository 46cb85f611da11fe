/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * LUKS2 by libcryptsetup: make, load with the strict check, try and open, mark complete.
 *
 * Calls block (key derivation takes seconds) and libdevmapper is not thread safe: one thread at a
 * time. Making a volume is marked in the header by a token of type hpl-volume, state `making`,
 * written before the first key slot; `ready` replaces it after the first mount. So a volume that
 * was interrupted is told from one that may hold data.
 */
#include <libcryptsetup.h>

#include "runtime/base/secret.h"
#include "services/storage/header.h"

/* Cost of a guess at the passphrase: argon2id, fixed numbers, no benchmark (it costs 10 s under
 * emulation and makes boots differ). 32 MiB x 4 passes, one lane: about 2 s under emulation, 0.1 s
 * on hardware. Seeds are chosen by people, so a memory-hard function it is. */
enum { HPL_LUKS_MEMORY_KB = 32768, HPL_LUKS_PASSES = 4 };

struct hpl_luks_params {
	const char *label;     /* volume's key; cut to 47 characters, the most LUKS2 holds */
	uint32_t memory_kb;
	bool table_made;       /* the partition table was made in the same run */
};

static inline void hpl_luks_freep(struct crypt_device **cd)
{
	crypt_free(*cd); /* accepts NULL; wipes the volume key */
}
#define _cleanup_luks_ HPL_CLEANUP(hpl_luks_freep)

/* Makes the header on device (a partition, or a file in tests) in state `making`. The caller knows
 * that nothing is lost. -1: HPL02002E. */
int hpl_luks_format(const char *device, const struct hpl_secret *passphrase,
	const struct hpl_luks_params *params, struct hpl_err *err);
/* Loads and judges the header. The caller frees *ret with crypt_free(). -1: HPL02003E when it is
 * no LUKS2 header, HPL07016E when it is refused. */
int hpl_luks_load(struct crypt_device **ret, struct hpl_header *header, const char *device,
	uint64_t device_size, struct hpl_err *err);
/* Opens; mapping NULL: only tries the passphrase. When passphrase opens no key slot and previous
 * is given and opens one, the key slot is changed to passphrase first. -1: HPL02003E, HPL02125E. */
int hpl_luks_open(struct crypt_device *cd, const char *mapping, const struct hpl_secret *passphrase,
	const struct hpl_secret *previous, struct hpl_err *err);
/* making -> ready. */
int hpl_luks_mark_ready(struct crypt_device *cd, bool table_made, struct hpl_err *err);
/* Removes a mapping that this process made and that is not used. */
int hpl_luks_close(struct crypt_device *cd, const char *mapping, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lays out the evidence that workloads may mount. Pure file work: no bus, no loop.
 *
 *   se-checksums.txt or .enc, se-signature.bin, se-version, certificate_expiry_date.json,
 *   cidata/meta-data, cidata/vendor-data; classic layout: user-data.decrypted, cidata/user-data
 */
#include <stdbool.h>

#include "runtime/base/err.h"

struct hpl_layout {
	const char *boot;      /* what the bootloader left, /var/lib/hpl/boot */
	const char *contract;  /* user-data and user-data.decrypted, /var/lib/hpl/boot/contract */
	const char *out;       /* /var/hyperprotect */
	bool classic;
};

enum { HPL_LAYOUT_HASH = 65 };

/* Each file whole or not at all (0644), directories 0755. ret_hash: SHA-256 of the record as it
 * is laid out, ret_name: its file name (static). */
int hpl_layout_make(const struct hpl_layout *l, char ret_hash[HPL_LAYOUT_HASH],
	const char **ret_name, struct hpl_err *err);

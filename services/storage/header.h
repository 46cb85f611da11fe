/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a LUKS2 header may say before this guest opens it.
 *
 * The header lies on a disk that the host can write. libcryptsetup does what the header says, also
 * when it says cipher_null (CVE-2025-59054, CVE-2025-58356) or "re-encryption in progress"
 * (CVE-2021-4122). So the JSON is compared with what a volume of ours, or one made by
 * `cryptsetup luksFormat`, can look like; every key that is not known is refused. What is checked
 * is the copy in memory that libcryptsetup then opens, not the disk.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

#define HPL_LUKS_CIPHER "aes-xts-plain64"
#define HPL_TOKEN_TYPE "hpl-volume"
enum { HPL_LUKS_KEY_BYTES = 64 };

enum hpl_luks_state {
	HPL_LUKS_READY,    /* made by this runtime, complete */
	HPL_LUKS_MAKING,   /* made by this runtime, interrupted before the first mount */
	HPL_LUKS_FOREIGN,  /* no token of ours: made by another tool or runtime */
	HPL_LUKS_NO_KEY,   /* not one key slot: nothing can be opened */
};

struct hpl_header {
	enum hpl_luks_state state;
	bool table_made;         /* our token: the partition table was made with the volume */
	unsigned keyslots;
	uint64_t data_offset;    /* bytes */
	uint32_t sector_size;    /* bytes */
};

/**
 * hpl_header_check() - judge a LUKS2 header
 * @json, @len: what crypt_dump_json() gives (the JSON area)
 * @device_size: bytes of the device that holds header and data
 *
 * Return: 0, or -1 with HPL07016E and the path in the JSON that is refused.
 */
int hpl_header_check(struct hpl_header *ret, const char *json, size_t len, uint64_t device_size,
	struct hpl_err *err);

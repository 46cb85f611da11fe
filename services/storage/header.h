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
enum { HPL_LUKS_KEY_BYTES = 64 };

enum { HPL_LUKS_KEYSLOTS = 32 }; /* LUKS2 */

struct hpl_header {
	unsigned keyslots;
	uint32_t kdf_memory_kb;  /* of the dearest key slot; 0: none is memory-hard */
	uint64_t data_offset;    /* bytes */
	uint32_t sector_size;    /* bytes */
	uint64_t json_size;      /* bytes, as the JSON says of itself */
	struct { uint64_t offset, size; } areas[HPL_LUKS_KEYSLOTS]; /* of the key slots, bytes */
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the JSON of a LUKS2 header: refused with the one id, or what it says lies in bounds. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/messages.h"
#include "services/storage/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t devices[] = {0, 16 << 20, 64 << 20, UINT64_MAX};

	for (size_t d = 0; d < HPL_ARRAY_SIZE(devices); d++) {
		struct hpl_header h = {0};
		struct hpl_err err = HPL_ERR_NULL;

		if (hpl_header_check(&h, (const char *)data, size, devices[d], &err) < 0) {
			if (err.msg != HPL_MSG_STORAGE_HEADER_REFUSED || !err.text[0])
				abort();
			continue;
		}
		if (!h.keyslots || h.keyslots > HPL_LUKS_KEYSLOTS || h.data_offset >= devices[d] ||
			(h.sector_size != 512 && h.sector_size != 4096))
			abort();
		for (unsigned i = 0; i < h.keyslots; i++)
			if (!h.areas[i].size || h.areas[i].offset + h.areas[i].size > h.data_offset)
				abort();
	}
	return 0;
}

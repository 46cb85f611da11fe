/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/header.h"

#include <inttypes.h>
#include <stdio.h>

void hpl_luks_header_print(char *out, size_t size, const struct hpl_luks_header *h)
{
	snprintf(out, size, "luks2 %s %s %u %u %" PRIu64 " %u\n", h->uuid, h->cipher, h->keyslots,
		h->key_bytes, h->offset, h->sector_size);
}

int hpl_luks_header_parse(struct hpl_luks_header *ret, const char *line, struct hpl_err *err)
{
	struct hpl_luks_header h = {0};
	int end = 0;

	if (!line || sscanf(line, "luks2 %39s %63s %u %u %" SCNu64 " %u%n", h.uuid, h.cipher,
		    &h.keyslots, &h.key_bytes, &h.offset, &h.sector_size, &end) != 6 ||
		strcmp(line + end, "\n") != 0)
		return HPL_FAIL(err, 0, 0, "the reader of the header gave no answer");
	*ret = h;
	return 0;
}

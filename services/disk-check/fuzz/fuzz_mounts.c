/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the list of mounts: what is accepted can be searched, what is refused says why. */
#include <stdint.h>
#include <stdlib.h>

#include "services/disk-check/mounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_mounts_ struct hpl_mounts m = {0};
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct hpl_err err = HPL_ERR_NULL;

	if (!text)
		return 0;
	if (hpl_mounts_parse(&m, text, &err) < 0) {
		if (!err.text[0] || m.count || m.list)
			abort();
		return 0;
	}
	for (size_t i = 0; i < m.count && i < 64; i++) {
		const struct hpl_mount *found = NULL;

		if (hpl_mount_find(&found, &m, m.list[i].point, m.list[i].id, NULL) == 0 &&
			(!found || strcmp(found->point, m.list[i].point) != 0))
			abort();
		(void)hpl_mount_on_disk(&m.list[i]);
	}
	return 0;
}

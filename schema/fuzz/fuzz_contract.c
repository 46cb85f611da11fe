/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as user-data: read, validated for every product, each fault made an error. */
#include <stdint.h>
#include <stdlib.h>

#include "schema/contract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hpl_contract *c = NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_contract_read(&c, "contract", (const char *)data, size, size & 1, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	for (int p = 0; p < 8; p++) {
		struct hpl_validate_options o = {(enum hpl_product)(p % 4), p > 3, p & 1 ? UINT32_MAX : 0};
		struct hpl_faults faults = {0};
		int rc = hpl_contract_validate(c, &o, &faults, &err);
		if (rc > 0 && !faults.count)
			abort();
		for (size_t i = 0; i < faults.count; i++)
			hpl_fault_to_err(&err, "contract", &faults.items[i]);
		hpl_faults_done(&faults);
	}
	hpl_contract_free(c);
	return 0;
}

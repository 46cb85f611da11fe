/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>

#include "services/contract/contract.h"

int main(void)
{
	struct hpl_contract_service state = {0};

	/* memory is overwritten when it is freed: libyaml's copies of a contract hold its secrets */
	mallopt(M_PERTURB, 0x5a);
	int status = hpl_service_main(&hpl_contract_def, &state);
	hpl_contract_service_done(&state);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/attestation/attestation.h"

int main(void)
{
	struct hpl_attestation state = {0};

	return hpl_service_main(&hpl_attestation_def, &state);
}

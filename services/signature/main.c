/* SPDX-License-Identifier: Apache-2.0 */
#include "services/signature/signature.h"

int main(void)
{
	return hpl_service_main(&hpl_signature_def, NULL);
}

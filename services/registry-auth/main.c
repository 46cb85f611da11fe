/* SPDX-License-Identifier: Apache-2.0 */
#include "services/registry-auth/registry_auth.h"

int main(void)
{
	return hpl_service_main(&hpl_registry_auth_def, NULL);
}

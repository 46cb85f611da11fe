/* SPDX-License-Identifier: Apache-2.0 */
#include "services/container/container.h"

int main(void)
{
	struct hpl_container state = {0};

	return hpl_service_main(&hpl_container_def, &state);
}

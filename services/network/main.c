/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/network.h"

int main(void)
{
	static struct hpl_network state;

	return hpl_service_main(&hpl_network_def, &state);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/logging/logging.h"

int main(void)
{
	static struct hpl_logging state;

	return hpl_service_main(&hpl_logging_def, &state);
}

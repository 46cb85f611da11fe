/* SPDX-License-Identifier: Apache-2.0 */
#include "services/catch/catch.h"

int main(void)
{
	static struct catch_service state;

	return hpl_service_main(&catch_def, &state);
}

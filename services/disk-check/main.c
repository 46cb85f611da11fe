/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/disk_check.h"

static struct hpl_disk_check state;

int main(void)
{
	int status = hpl_service_main(&hpl_disk_check_def, &state);

	hpl_disk_check_clear(&state);
	return status;
}

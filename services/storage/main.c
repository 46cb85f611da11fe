/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/storage.h"

static struct hpl_storage state; /* large: the volumes' tables */

int main(void)
{
	int status = hpl_service_main(&hpl_storage_def, &state);

	hpl_storage_clear(&state);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "services/storage/input.h"

static struct hpl_storage state; /* large: the volumes' tables */

int main(void)
{
	int status = hpl_service_main(&hpl_storage_def, &state);

	/* neither exit() nor hpl_storage_clear(): a thread may still be reading a disk that hangs */
	hpl_storage_drop_keys(&state);
	_exit(status);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/prctl.h>

#include "services/disk-check/disk_check.h"

static struct hpl_disk_check state;

int main(void)
{
	int status;

	/* One check at a time takes one thread of libuv's pool, not four; and where the kernel gives huge
	 * pages to all, a thread's stack may cost 2 MiB instead of a few pages. This service stays. */
	(void)setenv("UV_THREADPOOL_SIZE", "1", 1);
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	status = hpl_service_main(&hpl_disk_check_def, &state);
	hpl_disk_check_clear(&state);
	return status;
}

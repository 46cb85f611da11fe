/* SPDX-License-Identifier: Apache-2.0 */
/* hpl-storage-volume: started by the service storage, one for each volume. */
#include <signal.h>
#include <unistd.h>

#include "runtime/base/secret.h"
#include "services/storage/worker.h"

int main(void)
{
	hpl_secret_harden_process();
	signal(SIGPIPE, SIG_IGN); /* a mapping is closed also when nobody listens any more */
	return hpl_worker_run(STDIN_FILENO, STDOUT_FILENO);
}

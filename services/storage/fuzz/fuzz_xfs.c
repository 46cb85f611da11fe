/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an xfs: only the eight bytes in which a block says how new it is are ever changed, and to zero. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/storage/xfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t after[64 << 10];
	size_t changed = 0, n = size < sizeof(after) ? size : sizeof(after);
	char path[40];
	int fd = memfd_create("xfs", MFD_CLOEXEC), r;

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = hpl_xfs_mend(path);
	if (pread(fd, after, n, 0) != (ssize_t)n || lseek(fd, 0, SEEK_END) != (off_t)n)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (after[i] != data[i] && after[i])
			abort();
		changed += after[i] != data[i];
	}
	if (r == 0 && changed)
		abort();
	close(fd);
	return 0;
}

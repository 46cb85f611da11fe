/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a metadata partition: reading ends, within its bounds. Writing is not fuzzed: ext2fs_read_bitmaps() of
 * libext2fs 1.47.0 writes past its bitmaps when they are forged, which is why hpl-storage-keyfile is confined. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/key_limits.h"
#include "services/storage/keyfile_fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf got = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int fd = memfd_create("metadata", MFD_CLOEXEC), r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	r = hpl_keyfile_fs_read(&got, fd, 0, &err);
	if ((r == 0 && (!got.len || got.len > HPL_KEY_BLOB_MAX)) || (r < 0 && !err.text[0]))
		abort();
	close(fd);
	return 0;
}

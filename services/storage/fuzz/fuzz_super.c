/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as superblocks: one that is said to be torn is whole with the checksum that is said. And as an ext4 with
 * its journal. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/storage/btrfs.h"
#include "services/storage/journal.h"

enum { EXT4_CHECKSUM = 0x3fc };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void journal(const uint8_t *data, size_t size)
{
	int fd = memfd_create("ext4", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)hpl_journal_ends_torn(fd, data + HPL_EXT4_SUPER);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t super[HPL_BTRFS_SUPER] = {0};
	uint32_t right;

	memcpy(super, data, size < sizeof(super) ? size : sizeof(super));
	if (hpl_ext4_torn(super, &right)) {
		right = htole32(right);
		memcpy(super + EXT4_CHECKSUM, &right, sizeof(right));
		if (hpl_ext4_torn(super, &right))
			abort();
	}
	(void)hpl_ext4_was_mounted(super);
	if (size >= 2 * HPL_EXT4_SUPER)
		journal(data, size);
	if (hpl_btrfs_torn(super, &right)) {
		right = htole32(right);
		memcpy(super, &right, sizeof(right));
		if (hpl_btrfs_torn(super, &right))
			abort();
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/btrfs.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/file.h"
#include "services/storage/bytes.h"
#include "services/storage/crc32c.h"
#include "services/storage/filesystem.h"

/* The checksum has room for 32 bytes; a CRC32C is the first four. */
enum { CHECKSUM_ROOM = 32, ADDRESS = 0x30, MAGIC = 0x40, CHECKSUM_TYPE = 0xc4, CRC32C = 0 };

bool hpl_btrfs_torn(const uint8_t super[HPL_BTRFS_SUPER], uint32_t *ret)
{
	uint32_t right;
	uint64_t address;

	memcpy(&address, super + ADDRESS, sizeof(address));
	if (memcmp(super + MAGIC, "_BHRfS_M", 8) != 0 || le64toh(address) != HPL_BTRFS_SUPER_AT ||
		(super[CHECKSUM_TYPE] | super[CHECKSUM_TYPE + 1] << 8) != CRC32C)
		return false;
	right = ~hpl_crc32c(super + CHECKSUM_ROOM, HPL_BTRFS_SUPER - CHECKSUM_ROOM);
	if (right == hpl_le32(super))
		return false;
	*ret = right;
	return true;
}

int hpl_btrfs_mend(const char *dir, const char *device)
{
	_cleanup_close_ int fd = open(device, O_RDWR | O_CLOEXEC);
	uint8_t super[HPL_BTRFS_SUPER];
	uint32_t right;

	if (fd < 0 || pread(fd, super, sizeof(super), HPL_BTRFS_SUPER_AT) != (ssize_t)sizeof(super) ||
		!hpl_btrfs_torn(super, &right) || hpl_put_le32(fd, HPL_BTRFS_SUPER_AT, right) < 0)
		return -1;
	if (hpl_filesystem_sound(dir, "btrfs", device) == HPL_SOUND_YES)
		return 0;
	(void)hpl_put_le32(fd, HPL_BTRFS_SUPER_AT, hpl_le32(super));
	return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/ext4.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/storage/bytes.h"
#include "services/storage/crc32c.h"
#include "services/storage/journal.h"

enum { MAGIC_AT = 0x38, MAGIC = 0xef53, RO_COMPAT_AT = 0x64, METADATA_CSUM = 0x400,
	CHECKSUM_TYPE_AT = 0x175, CRC32C = 1, CHECKSUM_AT = 0x3fc };
enum { INCOMPAT_AT = 0x60, NEEDS_RECOVERY = 4 };
enum { MOUNT_TIME_AT = 0x2c, MOUNT_COUNT_AT = 0x34 };
enum { FSCK_MS = 600000, PROGRAM_PATH = 256, FSCK_REPAIRED = 1 };

bool hpl_ext4_torn(const uint8_t super[HPL_EXT4_SUPER], uint32_t *ret)
{
	uint32_t right;

	if ((super[MAGIC_AT] | super[MAGIC_AT + 1] << 8) != MAGIC ||
		!(hpl_le32(super + RO_COMPAT_AT) & METADATA_CSUM) || super[CHECKSUM_TYPE_AT] != CRC32C)
		return false;
	right = hpl_crc32c(super, CHECKSUM_AT);
	if (right == hpl_le32(super + CHECKSUM_AT))
		return false;
	*ret = right;
	return true;
}

bool hpl_ext4_was_mounted(const uint8_t super[HPL_EXT4_SUPER])
{
	return hpl_le32(super + MOUNT_TIME_AT) || super[MOUNT_COUNT_AT] || super[MOUNT_COUNT_AT + 1];
}

/* Did it mend all that it found? */
static bool fsck(const char *dir, const char *how, const char *device)
{
	char path[PROGRAM_PATH];
	const char *const argv[] = {path, "-f", how, device, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = FSCK_MS};
	int status = -1;

	snprintf(path, sizeof path, "%s/fsck.ext4", dir);
	return hpl_proc_run(&p, &status, NULL) == 0 && (status == 0 || status == FSCK_REPAIRED);
}

int hpl_ext4_repair(const char *dir, const char *device)
{
	return hpl_ext4_mend(dir, device) == 0 || fsck(dir, "-y", device) ? 0 : -1;
}

int hpl_ext4_replay(const char *dir, const char *device)
{
	_cleanup_close_ int fd = open(device, O_RDONLY | O_CLOEXEC);
	uint8_t super[HPL_EXT4_SUPER];

	if (fd < 0 || pread(fd, super, sizeof(super), HPL_EXT4_SUPER) != (ssize_t)sizeof(super) ||
		!(hpl_le32(super + INCOMPAT_AT) & NEEDS_RECOVERY) || !hpl_journal_ends_torn(fd, super))
		return -1;
	return fsck(dir, "-p", device) ? 0 : -1;
}

int hpl_ext4_mend(const char *dir, const char *device)
{
	_cleanup_close_ int fd = open(device, O_RDWR | O_CLOEXEC);
	uint8_t super[HPL_EXT4_SUPER];
	uint32_t right;

	if (fd < 0 || pread(fd, super, sizeof(super), HPL_EXT4_SUPER) != (ssize_t)sizeof(super) ||
		!hpl_ext4_torn(super, &right) || hpl_put_le32(fd, HPL_EXT4_SUPER + CHECKSUM_AT, right) < 0)
		return -1;
	if (fsck(dir, "-p", device))
		return 0;
	(void)hpl_put_le32(fd, HPL_EXT4_SUPER + CHECKSUM_AT, hpl_le32(super + CHECKSUM_AT));
	return -1;
}

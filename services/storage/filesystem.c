/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/filesystem.h"

#include <blkid/blkid.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <sys/mount.h>

#include "proto/messages.h"
#include "runtime/base/proc.h"

/* mkfs of ext4 with lazy tables takes a second; btrfs and xfs about as long. Minutes mean a stuck
 * disk. A check reads all metadata of a volume that was never used. */
enum { MKFS_MS = 300000, FSCK_MS = 600000, PROGRAM_PATH = 256, ARGS = 16, UUID_TEXT = 64 };
enum { MIB = 1 << 20 };

/* The options of each are spelled out, also where they are the default of today: docs/volumes.md has the
 * reasons. None of them discards: what the device holds is overwritten, not handed back to the host. */
struct kind {
	const char *type;
	const char *check[5];        /* program beside mkfs, arguments before the device */
	uint32_t min_mib;            /* what mkfs and a later growth accept */
	const char *make[ARGS];
};

static const struct kind kinds[] = {
	{.type = "ext4", .check = {"fsck.ext4", "-f", "-n"},
		.make = {"-q", "-F", "-b", "4096", "-E", "nodiscard"}},
	/* mkfs.xfs 6.1 refuses less than 300 MiB; -P: without threads that read ahead */
	{.type = "xfs", .check = {"xfs_repair", "-n", "-P"}, .min_mib = 300,
		.make = {"-q", "-f", "-K", "-b", "size=4096", "-s", "size=4096", "-m",
			"crc=1,finobt=1,reflink=1,bigtime=1,inobtcount=1"}},
	/* mkfs.btrfs takes 109 MiB, but the kernel resizes to no less than 256 MiB */
	{.type = "btrfs", .check = {"../bin/btrfs", "check", "--readonly"}, .min_mib = 256,
		.make = {"-q", "-f", "-K", "-n", "16384", "-s", "4096", "-m", "dup", "-d", "single",
			"--csum", "crc32c"}},
};

static const struct kind *kind_of(const char *type)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(kinds); i++)
		if (hpl_streq(kinds[i].type, type))
			return &kinds[i];
	return NULL;
}

bool hpl_filesystem_known(const char *type)
{
	return kind_of(type) != NULL;
}

static void probe_free(blkid_probe *pr)
{
	blkid_free_probe(*pr);
}

static int look(blkid_probe pr, int fd, int fields)
{
	if (!pr || blkid_probe_set_device(pr, fd, 0, 0) || blkid_probe_enable_superblocks(pr, 1) ||
		blkid_probe_set_superblocks_flags(pr, fields))
		return -ENOMEM;
	errno = 0;
	return blkid_do_safeprobe(pr);
}

/* Fields of the btrfs superblock, the same in every release of the format (btrfs.readthedocs.io,
 * "On-disk format"). A filesystem over several devices would be looked for on all that were
 * announced to the kernel; a volume is one. */
static int check_devices(int fd, struct hpl_err *err)
{
	enum { SUPERBLOCK = 64 << 10, NUM_DEVICES = 0x88 };
	uint64_t count;

	if (pread(fd, &count, sizeof(count), SUPERBLOCK + NUM_DEVICES) != (ssize_t)sizeof(count))
		return HPL_FAIL(err, 0, errno ? errno : EIO, "the btrfs superblock cannot be read");
	if (le64toh(count) == 1)
		return 0;
	HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, 0,
		"its btrfs is spread over %" PRIu64 " devices", le64toh(count));
	hpl_err_cure(err, "make it one of a single device outside (btrfs device remove)");
	return -1;
}

int hpl_filesystem_probe(char *type, size_t size, int fd, struct hpl_err *err)
{
	HPL_CLEANUP(probe_free) blkid_probe pr = blkid_new_probe();
	int r = look(pr, fd, BLKID_SUBLKS_TYPE);
	const char *v = NULL;

	if (r == -ENOMEM)
		return HPL_FAIL(err, 0, 0, "libblkid cannot be set up");
	if (r < 0 && r != -2) /* -1, or -errno of a read that failed */
		return HPL_FAIL(err, 0, errno, "looking for a filesystem failed");
	if (r == -2)
		return HPL_FAIL(err, 0, 0, "signatures of several filesystems are found");
	if (r == 0)
		(void)blkid_probe_lookup_value(pr, "TYPE", &v, NULL);
	if (v && hpl_streq(v, "btrfs") && check_devices(fd, err) < 0)
		return -1;
	snprintf(type, size, "%s", v ? v : "");
	return 0;
}

bool hpl_filesystem_tool(const char *dir, const char *type, struct hpl_err *err)
{
	char path[PROGRAM_PATH];

	if (!kind_of(type)) {
		HPL_FAIL(err, HPL_MSG_STORAGE_FS_TOOL_MISSING, 0, "filesystem '%s' is not known", type);
		return false;
	}
	snprintf(path, sizeof path, "%s/mkfs.%s", dir, type);
	if (access(path, X_OK) == 0)
		return true;
	HPL_FAIL(err, HPL_MSG_STORAGE_FS_TOOL_MISSING, errno, "%s", path);
	hpl_err_cure(err, "use filesystem: ext4, or an image with that program");
	return false;
}

bool hpl_filesystem_fits(const char *type, uint64_t size, uint64_t around, struct hpl_err *err)
{
	const struct kind *k = kind_of(type);
	uint64_t min = k ? (uint64_t)k->min_mib * MIB : 0;

	if (size >= min)
		return true;
	HPL_FAIL(err, HPL_MSG_STORAGE_FS_TOO_SMALL, 0, "%s needs %" PRIu64 " MiB and would get %" PRIu64,
		type, min / MIB, size / MIB);
	hpl_err_cure(err, "use a disk of at least %" PRIu64 " MiB, or filesystem: ext4",
		(min + around + MIB - 1) / MIB);
	return false;
}

bool hpl_filesystem_in_kernel(const char *type, struct hpl_err *err)
{
	_cleanup_close_ int fd = fsopen(type, FSOPEN_CLOEXEC);

	if (fd >= 0 || errno != ENODEV)
		return true;
	HPL_FAIL(err, HPL_MSG_STORAGE_FS_TOOL_MISSING, 0, "this kernel has no filesystem %s", type);
	hpl_err_cure(err, "use filesystem: ext4, or an image whose kernel has it");
	return false;
}

int hpl_filesystem_make(const char *dir, const char *type, const char *device, const char *label,
	struct hpl_err *err)
{
	const struct kind *k = kind_of(type);
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	const char *argv[ARGS + 5] = {NULL};
	char path[PROGRAM_PATH];
	int status = -1, n = 0;

	if (!hpl_filesystem_tool(dir, type, err))
		return -1;
	snprintf(path, sizeof path, "%s/mkfs.%s", dir, type);
	argv[n++] = path;
	for (int i = 0; i < ARGS && k->make[i]; i++)
		argv[n++] = k->make[i];
	if (label) {
		argv[n++] = "-L";
		argv[n++] = label;
	}
	argv[n] = device;
	struct hpl_proc p = {.argv = argv, .timeout_ms = MKFS_MS, .out = &out, .out_limit = 4096};
	if (hpl_proc_run(&p, &status, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_CREATE_FS_FAILED, "%s", path);
	if (status)
		return HPL_FAIL(err, HPL_MSG_LUKS_CREATE_FS_FAILED, 0, "%s ended with %d: %.400s",
			path, status, out.data ? out.data : "");
	return 0;
}

/* e2fsck ends with 8 when it cannot read, and also when a power cut left a superblock and no group descriptors:
 * what it says tells which. Another status than 4 and 8 is none of a check that came to its end. */
static enum hpl_sound ext4_sound(int status, const struct hpl_buf *said)
{
	static const char *const unread[] = {"rror reading", "short read", "Input/output error"};

	if (status != 4 && status != 8 && status != 12)
		return HPL_SOUND_UNKNOWN;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(unread); i++)
		if (said->len && strstr(said->data, unread[i]))
			return HPL_SOUND_UNKNOWN;
	return HPL_SOUND_NO;
}

/* mkfs.xfs did not come to its end: xfs_repair would read the whole device for another superblock.
 * sb_inprogress, at byte 126 ("XFS Algorithms & Data Structures", superblock). */
static bool xfs_in_progress(const char *device)
{
	_cleanup_close_ int fd = open(device, O_RDONLY | O_CLOEXEC);
	uint8_t in_progress = 0;

	return fd >= 0 && pread(fd, &in_progress, 1, 126) == 1 && in_progress;
}

/* 0 is "no fault" for all three. */
enum hpl_sound hpl_filesystem_sound(const char *dir, const char *type, const char *device)
{
	const struct kind *k = kind_of(type);
	const char *argv[HPL_ARRAY_SIZE(k->check) + 1] = {NULL};
	char path[PROGRAM_PATH];
	_cleanup_buf_ struct hpl_buf said = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .timeout_ms = FSCK_MS, .out = &said};
	int status = -1, n = 1;

	if (!k)
		return HPL_SOUND_UNKNOWN;
	snprintf(path, sizeof path, "%s/%s", dir, k->check[0]);
	argv[0] = path;
	for (; k->check[n]; n++)
		argv[n] = k->check[n];
	argv[n] = device;
	if (hpl_streq(type, "xfs") && xfs_in_progress(device))
		return HPL_SOUND_NO;
	if (hpl_proc_run(&p, &status, NULL) < 0)
		return HPL_SOUND_UNKNOWN;
	if (status == 0)
		return HPL_SOUND_YES;
	if (hpl_streq(type, "ext4"))
		return ext4_sound(status, &said);
	return status == 1 ? HPL_SOUND_NO : HPL_SOUND_UNKNOWN;
}

int hpl_filesystem_not_checked(const char *device, struct hpl_err *err)
{
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, 0, "the filesystem on %s could not be checked", device);
	hpl_err_cure(err, "check the disk; one that cannot be read is never formatted");
	return -1;
}

static void uuid_of(const char *device, char uuid[static UUID_TEXT])
{
	HPL_CLEANUP(probe_free) blkid_probe pr = blkid_new_probe();
	_cleanup_close_ int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *v = NULL;

	uuid[0] = 0;
	if (fd >= 0 && look(pr, fd, BLKID_SUBLKS_UUID) == 0 &&
		blkid_probe_lookup_value(pr, "UUID", &v, NULL) == 0)
		snprintf(uuid, UUID_TEXT, "%s", v);
}

/* The UUIDs are compared, because the kernel says only EINVAL (xfs) or EEXIST (btrfs). */
static bool is_copy(const char *device, const char *type, const char *mounts)
{
	char uuid[UUID_TEXT], other[UUID_TEXT];
	FILE *f = setmntent(mounts, "re");
	bool found = false;

	uuid_of(device, uuid);
	for (struct mntent *m; f && uuid[0] && !found && (m = getmntent(f));) {
		if (!hpl_streq(m->mnt_type, type) || hpl_streq(m->mnt_fsname, device))
			continue;
		uuid_of(m->mnt_fsname, other);
		found = hpl_streq(uuid, other);
	}
	if (f)
		endmntent(f);
	return found;
}

int hpl_filesystem_mount_failed(const char *device, const char *type, int sys, const char *mounts,
	struct hpl_err *err)
{
	if (!is_copy(device, type, mounts))
		return HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, sys, "its %s does not mount", type);
	HPL_FAIL(err, HPL_MSG_STORAGE_FS_COPY, sys, "a %s with the same UUID is mounted", type);
	hpl_err_cure(err, "attach one of the two, or give the copy another UUID outside (%s)",
		hpl_streq(type, "xfs") ? "xfs_admin -U generate" : "btrfstune -u");
	return -1;
}

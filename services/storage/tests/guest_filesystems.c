/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside a virtual machine as child of its first process, with real disks named xfs, btrfs, copy and
 * small: what integration/test-storage does for xfs and btrfs. Prints TAP on the console.
 *
 *   filesystems   modules come when they are needed; made, mounted, opened again; an interrupted making
 *                 goes on; a disk that is too small and a copied filesystem are refused
 *   grown         the disks are larger than before; copy is one of xfs as that was
 */
#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/storage/filesystem.h"
#include "services/storage/grow.h"
#include "services/storage/luks.h"
#include "services/storage/record.h"
#include "services/storage/tests/guest.h"
#include "services/storage/volume.h"

#define MOUNT "/mnt/data"
#define MARKER MOUNT "/marker"
#define XFS_GOINGDOWN _IOR('X', 125, uint32_t) /* fs/xfs/libxfs/xfs_fs.h */
enum { KDF_KB = 8192, LOGFLUSH = 1 };

static struct hpl_secret pass;
static const char marker[] = "what a workload has written";

/* A test name with the filesystem in front */
static void check(int good, const char *type, const char *what, const struct hpl_err *err)
{
	char name[128];

	snprintf(name, sizeof name, "%s: %s", type, what);
	ok(good, name, err);
}

static struct hpl_volume volume(const char *serial, const char *type)
{
	struct hpl_volume v = {.name = serial, .mount = MOUNT, .filesystem = type, .passphrase = &pass,
		.mkfs_dir = "/sbin", .root = "/", .memory_kb = KDF_KB};
	struct hpl_disk *d = disk_named(serial);

	if (d)
		v.disk = *d;
	return v;
}

static bool bring_up(struct hpl_volume *v, const char *serial, const char *type, struct hpl_err *err)
{
	*v = volume(serial, type);
	*err = HPL_ERR_NULL;
	return hpl_volume_bring_up(v, err) == 0;
}

static void mapping_path(const struct hpl_volume *v, char path[128])
{
	snprintf(path, 128, "/dev/mapper/%s", v->mapping);
}

static bool close_volume(const struct hpl_volume *v)
{
	return umount(MOUNT) == 0 && crypt_deactivate(NULL, v->mapping) == 0;
}

static bool file_says(const char *path, const char *text)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	return hpl_file_read(&b, path, 1 << 20, NULL) == 0 && b.data && strstr(b.data, text);
}

static bool marker_there(void)
{
	return file_says(MARKER, marker);
}

/* In the kernel's words: "\txfs" is a line of its own. */
static bool in_kernel(const char *type)
{
	char line[32];

	snprintf(line, sizeof line, "\t%s\n", type);
	return file_says("/proc/filesystems", line);
}

/* Sets the record back, as a power cut before the end of the making leaves it. */
static void mark_making(const struct hpl_disk *d, const char *type)
{
	uint64_t at = hpl_record_place(d->parts[0].start);
	_cleanup_close_ int fd = open(d->path, O_RDWR | O_CLOEXEC);
	struct hpl_record r;
	bool good = fd >= 0 && hpl_record_read(&r, fd, at, NULL) == 0 && r.state == HPL_RECORD_READY;

	r.state = HPL_RECORD_MAKING;
	r.has_mac = r.has_next = false;
	check(good && hpl_record_write(&r, fd, at, NULL) == 0, type, "the record is set back", NULL);
}

/* What disk-check says of the mounted volume begins so. */
static bool disk_check_says(const struct hpl_volume *v, const char *want)
{
	_cleanup_free_ char *out = disk_check("check", v);

	printf("# disk-check: %s", out ? out : "\n");
	return out && strncmp(out, want, strlen(want)) == 0;
}

static void make_and_open(const char *type)
{
	struct hpl_err err;
	struct hpl_volume v;
	char line[64];

	uint64_t began = hpl_mono_us();

	check(!in_kernel(type), type, "its module is not loaded before it is needed", NULL);
	check(hpl_filesystem_in_kernel(type, &err), type, "the kernel gets it when it is asked", &err);
	printf("# loading its modules took %.2f s\n", (double)(hpl_mono_us() - began) / 1e6);
	check(bring_up(&v, type, type, &err) && v.created && hpl_streq(v.found_fs, type), type,
		"a blank disk becomes a mounted volume", &err);
	check(in_kernel(type), type, "the kernel has its module now", NULL);
	snprintf(line, sizeof line, " - %s /dev/mapper/", type);
	check(file_says("/proc/self/mountinfo", " " MOUNT " rw,nosuid,nodev") &&
			file_says("/proc/self/mountinfo", line), type, "mounted with nosuid and nodev", NULL);
	check(disk_check_says(&v, "checked /dev/"), type, "disk-check finds it as it was opened", NULL);
	check(hpl_file_write(MARKER, marker, sizeof marker, 0600, NULL) == 0 && close_volume(&v), type,
		"a file is written, the volume closed", NULL);
	check(bring_up(&v, type, "ext4", &err) && !v.created && !v.grown && marker_there() &&
			hpl_streq(v.found_fs, type), type,
		"it opens with its file, also when the contract names another filesystem", &err);
	check(close_volume(&v), type, "the volume is closed", NULL);
}

static void resume(const char *type)
{
	static const char zero[1 << 20];
	struct hpl_err err;
	struct hpl_volume v = volume(type, type);
	char path[128];
	int fd;

	mark_making(&v.disk, type);
	check(bring_up(&v, type, type, &err) && marker_there(), type,
		"an interrupted making with a sound filesystem: kept", &err);
	mapping_path(&v, path);
	check(umount(MOUNT) == 0, type, "the volume is unmounted", NULL);
	fd = open(path, O_WRONLY | O_SYNC | O_CLOEXEC);
	check(fd >= 0 && pwrite(fd, zero, sizeof zero, 0) == (ssize_t)sizeof zero, type, "its start is lost",
		NULL);
	close(fd);
	check(crypt_deactivate(NULL, v.mapping) == 0, type, "the mapping is closed", NULL);
	check(!bring_up(&v, type, type, &err) && err.msg == HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, type,
		"a filesystem that was lost later: refused", &err);
	mark_making(&v.disk, type);
	check(bring_up(&v, type, type, &err) && !marker_there(), type,
		"an interrupted making without a sound filesystem: made again", &err);
	check(hpl_file_write(MARKER, marker, sizeof marker, 0600, NULL) == 0 && close_volume(&v), type,
		"a file is written, the volume closed", NULL);
}

/* An xfs as a power cut leaves it: what was synced is in the log only. */
static void cut_xfs(void)
{
	uint32_t how = LOGFLUSH;
	struct hpl_err err;
	struct hpl_volume v;
	int fd;

	check(bring_up(&v, "xfs", "xfs", &err) && unlink(MARKER) == 0 &&
			hpl_file_write(MARKER, marker, sizeof marker, 0600, NULL) == 0, "xfs",
		"a file is synced", &err);
	fd = open(MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fd >= 0 && ioctl(fd, XFS_GOINGDOWN, &how) == 0, "xfs", "and the filesystem cut off", NULL);
	close(fd);
	check(close_volume(&v), "xfs", "the volume is closed", NULL);
	check(bring_up(&v, "xfs", "xfs", &err) && !v.created && marker_there(), "xfs",
		"the next opening replays its log", &err);
	how = LOGFLUSH;
	fd = open(MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)ioctl(fd, XFS_GOINGDOWN, &how);
	close(fd);
	check(close_volume(&v), "xfs", "cut off once more, and closed", NULL);
	mark_making(&v.disk, "xfs");
	check(bring_up(&v, "xfs", "xfs", &err), "xfs", "an interrupted making with changes in the log goes on",
		&err);
	printf("# it was %s\n", marker_there() ? "kept" : "made again");
	check(hpl_file_write(MARKER, marker, sizeof marker, 0600, NULL) == 0 && close_volume(&v), "xfs",
		"a file is written, the volume closed", NULL);
}

/* The superblock decides whose copy a filesystem is; no more than it is copied. */
static void copied(const char *type, off_t superblock)
{
	static const char zero[4096];
	struct hpl_err err;
	struct hpl_volume a, b;
	char block[4096], path[128];
	struct hpl_err why = HPL_ERR_NULL;
	struct hpl_luks l = HPL_LUKS_NULL;
	int fd;

	check(bring_up(&a, type, type, &err), type, "the volume is mounted", &err);
	mapping_path(&a, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd >= 0 && pread(fd, block, sizeof block, superblock) == (ssize_t)sizeof block, type,
		"its superblock is read", NULL);
	close(fd);
	b = volume("copy", type);
	check(hpl_luks_init(&l, b.disk.parts[1].path, b.disk.parts[1].size, &why) == 0 &&
			hpl_luks_load(&l, &why) == 0 && hpl_luks_unlock(&l, &pass, NULL, &why) == 0 &&
			hpl_luks_activate(&l, "other", &why) == 0, type, "another volume is opened", &why);
	fd = open("/dev/mapper/other", O_WRONLY | O_SYNC | O_CLOEXEC);
	/* its own, of an xfs, is at the start */
	check(fd >= 0 && pwrite(fd, zero, sizeof zero, 0) == (ssize_t)sizeof zero &&
			pwrite(fd, block, sizeof block, superblock) == (ssize_t)sizeof block, type,
		"and gets the superblock of the first", NULL);
	close(fd);
	check(hpl_luks_close(&l, "other", &why) == 0, type, "the other is closed", &why);
	hpl_luks_done(&l);
	b = volume("copy", type);
	b.mount = "/mnt/other";
	err = HPL_ERR_NULL;
	check(hpl_volume_bring_up(&b, &err) < 0 && err.msg == HPL_MSG_STORAGE_FS_COPY, type,
		"a copy of a mounted filesystem has its id", &err);
	printf("# refused with: %s\n", err.text);
	check(close_volume(&a), type, "the volume is closed", NULL);
}

/* As workers of several volumes make the kernel ask. One of the modules has no device here: while it fails in one
 * process, another one is told EBUSY. */
static void modules_at_once(void)
{
	enum { PROCESSES = 4, TURNS = 100 };
	static const char *const types[] = {"fs-xfs", "fs-btrfs"};
	int good = 0;

	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			const char *const argv[] = {"/sbin/modprobe", "-q", "--", types[i % 2], NULL};
			struct hpl_proc p = {.argv = argv, .timeout_ms = 60000};
			int status = 0;

			for (int turn = 0; turn < TURNS && status == 0; turn++)
				if (hpl_proc_run(&p, &status, NULL) < 0)
					status = -1;
			_exit(status != 0);
		}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		wait(&status);
		good += status == 0;
	}
	ok(good == PROCESSES, "modules are loaded by many at once", NULL);
}

static void case_filesystems(void)
{
	struct hpl_err err;
	struct hpl_volume v;

	check(!bring_up(&v, "small", "xfs", &err) && err.msg == HPL_MSG_STORAGE_FS_TOO_SMALL, "xfs",
		"a disk that is too small is refused", &err);
	printf("# refused with: %s (%s)\n", err.text, err.cure);
	check(!bring_up(&v, "small", "btrfs", &err) && err.msg == HPL_MSG_STORAGE_FS_TOO_SMALL, "btrfs",
		"a disk that is too small is refused", &err);
	make_and_open("xfs");
	make_and_open("btrfs");
	resume("xfs");
	resume("btrfs");
	cut_xfs();
	check(bring_up(&v, "copy", "xfs", &err) && close_volume(&v), "xfs", "another volume is made", &err);
	copied("xfs", 0);
	copied("btrfs", 64 << 10);
	modules_at_once();
}

/* As a power cut between the two leaves it: the table has grown, the filesystem has not. */
static void grow_table_only(const char *type)
{
	struct hpl_disk *d = disk_named(type);
	_cleanup_close_ int fd = d ? open(d->path, O_RDWR | O_EXCL | O_CLOEXEC) : -1;
	struct hpl_err err = HPL_ERR_NULL;
	bool grown = false;
	uint64_t size;
	int sector;

	check(fd >= 0 && ioctl(fd, BLKSSZGET, &sector) == 0 &&
		hpl_grow_size(&size, d, fd, (uint32_t)sector, &err) == 0 &&
		hpl_grow_table(d, fd, (uint32_t)sector, size, &grown, &err) == 0 && grown, type,
		"its partition has grown, and the power is cut", &err);
}

static void grown(const char *type)
{
	struct hpl_err err;
	struct statfs fs;
	struct hpl_volume v;
	char path[128];

	check(bring_up(&v, type, type, &err) && v.grown && !v.created, type, "it grows when it is opened", &err);
	check(marker_there(), type, "its file is there", NULL);
	check(disk_check_says(&v, "checked /dev/"), type, "disk-check finds all of it in the mapping", NULL);
	/* xfs keeps 64 MiB for its log, btrfs counts all */
	check(statfs(MOUNT, &fs) == 0 &&
			(uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize > v.disk.size - (220ULL << 20), type,
		"it reaches to the end of the disk", NULL);
	printf("# %llu MiB in a disk of %llu\n", (unsigned long long)fs.f_blocks * fs.f_bsize >> 20,
		(unsigned long long)v.disk.size >> 20);
	mapping_path(&v, path);
	check(umount(MOUNT) == 0 && hpl_filesystem_sound("/sbin", type, path) == HPL_SOUND_YES, type,
		"its checking program finds no fault", NULL);
	check(crypt_deactivate(NULL, v.mapping) == 0, type, "the mapping is closed", NULL);
	check(bring_up(&v, type, type, &err) && !v.grown && marker_there(), type,
		"the next opening finds nothing to grow", &err);
	check(close_volume(&v), type, "the volume is closed", NULL);
}

static void copied_disk(void)
{
	struct hpl_err err;
	struct hpl_volume a, b;

	check(bring_up(&a, "xfs", "xfs", &err), "xfs", "the volume is mounted", &err);
	b = volume("copy", "xfs");
	b.mount = "/mnt/other";
	err = HPL_ERR_NULL;
	check(hpl_volume_bring_up(&b, &err) < 0 && err.msg == HPL_MSG_LUKS_ALREADY_IN_USE, "xfs",
		"a copy of its whole disk is refused", &err);
	printf("# refused with: %s\n", err.text);
	check(marker_there() && close_volume(&a), "xfs", "the volume is as it was, and closed", NULL);
}

/* A second device, not encrypted, under a btrfs that is mounted: what is written may go there. */
static void second_device(void)
{
	struct hpl_disk *d = disk_named("xfs");
	const char *const argv[] = {"/bin/btrfs", "device", "add", "-f", "-K", d ? d->path : "", MOUNT, NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 60000};
	struct hpl_err err;
	struct hpl_volume v;
	int status = -1;

	check(bring_up(&v, "btrfs", "btrfs", &err), "btrfs", "the volume is mounted", &err);
	check(hpl_proc_run(&p, &status, NULL) == 0 && status == 0, "btrfs", "a disk is added to it", NULL);
	check(disk_check_says(&v, "refused HPL13011E"), "btrfs", "disk-check finds the second device", NULL);
	check(close_volume(&v), "btrfs", "the volume is closed", NULL);
}

static void case_grown(void)
{
	grow_table_only("xfs");
	grown("xfs");
	grown("btrfs");
	copied_disk();
	second_device();
}

int main(int argc, char **argv)
{
	static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	const char *what = argc > 1 ? argv[1] : "";

	if (hpl_secret_copy(&pass, text, 64, NULL) < 0)
		return 2;
	if (hpl_streq(what, "filesystems"))
		case_filesystems();
	else if (hpl_streq(what, "grown"))
		case_grown();
	else
		return 2;
	return finish();
}

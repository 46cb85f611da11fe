/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside a virtual machine as child of its first process, with real disks: makes a volume,
 * writes into it, and looks at it again as another boot would. Prints TAP on the console.
 *
 * guest-storage CASE, with the disks of the machine in /sys/class/block:
 *   make    a blank disk becomes a volume; a file is written; closed; opened again; disks that
 *           must not be touched are refused; wrong seeds are refused
 *   again   a later boot: the file is there; the volume was not made
 *   grow    a disk that is larger than it was, and one that is smaller
 *   checked disk-check looks at a volume to which things are done that it must find
 *   torn    the record says `making`: what was mounted once or is sound is kept, a lost filesystem is made again;
 *           makings that ended early go on; an exchanged disk
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "proto/messages.h"
#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/storage/filesystem.h"
#include "services/storage/layout.h"
#include "services/storage/luks.h"
#include "services/storage/tests/guest.h"
#include "services/storage/volume.h"

enum { MIB = 1 << 20 };

static struct hpl_secret pass, wrong;

static struct hpl_volume volume(const char *serial, const struct hpl_secret *p)
{
	struct hpl_volume v = {.name = serial, .mount = "/mnt/data", .filesystem = "ext4",
		.passphrase = p, .mkfs_dir = "/sbin", .root = "/", .memory_kb = HPL_LUKS_MEMORY_KB};
	struct hpl_disk *d = disk_named(serial);

	if (d)
		v.disk = *d;
	return v;
}

static void close_volume(struct hpl_volume *v)
{
	ok(umount("/mnt/data") == 0, "the volume is unmounted", NULL);
	ok(crypt_deactivate(NULL, v->mapping) == 0, "the mapping is closed", NULL);
}

static void show_time(const char *what, uint64_t since)
{
	printf("# %s took %.1f s\n", what, (double)(hpl_mono_us() - since) / 1e6);
}

static void check_refused(const char *serial, uint32_t msg, const char *what)
{
	struct hpl_volume v = volume(serial, &pass);
	struct hpl_err err = HPL_ERR_NULL;
	int r = hpl_volume_bring_up(&v, &err);

	ok(r < 0 && err.msg == msg, what, &err);
	printf("# refused with: %s\n", err.text);
}

/* The table in use: a crypt target with the cipher of the header. */
static void check_mapping(const struct hpl_volume *v)
{
	struct crypt_active_device active;
	struct crypt_device *cd = NULL;
	int r = crypt_init_by_name(&cd, v->mapping);

	ok(r == 0 && hpl_streq(crypt_get_type(cd), CRYPT_LUKS2) &&
			hpl_streq(crypt_get_device_name(cd), v->device) &&
			hpl_streq(crypt_get_cipher(cd), "aes") &&
			hpl_streq(crypt_get_cipher_mode(cd), "xts-plain64") &&
			crypt_get_sector_size(cd) == 4096, "the mapping is aes-xts with 4 KiB sectors",
		NULL);
	if (r == 0 && crypt_get_active_device(cd, v->mapping, &active) == 0)
		ok((active.flags & CRYPT_ACTIVATE_KEYRING_KEY) != 0,
			"the volume key is in the kernel keyring", NULL);
	else
		ok(0, "the mapping can be examined", NULL);
	crypt_free(cd);
}

static void check_mount_flags(void)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	ok(hpl_file_read(&b, "/proc/self/mountinfo", 1 << 20, NULL) == 0 &&
			strstr(b.data, " /mnt/data rw,nosuid,nodev"), "mounted with nosuid and nodev",
		NULL);
}

static void check_by_disk_check(const struct hpl_volume *v)
{
	struct hpl_volume root = *v;
	_cleanup_free_ char *good = disk_check("check", v), *bad = NULL;
	char want[160];

	snprintf(want, sizeof want, "checked %s 1\n", v->device);
	ok(hpl_streq(good, want), "disk-check finds the volume encrypted with one key slot", NULL);
	root.mount = "/";
	bad = disk_check("check", &root);
	ok(bad && strncmp(bad, "refused HPL13005E", 17) == 0,
		"disk-check refuses a root that is not encrypted", NULL);
	printf("# disk-check: %s# disk-check: %s", good ? good : "\n", bad ? bad : "\n");
}

/* What disk-check must find is done to a volume, which is lost then. Its lines are results of their own. */
static void case_checked(void)
{
	struct hpl_volume v = volume("checked", &pass);
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_free_ char *out = NULL;

	ok(hpl_volume_bring_up(&v, &err) == 0, "a volume for disk-check", &err);
	out = disk_check("hostile", &v);
	ok(out != NULL, "disk-check was asked", NULL);
	fputs(out ? out : "", stdout);
}

static const char marker[] = "this text must not be readable on the disk";

/* A volume of an older image: LUKS on the whole disk, made by other means. */
static void prepare_whole(void)
{
	const char *const mkfs[] = {"/sbin/mkfs.ext4", "-q", "/dev/mapper/prepare", NULL};
	struct hpl_proc p = {.argv = mkfs, .timeout_ms = 120000};
	struct crypt_pbkdf_type kdf = {.type = CRYPT_KDF_PBKDF2, .hash = "sha256", .iterations = 1000,
		.flags = CRYPT_PBKDF_NO_BENCHMARK};
	struct crypt_params_luks2 params = {.pbkdf = &kdf, .sector_size = 512};
	struct hpl_disk *d = disk_named("whole");
	struct crypt_device *cd = NULL;
	int r = d ? crypt_init(&cd, d->path) : -1, status = -1;

	if (r == 0)
		r = crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL, 64, &params);
	if (r == 0)
		r = crypt_keyslot_add_by_volume_key(cd, 0, NULL, 0, (char *)pass.data, pass.len);
	if (r >= 0)
		r = crypt_activate_by_passphrase(cd, "prepare", 0, (char *)pass.data, pass.len, 0);
	ok(r >= 0 && hpl_proc_run(&p, &status, NULL) == 0 && status == 0 &&
			mount("/dev/mapper/prepare", "/mnt", "ext4", 0, NULL) == 0 &&
			hpl_file_write("/mnt/from-host", "x", 1, 0600, NULL) == 0 &&
			umount("/mnt") == 0 && crypt_deactivate(cd, "prepare") == 0,
		"a volume on a whole disk is prepared", NULL);
	crypt_free(cd);
}

static void case_make(void)
{
	struct hpl_volume v = volume("fresh", &pass), busy, bad;
	struct hpl_err err = HPL_ERR_NULL;
	uint64_t t = hpl_mono_us();
	struct stat st;

	ok(v.disk.kind == HPL_DISK_BLANK, "the disk is seen as blank", NULL);
	ok(hpl_volume_bring_up(&v, &err) == 0, "a blank disk becomes a mounted volume", &err);
	show_time("making", t);
	ok(v.created, "it says that it was made", NULL);
	check_mapping(&v);
	check_mount_flags();
	check_by_disk_check(&v);
	ok(hpl_file_write("/mnt/data/marker", marker, sizeof marker, 0600, NULL) == 0, "a file is written", NULL);
	busy = volume("fresh", &pass);
	ok(busy.disk.excluded[0] != 0, "a disk in use is not offered", NULL);
	close_volume(&v);

	bad = volume("fresh", &wrong);
	err = HPL_ERR_NULL;
	t = hpl_mono_us();
	ok(hpl_volume_bring_up(&bad, &err) < 0 && err.msg == HPL_MSG_LUKS_LUKS_OPEN_FAILED,
		"wrong seeds are HPL02003E", &err);
	show_time("refusing", t);

	v = volume("fresh", &pass);
	err = HPL_ERR_NULL;
	t = hpl_mono_us();
	ok(hpl_volume_bring_up(&v, &err) == 0, "the right seeds open it", &err);
	show_time("opening", t);
	ok(!v.created && stat("/mnt/data/marker", &st) == 0 && st.st_size == sizeof marker,
		"it was opened, not made: the file is there", NULL);
	close_volume(&v);

	check_refused("hostfs", HPL_MSG_STORAGE_DEVICE_NOT_BLANK,
		"a disk with a filesystem of the host is refused");
	check_refused("onepart", HPL_MSG_STORAGE_UNSUPPORTED_NUMBER_OF_PARTITIONS,
		"a disk with one partition is HPL07006E");
	check_refused("dirty", HPL_MSG_STORAGE_DEVICE_NOT_BLANK,
		"a disk with data in its middle only is refused");
	prepare_whole();
}

static void case_again(void)
{
	struct hpl_volume v = volume("fresh", &pass), old;
	struct hpl_err err = HPL_ERR_NULL;
	struct stat st;

	ok(v.disk.kind == HPL_DISK_PARTITIONS && hpl_streq(v.disk.label, "fresh"),
		"the disk is seen as a volume with its name as label", NULL);
	ok(hpl_volume_bring_up(&v, &err) == 0, "it opens in the next boot", &err);
	ok(!v.created && stat("/mnt/data/marker", &st) == 0, "the file is there", NULL);
	close_volume(&v);
	old = volume("whole", &pass);
	err = HPL_ERR_NULL;
	ok(hpl_volume_bring_up(&old, &err) == 0, "a LUKS header on a whole disk is opened", &err);
	ok(!old.created && stat("/mnt/data/from-host", &st) == 0 &&
			hpl_streq(old.device, old.disk.path), "and its file is there", NULL);
	close_volume(&old);
	check_refused("empty-luks", HPL_MSG_LUKS_MOUNT_DEVICE_FAILED,
		"a volume without a filesystem of another maker is not formatted");
}

/* Sets the record back, as a power cut before the first mount leaves it. */
static void mark_making(const struct hpl_disk *d)
{
	struct hpl_record r;
	uint64_t at = hpl_record_place(d->parts[0].start);
	int fd = open(d->path, O_RDWR);
	int good = fd >= 0 && hpl_record_read(&r, fd, at, NULL) == 0 && r.state == HPL_RECORD_READY &&
		r.has_mac;

	r.state = HPL_RECORD_MAKING;
	r.has_mac = r.has_next = false;
	good = good && hpl_record_write(&r, fd, at, NULL) == 0;
	close(fd);
	ok(good, "the record is set back", NULL);
}

/* What a scan saw is not what has come under its name since. */
static void exchanged(void)
{
	struct hpl_volume v = volume("early", &pass);
	struct hpl_err err = HPL_ERR_NULL;

	ok(v.disk.sequence != 0, "the kernel numbers its disks", NULL);
	v.disk.sequence++;
	ok(hpl_volume_bring_up(&v, &err) < 0 && err.msg == HPL_MSG_STORAGE_DEVICE_UNREADABLE &&
		disk_named("early")->kind == HPL_DISK_BLANK, "a blank disk that was exchanged is left alone", &err);
}

/* The power went while the table was written: the second copy is whole, the first one is not. */
static void early(void)
{
	struct hpl_volume v = volume("early", &pass);
	struct hpl_record r = {.state = HPL_RECORD_MAKING};
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_layout plan;
	char zero[512] = "";
	int fd = open(v.disk.path, O_RDWR | O_SYNC);

	ok(fd >= 0 && hpl_layout_plan(&plan, v.disk.size, 512, &err) == 0 &&
		hpl_record_write(&r, fd, hpl_record_place(plan.start[0]), &err) == 0 &&
		hpl_layout_write(fd, v.disk.path, &plan, &err) == 0 && pwrite(fd, zero, 512, 512) == 512,
		"a making that ended in the first copy of the table", &err);
	close(fd);
	v = volume("early", &pass);
	ok(v.disk.kind == HPL_DISK_MAKING && v.disk.table_torn, "is seen as such", NULL);
	ok(hpl_volume_bring_up(&v, &err) == 0 && v.created, "and goes on", &err);
	close_volume(&v);
}

/* Partitions of other sizes than ours would have; the making ended when the first filesystem was there. */
static void by_hand(void)
{
	struct hpl_volume v = volume("hand", &pass);
	struct hpl_record r = {.state = HPL_RECORD_MAKING};
	struct hpl_err err = HPL_ERR_NULL;
	int fd = open(v.disk.path, O_RDWR | O_SYNC);

	ok(fd >= 0 && hpl_record_write(&r, fd, hpl_record_place(v.disk.parts[0].start), &err) == 0 &&
		hpl_filesystem_make("/sbin", "ext4", v.disk.parts[0].path, "metadata", &err) == 0,
		"a making on partitions of other sizes that ended early", &err);
	close(fd);
	v = volume("hand", &pass);
	ok(v.disk.kind == HPL_DISK_MAKING && hpl_volume_bring_up(&v, &err) == 0 && v.created, "goes on", &err);
	close_volume(&v);
}

static bool both_ready(const struct hpl_disk *d)
{
	uint8_t slots[2][512];
	struct hpl_record r;
	int fd = open(d->path, O_RDONLY), good = 0;

	if (pread(fd, slots, sizeof slots, (off_t)hpl_record_place(d->parts[0].start)) == sizeof slots)
		for (int i = 0; i < 2; i++)
			good += hpl_record_parse(&r, slots[i]) == 0 && r.state == HPL_RECORD_READY;
	close(fd);
	return good == 2;
}

/* The map of free blocks of the first group, which e2fsck would mend: the kernel mounts it all the same. */
static void hurt_ext4(const char *mapping)
{
	char path[128];
	uint32_t bitmap = 0;
	uint8_t bits = 0xa5;
	int fd;

	snprintf(path, sizeof path, "/dev/mapper/%s", mapping);
	fd = open(path, O_RDWR | O_SYNC);
	ok(fd >= 0 && pread(fd, &bitmap, sizeof bitmap, 4096) == sizeof bitmap &&
		pwrite(fd, &bits, 1, (off_t)le32toh(bitmap) * 4096 + 4000) == 1 &&
		hpl_filesystem_sound("/sbin", "ext4", path) == HPL_SOUND_NO, "e2fsck finds a fault in it", NULL);
	close(fd);
}

/* Not blank by its record: an empty volume is not what its owner would want to get. */
static void erased(void)
{
	struct hpl_volume v = volume("early", &pass);
	struct hpl_err err = HPL_ERR_NULL;
	static char zero[1 << 20];
	int fd = open(v.disk.path, O_RDWR | O_SYNC), good = fd >= 0;

	for (uint64_t at = 0; good && at < v.disk.parts[1].size; at += sizeof zero)
		good = pwrite(fd, zero, sizeof zero, (off_t)(v.disk.parts[1].start + at)) == sizeof zero;
	close(fd);
	v = volume("early", &pass);
	ok(good && v.disk.kind == HPL_DISK_PARTITIONS && v.disk.data_blank, "the data partition of a volume is lost", NULL);
	ok(hpl_volume_bring_up(&v, &err) < 0 && err.msg == HPL_MSG_STORAGE_DEVICE_NOT_BLANK &&
		disk_named("early")->data_blank, "it is not made again: HPL07020E", &err);
}

/* Between the making that ended early and the next boot its owner used the partition for something else. */
static void used_since(void)
{
	struct hpl_volume v = volume("early", &pass);
	struct hpl_err err = HPL_ERR_NULL;
	static uint8_t before[MIB], after[MIB];
	char type[32] = "";
	int fd;

	mark_making(&v.disk);
	ok(hpl_filesystem_make("/sbin", "ext4", v.disk.parts[1].path, "mine", &err) == 0,
		"a filesystem on the partition of a making that ended early", &err);
	v = volume("early", &pass);
	ok(hpl_volume_bring_up(&v, &err) < 0 && err.msg == HPL_MSG_STORAGE_DEVICE_NOT_BLANK, "is refused: HPL07020E", &err);
	fd = open(v.disk.parts[1].path, O_RDONLY);
	ok(fd >= 0 && hpl_filesystem_probe(type, sizeof type, fd, &err) == 0 && hpl_streq(type, "ext4") &&
		hpl_filesystem_sound("/sbin", "ext4", v.disk.parts[1].path) == HPL_SOUND_YES, "and left alone", &err);
	close(fd);
	/* and the other one for two things at once */
	fd = open(v.disk.parts[0].path, O_RDWR | O_SYNC);
	ok(fd >= 0 && pread(fd, before, sizeof before, 0) == sizeof before && pwrite(fd, "LUKS\xba\xbe\0\1", 8, 0) == 8,
		"a metadata partition with two signatures", NULL);
	v = volume("early", &pass);
	err = HPL_ERR_NULL;
	ok(hpl_volume_bring_up(&v, &err) < 0 && err.msg == HPL_MSG_STORAGE_DEVICE_NOT_BLANK, "is refused: HPL07020E", &err);
	memcpy(before, "LUKS\xba\xbe\0\1", 8);
	ok(pread(fd, after, sizeof after, 0) == sizeof after && memcmp(before, after, sizeof before) == 0,
		"and left alone", NULL);
	close(fd);
}

static void case_torn(void)
{
	struct hpl_volume v = volume("torn", &pass);
	struct hpl_err err = HPL_ERR_NULL;
	char path[128], zero[65536] = "";
	struct stat st;
	int fd;

	ok(hpl_volume_bring_up(&v, &err) == 0, "a volume is made", &err);
	ok(hpl_file_write("/mnt/data/marker", marker, sizeof marker, 0600, NULL) == 0, "a file is written", NULL);
	close_volume(&v);
	mark_making(&v.disk);
	v = volume("torn", &pass);
	err = HPL_ERR_NULL;
	ok(hpl_volume_bring_up(&v, &err) == 0 && stat("/mnt/data/marker", &st) == 0,
		"marked making with a sound filesystem: kept", &err);
	ok(umount("/mnt/data") == 0, "the volume is unmounted", NULL);
	ok(both_ready(&v.disk), "no slot of the record says making any more", NULL);
	mark_making(&v.disk);
	hurt_ext4(v.mapping);
	ok(crypt_deactivate(NULL, v.mapping) == 0, "its mapping is closed", NULL);
	v = volume("torn", &pass);
	err = HPL_ERR_NULL;
	ok(hpl_volume_bring_up(&v, &err) == 0 && stat("/mnt/data/marker", &st) == 0 && !v.created,
		"marked making with a filesystem that was mounted once and has a fault: kept", &err);
	ok(umount("/mnt/data") == 0, "and unmounted", NULL);
	/* the filesystem torn as well: the start of it never reached the disk */
	snprintf(path, sizeof path, "/dev/mapper/%s", v.mapping);
	fd = open(path, O_WRONLY | O_SYNC);
	ok(fd >= 0 && pwrite(fd, zero, sizeof zero, 0) == sizeof zero, "its start is lost", NULL);
	close(fd);
	ok(crypt_deactivate(NULL, v.mapping) == 0, "the mapping is closed", NULL);
	v = volume("torn", &pass);
	err = HPL_ERR_NULL;
	ok(hpl_volume_bring_up(&v, &err) < 0 && err.msg == HPL_MSG_LUKS_MOUNT_DEVICE_FAILED,
		"marked ready with a lost filesystem: refused, not made again", &err);
	mark_making(&v.disk);
	v = volume("torn", &pass);
	err = HPL_ERR_NULL;
	ok(hpl_volume_bring_up(&v, &err) == 0 && v.created && stat("/mnt/data/marker", &st) < 0,
		"marked making with a lost filesystem: made again", &err);
	close_volume(&v);
	exchanged();
	early();
	erased();
	used_since();
	by_hand();
}

/* Both copies of the partition table: the first MiB of the disk and the last. */
static bool read_ends(const struct hpl_disk *d, uint8_t *out)
{
	int fd = open(d->path, O_RDONLY);
	bool good = pread(fd, out, MIB, 0) == MIB && pread(fd, out + MIB, MIB, (off_t)(d->size - MIB)) == MIB;

	close(fd);
	return good;
}

static void not_grown_for_others(void)
{
	static uint8_t before[2 * MIB], after[2 * MIB];
	struct hpl_volume v = volume("fresh", &wrong);
	struct hpl_err err = HPL_ERR_NULL;
	bool read = read_ends(&v.disk, before);

	ok(hpl_volume_bring_up(&v, &err) < 0 && err.msg == HPL_MSG_LUKS_LUKS_OPEN_FAILED,
		"wrong seeds do not open a disk that has grown", &err);
	ok(read && read_ends(&v.disk, after) && memcmp(before, after, sizeof before) == 0,
		"and its partition table is as it was", NULL);
}

/* The disk became larger from outside since it was made: the volume follows, its file stays. */
static void case_grow(void)
{
	struct hpl_volume v = volume("fresh", &pass);
	struct hpl_err err = HPL_ERR_NULL;
	struct statfs fs;
	struct stat st;

	not_grown_for_others();
	ok(hpl_volume_bring_up(&v, &err) == 0, "a volume on a larger disk opens", &err);
	ok(v.grown && !v.created, "and says that it has grown", NULL);
	ok(stat("/mnt/data/marker", &st) == 0 && st.st_size == sizeof marker, "the file is there", NULL);
	ok(statfs("/mnt/data", &fs) == 0 &&
			(uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize > v.disk.size - (160 << 20),
		"the filesystem reaches to the end", NULL);
	printf("# %llu bytes in a disk of %llu\n", (unsigned long long)fs.f_blocks * fs.f_bsize,
		(unsigned long long)v.disk.size);
	close_volume(&v);
	v = volume("fresh", &pass);
	err = HPL_ERR_NULL;
	ok(hpl_volume_bring_up(&v, &err) == 0 && !v.grown, "the next opening finds nothing to grow", &err);
	close_volume(&v);
	check_refused("shrunk", HPL_MSG_STORAGE_SHRUNK, "a disk that ends before its partitions is refused");
}

int main(int argc, char **argv)
{
	static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	const char *what = argc > 1 ? argv[1] : "";

	if (hpl_secret_copy(&pass, text, 64, NULL) < 0 ||
		hpl_secret_copy(&wrong, "0000", 4, NULL) < 0)
		return 2;
	if (hpl_streq(what, "make"))
		case_make();
	else if (hpl_streq(what, "again"))
		case_again();
	else if (hpl_streq(what, "checked"))
		case_checked();
	else if (hpl_streq(what, "torn"))
		case_torn();
	else if (hpl_streq(what, "grow"))
		case_grow();
	else
		return 2;
	return finish();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks that come late, go away, change their places, or answer to the same name; and volumes of other
 * makers and of other times. See guest_faults.c for the cases.
 */
#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/storage/tests/guest.h"
#include "services/storage/tests/guest_faults.h"
#include "services/storage/tests/guest_victim.h"

enum { PLUG_MS = 60000, LOOK_MS = 50 };

/* Waits until the kernel shows the disk, or does not any more. */
static bool wait_for_disk(const char *serial, bool there)
{
	uint64_t end = hpl_mono_us() + PLUG_MS * 1000ULL;
	const struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};

	do {
		char path[64], text[64];
		bool found = false;

		for (char c = 'a'; c <= 'z' && !found; c++) {
			_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

			snprintf(path, sizeof(path), "/sys/class/block/vd%c/serial", c);
			if (hpl_file_read(&b, path, sizeof(text), NULL) == 0 && b.data)
				found = strncmp(b.data, serial, strlen(serial)) == 0;
		}
		if (found == there)
			return true;
		nanosleep(&look, NULL);
	} while (hpl_mono_us() < end);
	printf("# %s is %s after %d s\n", serial, there ? "missing" : "still there", PLUG_MS / 1000);
	return false;
}

/* It is there when it can be used: until then the service looks again, too. */
static bool plug(const char *disk, const char *serial)
{
	uint64_t end = hpl_mono_us() + PLUG_MS * 1000ULL;
	struct hpl_disk *d = NULL;

	ask("plug %s %s", disk, serial);
	if (!wait_for_disk(serial, true))
		return false;
	do
		d = disk_named(serial);
	while ((!d || d->excluded[0]) && hpl_mono_us() < end);
	if (!d || d->excluded[0])
		printf("# %s: %s\n", serial, d ? d->excluded : "not found");
	return d && !d->excluded[0];
}

static bool unplug(const char *disk, const char *serial)
{
	ask("unplug %s", disk);
	return wait_for_disk(serial, false);
}

static void drop_file_cache(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "3", 1) != 1)
		printf("# the page cache was not dropped\n");
	close(fd);
}

/* ---- late, gone, back ---- */

static void opens(struct hpl_volume *v, const char *id, const char *what)
{
	struct hpl_err err = HPL_ERR_NULL;
	int r = boot_volume(v, id, &err);
	const char *wrong = r < 0 ? err.text : wrong_with(v);

	ok(!wrong, what, &err);
	if (wrong)
		printf("# %s\n", wrong);
}

static void late_and_gone(void)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_volume v;

	ok(!find_disk("late", "data", &err) && !err.msg, "a disk that is not there is waited for", &err);
	ask("late load good");
	ok(plug("late", "late"), "it is plugged in", NULL);
	opens(&v, "late", "and opens");
	ok(unplug("late", "late"), "it is pulled out while mounted", NULL);
	drop_file_cache();
	ok(hpl_file_read(&b, "/mnt/data/known", 4096, NULL) < 0, "its file cannot be read any more", NULL);
	end_boot(&v);
	err = HPL_ERR_NULL;
	ok(!any_mapping() && !find_disk("late", "data", &err) && !err.msg, "the volume is closed, and waited for again",
		&err);
	ok(plug("late", "late"), "it is plugged in again", NULL);
	opens(&v, "late", "and opens as it was left");
	end_boot(&v);
}

/* Pulled out at the at-th read of a boot: refused with an id, or still opened; then it opens. */
static void gone_while_opening(void)
{
	static const unsigned reads[] = {0, 3, 12, 18, 24, 40};
	unsigned bad = 0, refused = 0;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(reads); i++) {
		struct hpl_err err = HPL_ERR_NULL;
		struct hpl_volume v;
		bool good;
		int r;

		ask("late load good");
		ask("late fault unplug read %u 1 0 %llu", reads[i], VICTIM_SIZE);
		r = boot_volume(&v, "late", &err);
		refused += r < 0;
		good = r == 0 ? !v.created : err.msg != 0;
		ask("unplug late"); /* waits, and pulls it out if there were fewer reads */
		end_boot(&v);
		printf("# pulled out at read %u: %s %s\n", reads[i], r ? hpl_msg_info(err.msg)->id : "opened", err.text);
		good = good && wait_for_disk("late", false) && plug("late", "late") && boot_volume(&v, "late", &err) == 0 &&
			!wrong_with(&v);
		end_boot(&v);
		bad += !good;
	}
	ok(bad == 0 && refused > 0, "pulled out while it is opened: refused with an id, opens when it is back", NULL);
}

/* ---- which disk ---- */

static void same_names(void)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_volume v, second;
	struct hpl_disk *d;
	int r;

	victim_is("good");
	d = find_disk(NULL, "data", &err);
	ok(!d && err.msg == HPL_MSG_STORAGE_DEVICE_AMBIGUOUS && strstr(err.text, "'victim'") && strstr(err.text, "'late'"),
		"two disks with one label: HPL07018E, with both serials", &err);
	err = HPL_ERR_NULL;
	d = find_disk("victim", "data", &err);
	ok(d && hpl_streq(d->serial, "victim"), "a volumeID chooses", &err);
	opens(&v, "victim", "the chosen one opens");
	err = HPL_ERR_NULL;
	r = boot_volume(&second, "late", &err);
	ok(r < 0 && err.msg, "its copy, with the same UUID, is refused while it is open", &err);
	printf("# %s %s\n", hpl_msg_info(err.msg)->id, err.text);
	ok(!wrong_with(&v), "and the open one stays as it is", NULL);
	end_boot(&v);
	ask("twin load other");
	ok(plug("twin", "twin") && unplug("twin", "twin") && (ask("plug twin late"), true), "a second disk with the serial "
		"of the first", NULL);
	for (int i = 0; i < 200 && (!find_disk("late", "data", NULL) || true); i++) {
		err = HPL_ERR_NULL;
		if (!find_disk("late", "data", &err) && err.msg)
			break;
	}
	ok(err.msg == HPL_MSG_STORAGE_DEVICE_AMBIGUOUS, "two disks with one serial: HPL07018E", &err);
	ask("unplug twin");
	ok(unplug("late", "late"), "both are pulled out", NULL);
}

static void places_exchanged(void)
{
	struct hpl_volume v;
	char uuid[2][40], device[2][HPL_DISK_TEXT];

	ask("a load good");
	ask("b load other");
	for (int turn = 0; turn < 2; turn++) {
		ok(turn ? plug("b", "b") && plug("a", "a") : plug("a", "a") && plug("b", "b"),
			turn ? "they come in the other order" : "two disks", NULL);
		for (int i = 0; i < 2; i++) {
			opens(&v, i ? "b" : "a", i ? "the second opens" : "the first opens");
			if (turn)
				ok(hpl_streq(v.uuid, uuid[i]) && !hpl_streq(v.device, device[i]),
					"it is the volume that it was, in the other place", NULL);
			snprintf(uuid[i], sizeof(uuid[i]), "%s", v.uuid);
			snprintf(device[i], sizeof(device[i]), "%s", v.device);
			end_boot(&v);
		}
		ok(unplug("a", "a") && unplug("b", "b"), "both are pulled out", NULL);
	}
}

void case_plug(void)
{
	have_volume("good");
	have_volume("other");
	late_and_gone();
	gone_while_opening();
	same_names();
	places_exchanged();
}

/* ---- metadata partitions made by hand ---- */

void case_metadata(void)
{
	static const struct { const char *name, *what; } refused[] = {
		{"meta-checksum", "an ext4 with a wrong checksum"}, {"meta-xfs", "an xfs"},
		{"meta-random", "random bytes"}, {"meta-torn", "an ext4 with a damaged inode table"},
		{"meta-island", "one sector, where no sample is taken"},
	};
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_volume v;
	char what[128];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(refused); i++) {
		int r;

		victim_is(refused[i].name);
		err = HPL_ERR_NULL;
		r = boot_volume(&v, "victim", &err);
		snprintf(what, sizeof(what), "in the metadata partition %s: HPL07020E, nothing written", refused[i].what);
		ok(r < 0 && err.msg == HPL_MSG_STORAGE_DEVICE_NOT_BLANK && count_all().writes == 0, what, &err);
		end_boot(&v);
	}
	victim_is("meta-good");
	err = HPL_ERR_NULL;
	ok(boot_volume(&v, "victim", &err) == 0 && v.created, "a sound ext4 in it, data blank: the volume is made", &err);
	end_boot(&v);
	ok(mount("/dev/vda1", "/mnt/data", "ext4", MS_RDONLY, NULL) == 0 && access("/mnt/data/keyfile", F_OK) == 0 &&
		umount("/mnt/data") == 0, "and what was in the metadata partition is still there", NULL);
}

/* ---- volumes of other makers and of other times ---- */

static int run(const char *const *argv)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 120000, .out = &out, .input = (const char *)pass.data,
		.input_len = pass.len};
	int status = -1;

	if (hpl_proc_run(&p, &status, NULL) < 0 || status)
		printf("# %s %s: %d %s\n", argv[0], argv[1], status, out.data ? out.data : "");
	return status;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static bool hand_made(void)
{
	victim_is("table");
	return RUN("/sbin/cryptsetup", "luksFormat", "-q", "--key-file=-", "--pbkdf-memory", "1024",
			"--pbkdf-force-iterations", "4", "/dev/vda2") == 0 &&
		RUN("/sbin/cryptsetup", "open", "--key-file=-", "/dev/vda2", "by-hand") == 0 &&
		RUN("/sbin/mkfs.ext4", "-q", "/dev/mapper/by-hand") == 0 &&
		mount("/dev/mapper/by-hand", "/mnt/data", "ext4", 0, NULL) == 0 &&
		hpl_file_write("/mnt/data/known", known_text, strlen(known_text), 0600, NULL) == 0 &&
		umount("/mnt/data") == 0 && RUN("/sbin/cryptsetup", "close", "by-hand") == 0;
}

static bool opened_by_hand(void)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	bool good;

	victim_is("good");
	good = RUN("/sbin/cryptsetup", "open", "--key-file=-", "/dev/vda2", "by-hand") == 0 &&
		mount("/dev/mapper/by-hand", "/mnt/data", "ext4", MS_RDONLY, NULL) == 0 &&
		hpl_file_read(&b, "/mnt/data/known", 4096, NULL) == 0 && hpl_streq(b.data, known_text);
	good = umount("/mnt/data") == 0 && good;
	return RUN("/sbin/cryptsetup", "close", "by-hand") == 0 && good;
}

/* The data that a kept disk had was encrypted, and could not have been kept small: it is kept as plain
 * text, and encrypted again with the key of the disk. The same bytes as they were. */
static bool put_data(const char *device)
{
	static char block[MIB];
	struct hpl_disk *d = disk_named("plain");
	struct crypt_device *cd = NULL;
	int from = d ? open(d->path, O_RDONLY | O_CLOEXEC) : -1, to = -1;
	int r = from >= 0 ? crypt_init(&cd, device) : -ENOENT;
	bool good;

	if (r == 0)
		r = crypt_load(cd, CRYPT_LUKS2, NULL);
	if (r == 0)
		r = crypt_activate_by_passphrase(cd, "refill", CRYPT_ANY_SLOT, (char *)pass.data, pass.len, 0);
	if (r < 0)
		printf("# %s: libcryptsetup does not open it: %s\n", device, strerror(-r));
	good = r >= 0;
	ssize_t n;

	if (good)
		to = open("/dev/mapper/refill", O_WRONLY | O_CLOEXEC);
	for (off_t at = 0; good && (n = pread(from, block, MIB, at)) > 0; at += n)
		if (block[0] || memcmp(block, block + 1, (size_t)n - 1) != 0)
			good = pwrite(to, block, (size_t)n, at) == n;
	good = good && to >= 0 && fsync(to) == 0;
	close(to);
	close(from);
	good = crypt_deactivate(cd, "refill") == 0 && good;
	crypt_free(cd);
	return good;
}

static bool plug_kept(const char *name, unsigned size_mib)
{
	ask("kept load %s", name);
	ask("kept size %u", size_mib);
	return plug("kept", "kept");
}

static bool put_back(const char *device, const char *data)
{
	bool good;

	ask("plain load %s", data);
	ask("plain size 64");
	ask("plug plain plain"); /* too small to be offered as a volume */
	good = wait_for_disk("plain", true) && put_data(device);
	return unplug("plain", "plain") && good;
}

/* data: of its filesystem, as plain text */
static void kept_disk(const char *name, unsigned size_mib, const char *data)
{
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_disk *d;
	struct hpl_volume v = {0};
	char what[128], device[HPL_DISK_TEXT];
	bool good, put;

	good = plug_kept(name, size_mib);
	d = disk_named("kept");
	snprintf(device, sizeof(device), "%s", !d ? "" : d->part_count ? d->parts[1].path : d->path);
	put = good && d && put_back(device, data);
	if (d)
		drop_cache(d->path, false);
	snprintf(what, sizeof(what), "kept disk %s: mounted, and its file is read", name);
	good = put && boot_volume(&v, "kept", &err) == 0 && !v.created &&
		hpl_file_read(&b, "/mnt/data/known", 4096, NULL) == 0 && hpl_streq(b.data, known_text);
	ok(good, what, &err);
	if (!good)
		printf("# %s, file '%s'\n", put ? "its data was put back" : "its data was not put back", b.data ? b.data : "");
	end_boot(&v);
	ok(unplug("kept", "kept"), "it is pulled out", NULL);
}

static void kept_refused(const char *name, unsigned size_mib, uint32_t msg, const char *why)
{
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_volume v = {0};
	unsigned reads = 0, writes = 1;
	char what[160];
	bool good = plug_kept(name, size_mib) && boot_volume(&v, "kept", &err) < 0 && err.msg == msg;

	end_boot(&v);
	good = sscanf(ask("kept stat 0 1"), "%u %u", &reads, &writes) == 2 && good && reads > 0 && writes == 0;
	snprintf(what, sizeof(what), "kept disk %s, %s: %s, nothing written", name, why, hpl_msg_info(msg)->id);
	ok(good, what, &err);
	printf("# %s (cure: %s)\n", err.text, err.cure);
	ok(unplug("kept", "kept"), "it is pulled out", NULL);
}

void case_kept(void)
{
	struct hpl_volume v;

	ok(hand_made(), "a volume is made with sgdisk, cryptsetup and mkfs", NULL);
	drop_cache("/dev/vda", true);
	opens(&v, "victim", "it opens, and its file is read");
	end_boot(&v);
	ok(opened_by_hand(), "a volume of this runtime opens with cryptsetup and mount", NULL);
	kept_disk("whole", 256, "plain");
	kept_disk("release", 400, "plain");
	kept_disk("made", 128, "made-data");
	kept_disk("parted", 128, "parted-data");
	kept_refused("release", 256, HPL_MSG_STORAGE_SHRUNK, "shorter than it was");
	kept_refused("hand", 192, HPL_MSG_LUKS_LUKS_OPEN_FAILED, "a partition that is not whole sectors");
}

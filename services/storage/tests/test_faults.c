/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails at one read, and a disk that answers later reads with something else. Each read of the
 * disk by this process (also by libblkid and libcryptsetup) passes here and can be spoiled: the k-th one
 * fails, comes short, or is the last before the contents are exchanged.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/messages.h"
#include "services/storage/blank.h"
#include "services/storage/disk.h"
#include "services/storage/layout.h"
#include "services/storage/luks.h"
#include "services/storage/tests/files.h"

#define MIB (1ULL << 20)
enum { SIZE = 160 << 20, LUKS_AREA = 16 << 20, HDR = 16 << 10, BIN = 4096 };
enum fault { NO_FAULT, FAULT_EIO, FAULT_SHORT, FAULT_END, FAULT_GONE, FAULT_SWAP, FAULTS };
static const char *const fault_names[] = {"none", "EIO", "short", "end of file", "vanished", "exchanged"};

static char path[64];
static int disk_fd = -1;
static struct stat watched;
static enum fault fault;
static unsigned reads, fault_at;
static bool hit_library; /* libblkid reads by read(2), this runtime by pread(2) */
static uint8_t *evil; /* what the disk holds after the exchange, LUKS_AREA bytes */

/* ---- reads ---- */

static void exchange(void)
{
	for (size_t done = 0; done < LUKS_AREA;)
		done += (size_t)syscall(SYS_pwrite64, disk_fd, evil + done, LUKS_AREA - done, done);
}

/* at: -1 from the position of fd */
static ssize_t spoiled_read(int fd, void *buf, size_t len, off_t at)
{
	struct stat st;
	bool ours = fault && fstat(fd, &st) == 0 && st.st_dev == watched.st_dev && st.st_ino == watched.st_ino;
	bool hit = ours && reads++ == fault_at, gone = ours && fault == FAULT_GONE && reads > fault_at;
	ssize_t n;

	if (hit)
		hit_library = at < 0;
	if (gone || (hit && fault == FAULT_EIO)) {
		errno = gone ? ENXIO : EIO;
		return -1;
	}
	if (hit && fault == FAULT_END)
		return 0;
	if (hit && fault == FAULT_SHORT && len > 1)
		len /= 2;
	n = at < 0 ? syscall(SYS_read, fd, buf, len) : syscall(SYS_pread64, fd, buf, len, at);
	if (hit && fault == FAULT_SWAP)
		exchange();
	return n;
}

#define SPOILED_READ(name, symbol)                                                                 \
	ssize_t name(int fd, void *buf, size_t len) __asm__(symbol);                               \
	ssize_t name(int fd, void *buf, size_t len) { return spoiled_read(fd, buf, len, -1); }
#define SPOILED_PREAD(name, symbol)                                                                \
	ssize_t name(int fd, void *buf, size_t len, off_t at) __asm__(symbol);                     \
	ssize_t name(int fd, void *buf, size_t len, off_t at) { return spoiled_read(fd, buf, len, at); }
SPOILED_READ(spoiled_read_plain, "read")
SPOILED_READ(spoiled_read_chk, "__read_chk")
SPOILED_PREAD(spoiled_pread, "pread")
SPOILED_PREAD(spoiled_pread64, "pread64")
SPOILED_PREAD(spoiled_pread_chk, "__pread_chk")
SPOILED_PREAD(spoiled_pread64_chk, "__pread64_chk")

static void arm(enum fault f, unsigned at)
{
	reads = 0;
	fault_at = at;
	fault = f;
}

/* Was the read that was to fail reached? */
static bool disarm(void)
{
	fault = NO_FAULT;
	return reads > fault_at;
}

/* ---- disks ---- */

static struct hpl_secret pass;
static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void setup(void)
{
	disk_fd = make_disk(path, SIZE);
	cr_assert_eq(fstat(disk_fd, &watched), 0);
	cr_assert_eq(hpl_secret_copy(&pass, text, 64, NULL), 0);
	evil = malloc(LUKS_AREA);
	cr_assert(evil);
}

static void teardown(void)
{
	hpl_secret_done(&pass);
	free(evil);
	close(disk_fd);
	unlink(path);
}

TestSuite(storage_faults, .init = setup, .fini = teardown, .timeout = 100);

static void format(const char *device)
{
	const char *const argv[] = {"/sbin/cryptsetup", "luksFormat", "--type", "luks2", "-q", "--pbkdf",
		"argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "32", "--pbkdf-parallel",
		"1", "--key-file=-", device, NULL};

	cr_assert_eq(run_program(NULL, argv, text), 0);
}

static struct hpl_disk whole(void)
{
	struct hpl_disk d = {.size = SIZE};

	strcpy(d.path, path);
	return d;
}

/* GPT with metadata and data, and LUKS in data when wanted */
static struct hpl_disk partitioned(bool luks)
{
	struct hpl_disk d = whole();
	struct hpl_layout l;

	cr_assert_eq(hpl_layout_plan(&l, SIZE, 512, NULL), 0);
	cr_assert_eq(hpl_layout_write(disk_fd, path, &l, NULL), 0);
	d.part_count = 2;
	for (int i = 0; i < 2; i++) {
		d.parts[i].start = l.start[i];
		d.parts[i].size = l.size[i];
	}
	if (luks) {
		char other[64];
		int fd = make_disk(other, 32 * MIB);

		format(other);
		cr_assert_eq(pread(fd, evil, LUKS_AREA, 0), LUKS_AREA);
		put(disk_fd, l.start[1], evil, LUKS_AREA);
		close(fd);
		unlink(other);
	}
	return d;
}

/* libblkid looks for a table with a few reads and keeps failures of some of them to itself, and takes a read
 * that comes short for nothing found. The blank check reads these places itself and sees each error. */
enum { TABLE_READS = 4 };

/* One fault at each of the reads: what is not blank is never taken for it, and what is blank only when
 * nothing but libblkid's search for a table was disturbed. */
static unsigned each_read_fails(const struct hpl_disk *plain, enum hpl_disk_kind kind)
{
	unsigned cases = 0;

	for (int f = FAULT_EIO; f <= FAULT_GONE; f++)
		for (unsigned at = 0;; at += at < 24 ? 1 : 5, cases++) {
			struct hpl_disk d = *plain;
			bool reached;

			arm((enum fault)f, at);
			hpl_disk_classify(&d, disk_fd);
			reached = disarm();
			if (!reached) {
				cr_assert_eq(d.kind, kind, "%s: %s", hpl_disk_kind_name(d.kind), d.why);
				break;
			}
			/* a short read may be gone on with */
			if (d.kind == kind && (f == FAULT_SHORT || (hit_library && f != FAULT_GONE &&
				(f == FAULT_END || at < TABLE_READS))))
				continue;
			cr_assert_neq(d.kind, HPL_DISK_BLANK, "%s at %u", fault_names[f], at);
			cr_assert_neq(d.kind, HPL_DISK_MAKING, "%s at %u", fault_names[f], at);
			cr_assert_not(d.data_blank, "%s at %u", fault_names[f], at);
			if (f == FAULT_GONE)
				cr_assert(d.kind == HPL_DISK_UNREADABLE && d.why[0], "at %u: %s", at,
					hpl_disk_kind_name(d.kind));
		}
	return cases;
}

Test(storage_faults, a_blank_disk_with_a_failing_read_is_not_blank)
{
	struct hpl_disk d = whole();

	cr_assert_geq(each_read_fails(&d, HPL_DISK_BLANK), 100);
}

Test(storage_faults, partitions_with_a_failing_read_are_not_blank)
{
	struct hpl_disk d = partitioned(false);

	cr_assert_geq(each_read_fails(&d, HPL_DISK_PARTITIONS), 100);
}

Test(storage_faults, a_volume_with_a_failing_read_is_never_blank)
{
	struct hpl_disk d = partitioned(true);

	cr_assert_geq(each_read_fails(&d, HPL_DISK_PARTITIONS), 20);
}

Test(storage_faults, luks_on_a_whole_disk_with_a_failing_read_is_never_blank)
{
	struct hpl_disk d = whole();

	format(path);
	cr_assert_geq(each_read_fails(&d, HPL_DISK_LUKS), 20);
}

Test(storage_faults, a_header_that_cannot_be_read_is_HPL07017E)
{
	format(path);
	for (int f = FAULT_EIO; f <= FAULT_GONE; f++)
		for (unsigned at = 0; at < 100; at++) {
			_cleanup_luks2_ struct hpl_luks2 h = HPL_LUKS2_NULL;
			struct hpl_err err = HPL_ERR_NULL;
			int r;

			arm((enum fault)f, at);
			r = hpl_luks2_read(&h, disk_fd, SIZE, &err);
			if (!disarm()) {
				cr_assert_eq(r, 0, "%s", err.text);
				cr_assert_geq(at, 2);
				break;
			}
			if (f == FAULT_SHORT)
				cr_assert_eq(r, 0, "a short read is gone on with: %s", err.text);
			else
				cr_assert(r == -1 && err.msg == HPL_MSG_STORAGE_DEVICE_UNREADABLE && err.cure[0],
					"%s at %u: %d %s", fault_names[f], at, r, err.text);
		}
}

Test(storage_faults, a_record_that_cannot_be_read_is_HPL07017E)
{
	for (int f = FAULT_EIO; f <= FAULT_GONE; f++) {
		struct hpl_record r;
		struct hpl_err err = HPL_ERR_NULL;

		arm((enum fault)f, 0);
		cr_assert_eq(hpl_record_read(&r, disk_fd, 4096, &err), -1, "%s", fault_names[f]);
		cr_assert(disarm());
		cr_assert_eq(err.msg, HPL_MSG_STORAGE_DEVICE_UNREADABLE);
	}
}

/* ---- a disk that answers differently ---- */

/* What the library uses is the text that was judged. */
static void assert_judged(const struct hpl_luks *l)
{
	const struct hpl_luks2 *h = &l->area;
	const char *used = NULL, *judged = (const char *)h->disk + (h->newest ? h->hdr_size : 0) + BIN;
	_cleanup_free_ char *plain = NULL;
	size_t n = 0;

	cr_assert_eq(crypt_dump_json(l->cd, &used, 0), 0);
	plain = malloc(strlen(used) + 1);
	for (bool quoted = false; *used; used++) { /* the dump is pretty-printed */
		quoted ^= *used == '"';
		if (quoted || (*used != ' ' && *used != '\n'))
			plain[n++] = *used;
	}
	plain[n] = 0;
	cr_assert_str_eq(plain, judged);
	cr_assert_null(strstr(judged, "cipher_null"));
	cr_assert_str_eq(crypt_get_uuid(l->cd), h->uuid);
}

static void checksum(uint8_t *copy)
{
	memset(copy + 448, 0, 64);
	SHA256(copy, HDR, copy + 448);
}

/* The same volume, its key slot without encryption, and a higher number in both copies */
static void make_evil(void)
{
	cr_assert_eq(pread(disk_fd, evil, LUKS_AREA, 0), LUKS_AREA);
	for (int c = 0; c < 2; c++) {
		uint8_t *copy = evil + c * HDR;
		char *json = (char *)copy + BIN, *at = strstr(json, "\"encryption\":\"aes-xts-plain64\"");

		cr_assert(at);
		memcpy(at, "\"encryption\":\"cipher_null-ecb\"", 30);
		copy[23]++;
		checksum(copy);
	}
}

static void exchanged_after_each_read(void)
{
	uint8_t *good = malloc(LUKS_AREA);
	unsigned opened = 0, refused = 0;

	cr_assert(good);
	cr_assert_eq(pread(disk_fd, good, LUKS_AREA, 0), LUKS_AREA);
	for (unsigned at = 0;; at++) {
		_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;
		struct hpl_err err = HPL_ERR_NULL;
		bool reached;
		int r;

		put(disk_fd, 0, good, LUKS_AREA);
		cr_assert_eq(hpl_luks_init(&l, path, SIZE, &err), 0, "%s", err.text);
		arm(FAULT_SWAP, at);
		r = hpl_luks_load(&l, &err);
		if (r == 0) {
			assert_judged(&l);
			r = hpl_luks_unlock(&l, &pass, NULL, &err);
		}
		reached = disarm();
		if (r == 0) {
			assert_judged(&l);
			opened++;
		} else {
			cr_assert(err.msg == HPL_MSG_STORAGE_HEADER_REFUSED ||
				err.msg == HPL_MSG_LUKS_LUKS_OPEN_FAILED, "at %u: %s", at, err.text);
			refused++;
		}
		if (!reached)
			break;
		cr_assert_lt(at, 100);
	}
	free(good);
	cr_assert_geq(opened, 2, "after the last read it does not matter: %u opened, %u refused", opened, refused);
}

Test(storage_faults, a_header_exchanged_behind_any_read_is_not_used)
{
	format(path);
	make_evil();
	exchanged_after_each_read();
}

Test(storage_faults, a_header_of_another_volume_behind_any_read_is_not_used)
{
	char other[64];
	int fd = make_disk(other, 32 * MIB);

	format(other);
	cr_assert_eq(pread(fd, evil, LUKS_AREA, 0), LUKS_AREA);
	close(fd);
	unlink(other);
	format(path);
	exchanged_after_each_read();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Disks of the folder volumes: recognised, judged, opened, and the data is where it was. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/messages.h"
#include "services/storage/disk.h"
#include "services/storage/luks.h"
#include "services/storage/tests/files.h"

#define MIB (1ULL << 20)
enum { HEADER = 16 << 20, DATA = 101 << 20 /* where the second partition begins */ };
static const char text[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static char dir[64], disk[128], part[128];
static struct hpl_secret pass;

static void setup(void)
{
	strcpy(dir, "/tmp/hpl-fixture-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(hpl_secret_copy(&pass, text, 64, NULL), 0);
}

static void teardown(void)
{
	hpl_secret_done(&pass);
	RUN(NULL, "/bin/rm", "-rf", dir);
}

TestSuite(storage_fixtures, .init = setup, .fini = teardown, .timeout = 60);

/* The disk as a file; its size. */
static uint64_t unpack(const char *name)
{
	struct stat st;
	char packed[160];

	snprintf(packed, sizeof packed, "%s/%s.img.xz", HPL_VOLUMES, name);
	cr_assert_eq(RUN(NULL, "/bin/cp", packed, dir), 0);
	snprintf(packed, sizeof packed, "%s/%s.img.xz", dir, name);
	snprintf(disk, sizeof disk, "%s/%s.img", dir, name);
	cr_assert_eq(RUN(NULL, "/usr/bin/xz", "-d", packed), 0);
	cr_assert_eq(stat(disk, &st), 0);
	return (uint64_t)st.st_size;
}

/* The rest of a disk of which only the beginning is kept. */
static uint64_t lengthened(uint64_t size)
{
	cr_assert_eq(truncate(disk, (off_t)size), 0);
	return size;
}

/* The second partition as a file of its own. */
static void extract(uint64_t size)
{
	static uint8_t copy[HEADER + 4096];
	int from = open(disk, O_RDONLY | O_CLOEXEC), to;

	snprintf(part, sizeof part, "%s/part", dir);
	to = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(from >= 0 && to >= 0 && ftruncate(to, (off_t)size) == 0);
	cr_assert_eq(pread(from, copy, sizeof copy, DATA), (ssize_t)sizeof copy);
	put(to, 0, copy, sizeof copy);
	close(from);
	close(to);
}

static struct hpl_disk classified(uint64_t size, bool parts)
{
	struct hpl_disk d = {.size = size};
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	strcpy(d.path, "disk");
	if (parts) {
		d.part_count = 2;
		d.parts[0].start = MIB;
		d.parts[0].size = 100 * MIB;
		d.parts[1].start = DATA;
		d.parts[1].size = size - DATA - MIB;
	}
	cr_assert_geq(fd, 0);
	hpl_disk_classify(&d, fd);
	close(fd);
	return d;
}

static void unlock(struct hpl_luks *l, const char *path, uint64_t size, int record_fd)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_luks_init(l, path, size, &err), 0, "%s", err.text);
	if (record_fd >= 0) {
		l->record_fd = record_fd;
		l->record_at = hpl_record_place(MIB);
		cr_assert_eq(hpl_record_read(&l->record, record_fd, l->record_at, &err), 0, "%s", err.text);
		cr_assert(l->record.has_mac && l->record.state == HPL_RECORD_READY);
	}
	cr_assert_eq(hpl_luks_load(l, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_luks_unlock(l, &pass, NULL, &err), 0, "%s", err.text);
}

/* Decrypts the first 4 KiB, as dm-crypt would: XTS, the sector's number as tweak. */
static bool first_block(uint8_t out[4096], const struct hpl_luks *l)
{
	const struct hpl_header *h = &l->area.header;
	int size = (int)h->sector_size;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t in[4096];
	bool ok = pread(l->fd, in, sizeof in, (off_t)h->data_offset) == sizeof in;

	for (int at = 0; ok && at < 4096; at += size) {
		uint8_t tweak[16] = {(uint8_t)(at / 512)};
		int n = 0;

		ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_xts(), NULL, l->key.data, tweak) == 1 &&
			EVP_DecryptUpdate(ctx, out + at, &n, in + at, size) == 1 && n == size;
	}
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static bool holds_ext4(const struct hpl_luks *l)
{
	uint8_t block[4096];

	return first_block(block, l) && block[1024 + 0x38] == 0x53 && block[1024 + 0x39] == 0xef;
}

/* What is kept as plain text is what the disk holds, and a filesystem with the file in it. */
static void holds_data(const struct hpl_luks *l, const char *name)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	uint8_t block[4096], kept[4096];
	char packed[160], data[160];
	int fd;

	snprintf(packed, sizeof packed, "%s/%s.data.xz", HPL_VOLUMES, name);
	cr_assert_eq(RUN(NULL, "/bin/cp", packed, dir), 0);
	snprintf(packed, sizeof packed, "%s/%s.data.xz", dir, name);
	cr_assert_eq(RUN(NULL, "/usr/bin/xz", "-d", packed), 0);
	snprintf(data, sizeof data, "%s/%s.data", dir, name);
	fd = open(data, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(pread(fd, kept, sizeof kept, 0), (ssize_t)sizeof kept);
	close(fd);
	cr_assert(first_block(block, l));
	cr_assert_arr_eq(block, kept, sizeof block);
	cr_assert_eq(RUN(NULL, "/sbin/e2fsck", "-fn", data), 0);
	cr_assert_eq(RUN(&out, "/sbin/debugfs", "-R", "cat known", data), 0);
	cr_assert(out.data && strstr(out.data, "what was written must be read again\n"), "%s", out.data);
}

Test(storage_fixtures, a_disk_made_by_this_release_at_its_first_size)
{
	uint64_t size = unpack("made");
	struct hpl_disk d = classified(size, true);
	_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;
	_cleanup_close_ int record = open(disk, O_RDWR | O_CLOEXEC);
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	cr_assert_eq(d.kind, HPL_DISK_PARTITIONS, "%s", d.why);
	cr_assert_not(d.data_blank);
	cr_assert_str_eq(d.label, "made");
	cr_assert_eq(RUN(&out, "/sbin/sgdisk", "-v", disk), 0);
	cr_assert(out.data && strstr(out.data, "No problems found"), "%s", out.data);
	extract(d.parts[1].size);
	unlock(&l, part, d.parts[1].size, record);
	cr_assert(l.sealed, "the header is the one that was sealed");
	holds_data(&l, "made");
}

Test(storage_fixtures, a_disk_of_parted_and_cryptsetup)
{
	uint64_t size = unpack("parted");
	struct hpl_disk d = classified(size, true);
	_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;

	cr_assert_eq(d.kind, HPL_DISK_PARTITIONS, "%s", d.why);
	cr_assert_not(d.data_blank);
	extract(d.parts[1].size);
	unlock(&l, part, d.parts[1].size, -1);
	holds_data(&l, "parted");
}

Test(storage_fixtures, a_disk_of_this_release)
{
	uint64_t size = (unpack("release"), lengthened(400 * MIB));
	struct hpl_disk d = classified(size, true);
	_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;
	_cleanup_close_ int record = open(disk, O_RDWR | O_CLOEXEC);

	cr_assert_eq(d.kind, HPL_DISK_PARTITIONS, "%s", d.why);
	cr_assert_not(d.data_blank);
	cr_assert_str_eq(d.label, "fresh");
	extract(d.parts[1].size);
	unlock(&l, part, d.parts[1].size, record);
	cr_assert(l.sealed, "the header is the one that was sealed");
	cr_assert_eq(l.area.header.sector_size, 4096);
	cr_assert(holds_ext4(&l));
}

Test(storage_fixtures, a_disk_of_this_release_that_is_cut_off)
{
	struct hpl_disk d = classified(unpack("release"), false);

	cr_assert_eq(d.kind, HPL_DISK_SHRUNK, "%s", hpl_disk_kind_name(d.kind));
}

Test(storage_fixtures, luks_on_a_whole_disk)
{
	uint64_t size = unpack("whole");
	struct hpl_disk d = classified(size, false);
	_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;

	cr_assert_eq(d.kind, HPL_DISK_LUKS, "%s", d.why);
	unlock(&l, disk, size, -1);
	cr_assert_eq(l.area.header.sector_size, 512);
	cr_assert(holds_ext4(&l));
}

/* Its second partition has 186335 sectors of 512 bytes, and its header sectors of 4096. */
Test(storage_fixtures, partitions_and_luks_by_hand)
{
	uint64_t size = unpack("hand");
	struct hpl_disk d = classified(size, true);
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(d.kind, HPL_DISK_PARTITIONS, "%s", d.why);
	cr_assert_not(d.data_blank);
	extract(d.parts[1].size);
	for (int odd = 1; odd >= 0; odd--) {
		_cleanup_luks_ struct hpl_luks l = HPL_LUKS_NULL;

		if (!odd) {
			unlock(&l, part, d.parts[1].size, -1);
			continue;
		}
		cr_assert_eq(hpl_luks_init(&l, part, 186335 * 512, &err), 0, "%s", err.text);
		cr_assert_eq(hpl_luks_load(&l, &err), -1);
		cr_assert_eq(err.msg, HPL_MSG_LUKS_LUKS_OPEN_FAILED, "%s", err.text);
	}
}

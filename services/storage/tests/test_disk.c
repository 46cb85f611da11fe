/* SPDX-License-Identifier: Apache-2.0 */
/* The scan over a directory that looks like /sys/class/block, with files as disks. */
#include "runtime/base/buf.h"
#include "runtime/base/file.h"
#include "services/storage/disk.h"
#include "services/storage/layout.h"
#include "services/storage/tests/files.h"

#define MIB (1ULL << 20)

static char base[64];
static struct hpl_disk disks[HPL_DISK_MAX];
static size_t count;

static void attribute(const char *disk, const char *name, const char *value)
{
	char path[256];

	snprintf(path, sizeof path, "%s/sys/%s/%s", base, disk, name);
	cr_assert_eq(hpl_file_write(path, value, strlen(value), 0600, NULL), 0, "%s", path);
}

static void add_dir(const char *rel)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", base, rel);
	cr_assert_eq(hpl_mkdir_p(path, 0700, NULL), 0);
}

/* A disk of size bytes; its node is a sparse file. Returns its descriptor. */
static int add_disk(const char *name, uint64_t size)
{
	char path[256], text[32];
	int fd;

	snprintf(path, sizeof path, "sys/%s/device", name);
	add_dir(path);
	snprintf(text, sizeof text, "%llu\n", (unsigned long long)(size / 512));
	attribute(name, "size", text);
	attribute(name, "ro", "0\n");
	attribute(name, "dev", "250:0\n");
	snprintf(path, sizeof path, "%s/dev/%s", base, name);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void add_part(const char *disk, int number, uint64_t start, uint64_t size)
{
	char rel[64], text[32];

	snprintf(rel, sizeof rel, "sys/%s/%s%d", disk, disk, number);
	add_dir(rel);
	snprintf(rel, sizeof rel, "%s/%s%d", disk, disk, number);
	snprintf(text, sizeof text, "%d\n", number);
	attribute(rel, "partition", text);
	snprintf(text, sizeof text, "%llu\n", (unsigned long long)start / 512);
	attribute(rel, "start", text);
	snprintf(text, sizeof text, "%llu\n", (unsigned long long)size / 512);
	attribute(rel, "size", text);
	attribute(rel, "dev", "250:9\n");
}

static void setup(void)
{
	strcpy(base, "/tmp/hpl-sys-XXXXXX");
	cr_assert(mkdtemp(base));
	add_dir("sys");
	add_dir("dev");
	char path[128];
	snprintf(path, sizeof path, "%s/mountinfo", base);
	const char *line = "22 1 254:1 / / rw - ext4 /dev/root rw\n";
	cr_assert_eq(hpl_file_write(path, line, strlen(line), 0600, NULL), 0);
}

static void teardown(void)
{
	RUN(NULL, "/bin/rm", "-rf", base);
}

TestSuite(storage_disk, .init = setup, .fini = teardown, .timeout = 60);

static void scan(void)
{
	char sys[128], dev[128], mounts[128];
	struct hpl_disk_paths p = {sys, dev, mounts};
	struct hpl_err err = HPL_ERR_NULL;

	snprintf(sys, sizeof sys, "%s/sys", base);
	snprintf(dev, sizeof dev, "%s/dev", base);
	snprintf(mounts, sizeof mounts, "%s/mountinfo", base);
	cr_assert_eq(hpl_disk_scan(disks, &count, &p, &err), 0, "%s", err.text);
}

/* As the kernel gives it: a page of vital product data, with any bytes that the host likes. */
static const char *scsi_serial(const void *page, size_t len)
{
	char file[256];

	snprintf(file, sizeof file, "%s/sys/sda/device/vpd_pg80", base);
	cr_assert_eq(hpl_file_write(file, page, len, 0600, NULL), 0);
	scan();
	cr_assert_eq(count, 1);
	return disks[0].serial;
}

Test(storage_disk, the_serial_of_a_scsi_disk_is_its_unit_serial_number)
{
	close(add_disk("sda", 200 * MIB));
	cr_assert_str_eq(scsi_serial("\0\x80\0\x0d  accounts-01", 17), "accounts-01");
	cr_assert_str_eq(scsi_serial("\0\x80\0\x04" "abcdefgh", 12), "abcd");
	cr_assert_str_eq(scsi_serial("\0\x80\xff\xff" "abcd", 8), "abcd", "longer than what came");
	cr_assert_str_eq(scsi_serial("\0\x80\0\0", 4), "");
	cr_assert_str_eq(scsi_serial("\0\x80\0", 3), "");
	cr_assert_str_eq(scsi_serial("\0\x83\0\x04" "abcd", 8), "", "another page");
	cr_assert_str_eq(scsi_serial("\0\x80\0\x06" "ab\ncd ", 10), "ab");
	cr_assert_str_eq(scsi_serial("\0\x80\0\x04\0\0\0\0", 8), "");
}

Test(storage_disk, the_serial_of_a_dasd_is_its_uid)
{
	close(add_disk("dasdb", 200 * MIB));
	attribute("dasdb", "device/uid", "IBM.750000000DX111.1a10.1a\n");
	scan();
	cr_assert_eq(count, 1);
	cr_assert_str_eq(disks[0].serial, "IBM.750000000DX111.1a10.1a");
}

Test(storage_disk, a_blank_disk_is_found_with_its_serial)
{
	close(add_disk("vdb", 256 * MIB));
	attribute("vdb", "serial", "0787-f1d5cd9d-59f7-4");
	scan();
	cr_assert_eq(count, 1);
	cr_assert_str_eq(disks[0].name, "vdb");
	cr_assert_str_eq(disks[0].serial, "0787-f1d5cd9d-59f7-4");
	cr_assert_eq(disks[0].size, 256 * MIB);
	cr_assert_eq(disks[0].kind, HPL_DISK_BLANK, "%s", disks[0].why);
	cr_assert_eq(disks[0].excluded[0], 0, "%s", disks[0].excluded);
}

Test(storage_disk, loops_partitions_small_readonly_mounted_held_and_cd_are_kept_away)
{
	close(add_disk("vda", 256 * MIB));
	close(add_disk("vdb", 256 * MIB));
	close(add_disk("vdc", 256 * MIB));
	close(add_disk("vdd", 64 * MIB));
	close(add_disk("sr0", 256 * MIB));
	add_dir("sys/loop0");
	attribute("vda", "dev", "254:1\n");
	attribute("vdb", "ro", "1\n");
	add_dir("sys/vdc/holders/dm-0");
	scan();
	cr_assert_eq(count, 5);
	for (size_t i = 0; i < count; i++)
		cr_assert(disks[i].excluded[0] && (disks[i].kind == HPL_DISK_UNKNOWN || disks[i].read_only), "%s",
			disks[i].name);
	cr_assert_str_eq(disks[2].excluded, "it is read-only");
	cr_assert_eq(disks[2].kind, HPL_DISK_BLANK, "its names count, so it is looked at");
}

Test(storage_disk, a_disk_that_does_not_tell_its_size_may_come_to_itself)
{
	close(add_disk("sda", 0));
	close(add_disk("sdb", 0));
	attribute("sdb", "removable", "1\n");
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_UNREADABLE);
	cr_assert_str_eq(disks[0].excluded, "it does not tell its size");
	cr_assert_str_eq(disks[1].excluded, "it is smaller than 128 MiB", "a card reader without a card");
}

Test(storage_disk, a_disk_shorter_than_its_size_is_unreadable_not_blank)
{
	int fd = add_disk("vdb", 256 * MIB);

	cr_assert_eq(ftruncate(fd, 100 * MIB), 0);
	close(fd);
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_UNREADABLE);
	cr_assert(disks[0].why[0]);
}

Test(storage_disk, a_disk_without_a_node_is_waited_for)
{
	char path[128];

	close(add_disk("vdb", 256 * MIB));
	snprintf(path, sizeof path, "%s/dev/vdb", base);
	unlink(path);
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_UNREADABLE);
	cr_assert_str_eq(disks[0].excluded, "it cannot be opened yet: No such file or directory");
}

Test(storage_disk, of_a_table_with_a_torn_first_copy_the_second_one_counts)
{
	struct hpl_layout l;
	char path[128];
	int fd = add_disk("vdb", 256 * MIB);

	snprintf(path, sizeof path, "%s/dev/vdb", base);
	cr_assert_eq(hpl_layout_plan(&l, 256 * MIB, 512, NULL), 0);
	cr_assert_eq(hpl_layout_write(fd, path, &l, NULL), 0);
	put(fd, 512 + 16, "torn", 4); /* its checksum */
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_PARTITIONS, "%s", disks[0].why);
	cr_assert(disks[0].table_torn && disks[0].data_blank);
	for (int i = 0; i < HPL_LAYOUT_PARTS; i++) {
		cr_expect_eq(disks[0].parts[i].start, l.start[i]);
		cr_expect_eq(disks[0].parts[i].size, l.size[i]);
		cr_expect_str_eq(disks[0].parts[i].label, hpl_layout_names[i]);
	}
	/* both torn: no table at all */
	put(fd, 256 * MIB - 512 + 16, "torn", 4);
	scan();
	cr_expect_eq(disks[0].kind, HPL_DISK_OTHER);
	close(fd);
}

/* A disk that had grown, and has its former size again: at its end stands the copy of before the growth. Were that
 * taken, the table would be written again with too small a partition. */
Test(storage_disk, a_grown_disk_that_is_cut_back_has_shrunk_whatever_stands_at_its_end)
{
	struct hpl_layout l;
	char path[128], byte;
	int fd = add_disk("vdb", 256 * MIB);

	snprintf(path, sizeof path, "%s/dev/vdb", base);
	cr_assert_eq(hpl_layout_plan(&l, 256 * MIB, 512, NULL), 0);
	cr_assert_eq(hpl_layout_write(fd, path, &l, NULL), 0);
	cr_assert_eq(ftruncate(fd, 400 * MIB), 0);
	cr_assert_eq(RUN(NULL, "/sbin/sgdisk", "-e", "-d", "2", "-n", "2:206848:0", "-c", "2:data", path), 0);
	cr_assert_eq(ftruncate(fd, 256 * MIB), 0);
	cr_assert_eq(pread(fd, &byte, 1, 256 * MIB - 512), 1);
	cr_assert_eq(byte, 'E', "the copy of before the growth is still there");
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_SHRUNK, "%s, %s", hpl_disk_kind_name(disks[0].kind), disks[0].why);
	/* a header that is not whole says nothing */
	put(fd, 512 + 16, "torn", 4);
	scan();
	cr_expect_eq(disks[0].kind, HPL_DISK_PARTITIONS, "%s", disks[0].why);
	cr_expect(disks[0].table_torn);
	close(fd);
}

Test(storage_disk, two_named_partitions_with_blank_data_and_then_with_luks)
{
	struct hpl_layout l;
	char path[128];
	int fd = add_disk("vdb", 256 * MIB);

	snprintf(path, sizeof path, "%s/dev/vdb", base);
	cr_assert_eq(hpl_layout_plan(&l, 256 * MIB, 512, NULL), 0);
	cr_assert_eq(hpl_layout_write(fd, path, &l, NULL), 0);
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_COUNT, "the kernel does not show the partitions");
	add_part("vdb", 2, l.start[1], l.size[1]);
	add_part("vdb", 1, l.start[0], l.size[0]);
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_PARTITIONS, "%s", disks[0].why);
	cr_assert(disks[0].data_blank);
	cr_assert_str_eq(disks[0].parts[0].label, "metadata");
	cr_assert_str_eq(disks[0].parts[1].label, "data");
	/* one byte in the data partition: neither blank nor LUKS */
	put(fd, l.start[1] + 12345, "x", 1);
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_OTHER);
	put(fd, l.start[1] + 12345, "", 1);
	/* a LUKS header made elsewhere, put in place */
	char luks[64];
	int lfd = make_disk(luks, 32 * MIB);
	const char *const argv[] = {"/sbin/cryptsetup", "luksFormat", "-q", "--pbkdf", "pbkdf2",
		"--pbkdf-force-iterations", "1000", "--label", "myvolume", "--key-file=-", luks, NULL};
	cr_assert_eq(run_program(NULL, argv, "secret"), 0);
	static char copy[32 << 20];
	cr_assert_eq(pread(lfd, copy, sizeof copy, 0), (ssize_t)sizeof copy);
	put(fd, l.start[1], copy, sizeof copy);
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_PARTITIONS, "%s", disks[0].why);
	cr_assert_not(disks[0].data_blank);
	cr_assert_str_eq(disks[0].label, "myvolume");
	cr_assert_eq(strlen(disks[0].uuid), 36);
	/* the same on a whole disk */
	int whole = add_disk("vdc", 256 * MIB);
	put(whole, 0, copy, sizeof copy);
	scan();
	cr_assert_eq(disks[1].kind, HPL_DISK_LUKS, "%s", disks[1].why);
	close(whole);
	close(lfd);
	unlink(luks);
	close(fd);
}

Test(storage_disk, a_record_stands_before_the_metadata_and_never_in_the_data)
{
	struct hpl_disk d = {.part_count = 2,
		.parts = {{.start = MIB, .size = 100 * MIB}, {.start = 101 * MIB, .size = 154 * MIB}}};

	cr_assert_eq(hpl_disk_record_at(&d), MIB - 4096);
	d.parts[0].start = 200 * MIB; /* metadata behind the data: the gap is the end of the data */
	cr_assert_eq(hpl_disk_record_at(&d), 0);
	d.part_count = 1;
	cr_assert_eq(hpl_disk_record_at(&d), 0);
	d.part_count = 0;
	cr_assert_eq(hpl_disk_record_at(&d), MIB - 4096, "of a disk whose table is still to come");
}

Test(storage_disk, one_partition_a_filesystem_and_the_boot_disk)
{
	char path[128];

	close(add_disk("vdb", 256 * MIB));
	close(add_disk("vdc", 256 * MIB));
	close(add_disk("vdd", 256 * MIB));
	snprintf(path, sizeof path, "%s/dev/vdb", base);
	cr_assert_eq(RUN(NULL, "/sbin/sgdisk", "-n", "1:0:0", path), 0);
	snprintf(path, sizeof path, "%s/dev/vdc", base);
	cr_assert_eq(RUN(NULL, "/sbin/mkfs.ext4", "-q", "-F", path), 0);
	snprintf(path, sizeof path, "%s/dev/vdd", base);
	cr_assert_eq(RUN(NULL, "/sbin/sgdisk", "-n", "1:0:0", "-c", "1:hpl-boot", path), 0);
	scan();
	cr_assert_eq(disks[0].kind, HPL_DISK_COUNT);
	cr_assert_eq(disks[1].kind, HPL_DISK_OTHER);
	cr_assert(strstr(disks[1].why, "ext4"), "%s", disks[1].why);
	cr_assert(strstr(disks[2].excluded, "boot disk"), "%s", disks[2].excluded);
}

Test(storage_disk, a_filesystem_labelled_cidata_is_kept_away)
{
	char path[128];

	close(add_disk("vdb", 256 * MIB));
	snprintf(path, sizeof path, "%s/dev/vdb", base);
	cr_assert_eq(RUN(NULL, "/sbin/mkfs.ext4", "-q", "-F", "-L", "cidata", path), 0);
	scan();
	cr_assert(disks[0].excluded[0]);
}

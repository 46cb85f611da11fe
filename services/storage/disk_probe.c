/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a disk holds. libblkid is asked on the disk's own descriptor, also for partitions (by
 * offset), so that nothing else has to be opened and what was probed is what is used.
 */
#include <blkid/blkid.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "services/storage/blank.h"
#include "services/storage/disk.h"
#include "services/storage/layout.h"
#include "services/storage/record.h"

enum { GPT_HEADER = 92 };

static void probe_free(blkid_probe *pr)
{
	blkid_free_probe(*pr);
}

static void copy_value(blkid_probe pr, const char *name, char *out, size_t size)
{
	const char *v = NULL;
	size_t len = 0;

	if (blkid_probe_lookup_value(pr, name, &v, &len) == 0 && v)
		snprintf(out, size, "%s", v);
}

const char *hpl_disk_kind_name(enum hpl_disk_kind kind)
{
	static const char *const names[] = {
		[HPL_DISK_UNKNOWN] = "not looked at",
		[HPL_DISK_BLANK] = "blank",
		[HPL_DISK_LUKS] = "LUKS",
		[HPL_DISK_MAKING] = "a volume that is being made",
		[HPL_DISK_PARTITIONS] = "two partitions",
		[HPL_DISK_COUNT] = "unsupported partitions",
		[HPL_DISK_SHRUNK] = "a disk that has shrunk",
		[HPL_DISK_OTHER] = "other data",
		[HPL_DISK_UNREADABLE] = "unreadable",
	};
	return names[kind];
}

static void set_unreadable(struct hpl_disk *d, const char *text)
{
	d->kind = HPL_DISK_UNREADABLE;
	snprintf(d->why, sizeof d->why, "%s", text);
}

/* 0 something or nothing found, in *d; -1 unreadable */
static int probe_range(struct hpl_disk *d, int fd, uint64_t offset, uint64_t size, char *fs_label,
	size_t fs_label_size)
{
	HPL_CLEANUP(probe_free) blkid_probe pr = blkid_new_probe();
	int r;

	if (!pr || blkid_probe_set_device(pr, fd, (blkid_loff_t)offset, (blkid_loff_t)size) ||
		blkid_probe_enable_superblocks(pr, 1) ||
		blkid_probe_set_superblocks_flags(pr,
			BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL))
		return -1;
	r = blkid_do_safeprobe(pr); /* -1, and also -errno of a read that failed */
	if (r == -2) {
		snprintf(d->type, sizeof d->type, "several signatures");
		return 0;
	}
	if (r < 0)
		return -1;
	copy_value(pr, "TYPE", d->type, sizeof d->type);
	copy_value(pr, "LABEL", fs_label, fs_label_size);
	if (hpl_streq(d->type, "crypto_LUKS")) {
		copy_value(pr, "UUID", d->uuid, sizeof d->uuid);
		snprintf(d->label, sizeof d->label, "%s", fs_label);
	}
	return 0;
}

void hpl_disk_part_path(struct hpl_disk *d, unsigned i)
{
	char last = d->path[strlen(d->path) - 1];

	snprintf(d->parts[i].path, sizeof d->parts[i].path, "%.100s%s%u", d->path,
		last >= '0' && last <= '9' ? "p" : "", i + 1);
}

/* A power cut while the table was written: the kernel does not look at the second copy, libblkid does,
 * when the first one is not whole; it tells where the copy stands that it has read. */
static void take_partitions(struct hpl_disk *d, blkid_partlist list, int n)
{
	blkid_loff_t at = blkid_parttable_get_offset(blkid_partlist_get_table(list));

	if (d->part_count || n != HPL_LAYOUT_PARTS || !hpl_streq(d->type, "gpt") ||
		at < (blkid_loff_t)d->size / 2)
		return;
	for (int i = 0; i < n; i++) {
		blkid_partition part = blkid_partlist_get_partition_by_partno(list, i + 1);

		if (!part)
			return;
		d->parts[i] = (struct hpl_disk_part){
			.start = (uint64_t)blkid_partition_get_start(part) * 512,
			.size = (uint64_t)blkid_partition_get_size(part) * 512};
		hpl_disk_part_path(d, (unsigned)i);
	}
	d->part_count = HPL_LAYOUT_PARTS;
	d->table_torn = true;
}

/* Names of the GPT's entries to the partitions that the kernel shows. Returns the number of
 * entries in the table, 0 without a table, -1 unreadable or not a GPT. */
static int probe_table(struct hpl_disk *d, int fd)
{
	HPL_CLEANUP(probe_free) blkid_probe pr = blkid_new_probe();
	blkid_partlist list;
	blkid_parttable table;
	const char *id;
	int n;

	if (!pr || blkid_probe_set_device(pr, fd, 0, (blkid_loff_t)d->size) ||
		blkid_probe_enable_superblocks(pr, 0) || blkid_probe_enable_partitions(pr, 1))
		return -1;
	errno = 0;
	list = blkid_probe_get_partitions(pr);
	if (!list)
		return errno ? -1 : 0; /* it stays 0 when there is no table */
	table = blkid_partlist_get_table(list);
	if (!table)
		return 0;
	snprintf(d->type, sizeof d->type, "%s", blkid_parttable_get_type(table));
	id = blkid_parttable_get_id(table);
	snprintf(d->uuid, sizeof d->uuid, "%s", id ? id : "");
	n = blkid_partlist_numof_partitions(list);
	take_partitions(d, list, n);
	for (int i = 0; i < n; i++) {
		blkid_partition part = blkid_partlist_get_partition(list, i);
		uint64_t start = (uint64_t)blkid_partition_get_start(part) * 512;
		const char *label = blkid_partition_get_name(part);

		for (unsigned k = 0; label && k < d->part_count; k++)
			if (d->parts[k].start == start)
				snprintf(d->parts[k].label, sizeof d->parts[k].label, "%s", label);
		if (hpl_streq(label, "hpl-boot") || hpl_streq(label, "hpl-root"))
			snprintf(d->excluded, sizeof d->excluded, "it is the boot disk");
	}
	return n;
}

/* The second partition decides: LUKS (wherever it was made) or blank under the known names. */
static void classify_data(struct hpl_disk *d, int fd)
{
	struct hpl_disk_part *p = &d->parts[1];
	struct hpl_err err = HPL_ERR_NULL;
	char ignored[HPL_DISK_TEXT] = "", why[HPL_BLANK_WHY] = "";
	int r;

	d->type[0] = 0;
	if (probe_range(d, fd, p->start, p->size, ignored, sizeof ignored) < 0) {
		set_unreadable(d, "the second partition cannot be probed");
		return;
	}
	d->kind = HPL_DISK_PARTITIONS;
	if (hpl_streq(d->type, "crypto_LUKS"))
		return;
	if (d->type[0]) {
		d->kind = HPL_DISK_OTHER;
		snprintf(d->why, sizeof d->why, "its second partition holds %s", d->type);
		return;
	}
	r = hpl_blank_check(fd, p->start, p->size, why, &err);
	if (r < 0) {
		set_unreadable(d, err.text);
	} else if (r == 0 && hpl_streq(d->parts[0].label, "metadata") &&
		   hpl_streq(p->label, "data")) {
		d->data_blank = true;
	} else {
		d->kind = HPL_DISK_OTHER;
		snprintf(d->why, sizeof d->why, "in its second partition: %s",
			r ? why : "it is blank, but the partitions are not named metadata and data");
	}
}

/* Where the data partition comes first, the gap before the metadata partition is the end of the data. */
uint64_t hpl_disk_record_at(const struct hpl_disk *d)
{
	if (!d->part_count)
		return hpl_record_place(HPL_LAYOUT_START);
	return d->part_count == HPL_LAYOUT_PARTS && d->parts[0].start < d->parts[1].start ?
		hpl_record_place(d->parts[0].start) : 0;
}

/* A volume that was being made: the record says so, and what is there of it is looked at by the one
 * who goes on. The header, where there is one already, gives the names. 1: not so. */
static int classify_making(struct hpl_disk *d, int fd)
{
	uint64_t at = hpl_disk_record_at(d);
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_record record;
	char ignored[HPL_DISK_TEXT] = "", type[sizeof d->type];
	int r = at ? hpl_record_read(&record, fd, at, &err) : HPL_RECORD_NONE;

	if (r < 0) {
		set_unreadable(d, err.text);
		return 0;
	}
	if (r || record.state != HPL_RECORD_MAKING || d->excluded[0])
		return 1;
	d->kind = HPL_DISK_MAKING;
	memcpy(type, d->type, sizeof type);
	d->type[0] = 0;
	if (d->part_count == HPL_LAYOUT_PARTS &&
		probe_range(d, fd, d->parts[1].start, d->parts[1].size, ignored, sizeof ignored) < 0)
		set_unreadable(d, "the second partition cannot be probed");
	memcpy(d->type, type, sizeof type);
	return 0;
}

/* CRC-32 of IEEE 802.3, as UEFI has it */
static uint32_t crc32_of(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0U;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

/* UEFI 2.10, 5.3.2: the checksum at byte 16 is made with zeros in its place. */
static bool is_whole(const uint8_t header[GPT_HEADER])
{
	uint8_t copy[GPT_HEADER];
	uint32_t crc, size;

	memcpy(copy, header, sizeof(copy));
	memcpy(&size, header + 12, sizeof(size));
	memcpy(&crc, header + 16, sizeof(crc));
	memset(copy + 16, 0, sizeof(crc));
	return le32toh(size) == sizeof(copy) && crc32_of(copy, sizeof(copy)) == le32toh(crc);
}

/* A GPT that ends behind the disk: libblkid and the kernel do not take it for one any more, and libblkid then
 * takes what the growth of an earlier time has left at the end of the disk. The last usable block is
 * at byte 48 of the header in LBA 1. 1 so, 0 not, -1 unreadable. */
static int table_is_longer(const struct hpl_disk *d, int fd)
{
	static const uint32_t sectors[] = {512, 4096};
	uint8_t header[GPT_HEADER];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(sectors); i++) {
		uint64_t last;

		if (pread(fd, header, sizeof(header), sectors[i]) != (ssize_t)sizeof(header))
			return -1;
		if (memcmp(header, "EFI PART", 8) != 0 || (d->table_torn && !is_whole(header)))
			continue;
		memcpy(&last, header + 48, sizeof(last));
		return le64toh(last) >= d->size / sectors[i];
	}
	return 0;
}

static void classify_table(struct hpl_disk *d, int fd, int entries)
{
	if (d->excluded[0])
		return;
	if (entries == 2 && d->part_count == 2 && hpl_streq(d->type, "gpt")) {
		classify_data(d, fd);
		return;
	}
	d->kind = HPL_DISK_COUNT;
	snprintf(d->why, sizeof d->why, "partition table %s with %d partition%s (the kernel shows %u)",
		d->type, entries, entries == 1 ? "" : "s", d->part_count);
}

void hpl_disk_classify(struct hpl_disk *d, int fd)
{
	struct hpl_err err = HPL_ERR_NULL;
	char label[HPL_DISK_TEXT] = "", why[HPL_BLANK_WHY] = "";
	int entries, r;

	d->type[0] = d->uuid[0] = d->label[0] = d->why[0] = 0;
	d->data_blank = false;
	d->kind = HPL_DISK_UNKNOWN;
	if (d->table_torn) /* from the table, not from the kernel: once more */
		d->part_count = 0;
	d->table_torn = false;
	for (unsigned i = 0; i < d->part_count; i++)
		d->parts[i].label[0] = 0;
	entries = probe_table(d, fd);
	if (entries < 0) {
		set_unreadable(d, "the partition table cannot be read");
		return;
	}
	if (classify_making(d, fd) == 0)
		return;
	r = d->type[0] && !d->table_torn ? 0 : table_is_longer(d, fd);
	if (r < 0) {
		set_unreadable(d, "the partition table cannot be read");
		return;
	}
	if (r) {
		d->kind = HPL_DISK_SHRUNK;
		snprintf(d->why, sizeof d->why, "it has %llu bytes, and its partition table needs more",
			(unsigned long long)d->size);
		return;
	}
	if (d->type[0]) {
		classify_table(d, fd, entries);
		return;
	}
	if (probe_range(d, fd, 0, d->size, label, sizeof label) < 0) {
		set_unreadable(d, "looking for signatures failed");
		return;
	}
	if (strcasecmp(label, "cidata") == 0 || hpl_streq(d->type, "iso9660")) {
		snprintf(d->excluded, sizeof d->excluded, "it is the cidata device or another CD");
		return;
	}
	if (hpl_streq(d->type, "crypto_LUKS")) {
		d->kind = HPL_DISK_LUKS;
		return;
	}
	r = hpl_blank_check(fd, 0, d->size, why, &err);
	if (r < 0) {
		set_unreadable(d, err.text);
		return;
	}
	d->kind = r == 0 && d->part_count == 0 ? HPL_DISK_BLANK : HPL_DISK_OTHER;
	if (d->kind == HPL_DISK_OTHER && r == 0)
		snprintf(d->why, sizeof d->why, "it has no partition table, but the kernel still shows partitions "
			"(blockdev --rereadpt)");
	else if (d->kind == HPL_DISK_OTHER)
		snprintf(d->why, sizeof d->why, "%s%s", d->type[0] ? "it holds " : why, d->type);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "proto/messages.h"
#include "services/storage/blank.h"
#include "services/storage/ext4.h"
#include "services/storage/filesystem.h"
#include "services/storage/grow.h"
#include "services/storage/layout.h"

#define MIB (1ULL << 20)
#define METADATA_READ_MAX (256 * MIB) /* ours has 100; larger ones are sampled as disks are */

static int not_usable(const struct hpl_disk *d, struct hpl_err *err)
{
	if (d->excluded[0]) {
		HPL_FAIL(err, HPL_MSG_LUKS_ALREADY_IN_USE, 0, "%s cannot be used: %s", d->path, d->excluded);
		hpl_err_cure(err, "take a disk of at least 128 MiB that can be written and that nothing uses");
		return -1;
	}
	switch (d->kind) {
	case HPL_DISK_UNREADABLE:
		HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, 0, "%s: %s", d->path, d->why);
		hpl_err_cure(err, "check the disk; one that cannot be read in whole is never formatted");
		break;
	case HPL_DISK_COUNT:
		HPL_FAIL(err, HPL_MSG_STORAGE_UNSUPPORTED_NUMBER_OF_PARTITIONS, 0, "%s: %s", d->path,
			d->why);
		hpl_err_cure(err, "attach a blank disk, or one with the partitions metadata and data, and let the "
			"kernel see them (losetup --partscan for a loop device, else partx --add); nothing was written to this one");
		break;
	case HPL_DISK_SHRUNK:
		HPL_FAIL(err, HPL_MSG_STORAGE_SHRUNK, 0, "%s: %s", d->path, d->why);
		hpl_err_cure(err, "attach the disk with at least the size that it had; nothing was written to it");
		break;
	default:
		HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s (serial '%s') is not blank: %s", d->path,
			d->serial, d->why);
		hpl_err_cure(err, "attach a blank disk and give its serial as the volume's volumeID, or, if nobody "
			"needs what is on this one, wipe it outside; nothing was written to it");
		break;
	}
	return -1;
}

bool hpl_prepare_makes(const struct hpl_disk *d)
{
	return d->kind == HPL_DISK_BLANK || d->kind == HPL_DISK_MAKING || d->data_blank;
}

/* A disk that held something, or could not be read, when it was looked for, and is blank a moment later:
 * no owner would want it formatted on the strength of its last answer. */
static int check_still(const struct hpl_disk *before, const struct hpl_disk *d, struct hpl_err *err)
{
	if (before->kind == HPL_DISK_UNKNOWN || !hpl_prepare_makes(d) ||
		(before->kind == d->kind && before->data_blank == d->data_blank))
		return 0;
	if (before->kind == HPL_DISK_UNREADABLE)
		HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, 0, "%s: %s; it is %s now", d->path,
			before->why, hpl_disk_kind_name(d->kind));
	else
		HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s changes: it was %s and is %s%s now",
			d->path, hpl_disk_kind_name(before->kind), hpl_disk_kind_name(d->kind),
			d->data_blank ? ", the second one blank," : "");
	hpl_err_cure(err, "check the disk; one that answers differently is never formatted");
	return -1;
}

static int in_use_cure(struct hpl_err *err)
{
	return err && err->sys == EBUSY ? hpl_err_cure(err, "unmount or detach what uses it"), -1 : -1;
}

/* The disk alone and what it holds right now: the scan may be minutes old. */
static int claim_disk(struct hpl_disk *d, struct hpl_err *err)
{
	const struct hpl_disk before = *d;
	int fd = open(d->path, O_RDWR | O_EXCL | O_CLOEXEC);

	if (fd < 0) {
		HPL_FAIL(err, errno == EBUSY ? HPL_MSG_LUKS_ALREADY_IN_USE
				      : HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno,
			"cannot open %s for this volume alone", d->path);
		return in_use_cure(err);
	}
	if (hpl_disk_check_same(d, fd, err) < 0) {
		close(fd);
		return -1;
	}
	hpl_disk_classify(d, fd);
	if (check_still(&before, d, err) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int name_partitions(struct hpl_disk *d, const struct hpl_layout *plan, struct hpl_err *err)
{
	d->part_count = HPL_LAYOUT_PARTS;
	for (unsigned i = 0; i < HPL_LAYOUT_PARTS; i++) {
		hpl_disk_part_path(d, i);
		d->parts[i].start = plan->start[i];
		d->parts[i].size = plan->size[i];
		if (access(d->parts[i].path, R_OK | W_OK) < 0)
			return HPL_FAIL(err, HPL_MSG_STORAGE_TWO_PARTITIONS_NOT_AVAILABLE, errno,
				"%s did not appear", d->parts[i].path);
	}
	return 0;
}

/* The sector size, when the disk still has the size that the scan found. */
static int sector_of(uint32_t *ret, const struct hpl_disk *d, int fd, struct hpl_err *err)
{
	uint64_t size = 0;
	int sector = 0;

	if (ioctl(fd, BLKGETSIZE64, &size) < 0 || ioctl(fd, BLKSSZGET, &sector) < 0 ||
		size != d->size)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno,
			"%s does not tell its size", d->path);
	*ret = (uint32_t)sector;
	return 0;
}

/* Can the filesystem of the contract be made behind the LUKS header of a device of size bytes? */
static int check_filesystem(const struct hpl_volume *v, uint64_t size, struct hpl_err *err)
{
	uint64_t data = size > HPL_LUKS_HEADER_BYTES ? size - HPL_LUKS_HEADER_BYTES : 0;

	return hpl_filesystem_tool(v->mkfs_dir, v->filesystem, err) &&
		hpl_filesystem_fits(v->filesystem, data, v->disk.size - data, err) &&
		hpl_filesystem_in_kernel(v->filesystem, err) ? 0 : -1;
}

/* Before anything is written. What an earlier boot has begun may hold a filesystem already. */
int hpl_prepare_judge(const struct hpl_volume *v, uint32_t sector, struct hpl_err *err)
{
	const struct hpl_disk *d = &v->disk;
	struct hpl_layout plan;

	if (d->excluded[0] || (d->kind != HPL_DISK_BLANK && d->kind != HPL_DISK_LUKS &&
		d->kind != HPL_DISK_PARTITIONS && d->kind != HPL_DISK_MAKING))
		return not_usable(d, err);
	if (d->kind == HPL_DISK_BLANK)
		return hpl_layout_plan(&plan, d->size, sector, err) < 0 ? -1 :
			check_filesystem(v, plan.size[1], err);
	if (d->kind == HPL_DISK_PARTITIONS && d->data_blank)
		return check_filesystem(v, d->parts[1].size, err);
	return 0;
}

uint64_t hpl_prepare_record_at(const struct hpl_disk *d)
{
	return d->kind == HPL_DISK_LUKS || d->kind == HPL_DISK_BLANK ? 0 : hpl_disk_record_at(d);
}

int hpl_prepare_not_shrunk(const struct hpl_disk *d, uint64_t size, const struct hpl_record *record,
	struct hpl_err *err)
{
	if (record->state != HPL_RECORD_READY || d->kind != HPL_DISK_PARTITIONS || size >= record->data_size)
		return 0;
	HPL_FAIL(err, HPL_MSG_STORAGE_SHRUNK, 0, "%s has %llu bytes and had %llu", d->parts[1].path,
		(unsigned long long)size, (unsigned long long)record->data_size);
	hpl_err_cure(err, "attach the disk with at least the size that it had");
	return -1;
}

int hpl_prepare_not_erased(const struct hpl_disk *d, const struct hpl_record *record, struct hpl_err *err)
{
	if (record->state != HPL_RECORD_READY)
		return 0;
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s: its data partition is blank, and was a volume", d->path);
	hpl_err_cure(err, "restore the disk; if nobody needs what was on it, wipe all of it outside");
	return -1;
}

/* A whole table with our names: ours, or of somebody who prepared the partitions by hand, or for the size
 * that the disk had before. The kernel shows it, so its first copy is whole. */
static bool has_table(const struct hpl_disk *d)
{
	if (d->part_count != HPL_LAYOUT_PARTS || !hpl_streq(d->type, "gpt") || d->table_torn)
		return false;
	for (unsigned i = 0; i < HPL_LAYOUT_PARTS; i++)
		if (!hpl_streq(d->parts[i].label, hpl_layout_names[i]))
			return false;
	return true;
}

/* A table that was being written: all of the disk but what the table and the record may have touched
 * must still be zero. */
static int check_untouched(const struct hpl_disk *d, int fd, struct hpl_err *err)
{
	char why[HPL_BLANK_WHY] = "";
	int r = hpl_blank_check(fd, HPL_LAYOUT_START, d->size - HPL_LAYOUT_START - MIB, why, err);

	if (r != HPL_NOT_BLANK)
		return r;
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s: a volume was begun here, its partition "
		"table is not ours, and %s", d->path, why);
	hpl_err_cure(err, "attach the right disk; nothing was written to this one");
	return -1;
}

int hpl_prepare_not_another(const struct hpl_disk *d, struct hpl_err *err)
{
	/* one that the kernel has not read may be ours: check_untouched() looks at what is behind it */
	if (d->kind != HPL_DISK_MAKING || has_table(d) || d->table_torn || !d->part_count)
		return 0;
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s: a volume was begun here, and it has another partition table "
		"now", d->path);
	hpl_err_cure(err, "attach the right disk, or wipe all of this one outside and let the kernel see it "
		"(blockdev --rereadpt); nothing was written to it");
	return -1;
}

static int make_table(struct hpl_work *w, int fd, struct hpl_err *err)
{
	struct hpl_disk *d = &w->v->disk;
	struct hpl_layout plan;

	if (d->kind == HPL_DISK_MAKING && has_table(d))
		return 0;
	if (hpl_prepare_not_another(d, err) < 0 || hpl_layout_plan(&plan, d->size, w->sector, err) < 0)
		return -1;
	if (d->kind == HPL_DISK_MAKING && check_untouched(d, fd, err) < 0)
		return -1;
	w->luks.record.state = HPL_RECORD_MAKING;
	w->luks.record_at = hpl_record_place(plan.start[0]);
	if (hpl_record_write(&w->luks.record, w->disk_fd, w->luks.record_at, err) < 0 ||
		hpl_layout_write(fd, d->path, &plan, err) < 0 ||
		hpl_layout_announce(fd, &plan, err) < 0)
		return -1;
	return name_partitions(d, &plan, err);
}

/* The record says that a volume is being made, and somebody used the partition for something else since. */
static int foreign(const char *path, const char *type, struct hpl_err *err)
{
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s: a volume was begun here, and it holds %s now", path, type);
	hpl_err_cure(err, "attach the right disk, or, if nobody needs what is on this one, wipe all of it outside");
	return -1;
}

/* The metadata partition gets its filesystem with the volume. One that is there stays as it is
 * (people prepare it by hand). */
static int make_metadata(struct hpl_work *w, struct hpl_err *err)
{
	const struct hpl_disk_part *p = &w->v->disk.parts[0];
	_cleanup_close_ int fd = open(p->path, O_RDWR | O_EXCL | O_CLOEXEC);
	struct hpl_err why = HPL_ERR_NULL;
	char type[32] = "";

	if (fd < 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_META_PARTITION_FAILED, errno,
			"cannot open %s", p->path);
	if (hpl_filesystem_probe(type, sizeof type, fd, &why) < 0) {
		*err = why; /* several filesystems, or one of several devices: nothing that this runtime has begun */
		return HPL_WRAP(err, why.sys ? HPL_MSG_STORAGE_DEVICE_UNREADABLE : HPL_MSG_STORAGE_DEVICE_NOT_BLANK, "%s",
			p->path);
	}
	hpl_closep(&fd);
	if (type[0] && !hpl_streq(type, "ext4"))
		return foreign(p->path, type, err);
	if (hpl_streq(type, "ext4")) { /* it may hold a keyfile: mended rather than made again */
		enum hpl_sound sound = hpl_filesystem_sound(w->v->mkfs_dir, type, p->path);

		if (sound == HPL_SOUND_UNKNOWN)
			return hpl_filesystem_not_checked(p->path, err);
		if (sound == HPL_SOUND_YES || hpl_ext4_repair(w->v->mkfs_dir, p->path) == 0)
			return 0;
	}
	if (hpl_filesystem_make(w->v->mkfs_dir, "ext4", p->path, "metadata", err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_MOUNT_META_PARTITION_FAILED, "%s", p->path);
	return 0;
}

/* Nothing can have been stored behind a header that never had a key slot. */
static int check_no_data(struct hpl_work *w, uint64_t offset, struct hpl_err *err)
{
	char why[HPL_BLANK_WHY] = "", type[32] = "";
	int r;

	if (offset && hpl_filesystem_probe(type, sizeof(type), w->luks.fd, err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, "%s", w->luks.device);
	if (type[0] && !hpl_streq(type, "crypto_LUKS"))
		return foreign(w->luks.device, type, err);
	r = hpl_blank_check(w->luks.fd, offset, w->luks.device_size - offset, why, err);
	if (r != HPL_NOT_BLANK)
		return r;
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s: %s%s", w->luks.device,
		offset ? "its LUKS header cannot be opened by anyone, and " : "", why);
	hpl_err_cure(err, "restore the header from a backup, or attach a blank disk");
	return -1;
}

int hpl_prepare_keep(struct hpl_work *w, struct hpl_err *err)
{
	const struct hpl_volume *v = w->v;

	if (w->kept || !v->keyfile_len)
		return 0;
	if (v->disk.kind == HPL_DISK_LUKS) {
		HPL_FAIL(err, HPL_MSG_STORAGE_UNSUPPORTED_NUMBER_OF_PARTITIONS, 0,
			"%s is LUKS as a whole and has no place for a keyfile", v->disk.path);
		hpl_err_cure(err, "take the key service out of the contract, or attach a disk with two partitions");
		return -1;
	}
	if (hpl_keyfile_put(&v->keyfile_tool, v->disk.parts[0].path, v->keyfile, v->keyfile_len, err) < 0)
		return -1;
	w->kept = true;
	return 0;
}

/* Where a key service wrapped a seed, encryption without that seed is not what anybody wanted (facts 7.4). */
static int check_no_keyfile(const struct hpl_volume *v, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf blob = HPL_BUF_NULL;

	if (v->keyfile_len || !v->keyfile_tool.program)
		return 0;
	if (hpl_keyfile_get(&blob, &v->keyfile_tool, &v->disk, err) < 0)
		return -1;
	if (!blob.len)
		return 0;
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s holds the keyfile of a key service, and the "
		"contract names none for this volume", v->disk.parts[0].path);
	hpl_err_cure(err, "name the key service, or remove the keyfile outside if nothing was encrypted with it");
	return -1;
}

/* The keyfile first: a header that only a lost seed opens would be a lost volume. */
static int make_header(struct hpl_work *w, struct hpl_err *err)
{
	if (check_filesystem(w->v, w->luks.device_size, err) < 0 || hpl_prepare_keep(w, err) < 0)
		return -1;
	return hpl_luks_make(&w->luks, w->v->name, w->v->passphrase, err);
}

/* The LUKS header: loaded where there is one; made where the data area is blank and this runtime
 * is making the volume. */
static int prepare_header(struct hpl_work *w, bool blank, struct hpl_err *err)
{
	struct hpl_err why = HPL_ERR_NULL;
	int r;

	if (blank) /* once more, on the descriptor that is written to */
		return check_no_data(w, 0, err) < 0 ? -1 : make_header(w, err);
	r = hpl_luks_load(&w->luks, &why);
	if (r == 0 && w->luks.area.header.keyslots)
		return 0;
	if (r == 0) { /* not one slot: no key was ever, or will ever be, derived from it */
		if (check_no_data(w, w->luks.area.header.data_offset, err) < 0)
			return -1;
	} else if (w->making && why.msg != HPL_MSG_STORAGE_DEVICE_UNREADABLE) {
		if (check_no_data(w, HPL_LUKS_HEADER_BYTES, err) < 0)
			return -1;
	} else if (r < 0) {
		*err = why;
		return -1;
	} else {
		return HPL_FAIL(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, 0, "%s holds no LUKS2 header",
			w->luks.device);
	}
	w->making = true;
	return make_header(w, err);
}

static int open_record(struct hpl_work *w, struct hpl_err *err)
{
	struct hpl_disk *d = &w->v->disk;
	struct hpl_luks *l = &w->luks;
	int r;

	w->disk_fd = open(d->path, O_RDWR | O_CLOEXEC);
	if (w->disk_fd < 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno, "cannot open %s", d->path);
	l->record_fd = w->disk_fd;
	l->record_at = hpl_prepare_record_at(d);
	r = l->record_at ? hpl_record_read(&l->record, l->record_fd, l->record_at, err) : 0;
	return r < 0 ? -1 : 0;
}

/* A metadata partition that somebody prepared by hand, before anything is written: a sound ext4, which is
 * kept, or blank. */
static int check_metadata(struct hpl_work *w, struct hpl_err *err)
{
	const struct hpl_disk_part *p = &w->v->disk.parts[0];
	_cleanup_close_ int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	char type[32] = "", why[HPL_BLANK_WHY] = "";
	int r = 0;

	if (fd < 0 || hpl_filesystem_probe(type, sizeof type, fd, err) < 0)
		return fd < 0 ? HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno, "cannot open %s",
			p->path) : HPL_WRAP(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, "%s", p->path);
	if (hpl_streq(type, "ext4") && hpl_filesystem_sound(w->v->mkfs_dir, type, p->path) == HPL_SOUND_YES)
		return 0;
	if (!type[0])
		r = (p->size <= METADATA_READ_MAX ? hpl_blank_check_whole : hpl_blank_check)(fd, 0, p->size, why,
			err);
	if (!type[0] && r != HPL_NOT_BLANK)
		return r;
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s: %s%s", p->path,
		type[0] ? "no sound ext4, but it holds " : why, type);
	hpl_err_cure(err, "make an ext4 in the metadata partition, or attach a blank disk");
	return -1;
}

/* Partitions that are there and blank were prepared by hand: from here on it is our making. */
static int begin_record(struct hpl_work *w, struct hpl_err *err)
{
	struct hpl_luks *l = &w->luks;

	if (!w->making)
		return 0;
	if (l->record.sequence)
		return hpl_prepare_not_erased(&w->v->disk, &l->record, err);
	if (check_metadata(w, err) < 0 || check_no_keyfile(w->v, err) < 0)
		return -1;
	if (!l->record_at)
		return 0;
	l->record.state = HPL_RECORD_MAKING;
	return hpl_record_write(&l->record, l->record_fd, l->record_at, err);
}

/* Partitions that are there: large enough, at least when they have grown, and shown by the kernel, which does not
 * look at a second copy of the table. Blank ones of a template get the size that they will have. */
static int take_partitions(struct hpl_work *w, int fd, struct hpl_err *err)
{
	struct hpl_disk *d = &w->v->disk;
	bool grown;
	uint64_t size;

	if (hpl_grow_size(&size, d, fd, w->sector, err) < 0 ||
		hpl_prepare_not_shrunk(d, size, &w->luks.record, err) < 0)
		return -1;
	if (d->table_torn)
		size = d->parts[1].size;
	return d->table_torn || (d->data_blank && !w->luks.record.sequence) ?
		hpl_grow_table(d, fd, w->sector, size, &grown, err) : 0;
}

int hpl_prepare_grow(struct hpl_work *w, struct hpl_err *err)
{
	const struct hpl_header *h = &w->luks.area.header;
	struct hpl_disk *d = &w->v->disk;
	uint64_t size;

	if (w->making || d->kind != HPL_DISK_PARTITIONS)
		return 0;
	if (hpl_grow_size(&size, d, w->disk_fd, w->sector, err) < 0)
		return -1;
	if (size > d->parts[1].size)
		size -= (size - h->data_offset) % h->sector_size;
	if (hpl_grow_table(d, w->disk_fd, w->sector, size, &w->v->grown, err) < 0)
		return -1;
	w->luks.device_size = d->parts[1].size;
	return 0;
}

/* What holds the header, alone until device-mapper has it: another program that makes a volume of the same
 * disk would write a header of its own. */
static int claim_header(struct hpl_work *w, struct hpl_err *err)
{
	w->claim_fd = open(w->v->device, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (w->claim_fd >= 0)
		return 0;
	HPL_FAIL(err, errno == EBUSY ? HPL_MSG_LUKS_ALREADY_IN_USE : HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno,
		"cannot open %s for this volume alone", w->v->device);
	return in_use_cure(err);
}

int hpl_prepare(struct hpl_work *w, struct hpl_err *err)
{
	struct hpl_disk *d = &w->v->disk;
	_cleanup_close_ int fd = claim_disk(d, err);
	bool blank;

	if (fd < 0 || (!d->excluded[0] && sector_of(&w->sector, d, fd, err) < 0))
		return -1;
	if (hpl_prepare_judge(w->v, w->sector, err) < 0)
		return -1;
	w->making = hpl_prepare_makes(d);
	if (open_record(w, err) < 0 ||
		((d->kind == HPL_DISK_BLANK || d->kind == HPL_DISK_MAKING) && make_table(w, fd, err) < 0) ||
		(d->kind == HPL_DISK_PARTITIONS && take_partitions(w, fd, err) < 0))
		return -1;
	blank = d->kind == HPL_DISK_BLANK || (d->kind == HPL_DISK_PARTITIONS && d->data_blank);
	snprintf(w->v->device, sizeof w->v->device, "%s",
		d->kind == HPL_DISK_LUKS ? d->path : d->parts[1].path);
	w->luks.memory_kb = w->v->memory_kb;
	if (hpl_luks_init(&w->luks, w->v->device, d->kind == HPL_DISK_LUKS ? d->size : d->parts[1].size, err) < 0)
		return -1;
	hpl_closep(&fd); /* whoever holds the disk alone holds its partitions too; one that is open is not taken away */
	if (claim_header(w, err) < 0 || begin_record(w, err) < 0 || (w->making && make_metadata(w, err) < 0))
		return -1;
	return prepare_header(w, blank, err);
}

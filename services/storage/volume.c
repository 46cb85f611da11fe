/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "proto/messages.h"
#include "services/storage/blank.h"
#include "services/storage/filesystem.h"
#include "services/storage/layout.h"
#include "services/storage/luks.h"
#include "services/storage/mountpoint.h"
#include "schema/mounts.h"

/* What is known while a volume is brought up. */
struct work {
	struct hpl_volume *v;
	struct crypt_device *cd;
	struct hpl_header header;
	uint64_t data_size;      /* of the device with the LUKS header, bytes */
	bool open;               /* the mapping exists and is ours */
};

static int not_usable(const struct hpl_disk *d, struct hpl_err *err)
{
	if (d->excluded[0])
		return HPL_FAIL(err, HPL_MSG_LUKS_ALREADY_IN_USE, 0, "%s cannot be used: %s", d->path,
			d->excluded);
	switch (d->kind) {
	case HPL_DISK_UNREADABLE:
		HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, 0, "%s: %s", d->path, d->why);
		break;
	case HPL_DISK_COUNT:
		HPL_FAIL(err, HPL_MSG_STORAGE_UNSUPPORTED_NUMBER_OF_PARTITIONS, 0, "%s: %s", d->path,
			d->why);
		break;
	default:
		HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0, "%s: %s", d->path, d->why);
		break;
	}
	hpl_err_cure(err, "attach the right disk; nothing was written to this one");
	return -1;
}

/* The disk alone and what it holds right now: the scan may be minutes old. */
static int claim_disk(struct hpl_disk *d, struct hpl_err *err)
{
	int fd = open(d->path, O_RDWR | O_EXCL | O_CLOEXEC);

	if (fd < 0) {
		HPL_FAIL(err, errno == EBUSY ? HPL_MSG_LUKS_ALREADY_IN_USE
				      : HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno,
			"cannot open %s for this volume alone", d->path);
		return -1;
	}
	hpl_disk_classify(d, fd);
	return fd;
}

static int make_table(struct hpl_disk *d, int fd, struct hpl_err *err)
{
	struct hpl_layout plan;
	uint64_t size = 0;
	int sector = 0;

	if (ioctl(fd, BLKGETSIZE64, &size) < 0 || ioctl(fd, BLKSSZGET, &sector) < 0 ||
		size != d->size)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno,
			"%s does not tell its size", d->path);
	if (hpl_layout_plan(&plan, size, (uint32_t)sector, err) < 0 ||
		hpl_layout_write(fd, d->path, &plan, err) < 0 ||
		hpl_layout_announce(fd, &plan, err) < 0)
		return -1;
	d->part_count = HPL_LAYOUT_PARTS;
	for (unsigned i = 0; i < HPL_LAYOUT_PARTS; i++) {
		bool digit = d->path[strlen(d->path) - 1] >= '0' && d->path[strlen(d->path) - 1] <= '9';

		/* the kernel's naming: vdb2, but nvme0n1p2 */
		snprintf(d->parts[i].path, sizeof d->parts[i].path, "%.100s%s%u", d->path,
			digit ? "p" : "", i + 1);
		d->parts[i].start = plan.start[i];
		d->parts[i].size = plan.size[i];
		if (access(d->parts[i].path, R_OK | W_OK) < 0)
			return HPL_FAIL(err, HPL_MSG_STORAGE_TWO_PARTITIONS_NOT_AVAILABLE, errno,
				"%s did not appear", d->parts[i].path);
	}
	d->kind = HPL_DISK_PARTITIONS;
	d->data_blank = true;
	return 0;
}

/* A header without one key slot opens nothing. When its data area is blank as well, making was
 * interrupted before the first key; otherwise somebody removed the keys, and it stays. */
static int check_keyless(struct work *w, struct hpl_err *err)
{
	_cleanup_close_ int fd = open(w->v->device, O_RDONLY | O_CLOEXEC);
	char why[HPL_BLANK_WHY] = "";
	int r;

	if (fd < 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno, "cannot open %s",
			w->v->device);
	r = hpl_blank_check(fd, w->header.data_offset, w->data_size - w->header.data_offset, why, err);
	if (r == HPL_NOT_BLANK)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_NOT_BLANK, 0,
			"%s: the LUKS header has no key slot, and %s", w->v->device, why);
	return r;
}

static int make_header(struct work *w, bool table_made, struct hpl_err *err)
{
	struct hpl_luks_params params = {.label = w->v->name, .memory_kb = w->v->memory_kb,
		.table_made = table_made};

	crypt_free(TAKE(w->cd));
	if (hpl_luks_format(w->v->device, w->v->passphrase, &params, err) < 0)
		return -1;
	return hpl_luks_load(&w->cd, &w->header, w->v->device, w->data_size, err);
}

/* The LUKS header: made on a blank device, loaded and checked otherwise. */
static int prepare_header(struct work *w, bool blank, bool table_made, struct hpl_err *err)
{
	if (blank)
		return make_header(w, table_made, err);
	if (hpl_luks_load(&w->cd, &w->header, w->v->device, w->data_size, err) < 0)
		return -1;
	if (w->header.state != HPL_LUKS_NO_KEY)
		return 0;
	if (check_keyless(w, err) < 0)
		return -1;
	return make_header(w, w->header.table_made, err);
}

/* The metadata partition gets its filesystem with the volume. One that is there stays as it is
 * (people prepare it by hand); a torn one is made again only when its table is of our making too. */
static int prepare_metadata(struct work *w, struct hpl_err *err)
{
	const struct hpl_disk_part *p = &w->v->disk.parts[0];
	_cleanup_close_ int fd = -1;
	char type[32] = "", why[HPL_BLANK_WHY] = "";
	int r;

	if (w->v->disk.kind != HPL_DISK_PARTITIONS || w->header.state != HPL_LUKS_MAKING)
		return 0;
	fd = open(p->path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_META_PARTITION_FAILED, errno,
			"cannot open %s", p->path);
	if (hpl_filesystem_probe(type, sizeof type, fd, err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_MOUNT_META_PARTITION_FAILED, "%s", p->path);
	if (hpl_streq(type, "ext4"))
		return 0;
	r = hpl_blank_check(fd, 0, p->size, why, err);
	if (r < 0)
		return -1;
	if (r == HPL_NOT_BLANK && !w->header.table_made)
		return HPL_FAIL(err, HPL_MSG_STORAGE_MOUNT_META_PARTITION_FAILED, 0, "%s: %s", p->path,
			why);
	hpl_closep(&fd);
	if (hpl_filesystem_make(w->v->mkfs_dir, "ext4", p->path, "metadata", err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_MOUNT_META_PARTITION_FAILED, "%s", p->path);
	return 0;
}

static int open_mapping(struct work *w, char *path, size_t path_size, struct hpl_err *err)
{
	const char *uuid = crypt_get_uuid(w->cd);

	if (!uuid || strlen(uuid) != 36)
		return HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0, "the UUID is not one");
	for (const char *p = uuid; *p; p++) /* it becomes a name in /dev/mapper */
		if (!strchr("0123456789abcdefABCDEF-", *p))
			return HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0,
				"the UUID is not one");
	snprintf(w->v->mapping, sizeof w->v->mapping, "luks-%s", uuid);
	snprintf(path, path_size, "%s/%s", crypt_get_dir(), w->v->mapping);
	if (hpl_luks_open(w->cd, w->v->mapping, w->v->passphrase, w->v->previous, err) < 0)
		return -1;
	w->open = true;
	return 0;
}

/* The filesystem in the opened volume: *type is what will be mounted. */
static int prepare_filesystem(struct work *w, const char *path, char *type, size_t size,
	struct hpl_err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, errno, "cannot open %s", path);
	if (hpl_filesystem_probe(type, size, fd, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, "%s", path);
	hpl_closep(&fd);
	if (w->header.state == HPL_LUKS_MAKING) {
		if (type[0] && hpl_filesystem_sound(w->v->mkfs_dir, type, path))
			return 0;
		snprintf(type, size, "%s", w->v->filesystem);
		return hpl_filesystem_make(w->v->mkfs_dir, type, path, NULL, err);
	}
	if (!hpl_filesystem_known(type)) {
		HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, 0,
			"the opened volume holds %s, not ext4, xfs or btrfs",
			type[0] ? type : "no filesystem");
		hpl_err_cure(err, "make a filesystem in it from outside, or attach a blank disk");
		return -1;
	}
	return 0;
}

/* Device nodes and set-user-id programs have no place on a data volume; container engines mount
 * volumes into containers with the same two flags. */
static int mount_volume(struct work *w, const char *path, const char *type, struct hpl_err *err)
{
	_cleanup_close_ int root = open(w->v->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int dir = -1;
	char target[64];

	if (root < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, errno, "no root");
	dir = hpl_mount_path_open(root, w->v->mount, err);
	if (dir < 0)
		return -1;
	snprintf(target, sizeof target, "/proc/self/fd/%d", dir);
	if (mount(path, target, type, MS_NODEV | MS_NOSUID, NULL) < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, errno, "%s (%s) at %s",
			w->v->device, type, w->v->mount);
	snprintf(w->v->found_fs, sizeof w->v->found_fs, "%s", type);
	return 0;
}

static int finish(struct work *w, struct hpl_err *err)
{
	if (w->header.state != HPL_LUKS_MAKING)
		return 0;
	w->v->created = true;
	return hpl_luks_mark_ready(w->cd, w->header.table_made, err);
}

static int choose_device(struct work *w, bool *ret_blank, bool *ret_table_made, struct hpl_err *err)
{
	struct hpl_disk *d = &w->v->disk;
	_cleanup_close_ int fd = claim_disk(d, err);
	bool table_made = false;

	if (fd < 0)
		return -1;
	if (d->excluded[0] || (d->kind != HPL_DISK_BLANK && d->kind != HPL_DISK_LUKS &&
				      d->kind != HPL_DISK_PARTITIONS))
		return not_usable(d, err);
	if (d->kind == HPL_DISK_BLANK) {
		if (!hpl_filesystem_tool(w->v->mkfs_dir, w->v->filesystem, err))
			return -1; /* before anything is written */
		if (make_table(d, fd, err) < 0)
			return -1;
		table_made = true;
	}
	if (d->kind == HPL_DISK_LUKS) {
		snprintf(w->v->device, sizeof w->v->device, "%s", d->path);
		w->data_size = d->size;
	} else {
		snprintf(w->v->device, sizeof w->v->device, "%s", d->parts[1].path);
		w->data_size = d->parts[1].size;
	}
	*ret_blank = d->kind == HPL_DISK_PARTITIONS && d->data_blank;
	*ret_table_made = table_made;
	return 0;
}

static int run(struct work *w, struct hpl_err *err)
{
	char path[PATH_MAX], type[32] = "";
	bool blank = false, table_made = false;

	if (choose_device(w, &blank, &table_made, err) < 0)
		return -1;
	if (blank && !hpl_filesystem_tool(w->v->mkfs_dir, w->v->filesystem, err))
		return -1;
	if (prepare_header(w, blank, table_made, err) < 0 || prepare_metadata(w, err) < 0 ||
		open_mapping(w, path, sizeof path, err) < 0 ||
		prepare_filesystem(w, path, type, sizeof type, err) < 0 ||
		mount_volume(w, path, type, err) < 0)
		return -1;
	return finish(w, err);
}

int hpl_volume_bring_up(struct hpl_volume *v, struct hpl_err *err)
{
	struct work w = {.v = v};
	int r = hpl_mount_path_check(v->mount, err);

	if (r == 0)
		r = run(&w, err);
	if (r < 0 && w.open && !v->found_fs[0])
		(void)hpl_luks_close(w.cd, v->mapping, NULL);
	crypt_free(w.cd);
	if (r < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, "volume '%s'", v->name);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "proto/messages.h"
#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "schema/mounts.h"
#include "services/storage/btrfs.h"
#include "services/storage/ext4.h"
#include "services/storage/filesystem.h"
#include "services/storage/grow.h"
#include "services/storage/mountpoint.h"
#include "services/storage/prepare.h"
#include "services/storage/xfs.h"

enum { FORGET_MS = 10000 }; /* a mkfs dies with its worker, but first its last write has to end */

struct hpl_opened {
	struct hpl_work w;
	char path[PATH_MAX];     /* of the mapping */
	char type[32];           /* filesystem that will be mounted */
};

static int in_use(const struct hpl_volume *v, struct hpl_err *err)
{
	HPL_FAIL(err, HPL_MSG_LUKS_ALREADY_IN_USE, 0, "%s: the mapping %s exists already", v->device,
		v->mapping);
	hpl_err_cure(err, "two disks with one LUKS UUID, a disk and its copy, cannot be volumes of one "
		"guest: detach one");
	return -1;
}

/* The UUID was judged with the header: it becomes a name in /dev/mapper. A disk that was copied has
 * the name of its original. */
static int name_mapping(struct hpl_opened *o, struct hpl_err *err)
{
	struct hpl_volume *v = o->w.v;
	crypt_status_info status;

	snprintf(v->mapping, sizeof v->mapping, "luks-%s", o->w.luks.area.uuid);
	snprintf(o->path, sizeof o->path, "%s/%s", crypt_get_dir(), v->mapping);
	status = crypt_status(NULL, v->mapping);
	if (status == CRYPT_ACTIVE || status == CRYPT_BUSY)
		return in_use(v, err);
	return v->announce ? v->announce(v, err) : 0;
}

static int open_mapping(struct hpl_opened *o, struct hpl_err *err)
{
	struct hpl_work *w = &o->w;
	struct hpl_err why = HPL_ERR_NULL;

	if (name_mapping(o, err) < 0 ||
		hpl_luks_unlock(&w->luks, w->v->passphrase, w->v->previous, err) < 0 || hpl_prepare_grow(w, err) < 0)
		return -1;
	hpl_closep(&w->claim_fd); /* device-mapper claims it */
	if (hpl_luks_activate(&w->luks, w->v->mapping, &why) < 0) {
		if (why.sys == EEXIST) /* another one came between */
			return in_use(w->v, err);
		if (err)
			*err = why;
		return -1;
	}
	w->open = true;
	return 0;
}

/* A workload may have written to it. */
static bool was_mounted(int fd)
{
	uint8_t super[HPL_EXT4_SUPER];

	return pread(fd, super, sizeof(super), HPL_EXT4_SUPER) == (ssize_t)sizeof(super) &&
		hpl_ext4_was_mounted(super);
}

/* The filesystem in the opened volume: *type is what will be mounted. */
static int prepare_filesystem(struct hpl_work *w, const char *path, char *type, size_t size,
	struct hpl_err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, errno, "cannot open %s", path);
	if (hpl_filesystem_probe(type, size, fd, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, "%s", path);
	if (w->making && hpl_streq(type, "ext4") && was_mounted(fd))
		w->making = false; /* whatever the record says */
	hpl_closep(&fd);
	if (w->making) {
		enum hpl_sound sound = type[0] ? hpl_filesystem_sound(w->v->mkfs_dir, type, path) : HPL_SOUND_NO;

		if (sound == HPL_SOUND_UNKNOWN)
			return hpl_filesystem_not_checked(path, err);
		if (sound == HPL_SOUND_YES)
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

/* What a failed mount may mean: what was being written is torn, in a place where no journal helps. The errors
 * are those of a wrong checksum. */
static int mend(const char *dir, const char *type, const char *path, int sys)
{
	if (hpl_streq(type, "ext4") && sys == EBADMSG)
		return hpl_ext4_mend(dir, path);
	if (hpl_streq(type, "ext4") && sys == EUCLEAN)
		return hpl_ext4_replay(dir, path);
	if (hpl_streq(type, "xfs") && sys == EBADMSG)
		return hpl_xfs_mend(path) > 0 ? 0 : -1;
	return hpl_streq(type, "btrfs") && sys == EINVAL ? hpl_btrfs_mend(dir, path) : -1;
}

/* Device nodes and set-user-id programs have no place on a data volume; container engines mount
 * volumes into containers with the same two flags. */
static int mount_volume(struct hpl_work *w, const char *path, const char *type, struct hpl_err *err)
{
	_cleanup_close_ int root = open(w->v->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int dir = -1;
	char target[64];
	int r, sys;

	if (root < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, errno, "no root");
	dir = hpl_mount_path_open(root, w->v->mount, err);
	if (dir < 0)
		return -1;
	snprintf(target, sizeof target, "/proc/self/fd/%d", dir);
	r = mount(path, target, type, MS_NODEV | MS_NOSUID, NULL);
	sys = errno;
	if (r < 0 && mend(w->v->mkfs_dir, type, path, sys) == 0)
		r = mount(path, target, type, MS_NODEV | MS_NOSUID, NULL);
	if (r < 0) {
		(void)hpl_filesystem_mount_failed(path, type, sys, "/proc/self/mounts", err);
		return HPL_WRAP(err, HPL_MSG_LUKS_MOUNT_DEVICE_FAILED, "%s at %s", w->v->device,
			w->v->mount);
	}
	snprintf(w->v->found_fs, sizeof w->v->found_fs, "%s", type);
	return 0;
}

/* The filesystem to the size of its device: also goes on with a growth that was interrupted. */
static int grow(struct hpl_work *w, const char *path, const char *type, struct hpl_err *err)
{
	_cleanup_close_ int root = open(w->v->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int device = open(path, O_RDONLY | O_CLOEXEC), mounted = -1;
	uint64_t size = 0;
	bool grown;

	if (w->making)
		return 0;
	if (root < 0 || device < 0 || ioctl(device, BLKGETSIZE64, &size) < 0)
		return HPL_FAIL(err, HPL_MSG_LUKS_EXTEND_FS_FAILED, errno, "the size of %s", path);
	mounted = hpl_open_beneath(root, w->v->mount + 1, O_RDONLY | O_DIRECTORY, 0, err);
	if (mounted < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_EXTEND_FS_FAILED, "%s", w->v->mount);
	if (hpl_grow_filesystem(mounted, device, type, size, &grown, err) < 0)
		return -1;
	w->v->grown |= grown;
	return 0;
}

/* The judged header is what was activated: no key size and no cipher but these get through. */
static void tell(struct hpl_volume *v, const struct hpl_luks2 *area)
{
	snprintf(v->uuid, sizeof v->uuid, "%s", area->uuid);
	snprintf(v->cipher, sizeof v->cipher, "%s", HPL_LUKS_CIPHER);
	v->key_bits = HPL_LUKS_KEY_BYTES * 8;
	v->data_offset = area->header.data_offset;
	v->sector_size = area->header.sector_size;
	v->key_slots = area->header.keyslots;
}

/* Closes what is open, but never beneath a mount. */
static void undo(struct hpl_opened *o)
{
	struct hpl_work *w = &o->w;

	if (w->open && !w->v->found_fs[0])
		(void)hpl_luks_close(&w->luks, w->v->mapping, NULL);
	w->open = false;
	hpl_luks_done(&w->luks);
	hpl_closep(&w->claim_fd);
	hpl_closep(&w->disk_fd);
}

void hpl_volume_close(struct hpl_opened *o)
{
	if (!o)
		return;
	undo(o);
	free(o);
}

int hpl_volume_open(struct hpl_opened **ret, struct hpl_volume *v, struct hpl_err *err)
{
	struct hpl_opened *o = calloc(1, sizeof *o);

	if (!o)
		return HPL_OOM(err);
	o->w = (struct hpl_work){.v = v, .luks = HPL_LUKS_NULL, .disk_fd = -1, .claim_fd = -1};
	if (hpl_mount_path_check(v->mount, err) < 0 || hpl_prepare(&o->w, err) < 0 ||
		open_mapping(o, err) < 0 || hpl_prepare_keep(&o->w, err) < 0 ||
		prepare_filesystem(&o->w, o->path, o->type, sizeof o->type, err) < 0) {
		hpl_volume_close(o);
		return HPL_WRAP(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, "volume '%s'", v->name);
	}
	*ret = o;
	return 0;
}

int hpl_volume_mount(struct hpl_opened *o, struct hpl_err *err)
{
	struct hpl_work *w = &o->w;

	if (mount_volume(w, o->path, o->type, err) < 0 || grow(w, o->path, o->type, err) < 0 ||
		hpl_luks_seal(&w->luks, HPL_RECORD_READY, err) < 0)
		return HPL_WRAP(err, HPL_MSG_LUKS_UNEXPECTED_ERROR, "volume '%s'", w->v->name);
	w->v->created = w->making;
	tell(w->v, &w->luks.area);
	return 0;
}

int hpl_volume_bring_up(struct hpl_volume *v, struct hpl_err *err)
{
	struct hpl_opened *o = NULL;
	int r = hpl_volume_open(&o, v, err);

	if (r == 0)
		r = hpl_volume_mount(o, err);
	hpl_volume_close(o);
	return r;
}

static void quiet(int level, const char *msg, void *ud)
{
}

int hpl_volume_forget(const char *mapping, struct hpl_err *err)
{
	const struct timespec nap = {.tv_nsec = 100000000};
	uint64_t end_us = hpl_mono_us() + (uint64_t)FORGET_MS * 1000;
	int r;

	crypt_set_log_callback(NULL, quiet, NULL); /* each refusal would be a line */
	for (;;) { /* libdevmapper tries for 5 s each time */
		r = crypt_status(NULL, mapping) == CRYPT_INACTIVE ? 0 :
			crypt_deactivate_by_name(NULL, mapping, 0);
		if (r != -EBUSY || hpl_mono_us() >= end_us)
			break;
		nanosleep(&nap, NULL);
	}
	if (r < 0 && r != -ENODEV)
		return HPL_FAIL(err, HPL_MSG_LUKS_ALREADY_IN_USE, -r, "the mapping %s is left", mapping);
	return 0;
}

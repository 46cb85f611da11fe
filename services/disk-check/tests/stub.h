/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A kernel that answers what a test wants: a root on 253:0 over /dev/vda2 (254:2), a volume on 253:1 over
 * /dev/vdb2 (254:18), and a btrfs volume on 253:2 over /dev/vdc2 (254:34).
 */
#include <errno.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "services/disk-check/check.h"

enum { STUB_ROOT, STUB_DATA, STUB_BTRFS, STUB_DISKS };

struct stub_disk {
	const char *uuid, *path, *point;
	unsigned minor, below;           /* 253:minor over 254:below */
	unsigned mount;                  /* that the path leads to */
	unsigned place_major, place_minor;
	struct hpl_dm dm;
	struct hpl_luks_header header;
	int header_result;
	dev_t node;
	uint64_t bytes;
};
struct stub {
	struct stub_disk disks[STUB_DISKS];
	const char *mountinfo;
	dev_t members[HPL_KERNEL_DEVICES];
	size_t member_count;
	int fails;                       /* a bit for each question that fails, by its place below */
	unsigned checks, fail_checks;    /* made so far; only the first so many fail, 0: all */
	int stuck;                       /* not 0: a disk does not answer before this pipe ends */
};
enum { STUB_MOUNTS = 1, STUB_PLACE = 2, STUB_MEMBERS = 4, STUB_MAPPING = 8, STUB_DEVICE = 16, STUB_NODE = 32,
	STUB_HEADER = 64 };

static const char stub_mountinfo[] =
	"1 1 0:2 / / rw - rootfs rootfs rw\n"
	"22 1 253:0 / / rw,noatime shared:1 - ext4 /dev/mapper/luks-root rw\n"
	"23 22 0:5 / /proc rw - proc proc rw\n"
	"24 22 253:0 /var/lib/containers/storage /var/lib/containers/storage rw - ext4 /dev/mapper/luks-root rw\n"
	"25 24 0:60 / /var/lib/containers/storage/overlay/1/merged rw - overlay overlay rw,lowerdir=/l\n"
	"30 22 253:1 / /mnt/data rw,nosuid,nodev - ext4 /dev/mapper/luks-data rw\n"
	"31 22 0:44 / /mnt/b rw,nosuid,nodev - btrfs /dev/mapper/luks-b rw\n";

static const char *const stub_uuids[STUB_DISKS] = {"0f7c1d2e-8a3b-4c5d-9e6f-0123456789a0",
	"0f7c1d2e-8a3b-4c5d-9e6f-0123456789a1", "0f7c1d2e-8a3b-4c5d-9e6f-0123456789a2"};
static const char *const stub_paths[STUB_DISKS] = {"/dev/vda2", "/dev/vdb2", "/dev/vdc2"};
static const char *const stub_points[STUB_DISKS] = {"/", "/mnt/data", "/mnt/b"};
static const unsigned stub_mount_ids[STUB_DISKS] = {22, 30, 31};

static struct stub_disk *stub_by(struct stub *s, unsigned major_number, unsigned minor_number)
{
	for (int i = 0; i < STUB_DISKS; i++)
		if ((major_number == 253 && s->disks[i].minor == minor_number) ||
			(major_number == 254 && s->disks[i].below == minor_number))
			return &s->disks[i];
	return NULL;
}

static int stub_fail(const struct stub *s, int bit, struct hpl_err *err)
{
	if (s->fail_checks && s->checks > s->fail_checks)
		return 0;
	return s->fails & bit ? HPL_FAIL(err, 0, EIO, "the stub fails") : 0;
}

static int stub_mounts(void *ud, struct hpl_buf *out, struct hpl_err *err)
{
	struct stub *s = ud;

	s->checks++;
	if (stub_fail(s, STUB_MOUNTS, err) < 0)
		return -1;
	hpl_buf_fmt(out, "%s", s->mountinfo);
	return 0;
}

static int stub_place(void *ud, struct hpl_place *ret, const char *path, struct hpl_err *err)
{
	struct stub *s = ud;

	for (int i = 0; i < STUB_DISKS; i++)
		if (strcmp(s->disks[i].point, path) == 0)
			*ret = (struct hpl_place){s->disks[i].mount, s->disks[i].place_major,
				s->disks[i].place_minor};
	return stub_fail(s, STUB_PLACE, err);
}

static int stub_members(void *ud, dev_t *ret, size_t *count, const char *path, struct hpl_err *err)
{
	struct stub *s = ud;

	for (size_t i = 0; i < s->member_count && i < *count; i++)
		ret[i] = s->members[i];
	*count = s->member_count;
	return stub_fail(s, STUB_MEMBERS, err);
}

static int stub_mapping(void *ud, struct hpl_dm *ret, dev_t device, struct hpl_err *err)
{
	struct stub *s = ud;
	struct stub_disk *d = major(device) == 253 ? stub_by(s, 253, minor(device)) : NULL;

	if (!d)
		return HPL_KERNEL_NOT_DM;
	*ret = d->dm;
	return stub_fail(s, STUB_MAPPING, err);
}

static int stub_device(void *ud, char *ret_path, uint64_t *ret_bytes, dev_t device, struct hpl_err *err)
{
	struct stub *s = ud;
	struct stub_disk *d = stub_by(s, major(device), minor(device));

	if (!d)
		return HPL_FAIL(err, 0, ENOENT, "no such device");
	snprintf(ret_path, HPL_KERNEL_PATH, "%s", d->path);
	*ret_bytes = d->bytes;
	return stub_fail(s, STUB_DEVICE, err);
}

static int stub_node(void *ud, dev_t *ret, const char *path, struct hpl_err *err)
{
	struct stub *s = ud;

	for (int i = 0; i < STUB_DISKS; i++)
		if (strcmp(s->disks[i].path, path) == 0) {
			*ret = s->disks[i].node;
			return stub_fail(s, STUB_NODE, err);
		}
	return HPL_FAIL(err, 0, ENOENT, "no such node");
}

static int stub_header(void *ud, struct hpl_luks_header *ret, const char *path, dev_t device,
	struct hpl_err *err)
{
	struct stub *s = ud;
	struct stub_disk *d = stub_by(s, major(device), minor(device));
	char c;

	if (s->stuck && read(s->stuck, &c, 1) < 0)
		return -1;
	if (stub_fail(s, STUB_HEADER, err) < 0)
		return -1;
	if (d->header_result)
		HPL_FAIL(err, 0, 0, "there is no LUKS2 header on it");
	else
		*ret = d->header;
	return d->header_result;
}

static void stub_fill(struct stub *s, int i)
{
	struct stub_disk *d = &s->disks[i];
	char hex[40] = "";
	size_t n = 0;

	*d = (struct stub_disk){.uuid = stub_uuids[i], .path = stub_paths[i], .point = stub_points[i],
		.minor = (unsigned)i, .below = 2 + 16 * (unsigned)i, .mount = stub_mount_ids[i],
		.place_major = 253, .place_minor = (unsigned)i, .bytes = (458752ULL + 32768) * 512};
	d->node = makedev(254, d->below);
	for (const char *p = d->uuid; *p; p++)
		if (*p != '-')
			hex[n++] = *p;
	d->dm = (struct hpl_dm){.flags = DM_ACTIVE_PRESENT_FLAG, .major = 253, .minor = d->minor,
		.targets = 1, .length = 458752, .type = "crypt"};
	snprintf(d->dm.name, sizeof(d->dm.name), "luks-%s", d->uuid);
	snprintf(d->dm.uuid, sizeof(d->dm.uuid), "CRYPT-LUKS2-%s-luks-%s", hex, d->uuid);
	snprintf(d->dm.params, sizeof(d->dm.params),
		"aes-xts-plain64 :64:logon:cryptsetup:%s-d0 0 254:%u 32768 %s", d->uuid, d->below,
		i ? "1 sector_size:4096" : "2 no_read_workqueue sector_size:4096");
	d->header = (struct hpl_luks_header){.cipher = "aes-xts-plain64", .keyslots = 1, .key_bytes = 64,
		.offset = 32768 * 512, .sector_size = 4096};
	snprintf(d->header.uuid, sizeof(d->header.uuid), "%s", d->uuid);
}

static void stub_init(struct stub *s)
{
	*s = (struct stub){.mountinfo = stub_mountinfo, .members = {makedev(253, STUB_BTRFS)},
		.member_count = 1};
	for (int i = 0; i < STUB_DISKS; i++)
		stub_fill(s, i);
}

static struct hpl_kernel stub_kernel(struct stub *s)
{
	return (struct hpl_kernel){s, stub_mounts, stub_place, stub_members, stub_mapping, stub_device,
		stub_node, stub_header};
}

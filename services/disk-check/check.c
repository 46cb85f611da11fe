/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "proto/messages.h"
#include "services/disk-check/mounts.h"

/* One target on its way through the steps. */
struct step {
	const struct hpl_kernel *k;
	const struct hpl_check_target *t;
	struct hpl_check_result found;
	char mapping[128];
	char uuid[40];
};

static int wrong(struct hpl_err *err, uint32_t msg, const struct hpl_check_target *t)
{
	return HPL_WRAP(err, msg, "mount point %s", t->mount);
}

/* ---- mount ---- */

/* The one device below a filesystem that has an anonymous number. */
static int sole_member(dev_t *ret, const struct step *s, const struct hpl_mount *m, struct hpl_err *err)
{
	dev_t members[HPL_KERNEL_DEVICES];
	size_t count = HPL_ARRAY_SIZE(members);

	if (strcmp(m->type, "btrfs") != 0)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_MOUNT_CHANGED, 0, "it is a filesystem of the kind %s",
			m->type);
	if (s->k->members(s->k->ud, members, &count, m->point, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, "its devices");
	if (count != 1)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_MOUNT_CHANGED, 0,
			"its filesystem stands on %zu devices, one was opened", count);
	*ret = members[0];
	return 0;
}

static int find_mapped(struct step *s, const struct hpl_mounts *mounts, struct hpl_err *err)
{
	const struct hpl_mount *m;
	struct hpl_place place;

	if (s->k->place(s->k->ud, &place, s->t->mount, err) < 0)
		return HPL_WRAP(err, err && err->sys == ENOENT ? HPL_MSG_DISKCHECK_MOUNT_CHANGED :
			HPL_MSG_DISKCHECK_NOT_POSSIBLE, "cannot be examined");
	if (hpl_mount_find(&m, mounts, s->t->mount, place.mount, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_MOUNT_CHANGED, "not as it was mounted");
	if (hpl_mount_anonymous(m))
		return sole_member(&s->found.mapped, s, m, err);
	if (m->major != place.major || m->minor != place.minor)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_MOUNT_CHANGED, 0,
			"the list of mounts says %u:%u, the directory is on %u:%u", m->major, m->minor,
			place.major, place.minor);
	s->found.mapped = makedev(m->major, m->minor);
	return 0;
}

/* ---- mapping ---- */

/* Names of what was opened: storage has said them, those of the root follow from its mapping. */
static int name_opened(struct step *s, const struct hpl_dm *dm, struct hpl_err *err)
{
	const char *uuid = s->t->uuid;

	if (!s->t->mapping) {
		if (strncmp(dm->name, "luks-", 5) != 0 || !hpl_table_is_uuid(dm->name + 5))
			return HPL_FAIL(err, 0, 0, "its mapping '%s' is not that of a LUKS volume", dm->name);
		uuid = dm->name + 5;
	} else if (!hpl_table_is_uuid(uuid)) {
		return HPL_FAIL(err, 0, 0, "it is not known which LUKS volume was opened");
	}
	snprintf(s->uuid, sizeof(s->uuid), "%s", uuid);
	snprintf(s->mapping, sizeof(s->mapping), "%s", s->t->mapping ? s->t->mapping : dm->name);
	return 0;
}

/* The device below, by the number in the table, and what its node in /dev is now. */
static int find_device(struct step *s, struct hpl_opened *o, struct hpl_err *err)
{
	char now[HPL_KERNEL_PATH];
	const char *path = s->t->device ? s->t->device : now;
	dev_t below = makedev(s->found.table.major, s->found.table.minor), node;

	if (s->k->device(s->k->ud, now, &o->device_bytes, below, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "the device below its mapping is gone");
	if (s->k->node(s->k->ud, &node, path, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "the device that was opened is gone");
	o->major = major(node);
	o->minor = minor(node);
	snprintf(s->found.device, sizeof(s->found.device), "%s", path);
	return 0;
}

static int judge_mapping(struct step *s, const struct hpl_dm *dm, bool later, struct hpl_err *err)
{
	struct hpl_opened o = {
		.mapping = s->mapping,
		.uuid = s->uuid,
		.cipher = s->t->mapping ? s->t->cipher : HPL_TABLE_CIPHER,
		.key_bytes = s->t->mapping ? s->t->key_bytes : HPL_TABLE_KEY_BYTES,
		.data_offset = s->t->data_offset,
		.sector_size = s->t->sector_size,
		.later = later,
	};

	if (hpl_table_of(&s->found.table, dm, err) < 0 || name_opened(s, dm, err) < 0 ||
		find_device(s, &o, err) < 0)
		return -1;
	s->found.length = dm->length;
	snprintf(s->found.name, sizeof(s->found.name), "%s", dm->name);
	return hpl_table_judge(dm, &s->found.table, &o, err);
}

static int check_mapping(struct step *s, bool later, struct hpl_err *err)
{
	_cleanup_dm_ struct hpl_dm dm = {0};
	int r = s->k->mapping(s->k->ud, &dm, s->found.mapped, err);

	if (r < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, "its mapping cannot be examined");
	if (r == HPL_KERNEL_NOT_DM)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, 0,
			"it is on the device %u:%u, which is no mapping", major(s->found.mapped),
			minor(s->found.mapped));
	if (makedev(dm.major, dm.minor) != s->found.mapped)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, 0,
			"the device mapper told of another mapping");
	if (judge_mapping(s, &dm, later, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, "not as it was opened");
	return 0;
}

/* ---- header ---- */

static int judge_header(struct step *s, const struct hpl_luks_header *h, unsigned keyslots,
	struct hpl_err *err)
{
	const struct hpl_table *t = &s->found.table;

	if (strcmp(h->uuid, s->uuid) != 0)
		return HPL_FAIL(err, 0, 0, "the header on %s is of the volume %s, %s is open",
			s->found.device, h->uuid, s->uuid);
	if (strcmp(h->cipher, t->cipher) != 0 || h->key_bytes != t->key_bytes ||
		h->sector_size != t->sector_size || h->offset != t->offset * 512)
		return HPL_FAIL(err, 0, 0, "the header on %s says %s, %u byte key, data at %" PRIu64
			", sectors of %u, which is not what is open", s->found.device, h->cipher,
			h->key_bytes, h->offset, h->sector_size);
	if (keyslots && h->keyslots != keyslots)
		return HPL_FAIL(err, 0, 0, "the header on %s has %u key slots, it had %u", s->found.device,
			h->keyslots, keyslots);
	s->found.keyslots = h->keyslots;
	return 0;
}

static int check_header(struct step *s, const struct hpl_check_result *before, struct hpl_err *err)
{
	struct hpl_luks_header h;
	int r = s->k->header(s->k->ud, &h, s->found.device,
		makedev(s->found.table.major, s->found.table.minor), err);

	if (r < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, "its header");
	if (r == HPL_KERNEL_NO_HEADER)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_HEADER_CHANGED, "%s", s->found.device);
	if (judge_header(s, &h, before->done ? before->keyslots : s->t->keyslots, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_HEADER_CHANGED, "not as it was opened");
	return 0;
}

/* ---- everything ---- */

static int compare(const struct step *s, const struct hpl_check_result *before, struct hpl_err *err)
{
	if (!before->done)
		return 0;
	if (before->mapped != s->found.mapped || strcmp(before->name, s->found.name) != 0)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, 0,
			"it is on the mapping '%s', '%s' was there at the first check", s->found.name,
			before->name);
	if (before->length != s->found.length || !hpl_table_same(&before->table, &s->found.table) ||
		strcmp(before->device, s->found.device) != 0)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, 0,
			"its mapping has another table than at the first check");
	return 0;
}

static int check_one(struct hpl_check_result *ret, const struct hpl_check_target *t,
	const struct hpl_mounts *mounts, const struct hpl_kernel *k, struct hpl_err *err)
{
	struct step s = {.k = k, .t = t};

	if (find_mapped(&s, mounts, err) < 0 || check_mapping(&s, ret->done, err) < 0 ||
		compare(&s, ret, err) < 0 || check_header(&s, ret, err) < 0)
		return wrong(err, 0, t);
	s.found.done = true;
	*ret = s.found;
	return 0;
}

/* Several mounts of one volume are fine (containers get theirs so); a device that is none of ours is not. */
static int check_strange(const struct hpl_check_result *results, size_t count, const struct hpl_mounts *mounts,
	const struct hpl_kernel *k, struct hpl_err *err)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct hpl_mount *m = &mounts->list[i];
		dev_t devices[HPL_KERNEL_DEVICES] = {makedev(m->major, m->minor)};
		size_t n = 1, known = 0;

		if (!hpl_mount_on_disk(m))
			continue;
		if (hpl_mount_anonymous(m)) {
			n = HPL_ARRAY_SIZE(devices);
			if (k->members(k->ud, devices, &n, m->point, err) < 0)
				return HPL_WRAP(err, HPL_MSG_DISKCHECK_STRANGE_VOLUME, "%s at %s", m->source,
					m->point);
		}
		for (size_t j = 0; j < count && n == 1; j++)
			known += results[j].mapped == devices[0];
		if (!known)
			return HPL_FAIL(err, HPL_MSG_DISKCHECK_STRANGE_VOLUME, 0,
				"%s of %s is mounted at %s", m->type, m->source, m->point);
	}
	return 0;
}

int hpl_check_all(struct hpl_check_result *results, const struct hpl_check_target *targets, size_t count,
	const struct hpl_kernel *kernel, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	_cleanup_mounts_ struct hpl_mounts mounts = {0};

	if (kernel->mounts(kernel->ud, &text, err) < 0 || hpl_mounts_parse(&mounts, text.data, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, "list of mounts");
	for (size_t i = 0; i < count; i++)
		if (check_one(&results[i], &targets[i], &mounts, kernel, err) < 0)
			return -1;
	return check_strange(results, count, &mounts, kernel, err);
}

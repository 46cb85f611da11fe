/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/match.h"

#include <stdio.h>
#include <strings.h>

#include "proto/messages.h"

enum { VIRTIO_SERIAL = 20, LUKS_LABEL = 47 }; /* the most that each carries */

static bool given(const char *s)
{
	return s && s[0];
}

static bool is_id(const struct hpl_disk *d, const char *id)
{
	if (given(d->serial) && hpl_streq(d->serial, id))
		return true;
	if (strlen(d->serial) == VIRTIO_SERIAL && strncmp(d->serial, id, VIRTIO_SERIAL) == 0)
		return true;
	return given(d->uuid) && strcasecmp(d->uuid, id) == 0;
}

static bool is_name(const struct hpl_disk *d, const char *name)
{
	return hpl_streq(d->serial, name) || hpl_streq(d->label, name) ||
	       (strlen(d->label) == LUKS_LABEL && strncmp(d->label, name, LUKS_LABEL) == 0) ||
	       (strlen(d->serial) == VIRTIO_SERIAL && strncmp(d->serial, name, VIRTIO_SERIAL) == 0);
}

static bool named(const struct hpl_disk *d, const struct hpl_want *w, int rule)
{
	switch (rule) {
	case 0:
		return is_id(d, w->volume_id);
	case 1:
		return given(w->volume_name) && is_name(d, w->volume_name);
	default:
		return is_name(d, w->name);
	}
}

static bool usable(const struct hpl_disk *d)
{
	return !d->excluded[0] && (d->kind == HPL_DISK_BLANK || d->kind == HPL_DISK_LUKS ||
					  d->kind == HPL_DISK_PARTITIONS || d->kind == HPL_DISK_MAKING);
}

static int ambiguous(struct hpl_err *err, const char *volume, const char *list, const char *why)
{
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_AMBIGUOUS, 0, "volume '%s': %s: %s", volume, why, list);
	hpl_err_place(err, "contract: env.volumes.%s", volume);
	hpl_err_cure(err,
		"give the volume a volumeID equal to its disk's serial or UUID, or give each disk "
		"its own serial");
	return -1;
}

static void add_name(char *list, size_t size, const struct hpl_disk *d)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s (serial '%s', %s)", len ? ", " : "", d->path,
		d->serial, d->excluded[0] ? d->excluded : hpl_disk_kind_name(d->kind));
}

/* 0 found or HPL_MATCH_NONE in *ret, -1 several */
static int by_rules(size_t *ret, const struct hpl_want *w, const struct hpl_disk *disks, size_t n,
	struct hpl_err *err)
{
	int first = given(w->volume_id) ? 0 : 1, last = given(w->volume_id) ? 0 : 2;

	*ret = HPL_MATCH_NONE;
	for (int rule = first; rule <= last; rule++) {
		char list[640] = "";
		size_t hits = 0, hit = 0;

		for (size_t i = 0; i < n; i++)
			if (!disks[i].excluded[0] && named(&disks[i], w, rule)) {
				hits++;
				hit = i;
				add_name(list, sizeof list, &disks[i]);
			}
		if (hits > 1)
			return ambiguous(err, w->name, list, "several disks answer to it");
		if (hits == 1) {
			*ret = hit;
			return 0;
		}
	}
	return 0;
}

static int shared(struct hpl_err *err, const char *volume, const struct hpl_disk *d, const char *other)
{
	char why[160];

	snprintf(why, sizeof(why), "its disk answers to volume '%.100s' too", other);
	return ambiguous(err, volume, d->path, why);
}

static int check_shared(const size_t *got, const struct hpl_want *w, size_t n,
	const struct hpl_disk *disks, struct hpl_err *err)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (got[i] != HPL_MATCH_NONE && got[i] == got[k])
				return shared(err, w[i].name, &disks[got[i]], w[k].name);
	return 0;
}

static bool taken(const size_t *got, size_t n, size_t disk)
{
	for (size_t i = 0; i < n; i++)
		if (got[i] == disk)
			return true;
	return false;
}

static bool would_be_made(const struct hpl_disk *d)
{
	return d->kind != HPL_DISK_LUKS && (d->kind != HPL_DISK_PARTITIONS || d->data_blank);
}

/* May the volume's own disk be here, and just not be usable? Then no blank one is made a volume in its place. */
static int check_alone(const struct hpl_want *w, const size_t *got, size_t n, const struct hpl_disk *disks,
	size_t disk_count, size_t blank, struct hpl_err *err)
{
	char list[640] = "";
	bool wait = false;

	for (size_t i = 0; i < disk_count; i++) {
		const struct hpl_disk *d = &disks[i];
		bool unreadable = d->kind == HPL_DISK_UNREADABLE, own = unreadable ||
			(d->excluded[0] ? named(d, w, 1) || named(d, w, 2) : !usable(d));

		if (!own || taken(got, n, i))
			continue;
		add_name(list, sizeof(list), d);
		wait |= unreadable; /* it may come to itself */
	}
	if (!list[0])
		return 0;
	if (wait)
		return HPL_MATCH_WAIT;
	add_name(list, sizeof(list), &disks[blank]);
	return ambiguous(err, w->name, list, "a blank disk is there, and one that cannot be used and may be its own");
}

/* The last rule: one volume left, one usable disk left. */
static int by_exclusion(size_t *got, const struct hpl_want *w, size_t n,
	const struct hpl_disk *disks, size_t disk_count, bool settled, struct hpl_err *err)
{
	size_t left = 0, volume = 0, free_count = 0, disk = 0;
	bool by_id_missing = false;
	char list[640] = "";

	for (size_t i = 0; i < n; i++)
		if (got[i] == HPL_MATCH_NONE) {
			left++;
			volume = i;
			by_id_missing |= given(w[i].volume_id);
		}
	for (size_t i = 0; i < disk_count; i++)
		if (usable(&disks[i]) && !taken(got, n, i)) {
			free_count++;
			disk = i;
			add_name(list, sizeof list, &disks[i]);
		}
	if (left == 0)
		return 0;
	/* a volume with a volumeID takes no other disk: it may still come */
	if (!settled || free_count == 0 || by_id_missing)
		return HPL_MATCH_WAIT;
	if (left == 1 && free_count == 1) {
		int r = would_be_made(&disks[disk]) ?
			check_alone(&w[volume], got, n, disks, disk_count, disk, err) : 0;

		if (r == 0)
			got[volume] = disk;
		return r;
	}
	/* with fewer disks than volumes more may come; with enough of them none can be chosen */
	if (free_count < left)
		return HPL_MATCH_WAIT;
	return ambiguous(err, w[volume].name, list, "no disk answers to it and several are free");
}

int hpl_match(size_t *ret, const struct hpl_want *wants, size_t count, const struct hpl_disk *disks,
	size_t disk_count, bool settled, struct hpl_err *err)
{
	for (size_t i = 0; i < count; i++)
		if (by_rules(&ret[i], &wants[i], disks, disk_count, err) < 0)
			return -1;
	if (check_shared(ret, wants, count, disks, err) < 0)
		return -1;
	return by_exclusion(ret, wants, count, disks, disk_count, settled, err);
}

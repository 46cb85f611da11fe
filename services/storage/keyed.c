/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/keyed.h"

#include <stdio.h>

#include "runtime/base/key_limits.h"

bool hpl_keyed_any(const struct hpl_storage *st)
{
	for (size_t i = 0; i < st->count; i++)
		if (st->volumes[i].provider)
			return true;
	return false;
}

/* ---- what the disks hold ---- */

static const struct hpl_disk *disk_of(const struct hpl_storage *st, size_t i)
{
	return &st->disks[st->disk_of[i]];
}

/* An interrupted making counts as none: it goes on with whatever seed is wrapped there. */
static bool encrypted(const struct hpl_disk *d)
{
	return d->kind == HPL_DISK_PARTITIONS && !d->data_blank;
}

/* On a pool thread, which alone uses `found` until it is done. */
static int read_work(void *ud, struct hpl_err *err)
{
	struct hpl_storage *st = ud;
	const struct hpl_keyfile_tool tool = {st->keyfile_program, st->mkfs_dir};

	for (size_t i = 0; i < st->count; i++) {
		struct hpl_storage_volume *v = &st->volumes[i];

		if (!v->provider)
			continue;
		if (disk_of(st, i)->kind == HPL_DISK_LUKS) {
			HPL_FAIL(err, HPL_MSG_STORAGE_UNSUPPORTED_NUMBER_OF_PARTITIONS, 0, "volume '%s': "
				"%s is LUKS as a whole and holds no wrapped seed", v->name,
				disk_of(st, i)->path);
			hpl_err_cure(err, "take the key service out of the contract for this volume");
			return -1;
		}
		if (hpl_keyfile_get(&v->found, &tool, disk_of(st, i), err) < 0)
			return HPL_WRAP(err, 0, "volume '%s'", v->name);
	}
	return 0;
}

static int publish(struct hpl_storage *st, struct hpl_err *err)
{
	Hpl__StoredKeys out = HPL__STORED_KEYS__INIT;
	Hpl__StoredKey items[HPL_STORAGE_VOLUMES_MAX], *list[HPL_STORAGE_VOLUMES_MAX];

	out.version = HPL_KEY_VERSION;
	out.volumes = list;
	for (size_t i = 0; i < st->count; i++) {
		struct hpl_storage_volume *v = &st->volumes[i];
		Hpl__StoredKey *k = &items[out.n_volumes];

		if (!v->provider)
			continue;
		hpl__stored_key__init(k);
		k->volume = v->name;
		k->blob = (ProtobufCBinaryData){v->found.len, (uint8_t *)v->found.data};
		k->encrypted = encrypted(disk_of(st, i));
		list[out.n_volumes++] = k;
	}
	return hpl_service_publish(st->service, HPL_TOPIC_STORAGE_KEYFILES, &out.base, HPL_MSG_NONE, err);
}

static void read_done(void *ud, int result, struct hpl_err *err)
{
	struct hpl_storage *st = ud;

	if (result == 0)
		result = publish(st, err);
	if (result == 0) {
		st->phase = HPL_STORAGE_THIRD;
		result = st->have_passphrases ? hpl_storage_mount(st, err) : 0;
	}
	if (result < 0)
		hpl_storage_fail(st, err);
}

int hpl_keyed_read(struct hpl_storage *st, struct hpl_err *err)
{
	uv_timer_stop(&st->timer);
	st->phase = HPL_STORAGE_READING;
	return hpl_work_run(st->service, read_work, read_done, st, err);
}

/* ---- what a provider wants kept ---- */

static struct hpl_storage_volume *volume_of(struct hpl_storage *st, const char *name, const char *source)
{
	for (size_t i = 0; i < st->count; i++)
		if (hpl_streq(st->volumes[i].name, name) && st->volumes[i].provider &&
			hpl_streq(st->volumes[i].provider, source))
			return &st->volumes[i];
	return NULL;
}

static int refuse(struct hpl_err *err, const char *source, const char *what)
{
	HPL_FAIL(err, HPL_MSG_STORAGE_KEY_PROVIDER_ANSWER, 0, "key.stored of %s: %s", source, what);
	hpl_err_cure(err, "the key provider of the image is broken: use another image");
	return -1;
}

static int check(struct hpl_storage *st, const char *source, const Hpl__StoredKeys *in, struct hpl_err *err)
{
	if (in->version != HPL_KEY_VERSION)
		return refuse(err, source, "a version that is not known here");
	if (in->n_volumes > HPL_KEY_VOLUMES_MAX)
		return refuse(err, source, "too many volumes");
	if (st->phase >= HPL_STORAGE_MOUNTING)
		return refuse(err, source, "the volumes are being opened already");
	for (size_t i = 0; i < in->n_volumes; i++) {
		const Hpl__StoredKey *k = in->volumes[i];
		const struct hpl_storage_volume *v = volume_of(st, k->volume, source);

		if (!v)
			return refuse(err, source, "a volume that is not its own");
		if (v->stored.len)
			return refuse(err, source, "the same volume twice");
		if (!k->blob.len || k->blob.len > HPL_KEY_BLOB_MAX)
			return refuse(err, source, "a blob outside of the limits");
		for (size_t j = 0; j < i; j++)
			if (hpl_streq(in->volumes[j]->volume, k->volume))
				return refuse(err, source, "the same volume twice");
	}
	return 0;
}

int hpl_keyed_take(struct hpl_storage *st, const char *source, const Hpl__StoredKeys *in,
	struct hpl_err *err)
{
	if (check(st, source, in, err) < 0)
		return -1;
	for (size_t i = 0; i < in->n_volumes; i++) {
		struct hpl_storage_volume *v = volume_of(st, in->volumes[i]->volume, source);

		hpl_buf_add(&v->stored, in->volumes[i]->blob.data, in->volumes[i]->blob.len);
		if (v->stored.failed)
			return HPL_OOM(err);
	}
	return 0;
}

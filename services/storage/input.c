/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/input.h"

#include "services/storage/filesystem.h"
#include "services/storage/mountpoint.h"
#include "schema/mounts.h"

static const char default_filesystem[] = "ext4"; /* the schema's default */

static char *copy_or(const char *text, const char *fallback)
{
	return strdup(text && text[0] ? text : fallback);
}

static int take_volume(struct hpl_storage_volume *v, const Hpl__Volume *in, struct hpl_err *err)
{
	v->name = strdup(in->name);
	v->mount = copy_or(in->mount, HPL_MOUNT_DEFAULT);
	v->filesystem = copy_or(in->filesystem, default_filesystem);
	v->volume_id = copy_or(in->volume_id, "");
	v->volume_name = copy_or(in->volume_name, "");
	v->provider = in->provider[0] ? strdup(in->provider) : NULL;
	if ((in->provider[0] && !v->provider) || !v->name || !v->mount || !v->filesystem || !v->volume_id || !v->volume_name)
		return HPL_OOM(err);
	if (!v->name[0] || !hpl_filesystem_known(v->filesystem)) {
		HPL_FAIL(err, HPL_MSG_STORAGE_VALIDATE_CONTRACT, 0,
			"volume '%s': filesystem '%s' is not known", v->name, v->filesystem);
		hpl_err_cure(err, "use ext4, xfs or btrfs");
		return -1;
	}
	if (hpl_mount_path_check(v->mount, err) < 0) {
		hpl_err_place(err, "contract: workload.volumes.%s.mount", v->name);
		return -1;
	}
	return 0;
}

static int by_depth(const void *a, const void *b)
{
	size_t la = strlen(((const struct hpl_storage_volume *)a)->mount);
	size_t lb = strlen(((const struct hpl_storage_volume *)b)->mount);

	return la < lb ? -1 : la > lb;
}

int hpl_storage_take_volumes(struct hpl_storage *st, const Hpl__VolumesSlice *in,
	struct hpl_err *err)
{
	const char *mounts[HPL_STORAGE_VOLUMES_MAX];

	if (in->n_volumes > HPL_STORAGE_VOLUMES_MAX)
		return HPL_FAIL(err, HPL_MSG_STORAGE_VALIDATE_CONTRACT, 0,
			"%zu volumes; at most %d are supported", in->n_volumes,
			HPL_STORAGE_VOLUMES_MAX);
	for (size_t i = 0; i < in->n_volumes; i++) {
		st->count++;
		if (take_volume(&st->volumes[i], in->volumes[i], err) < 0)
			return -1;
		mounts[i] = st->volumes[i].mount;
	}
	if (hpl_mount_paths_distinct(mounts, st->count, err) < 0)
		return -1;
	/* a volume mounted beneath another one comes after it */
	qsort(st->volumes, st->count, sizeof st->volumes[0], by_depth);
	return 0;
}

static int take_previous(struct hpl_secrets *ret, const Hpl__VolumePassphrase *p, struct hpl_err *err)
{
	if (p->previous.len && hpl_secrets_add(ret, p->previous.data, p->previous.len, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n_mixed; i++)
		if (hpl_secrets_add(ret, p->mixed[i].data, p->mixed[i].len, err) < 0)
			return -1;
	return 0;
}

int hpl_storage_take_passphrases(struct hpl_storage *st, const Hpl__Passphrases *in,
	struct hpl_err *err)
{
	if (in->n_volumes > HPL_STORAGE_VOLUMES_MAX)
		return HPL_FAIL(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, 0,
			"passphrases for %zu volumes; at most %d are supported", in->n_volumes,
			HPL_STORAGE_VOLUMES_MAX);
	for (size_t i = 0; i < in->n_volumes; i++) {
		const Hpl__VolumePassphrase *p = in->volumes[i];
		struct hpl_storage_key *k = &st->keys[st->key_count++];

		k->volume = strdup(p->volume);
		if (!k->volume)
			return HPL_OOM(err);
		if (hpl_secret_copy(&k->passphrase, p->passphrase.data, p->passphrase.len, err) < 0 ||
			take_previous(&k->previous, p, err) < 0)
			return HPL_WRAP(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, "volume '%s'", p->volume);
	}
	return 0;
}

const struct hpl_storage_key *hpl_storage_key_of(const struct hpl_storage *st, const char *volume,
	struct hpl_err *err)
{
	for (size_t i = 0; i < st->key_count; i++)
		if (hpl_streq(st->keys[i].volume, volume) && st->keys[i].passphrase.len)
			return &st->keys[i];
	HPL_FAIL(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, 0, "volume '%s' has no passphrase", volume);
	hpl_err_cure(err, "give the volume a seed in env and in workload");
	return NULL;
}

void hpl_storage_drop_keys(struct hpl_storage *st)
{
	for (size_t i = 0; i < st->key_count; i++) {
		hpl_secret_done(&st->keys[i].passphrase);
		hpl_secrets_done(&st->keys[i].previous);
		hpl_freep(&st->keys[i].volume);
	}
	st->key_count = 0;
}

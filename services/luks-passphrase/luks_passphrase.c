/* SPDX-License-Identifier: Apache-2.0 */
#include "services/luks-passphrase/luks_passphrase.h"

#include "services/luks-passphrase/passphrase.h"

/* A contract with more volumes than a machine has drive letters is a fault of its author; the
 * bound keeps locked memory (two pages a volume) below the manifest's memlock_kb. */
enum { VOLUMES_MAX = 64 };

/* What is published: the messages borrow the bytes of the secrets. */
struct result {
	size_t count;
	struct hpl_secret current[VOLUMES_MAX];
	struct hpl_secret previous[VOLUMES_MAX];
	Hpl__VolumePassphrase messages[VOLUMES_MAX];
	Hpl__VolumePassphrase *pointers[VOLUMES_MAX];
};

static void result_done(struct result *r)
{
	for (size_t i = 0; i < VOLUMES_MAX; i++) {
		hpl_secret_done(&r->current[i]);
		hpl_secret_done(&r->previous[i]);
	}
}

static struct hpl_seed seed_of(ProtobufCBinaryData b)
{
	return (struct hpl_seed){b.data, b.len};
}

/* Either side may be rolled alone: the side without a previous seed keeps its current one. */
static int derive_previous(struct hpl_secret *ret, const Hpl__VolumeSeeds *v, struct hpl_err *err)
{
	ProtobufCBinaryData env = v->env_previous.len ? v->env_previous : v->env_seed;
	ProtobufCBinaryData workload =
		v->workload_previous.len ? v->workload_previous : v->workload_seed;

	if (!v->env_previous.len && !v->workload_previous.len)
		return 0;
	return hpl_passphrase_derive(ret, seed_of(env), seed_of(workload), err);
}

static int derive_volume(struct result *r, const Hpl__VolumeSeeds *v, struct hpl_err *err)
{
	size_t i = r->count;
	Hpl__VolumePassphrase *m = &r->messages[i];

	if (hpl_passphrase_derive(&r->current[i], seed_of(v->env_seed), seed_of(v->workload_seed),
		    err) < 0 ||
		derive_previous(&r->previous[i], v, err) < 0) {
		hpl_err_place(err, "contract: volumes.%s.seed", v->volume);
		hpl_err_cure(err, "give the volume a seed in env and in workload");
		return -1;
	}
	hpl__volume_passphrase__init(m);
	m->volume = v->volume;
	m->passphrase = (ProtobufCBinaryData){r->current[i].len, r->current[i].data};
	m->previous = (ProtobufCBinaryData){r->previous[i].len, r->previous[i].data};
	r->pointers[i] = m;
	r->count++;
	return 0;
}

static int derive_all(struct result *r, const Hpl__SeedsSlice *seeds, struct hpl_err *err)
{
	if (seeds->n_volumes > VOLUMES_MAX)
		return HPL_FAIL(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, 0,
			"%zu volumes; at most %d are supported", seeds->n_volumes, VOLUMES_MAX);
	for (size_t i = 0; i < seeds->n_volumes; i++)
		if (derive_volume(r, seeds->volumes[i], err) < 0)
			return HPL_WRAP(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, "volume '%s'",
				seeds->volumes[i]->volume);
	return 0;
}

static int on_seeds(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	HPL_CLEANUP(result_done) struct result r = {0};
	Hpl__Passphrases out = HPL__PASSPHRASES__INIT;

	if (derive_all(&r, ev->seeds, err) < 0)
		return -1;
	out.n_volumes = r.count;
	out.volumes = r.pointers;
	if (hpl_service_publish(s, HPL_TOPIC_LUKS_PASSPHRASES, &out.base, HPL_MSG_NONE, err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, "cannot hand over");
	hpl_log(HPL_SEV_INFO, "LUKS passphrases made for %zu volumes", r.count);
	hpl_service_done(s);
	return 0;
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_SEEDS, on_seeds},
	{NULL, NULL},
};

const struct hpl_service_def hpl_luks_passphrase_def = {
	.name = "luks-passphrase",
	.handlers = handlers,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/luks-passphrase/collect.h"

#include <stdio.h>

#include "proto/messages.h"
#include "services/luks-passphrase/passphrase.h"

static struct hpl_seed seed_of(ProtobufCBinaryData b)
{
	return (struct hpl_seed){b.data, b.len};
}

/* ---- two seeds ---- */

static int derive(struct hpl_secret *ret, ProtobufCBinaryData env, ProtobufCBinaryData workload,
	struct hpl_err *err)
{
	const struct hpl_seed seeds[] = {
		[HPL_SEED_OF_ENV] = seed_of(env),
		[HPL_SEED_OF_WORKLOAD] = seed_of(workload),
	};

	return hpl_passphrase_derive(ret, seeds, HPL_ARRAY_SIZE(seeds), err);
}

static int add_previous(struct hpl_collect_entry *e, ProtobufCBinaryData env, ProtobufCBinaryData workload,
	struct hpl_err *err)
{
	if (derive(&e->previous.list[e->previous.count], env, workload, err) < 0)
		return -1;
	e->previous.count++;
	return 0;
}

/* Either side may be rolled alone: the side without a previous seed keeps its current one. Where both have
 * one, it may still be that only one of them changes now, and the other's was left from an earlier change:
 * the sides do not know of each other. */
static int derive_previous(struct hpl_collect_entry *e, const Hpl__VolumeSeeds *v, struct hpl_err *err)
{
	bool env = v->env_previous.len, workload = v->workload_previous.len;

	if ((env || workload) && add_previous(e, env ? v->env_previous : v->env_seed,
			workload ? v->workload_previous : v->workload_seed, err) < 0)
		return -1;
	if (!env || !workload)
		return 0;
	return add_previous(e, v->env_seed, v->workload_previous, err) < 0 ||
		add_previous(e, v->env_previous, v->workload_seed, err) < 0 ? -1 : 0;
}

static int take_volume(struct hpl_collection *c, const Hpl__VolumeSeeds *v, struct hpl_err *err)
{
	struct hpl_collect_entry *e = &c->entries[c->count++];

	e->volume = strdup(v->volume);
	e->provider = v->provider[0] ? strdup(v->provider) : NULL;
	if (!e->volume || (v->provider[0] && !e->provider))
		return HPL_OOM(err);
	if (e->provider) {
		c->waiting++;
		c->wait_s = v->provider_s > c->wait_s ? v->provider_s : c->wait_s;
	}
	if (derive(&e->current, v->env_seed, v->workload_seed, err) < 0 || derive_previous(e, v, err) < 0) {
		hpl_err_place(err, "contract: volumes.%s.seed", v->volume);
		hpl_err_cure(err, "give the volume a seed in env and in workload");
		return -1;
	}
	return 0;
}

int hpl_collect_seeds(struct hpl_collection *c, const Hpl__SeedsSlice *in, struct hpl_err *err)
{
	if (c->begun)
		return HPL_FAIL(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, 0, "the seeds came twice");
	c->begun = true;
	if (in->n_volumes > HPL_KEY_VOLUMES_MAX)
		return HPL_FAIL(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, 0,
			"%zu volumes; at most %d are supported", in->n_volumes,
			HPL_KEY_VOLUMES_MAX);
	for (size_t i = 0; i < in->n_volumes; i++)
		if (take_volume(c, in->volumes[i], err) < 0)
			return HPL_WRAP(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, "volume '%s'",
				in->volumes[i]->volume);
	return 0;
}

/* ---- the third ---- */

static struct hpl_collect_entry *waiting_for(struct hpl_collection *c, const char *source,
	const char *volume)
{
	for (size_t i = 0; i < c->count; i++)
		if (hpl_streq(c->entries[i].volume, volume) &&
			hpl_streq(c->entries[i].provider, source))
			return &c->entries[i];
	return NULL;
}

/* Everything of an answer is judged before anything of it is used. */
static int judge(struct hpl_collection *c, const char *source, const Hpl__KeySeeds *in,
	struct hpl_err *err)
{
	if (!c->begun)
		return HPL_FAIL(err, 0, 0, "it came before the seeds of the contract");
	if (in->version != HPL_KEY_VERSION)
		return HPL_FAIL(err, 0, 0, "version %u, known is %d", in->version, HPL_KEY_VERSION);
	if (in->n_volumes == 0 || in->n_volumes > c->waiting)
		return HPL_FAIL(err, 0, 0, "seeds for %zu volumes; %zu wait for one", in->n_volumes,
			c->waiting);
	for (size_t i = 0; i < in->n_volumes; i++) {
		const Hpl__KeySeed *k = in->volumes[i];

		if (!waiting_for(c, source, k->volume))
			return HPL_FAIL(err, 0, 0, "volume '%.64s' waits for no seed of it", k->volume);
		for (size_t j = 0; j < i; j++)
			if (hpl_streq(in->volumes[j]->volume, k->volume))
				return HPL_FAIL(err, 0, 0, "volume '%.64s' twice", k->volume);
		if (k->seed.len == 0 || k->seed.len > HPL_KEY_SEED_MAX)
			return HPL_FAIL(err, 0, 0, "a seed of %zu bytes for volume '%.64s', allowed are "
				"1 to %d", k->seed.len, k->volume, HPL_KEY_SEED_MAX);
	}
	return 0;
}

static int extend(struct hpl_secret *s, struct hpl_seed third, struct hpl_err *err)
{
	_cleanup_secret_ struct hpl_secret interim = *s;

	*s = HPL_SECRET_NULL;
	return hpl_passphrase_extend(s, &interim, third, err);
}

static int extend_all(struct hpl_collect_entry *e, struct hpl_seed third, struct hpl_err *err)
{
	if (extend(&e->current, third, err) < 0)
		return -1;
	for (size_t i = 0; i < e->previous.count; i++)
		if (extend(&e->previous.list[i], third, err) < 0)
			return -1;
	return 0;
}

int hpl_collect_third(struct hpl_collection *c, const char *source, const Hpl__KeySeeds *in,
	struct hpl_err *err)
{
	if (judge(c, source, in, err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_KEY_PROVIDER_ANSWER, "%s", source);
	for (size_t i = 0; i < in->n_volumes; i++) {
		struct hpl_seed third = seed_of(in->volumes[i]->seed);
		struct hpl_collect_entry *e = waiting_for(c, source, in->volumes[i]->volume);

		if (extend_all(e, third, err) < 0)
			return HPL_WRAP(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, "volume '%s'",
				e->volume);
		hpl_freep(&e->provider);
		c->waiting--;
	}
	return 0;
}

void hpl_collect_missing(const struct hpl_collection *c, char *out, size_t size)
{
	size_t len = 0;

	*out = '\0';
	for (size_t i = 0; i < c->count && len < size; i++)
		if (c->entries[i].provider)
			len += (size_t)snprintf(out + len, size - len, "%s%s (%s)", len ? ", " : "",
				c->entries[i].volume, c->entries[i].provider);
}

void hpl_collection_done(struct hpl_collection *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct hpl_collect_entry *e = &c->entries[i];

		hpl_secret_done(&e->current);
		hpl_secrets_done(&e->previous);
		hpl_freep(&e->volume);
		hpl_freep(&e->provider);
	}
	c->count = c->waiting = 0;
}

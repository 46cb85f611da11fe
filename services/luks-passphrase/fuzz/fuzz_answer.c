/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answer of a key provider: refused with the one id and without a trace, or each
 * volume of it got its passphrase.
 */
#include "proto/messages.h"
#include "services/luks-passphrase/collect.h"
#include "services/luks-passphrase/passphrase.h"

static void seeds(struct hpl_collection *c)
{
	static char *const names[] = {"data", "logs", "plain", ""};
	static char *const providers[] = {"key-kms", "key-kms", "", "key-grep11"};
	static uint8_t seed[] = "a seed";
	Hpl__VolumeSeeds v[4], *list[4];
	Hpl__SeedsSlice in = HPL__SEEDS_SLICE__INIT;

	for (size_t i = 0; i < 4; i++) {
		hpl__volume_seeds__init(&v[i]);
		v[i].volume = names[i];
		v[i].provider = providers[i];
		v[i].env_seed = v[i].workload_seed = (ProtobufCBinaryData){6, seed};
		if (i == 0)
			v[i].env_previous = v[i].workload_previous = v[i].env_seed;
		list[i] = &v[i];
	}
	in.n_volumes = 4;
	in.volumes = list;
	if (hpl_collect_seeds(c, &in, NULL) < 0)
		abort();
}

static void check(const struct hpl_collection *c, size_t waiting)
{
	size_t count = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct hpl_collect_entry *e = &c->entries[i];

		count += e->provider != NULL;
		if (e->current.len != HPL_PASSPHRASE_LEN || e->previous.count != (i == 0 ? HPL_SECRETS_MAX : 0))
			abort();
		for (size_t k = 0; k < e->previous.count; k++)
			if (e->previous.list[k].len != HPL_PASSPHRASE_LEN)
				abort();
	}
	if (count != waiting || c->waiting != waiting)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Hpl__KeySeeds *in = hpl__key_seeds__unpack(NULL, size, data);
	static struct hpl_collection c;
	struct hpl_err err = HPL_ERR_NULL;

	if (!in)
		return 0;
	seeds(&c);
	/* the same answer twice: nothing is left of it to be answered again */
	for (int i = 0; i < 2; i++) {
		size_t before = c.waiting;

		if (hpl_collect_third(&c, "key-kms", in, &err) == 0) {
			if (i || in->n_volumes == 0 || in->n_volumes > 2)
				abort();
			check(&c, before - in->n_volumes);
		} else {
			if (err.msg != HPL_MSG_STORAGE_KEY_PROVIDER_ANSWER || !err.text[0])
				abort();
			check(&c, before);
		}
	}
	hpl_collection_done(&c);
	c.begun = false;
	hpl__key_seeds__free_unpacked(in, NULL);
	return 0;
}

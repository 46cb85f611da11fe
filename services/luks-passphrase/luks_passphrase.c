/* SPDX-License-Identifier: Apache-2.0 */
#include "services/luks-passphrase/luks_passphrase.h"

enum { GRACE_S = 960, GRACE_MAX_S = 24 * 3600 };

static ProtobufCBinaryData bytes_of(const struct hpl_secret *s)
{
	return (ProtobufCBinaryData){s->len, s->data};
}

/* The messages borrow the bytes of the secrets. */
static int publish(struct hpl_luks_passphrase *l, struct hpl_err *err)
{
	struct hpl_collection *c = &l->passphrases;
	Hpl__VolumePassphrase messages[HPL_KEY_VOLUMES_MAX], *pointers[HPL_KEY_VOLUMES_MAX];
	ProtobufCBinaryData mixed[HPL_KEY_VOLUMES_MAX][HPL_SECRETS_MAX];
	Hpl__Passphrases out = HPL__PASSPHRASES__INIT;

	for (size_t i = 0; i < c->count; i++) {
		const struct hpl_collect_entry *e = &c->entries[i];

		hpl__volume_passphrase__init(&messages[i]);
		messages[i].volume = e->volume;
		messages[i].passphrase = bytes_of(&e->current);
		messages[i].previous = bytes_of(&e->previous.list[0]);
		messages[i].mixed = mixed[i];
		for (size_t k = 1; k < e->previous.count; k++)
			mixed[i][messages[i].n_mixed++] = bytes_of(&e->previous.list[k]);
		pointers[i] = &messages[i];
	}
	out.n_volumes = c->count;
	out.volumes = pointers;
	if (hpl_service_publish(l->service, HPL_TOPIC_LUKS_PASSPHRASES, &out.base, HPL_MSG_NONE,
		    err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_LUKSKEY_GENRN_ERROR, "cannot hand over");
	hpl_log(HPL_SEV_INFO, "LUKS passphrases made for %zu volume%s", c->count, c->count == 1 ? "" : "s");
	return 0;
}

/* All the service knows goes with it, however it ends; the process follows. */
static int forget(struct hpl_luks_passphrase *l, int rc)
{
	uv_timer_stop(&l->limit);
	hpl_collection_done(&l->passphrases);
	return rc;
}

static int finish(struct hpl_luks_passphrase *l, struct hpl_err *err)
{
	if (forget(l, publish(l, err)) < 0)
		return -1;
	hpl_service_done(l->service);
	return 0;
}

static void on_limit(uv_timer_t *t)
{
	struct hpl_luks_passphrase *l = t->data;
	struct hpl_err err = HPL_ERR_NULL;
	char missing[512];

	hpl_collect_missing(&l->passphrases, missing, sizeof(missing));
	HPL_FAIL(&err, HPL_MSG_STORAGE_KEY_PROVIDER_TIMEOUT, 0, "no answer for %s", missing);
	forget(l, 0);
	hpl_service_fail(l->service, NULL, &err);
}

static int on_seeds(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_luks_passphrase *l = state;
	char missing[512];

	if (hpl_collect_seeds(&l->passphrases, ev->seeds, err) < 0)
		return forget(l, -1);
	if (l->passphrases.waiting == 0)
		return finish(l, err);
	hpl_collect_missing(&l->passphrases, missing, sizeof(missing));
	hpl_log(HPL_SEV_INFO, "waiting for the third seed of %s", missing);
	uv_timer_start(&l->limit, on_limit, (l->passphrases.wait_s + l->grace_s) * 1000, 0);
	return 0;
}

static int on_key_seeds(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	struct hpl_luks_passphrase *l = state;

	/* the broker stamped the source: a provider speaks for its own volumes only */
	if (hpl_collect_third(&l->passphrases, ev->source, ev->key_seeds, err) < 0)
		return forget(l, -1);
	return l->passphrases.waiting ? 0 : finish(l, err);
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct hpl_luks_passphrase *l = state;

	l->service = s;
	uv_timer_init(hpl_service_loop(s), &l->limit);
	l->limit.data = l;
	return hpl_service_setting_u64(s, "provider_grace_s", GRACE_S, 0, GRACE_MAX_S, &l->grace_s,
		err);
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_SEEDS, on_seeds},
	{HPL_TOPIC_KEY_SEEDS, on_key_seeds},
	{NULL, NULL},
};

const struct hpl_service_def hpl_luks_passphrase_def = {
	.name = "luks-passphrase",
	.handlers = handlers,
	.start = start,
};

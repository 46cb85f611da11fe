/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everybody else of a boot with a key provider, for test_providers.py: the setting "mode" says whom
 * a process plays. As storage it writes to the log what no real one does: passphrases and blobs.
 */
#include "runtime/base/buf.h"
#include "runtime/harness/service.h"

static const char *mode;

static bool plays(const char *name)
{
	return hpl_streq(mode, name);
}

static int publish(struct hpl_service *s, const char *topic, const ProtobufCMessage *payload,
	struct hpl_err *err)
{
	return hpl_service_publish(s, topic, payload, HPL_MSG_NONE, err);
}

static int on_boot(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	if (!plays("logging"))
		return 0;
	return publish(s, HPL_TOPIC_LOGGING_READY, NULL, err);
}

static int on_valid(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	return plays("signature") ? publish(s, HPL_TOPIC_SIGNATURE_VERIFIED, NULL, err) : 0;
}

/* The volumes of a first boot: blank disks. */
static int on_volumes(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	Hpl__StoredKey keys[8], *list[8];
	Hpl__StoredKeys out = HPL__STORED_KEYS__INIT;

	out.version = 1;
	out.volumes = list;
	for (size_t i = 0; i < ev->volumes->n_volumes && i < 8; i++) {
		hpl__stored_key__init(&keys[i]);
		keys[i].volume = ev->volumes->volumes[i]->name;
		list[out.n_volumes++] = &keys[i];
	}
	return publish(s, HPL_TOPIC_STORAGE_KEYFILES, &out.base, err);
}

static int on_stored(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf hex = HPL_BUF_NULL;
	const Hpl__StoredKey *k = ev->stored_keys->volumes[0];

	for (size_t i = 0; i < k->blob.len; i++)
		hpl_buf_fmt(&hex, "%02x", k->blob.data[i]);
	hpl_log(HPL_SEV_INFO, "blob %s %s", k->volume, hex.data);
	return 0;
}

static int on_passphrases(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	Hpl__MountedVolumes out = HPL__MOUNTED_VOLUMES__INIT;

	for (size_t i = 0; i < ev->passphrases->n_volumes; i++) {
		const Hpl__VolumePassphrase *v = ev->passphrases->volumes[i];

		hpl_log(HPL_SEV_INFO, "passphrase %s %.*s previous %.*s", v->volume,
			(int)v->passphrase.len, (char *)v->passphrase.data, (int)v->previous.len,
			v->previous.len ? (char *)v->previous.data : "");
	}
	return publish(s, HPL_TOPIC_STORAGE_READY, &out.base, err);
}

/* As catch: the end, whichever way. */
static int shut_down(struct hpl_service *s, const Hpl__Event *ev, struct hpl_err *err)
{
	Hpl__Shutdown down = HPL__SHUTDOWN__INIT;

	if (!plays("catch"))
		return 0;
	down.failure = ev->failure != NULL;
	down.reason = ev->topic;
	return publish(s, HPL_TOPIC_SYSTEM_SHUTDOWN, &down.base, err);
}

static int on_failed(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	return shut_down(s, ev, err);
}

/* contract, luks-passphrase and the provider */
static int on_exited(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	static int count;

	return ++count == 3 ? shut_down(s, ev, err) : 0;
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	mode = hpl_service_setting(s, "mode", "");
	return 0;
}

int main(void)
{
	static const struct hpl_handler handlers[] = {
		{HPL_TOPIC_SYSTEM_BOOT, on_boot}, {HPL_TOPIC_CONTRACT_VALID, on_valid},
		{HPL_TOPIC_CONTRACT_VOLUMES, on_volumes}, {HPL_TOPIC_KEY_STORED, on_stored},
		{HPL_TOPIC_LUKS_PASSPHRASES, on_passphrases}, {HPL_TOPIC_SERVICE_FAILED, on_failed},
		{HPL_TOPIC_SERVICE_EXITED, on_exited}, {0},
	};
	static const struct hpl_service_def def = {.name = "world", .handlers = handlers, .start = start};

	return hpl_service_main(&def, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/contract.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/base/file.h"
#include "runtime/base/secret.h"
#include "services/contract/mask.h"
#include "runtime/contract/slices.h"

/* A contract of 16 MiB and the escapes of its sections; the reader's own limit is the same. */
enum { CONTRACT_BYTES = 16 << 20, FAULTS_SAID = 20 };

/* The names under which people know these files; nothing is at these places any more, unless the
 * contract asks for the classic layout. */
#define KNOWN_DECRYPTED "/var/hyperprotect/user-data.decrypted"
#define KNOWN_WORKLOAD "/var/hyperprotect/workload-data.decrypted"

/* ---- reading, at start ---- */

static int read_file(struct hpl_contract **ret, const char *dir, const char *name,
	bool allow_tokens, struct hpl_err *err)
{
	_cleanup_free_ char *path = hpl_path_join(dir, name);
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};

	if (!path)
		return HPL_OOM(err);
	if (hpl_file_read(&text, path, CONTRACT_BYTES, err) < 0) {
		err->msg = err->sys == ENOENT ? HPL_MSG_CONTRACT_CONTRACT_NOT_EXISTS :
			HPL_MSG_CONTRACT_PARSE_CONTRACT;
		return -1;
	}
	if (hpl_contract_read(ret, "contract", text.data, text.len, allow_tokens, err) < 0) {
		HPL_WRAP(err, 0, "%s", name);
		/* what the bootloader let pass is not its fault any more */
		if (!err->msg || err->msg == HPL_MSG_BOOTLOADER_INVALID_CONTRACT)
			err->msg = HPL_MSG_CONTRACT_PARSE_CONTRACT;
		return -1;
	}
	return 0;
}

/* A contract that cannot be read at all is said after logging.ready; until then there is none. */
static void read_contract(struct hpl_contract_service *c)
{
	if (read_file(&c->decrypted, c->dir, "user-data.decrypted", false, &c->unreadable) == 0)
		(void)read_file(&c->delivered, c->dir, "user-data", true, &c->unreadable);
}

static int publish_logging(struct hpl_service *s, struct hpl_contract_service *c,
	struct hpl_err *err)
{
	_cleanup_slice_ struct hpl_slice slice = HPL_SLICE_NULL;
	Hpl__LoggingSlice logging = HPL__LOGGING_SLICE__INIT;
	Hpl__LogTarget target = HPL__LOG_TARGET__INIT;

	logging.kind = HPL__LOGGING_SLICE__KIND__NONE;
	if (c->decrypted &&
		hpl_slice_logging(&slice, c->decrypted, &logging, &target, err) < 0)
		return -1;
	if (hpl_service_publish(s, HPL_TOPIC_CONTRACT_LOGHOST, &target.base, HPL_MSG_NONE, err) < 0)
		return -1;
	return hpl_service_publish(s, HPL_TOPIC_CONTRACT_LOGGING, &logging.base, HPL_MSG_NONE, err);
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct hpl_contract_service *c = state;
	const char *product = hpl_service_setting(s, "product", "hpvs");

	c->form.legacy = hpl_streq(hpl_service_setting(s, "legacy", "no"), "yes");
	if (hpl_product_parse(&c->form.product, product) < 0)
		return HPL_FAIL(err, HPL_MSG_CONTRACT_VALIDATE_CONTRACT, 0,
			"the image says product \"%.20s\"; known are hpvs, ccrt, ccrv, ccco", product);
	for (size_t i = 0; i < HPL_KEY_SOURCES; i++)
		if (hpl_service_in_image(s, hpl_key_sources[i].service))
			c->form.providers |= hpl_key_source_bit(&hpl_key_sources[i]);
	c->dir = hpl_path_join(hpl_service_setting(s, "boot_dir", "/var/lib/hpl/boot"), "contract");
	if (!c->dir)
		return HPL_OOM(err);
	read_contract(c);
	return publish_logging(s, c, err);
}

/* ---- validation, when its result can be seen ---- */

static void say_invalid(void)
{
	hpl_log(HPL_SEV_NOTICE, "Contract file is invalid.");
	hpl_log(HPL_SEV_NOTICE, "Validation of Contract failed.");
}

/* All faults but the first, which is the failure, are notices: the user mends them in one go.
 * Warnings are said of valid contracts too. */
static void say_others(const struct hpl_faults *faults, size_t from)
{
	for (size_t i = from; i < faults->count && i < FAULTS_SAID; i++) {
		const struct hpl_msg_info *info = hpl_msg_info(faults->items[i].msg);
		struct hpl_err e = HPL_ERR_NULL;
		hpl_fault_to_err(&e, "contract", &faults->items[i]);
		hpl_log(info->severity == HPL_SEV_WARNING ? HPL_SEV_WARNING : HPL_SEV_NOTICE,
			"%s: %s -> %s: %s%s%s", info->id, info->text, e.place, e.text,
			*e.cure ? "; " : "", e.cure);
	}
	if (faults->count > FAULTS_SAID)
		hpl_log(HPL_SEV_NOTICE, "%zu more faults in the contract",
			faults->count - FAULTS_SAID);
}

static int validate(struct hpl_contract_service *c, struct hpl_faults *faults, struct hpl_err *err)
{
	if (!c->decrypted || !c->delivered) {
		say_invalid();
		*err = c->unreadable;
		return -1;
	}
	int rc = hpl_contract_validate(c->decrypted, &c->form, faults, err);
	if (rc < 0)
		return HPL_WRAP(err, HPL_MSG_CONTRACT_VALIDATE_CONTRACT, "validation");
	if (rc > 0) {
		say_invalid();
		hpl_fault_to_err(err, "contract", &faults->items[0]);
		say_others(faults, 1);
		return -1;
	}
	say_others(faults, 0);
	return 0;
}

static int publish_valid(struct hpl_service *s, struct hpl_contract_service *c, struct hpl_err *err)
{
	_cleanup_slice_ struct hpl_slice slice = HPL_SLICE_NULL;
	Hpl__RegistrySlice registry;
	Hpl__SigningSlice signing;
	Hpl__AttestationSlice attestation;

	if (hpl_slice_registry(&slice, c->decrypted, &registry, err) < 0)
		return -1;
	hpl_slice_signing(c->decrypted, c->delivered, &signing);
	hpl_slice_attestation(c->decrypted, &attestation);
	if (hpl_service_publish(s, HPL_TOPIC_CONTRACT_VALID, NULL, HPL_MSG_NONE, err) < 0 ||
		hpl_service_publish(s, HPL_TOPIC_CONTRACT_REGISTRY, &registry.base, HPL_MSG_NONE,
		err) < 0 ||
		hpl_service_publish(s, HPL_TOPIC_CONTRACT_SIGNING, &signing.base, HPL_MSG_NONE,
		err) < 0)
		return -1;
	return hpl_service_publish(s, HPL_TOPIC_CONTRACT_ATTESTATION, &attestation.base,
		HPL_MSG_NONE, err);
}

static int on_logging_ready(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	struct hpl_contract_service *c = state;
	struct hpl_faults faults = {0};

	hpl_log(HPL_SEV_INFO, "Welcome to SE Contract Validator");
	hpl_log(HPL_SEV_INFO, "Contract file passed is:  " KNOWN_DECRYPTED);
	int rc = validate(c, &faults, err);
	hpl_faults_done(&faults);
	if (rc < 0)
		return -1;
	hpl_log(HPL_SEV_INFO, "Contract file is valid.");
	hpl_log(HPL_SEV_INFO, "Extracting workload from " KNOWN_DECRYPTED " to " KNOWN_WORKLOAD);
	if (publish_valid(s, c, err) < 0)
		return HPL_WRAP(err, HPL_MSG_CONTRACT_EXTRACT_WORKLOAD, "cannot hand over");
	hpl_log(HPL_SEV_INFO, "Extraction completed");
	return 0;
}

/* ---- after the signature ---- */

static int publish_verified(struct hpl_service *s, struct hpl_contract_service *c,
	struct hpl_err *err)
{
	_cleanup_slice_ struct hpl_slice slice = HPL_SLICE_NULL;
	Hpl__VolumesSlice volumes;
	Hpl__SeedsSlice seeds;
	Hpl__WorkloadSlice workload;
	Hpl__ImagesSlice images;

	if (hpl_slice_volumes(&slice, c->decrypted, &volumes, err) < 0 ||
		hpl_slice_seeds(&slice, c->decrypted, &seeds, err) < 0 ||
		hpl_slice_workload(&slice, c->decrypted, &workload, err) < 0 ||
		hpl_slice_images(&slice, c->decrypted, &workload, &images, err) < 0)
		return -1;
	if (hpl_service_publish(s, HPL_TOPIC_CONTRACT_VOLUMES, &volumes.base, HPL_MSG_NONE, err) < 0 ||
		hpl_service_publish(s, HPL_TOPIC_CONTRACT_SEEDS, &seeds.base, HPL_MSG_NONE, err) < 0 ||
		hpl_service_publish(s, HPL_TOPIC_CONTRACT_IMAGES, &images.base, HPL_MSG_NONE, err) < 0)
		return -1;
	return hpl_service_publish(s, HPL_TOPIC_CONTRACT_WORKLOAD, &workload.base, HPL_MSG_NONE,
		err);
}

/* To each provider of the image, also when no volume asks for it: it ends then. */
static int publish_key_requests(struct hpl_service *s, struct hpl_contract_service *c,
	struct hpl_err *err)
{
	static const char *const topics[HPL_KEY_SOURCES] = {
		[HPL_KEY_SOURCE_KMS] = HPL_TOPIC_CONTRACT_KEY_KMS,
		[HPL_KEY_SOURCE_UV_SECRET] = HPL_TOPIC_CONTRACT_KEY_UV_SECRET,
		[HPL_KEY_SOURCE_GREP11] = HPL_TOPIC_CONTRACT_KEY_GREP11,
	};

	for (size_t i = 0; i < HPL_KEY_SOURCES; i++) {
		_cleanup_slice_ struct hpl_slice slice = HPL_SLICE_NULL;
		Hpl__KeyRequests requests;

		if (!(c->form.providers & hpl_key_source_bit(&hpl_key_sources[i])))
			continue;
		if (hpl_slice_key_requests(&slice, c->decrypted, &hpl_key_sources[i], &requests,
			    err) < 0 ||
			hpl_service_publish(s, topics[i], &requests.base, HPL_MSG_NONE, err) < 0)
			return -1;
	}
	return 0;
}

static int on_signature_verified(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	struct hpl_contract_service *c = state;

	if (!c->decrypted)
		return HPL_FAIL(err, HPL_MSG_CONTRACT_PARSE_CONTRACT, 0,
			"a signature was verified without a contract");
	/* the seeds first: luks-passphrase knows then of whom it waits for an answer */
	if (publish_verified(s, c, err) < 0 || publish_key_requests(s, c, err) < 0)
		return HPL_WRAP(err, HPL_MSG_CONTRACT_EXTRACT_WORKLOAD, "cannot hand over");
	return 0;
}

/* ---- after the volumes are open ---- */

static int mask_file(const char *dir, struct hpl_err *err)
{
	_cleanup_free_ char *path = hpl_path_join(dir, "user-data.decrypted");
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1}, masked = {.wipe = 1};

	if (!path)
		return HPL_OOM(err);
	if (hpl_file_read(&text, path, CONTRACT_BYTES, err) < 0 ||
		hpl_mask_seeds(&masked, text.data, text.len, err) < 0)
		return -1;
	return hpl_file_write(path, masked.data, masked.len, 0600, err);
}

static int on_storage_ready(struct hpl_service *s, void *state, const Hpl__Event *ev,
	struct hpl_err *err)
{
	struct hpl_contract_service *c = state;

	if (mask_file(c->dir, err) < 0)
		return HPL_WRAP(err, HPL_MSG_STORAGE_REPLACE_SEED_FAILED, "user-data.decrypted");
	if (hpl_service_publish(s, HPL_TOPIC_CONTRACT_MASKED, NULL, HPL_MSG_NONE, err) < 0)
		return -1;
	hpl_contract_service_done(c);
	hpl_service_done(s);
	return 0;
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_LOGGING_READY, on_logging_ready},
	{HPL_TOPIC_SIGNATURE_VERIFIED, on_signature_verified},
	{HPL_TOPIC_STORAGE_READY, on_storage_ready},
	{NULL, NULL},
};

const struct hpl_service_def hpl_contract_def = {
	.name = "contract",
	.handlers = handlers,
	.start = start,
};

void hpl_contract_service_done(struct hpl_contract_service *c)
{
	hpl_contract_free(TAKE(c->decrypted));
	hpl_contract_free(TAKE(c->delivered));
	free(TAKE(c->dir));
}

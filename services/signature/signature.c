/* SPDX-License-Identifier: Apache-2.0 */
#include "services/signature/signature.h"

#include <stdbool.h>
#include <time.h>

#include "runtime/base/clock.h"
#include "runtime/crypto/signature.h"

enum { DAY_S = 86400, SOON_DAYS = 30 };

static int verified(struct hpl_service *s, enum hpl_msg msg, struct hpl_err *err)
{
	if (hpl_service_publish(s, HPL_TOPIC_SIGNATURE_VERIFIED, NULL, msg, err) < 0)
		return -1;
	hpl_service_done(s);
	return 0;
}

static int one_missing(bool has_key, struct hpl_err *err)
{
	HPL_FAIL(err, HPL_MSG_SIGNATURE_DEPENDENCY_ARGS_MISSING_ERROR, 0, "%s is there, %s is not",
		has_key ? "env.signingKey" : "envWorkloadSignature",
		has_key ? "envWorkloadSignature" : "env.signingKey");
	hpl_err_place(err, "contract: %s", has_key ? "envWorkloadSignature" : "env.signingKey");
	hpl_err_cure(err, "give both or none");
	return -1;
}

/* How long the signing certificate still lasts; the known ids for this carry an E, which
 * automation takes for a failure, so ids of their own are used (messages.yaml). */
static void say_expiry(struct hpl_service *s, int64_t not_after, int64_t now)
{
	time_t t = (time_t)not_after;
	char day[40] = "";
	struct tm tm;

	if (!not_after)
		return;
	if (gmtime_r(&t, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S UTC", &tm);
	if (not_after - now > SOON_DAYS * (int64_t)DAY_S)
		hpl_service_say(s, NULL, HPL_MSG_SIGNATURE_CONTRACT_VALID_UNTIL, "%s", day);
	else
		hpl_service_say(s, NULL, HPL_MSG_SIGNATURE_CONTRACT_EXPIRES_SOON, "%s, in %lld days", day,
			(long long)((not_after - now) / DAY_S));
}

/* Whoever hands the contract to the guest can exchange that key and then read the evidence. */
static void warn_uncovered(struct hpl_service *s)
{
	struct hpl_err e = HPL_ERR_NULL;

	HPL_FAIL(&e, HPL_MSG_SIGNATURE_NOT_COVERED, 0, "the key is not part of what was signed");
	hpl_err_place(&e, "contract: attestationPublicKey");
	hpl_err_cure(&e, "compare the key's hash in the attestation record with your own");
	hpl_service_warn(s, NULL, &e);
}

static int check(struct hpl_service *s, const Hpl__SigningSlice *in, struct hpl_err *err)
{
	const struct hpl_signature_input input = {
		.key = in->signing_key.data, .key_len = in->signing_key.len,
		.signature = in->signature.data, .signature_len = in->signature.len,
		.workload = in->workload.data, .workload_len = in->workload.len,
		.env = in->env.data, .env_len = in->env.len,
		.now = (int64_t)(hpl_wall_us() / 1000000),
	};
	struct hpl_signature_result result;

	hpl_log(HPL_SEV_INFO, "Access Public key and EnvWorkload signature");
	hpl_log(HPL_SEV_INFO, "Create combined EnvWorkload contract content");
	hpl_log(HPL_SEV_INFO, "Verify signing key, signature and combined EnvWorkload contract");
	if (hpl_signature_verify(&result, &input, err) < 0)
		return -1;
	hpl_log(HPL_SEV_INFO, "Verified OK");
	say_expiry(s, result.not_after, input.now);
	if (in->uncovered_key)
		warn_uncovered(s);
	hpl_log(HPL_SEV_INFO, "Successfully verified contract with signature and signing key");
	return verified(s, HPL_MSG_NONE, err);
}

/* Lines: facts 5.5, step 4. */
static int on_signing(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	const Hpl__SigningSlice *in = ev->signing;

	hpl_log(HPL_SEV_INFO, "Welcome to SE ENV Workload Signature Validator");
	hpl_log(HPL_SEV_INFO,
		"Decrypted Contract file passed is:  /var/hyperprotect/workload-data.decrypted");
	hpl_log(HPL_SEV_INFO, "Encrypted Contract file passed is:  /var/hyperprotect/cidata/user-data");
	hpl_log(HPL_SEV_INFO, "Check Dependency params Public key and EnvWorkload signature");
	if (!in->has_signing_key && !in->has_signature) {
		hpl_log(HPL_SEV_INFO, "No signing key and no signature in the contract");
		return verified(s, HPL_MSG_NONE, err);
	}
	if (!in->has_signing_key || !in->has_signature)
		return one_missing(in->has_signing_key, err);
	return check(s, in, err);
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_SIGNING, on_signing},
	{NULL, NULL},
};

const struct hpl_service_def hpl_signature_def = {.name = "signature", .handlers = handlers};

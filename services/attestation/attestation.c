/* SPDX-License-Identifier: Apache-2.0 */
#include "services/attestation/attestation.h"

#include "services/attestation/layout.h"

static int finish(struct hpl_service *s, struct hpl_attestation *a, struct hpl_err *err)
{
	struct hpl_layout l = {
		.boot = hpl_service_setting(s, "boot", "/var/lib/hpl/boot"),
		.contract = hpl_service_setting(s, "contract", "/var/lib/hpl/boot/contract"),
		.out = hpl_service_setting(s, "out", "/var/hyperprotect"),
		.classic = a->classic,
	};
	char hash[HPL_LAYOUT_HASH];
	const char *name;

	if (hpl_layout_make(&l, hash, &name, err) < 0)
		return HPL_WRAP(err, HPL_MSG_ATTESTATION_LAYOUT_FAILED, "evidence");
	hpl_service_say(s, NULL, HPL_MSG_ATTESTATION_READY, "%s %s", hash, name);
	if (hpl_service_publish(s, HPL_TOPIC_ATTESTATION_READY, NULL, HPL_MSG_ATTESTATION_READY, err) < 0)
		return HPL_WRAP(err, HPL_MSG_ATTESTATION_LAYOUT_FAILED, "cannot report");
	hpl_service_done(s);
	return 0;
}

/* Events may come in any order; the last one that is needed lays out the evidence. */
static int on_event(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_attestation *a = state;

	if (hpl_streq(ev->topic, HPL_TOPIC_CONTRACT_ATTESTATION)) {
		a->asked = true;
		a->classic = ev->attestation->classic_layout;
	} else if (hpl_streq(ev->topic, HPL_TOPIC_STORAGE_READY)) {
		a->storage = true;
	} else {
		a->masked = true;
	}
	if (!a->asked || !a->storage || (a->classic && !a->masked))
		return 0;
	return finish(s, a, err);
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_ATTESTATION, on_event},
	{HPL_TOPIC_CONTRACT_MASKED, on_event},
	{HPL_TOPIC_STORAGE_READY, on_event},
	{NULL, NULL},
};

const struct hpl_service_def hpl_attestation_def = {
	.name = "attestation",
	.handlers = handlers,
};

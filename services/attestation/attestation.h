/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The attestation service: waits until the evidence may be laid out, and does it once. */
#include <stdbool.h>

#include "runtime/harness/service.h"

struct hpl_attestation {
	bool asked;    /* contract.attestation came */
	bool classic;
	bool storage;  /* storage.ready came */
	bool masked;   /* contract.masked came: no seeds in the decrypted contract any more */
};

extern const struct hpl_service_def hpl_attestation_def;

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The contract service: the one reader of the whole contract. It tells where logs go at once,
 * validates, and hands every other service its slice, seeds and workload only after the signature
 * was verified.
 */
#include "runtime/harness/service.h"
#include "schema/contract.h"

struct hpl_contract_service {
	struct hpl_validate_options form; /* product of the image, legacy mode */
	char *dir;                        /* boot_dir/contract */
	struct hpl_contract *decrypted;   /* user-data.decrypted; NULL: see unreadable */
	struct hpl_contract *delivered;   /* user-data as the host gave it */
	struct hpl_err unreadable;        /* why there is no contract; said after logging.ready */
};

extern const struct hpl_service_def hpl_contract_def;
void hpl_contract_service_done(struct hpl_contract_service *state);

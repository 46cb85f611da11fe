/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Everything that can be said of a contract without the guest: form and rules (schema/), then what
 * the services look at with their own code, each fault with the id that the guest would say:
 * certificates and keys, signature, archives, image digests. What is encrypted is looked at as
 * far as can be seen; hpl_contract_sections() tells which sections are tokens.
 */
#include "schema/contract.h"

struct hpl_check_options {
	struct hpl_validate_options form; /* product, legacy mode */
	int64_t now;                      /* seconds since 1970, for ends of validity */
	const struct hpl_contract *delivered; /* as it is handed to the guest: its strings are what
					   * was signed. NULL: c itself */
};

/* Adds faults, gravest first: by the gate that a boot would stop at, errors before warnings
 * within a gate, then by place. *ret_valid: no fault is an error. -1: could not be done. */
int hpl_contract_check(const struct hpl_contract *c, const struct hpl_check_options *o,
	struct hpl_faults *faults, bool *ret_valid, struct hpl_err *err);

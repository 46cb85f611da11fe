/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What is a valid contract and still cannot be started: said before anything is opened. Pure. */
#include "schema/contract.h"

/* -1: *err has message, place and cure. The contract is valid by its schema. */
int hpl_contract_supported(const struct hpl_contract *c, struct hpl_err *err);

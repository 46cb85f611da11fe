/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What hpl contract new leaves to be filled in: <WORDS-IN-CAPITALS> as a whole value. */
#include "schema/contract.h"

/* Adds a warning (HPL05019W) for each value of the sections that is still one. A schema may find nothing
 * wrong with it: a password may look like that. */
int hpl_place_holders_find(const struct hpl_contract *c, struct hpl_faults *faults, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* From a path that a service names ("contract: env.cacerts.mine") to line and column. */
#include "schema/contract.h"

/* Follows as much of place as there is in the contract; "contract: " in front is skipped. True: all
 * of it was found. f->path and f->pos get what was reached, and stay when nothing was. Keys may
 * hold dots: the longest key that fits is taken. */
bool hpl_place_in_contract(const struct hpl_contract *c, const char *place, struct hpl_fault *f);

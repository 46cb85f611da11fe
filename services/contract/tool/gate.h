/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a verb checks before it makes something of a contract that nobody can look into afterwards. */
#include "services/contract/tool/source.h"

/* Checks a contract, or a section alone, by --product and --legacy, unless --no-validate. Prints all
 * faults and warnings to standard error; -1: there were errors. What is wrong with the signature is
 * left out: it is made, or made anew, over what comes out. */
int hpl_gate(const struct hpl_source *s, const char *text, size_t len, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a verb checks before it makes something of a contract that nobody can look into afterwards. */
#include "services/contract/tool/document.h"

/* Checks a contract, or a section alone, by --product and --legacy, unless --no-validate. Prints all
 * faults and warnings to standard error; -1: there were errors. */
int hpl_gate(const struct hpl_source *s, enum hpl_form form, const char *text, size_t len,
	struct hpl_err *err);

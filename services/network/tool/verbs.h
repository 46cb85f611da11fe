/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The verbs of hpl-network: each returns an exit code. */
#include "runtime/tool/options.h"

int hpl_verb_validate(const struct hpl_tool_call *c);
int hpl_verb_show(const struct hpl_tool_call *c);

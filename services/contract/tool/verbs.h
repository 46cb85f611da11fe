/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The verbs of hpl-contract. Each is one file verb_<name>.c with its description in
 * verbs/<name>.yaml, which becomes spec_<name> (tool-spec.h). They return enum hpl_exit.
 */
#include "runtime/tool/options.h"

int hpl_verb_new(const struct hpl_tool_call *c);
int hpl_verb_validate(const struct hpl_tool_call *c);
int hpl_verb_show(const struct hpl_tool_call *c);
int hpl_verb_plan(const struct hpl_tool_call *c);
int hpl_verb_encrypt(const struct hpl_tool_call *c);
int hpl_verb_decrypt(const struct hpl_tool_call *c);
int hpl_verb_sign(const struct hpl_tool_call *c);
int hpl_verb_verify(const struct hpl_tool_call *c);
int hpl_verb_archive(const struct hpl_tool_call *c);
int hpl_verb_base64(const struct hpl_tool_call *c);
int hpl_verb_certificate(const struct hpl_tool_call *c);
int hpl_verb_initdata(const struct hpl_tool_call *c);
int hpl_verb_sealed_secret(const struct hpl_tool_call *c);

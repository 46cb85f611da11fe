/* SPDX-License-Identifier: Apache-2.0 */
/* hpl-contract VERB: the table of verbs. */
#include "runtime/base/secret.h"
#include "runtime/base/util.h"
#include "services/contract/tool/verbs.h"
#include "tool-spec.h"

/* in the order in which a contract is made and used */
static const struct hpl_tool_row rows[] = {
	{&spec_new, hpl_verb_new},
	{&spec_validate, hpl_verb_validate},
	{&spec_show, hpl_verb_show},
	{&spec_plan, hpl_verb_plan},
	{&spec_encrypt, hpl_verb_encrypt},
	{&spec_sign, hpl_verb_sign},
	{&spec_verify, hpl_verb_verify},
	{&spec_decrypt, hpl_verb_decrypt},
	{&spec_archive, hpl_verb_archive},
	{&spec_base64, hpl_verb_base64},
	{&spec_certificate, hpl_verb_certificate},
	{&spec_initdata, hpl_verb_initdata},
	{&spec_sealed_secret, hpl_verb_sealed_secret},
};

int main(int argc, char **argv)
{
	static const struct hpl_tool tool = {SPEC_COMMAND, SPEC_LINE, rows, HPL_ARRAY_SIZE(rows)};
	hpl_secret_harden_process();
	return hpl_tool_main(&tool, argc, argv);
}

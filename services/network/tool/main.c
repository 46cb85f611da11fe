/* SPDX-License-Identifier: Apache-2.0 */
/* hpl-network VERB: the table of verbs. */
#include "runtime/base/util.h"
#include "services/network/tool/verbs.h"
#include "tool-spec.h"

static const struct hpl_tool_row rows[] = {
	{&spec_validate, hpl_verb_validate},
	{&spec_show, hpl_verb_show},
};

int main(int argc, char **argv)
{
	static const struct hpl_tool tool = {SPEC_COMMAND, SPEC_LINE, rows, HPL_ARRAY_SIZE(rows)};

	return hpl_tool_main(&tool, argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are refused with a place or become a tree that can be walked. */
#include <stdint.h>
#include <stdlib.h>

#include "runtime/base/buf.h"
#include "schema/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hpl_reader_limits limits[] = {
		{0}, {.aliases = 100, .nodes = 20000, .nul = true},
	};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(limits); i++) {
		struct hpl_doc *doc = NULL;
		struct hpl_err err = HPL_ERR_NULL;
		struct hpl_buf json = HPL_BUF_NULL;
		if (hpl_yaml_read(&doc, (const char *)data, size, &limits[i],
			(struct hpl_pos){1, 1}, 0, &err) < 0) {
			if (!err.text[0])
				abort();
			continue;
		}
		hpl_node_to_json(&json, hpl_doc_root(doc));
		hpl_buf_done(&json);
		hpl_doc_free(doc);
	}
	return 0;
}

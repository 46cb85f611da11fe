// SPDX-License-Identifier: Apache-2.0
/* user-data as an attacker writes it. The key pair cannot be made in a fuzzer's loop, so tokens
 * never open here; that path is in the unit tests. What opens reads back, or the call fails. */
#include "services/bootloader/sections.h"
#include "services/bootloader/yamlout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hpl_sections s;
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_free_ char *text = malloc(size + 1);
	char name[65];
	static EVP_PKEY *none;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (!none)
		none = EVP_PKEY_new();
	if (hpl_sections_open(&s, text, size, none, &err) == 0) {
		EVP_PKEY *key = NULL;
		if (s.has_key && hpl_sections_auditor_key(&key, &s, &err) == 0)
			EVP_PKEY_free(key);
		hpl_sections_done(&s);
	}
	hpl_hostname_parse(name, sizeof(name), text, size, &err);
	/* every text that fits is written so that it reads back */
	if (hpl_yaml_text_fits(text, size) && size < 4096) {
		_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
		_cleanup_doc_ struct hpl_doc *doc = NULL;
		hpl_yaml_write_text(&out, "k", 1, text, size);
		if (hpl_yaml_read(&doc, out.data, out.len, NULL, (struct hpl_pos){1, 1}, 0, &err) < 0)
			abort();
		const struct hpl_node *n = hpl_node_get(hpl_doc_root(doc), "k");
		if (!n || n->kind != HPL_STRING || n->str.len != size ||
			memcmp(n->str.text, text, size) != 0)
			abort();
	}
	return 0;
}

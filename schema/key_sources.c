/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/key_sources.h"

#include "schema/node.h"

const struct hpl_key_source hpl_key_sources[HPL_KEY_SOURCES] = {
	[HPL_KEY_SOURCE_KMS] = {"kms", NULL, "kms", "key-kms", .joins = true},
	[HPL_KEY_SOURCE_UV_SECRET] = {"uv-secret-id", "uv-previous-secret-id", "uv-secret",
		"key-uv-secret", .joins = false},
	[HPL_KEY_SOURCE_GREP11] = {"grep11", NULL, "grep11", "key-grep11", .joins = false},
};

const struct hpl_key_source *hpl_key_source_find(const char *provider)
{
	for (size_t i = 0; i < HPL_KEY_SOURCES; i++)
		if (hpl_streq(hpl_key_sources[i].provider, provider))
			return &hpl_key_sources[i];
	return NULL;
}

uint32_t hpl_key_source_set(const char *provider)
{
	const struct hpl_key_source *s = hpl_key_source_find(provider);

	return s ? hpl_key_source_bit(s) : 0;
}

const struct hpl_key_source *hpl_key_source_of(const struct hpl_node *volume)
{
	for (size_t i = 0; i < HPL_KEY_SOURCES; i++)
		if (hpl_node_get(volume, hpl_key_sources[i].key))
			return &hpl_key_sources[i];
	return NULL;
}

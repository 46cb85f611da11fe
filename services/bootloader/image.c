// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/image.h"

#include "schema/node.h"

/* Values end up in the record and on the console: words of a narrow alphabet only. */
static int copy_word(char *out, size_t size, const struct hpl_node *root, const char *key,
	struct hpl_err *err)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789.-_+";
	const struct hpl_node *n = hpl_node_get(root, key);
	const char *text = n && n->kind == HPL_STRING ? n->str.text : n ? n->scalar : NULL;

	if (!text)
		return HPL_FAIL(err, 0, 0, "image.yaml: %s is missing or no text", key);
	size_t len = strlen(text);
	if (len == 0 || len >= size || strspn(text, alphabet) != len)
		return HPL_FAIL(err, 0, 0, "image.yaml: %s has characters or a length that are not allowed",
			key);
	memcpy(out, text, len + 1);
	return 0;
}

static int copy_sha256(char *out, const struct hpl_node *root, const char *key, struct hpl_err *err)
{
	const char *text = hpl_node_get_str(root, key);

	if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
		return HPL_FAIL(err, 0, 0, "image.yaml: %s is no SHA-256 in lower-case hex", key);
	memcpy(out, text, 65);
	return 0;
}

int hpl_image_parse(struct hpl_image *ret, const char *text, size_t len, struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	struct hpl_image im = {0};
	struct hpl_reader_limits limits = {.bytes = 64 << 10, .depth = 8, .nodes = 1000};

	if (hpl_yaml_read(&doc, text, len, &limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return HPL_WRAP(err, 0, "image.yaml");
	const struct hpl_node *root = hpl_doc_root(doc);
	if (!root || root->kind != HPL_MAP)
		return HPL_FAIL(err, 0, 0, "image.yaml: no mapping");
	if (copy_word(im.build, sizeof(im.build), root, "build", err) < 0 ||
		copy_word(im.enabler, sizeof(im.enabler), root, "enabler", err) < 0 ||
		copy_word(im.profile, sizeof(im.profile), root, "profile", err) < 0 ||
		copy_sha256(im.root_sha256, root, "root_sha256", err) < 0 ||
		copy_sha256(im.baseimage_sha256, root, "baseimage_sha256", err) < 0 ||
		copy_sha256(im.sbom_sha256, root, "sbom_sha256", err) < 0)
		return -1;
	if (!hpl_node_get_int(root, "created", &im.created) || im.created < 0)
		return HPL_FAIL(err, 0, 0, "image.yaml: created is no time in seconds since 1970");
	if (!hpl_node_get_int(root, "min_memory_mb", &im.min_memory_mb) || im.min_memory_mb < 0)
		return HPL_FAIL(err, 0, 0, "image.yaml: min_memory_mb is no number of MiB");
	*ret = im;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as an image reference: refused in words, or its parts put together parse to the same. */
#include <stdint.h>

#include "runtime/base/buf.h"
#include "runtime/workload/image_ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What reaches the engine's argument vector and policy.json. */
static void plain(const char *text)
{
	if (text[0] == '-')
		abort();
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f || strchr("\"\\'`$@;&|", *text))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_image_ref_ struct hpl_image_ref a = HPL_IMAGE_REF_NULL, b = HPL_IMAGE_REF_NULL;
	_cleanup_free_ char *text = malloc(size + 1);
	_cleanup_buf_ struct hpl_buf full = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (hpl_image_ref_parse(&a, text, &err) < 0) {
		if (!err.text[0] || a.name)
			abort();
		return 0;
	}
	plain(a.name);
	hpl_buf_fmt(&full, "%s%s%s%s%s", a.name, a.tag ? ":" : "", a.tag ? a.tag : "",
		a.digest ? "@" : "", a.digest ? a.digest : "");
	if (strlen(full.data) > 1024) /* the short form was just short enough */
		return 0;
	if (hpl_image_ref_parse(&b, full.data, &err) < 0 || !hpl_streq(a.name, b.name) ||
		!hpl_streq(a.tag ? a.tag : "", b.tag ? b.tag : "") ||
		!hpl_streq(a.digest ? a.digest : "", b.digest ? b.digest : "") ||
		!hpl_image_ref_matches(&a, &b))
		abort();
	return 0;
}

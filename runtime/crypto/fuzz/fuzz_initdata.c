/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: initdata is opened (first byte 'z': the rest is the TOML text, packed here), a contract put into
 * one comes out again ('m'), and the JSON subject of a certificate request is read ('j'). */
#include <zlib.h>

#include "runtime/base/b64.h"
#include "runtime/crypto/flat_json.h"
#include "runtime/crypto/sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_packed(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL, out = HPL_BUF_NULL;
	_cleanup_free_ uint8_t *packed = malloc(size + 1024);
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)data, .avail_in = (unsigned)size, .next_out = packed,
		.avail_out = (unsigned)size + 1024};

	if (!packed || size > 1 << 20 || deflateInit2(&z, 0, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	hpl_b64_encode(&text, packed, size + 1024 - z.avail_out);
	deflateEnd(&z);
	hpl_initdata_open(&out, text.data, text.len, NULL);
}

static void make(const char *data, size_t size)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL, out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	size_t skip = size && data[0] == '\n' ? 1 : size > 1 && data[0] == '\r' && data[1] == '\n' ? 2 : 0;

	if (hpl_initdata_make(&text, data, size, NULL, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	/* TOML drops one line end behind the quotes */
	if (hpl_initdata_open(&out, text.data, text.len, NULL) < 0 || out.len != size - skip ||
		(out.len && memcmp(out.data, data + skip, out.len) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hpl_flat fields[] = {{.name = "domain"}, {.name = "org"}};
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	if (size == 0)
		return 0;
	if (*data == 'z') {
		open_packed(data + 1, size - 1);
	} else if (*data == 'm') {
		make((const char *)data + 1, size - 1);
	} else if (*data == 'j') {
		hpl_flat_parse(fields, 2, (const char *)data + 1, size - 1, NULL);
		hpl_flat_done(fields, 2);
	} else {
		hpl_initdata_open(&out, (const char *)data, size, NULL);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The tar.gz reader on any bytes: once as they are, once as the content of a valid gzip. */
#include "runtime/archive/archive.h"
#include "runtime/archive/tests/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	_cleanup_free_ char *again = hpl_archive_name(e->path);

	if (!again || strcmp(again, e->path) != 0 || (e->data && e->data[e->len]))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hpl_archive_limits limits = {.total = 4 << 20, .file = 1 << 20, .entries = 200};
	struct hpl_buf gz = HPL_BUF_NULL;

	hpl_archive_walk(data, size, &limits, check, NULL, NULL);
	gzip_bytes(&gz, data, size);
	hpl_archive_walk(gz.data, gz.len, &limits, check, NULL, NULL);
	hpl_buf_done(&gz);
	return 0;
}

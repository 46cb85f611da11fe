/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/tool/input.h"

#include "runtime/base/file.h"

int hpl_tool_read(struct hpl_buf *out, const char *file, size_t limit, struct hpl_err *err)
{
	int rc;
	if (strcmp(file, "-") == 0) {
		rc = hpl_file_read_fd(out, STDIN_FILENO, limit, err);
		return rc < 0 ? HPL_WRAP(err, 0, "standard input") : 0;
	}
	return hpl_file_read(out, file, limit, err);
}

int hpl_tool_read_passphrase(struct hpl_secret *ret, const char *file, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	size_t n;
	if (hpl_tool_read(&b, file, HPL_TOOL_PASSPHRASE, err) < 0)
		return -1;
	n = b.len ? strcspn(b.data, "\r\n") : 0;
	if (n == 0)
		return HPL_FAIL(err, 0, 0, "%s: holds no passphrase", file);
	return hpl_secret_copy(ret, b.data, n, err);
}

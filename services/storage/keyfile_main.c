/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpl-storage-keyfile get DEVICE OFFSET    the file to standard output
 * hpl-storage-keyfile put DEVICE           the file from standard input
 *
 * Started by the service storage and by its workers for one question, and gone after: the ext4 that it
 * parses is the host's, so it opens the device, gives up all capabilities and holds no key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/base/caps.h"
#include "runtime/base/file.h"
#include "runtime/base/key_limits.h"
#include "services/storage/keyfile_fs.h"

static int open_device(const char *path, int flags, struct hpl_err *err)
{
	_cleanup_close_ int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot open it");
	return hpl_caps_drop(err) < 0 ? -1 : hpl_take_fd(&fd);
}

static int get(const char *path, const char *offset, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf bytes = HPL_BUF_NULL;
	_cleanup_close_ int fd = open_device(path, O_RDONLY, err);
	int r = fd < 0 ? -1 : hpl_keyfile_fs_read(&bytes, fd, strtoull(offset, NULL, 10), err);

	return r ? r : hpl_write_all(STDOUT_FILENO, bytes.data, bytes.len, err);
}

static int put(const char *path, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf bytes = HPL_BUF_NULL;
	_cleanup_close_ int fd = open_device(path, O_RDWR | O_EXCL, err);

	if (fd < 0 || hpl_file_read_fd(&bytes, STDIN_FILENO, HPL_KEY_BLOB_MAX, err) < 0)
		return -1;
	return hpl_keyfile_fs_write(fd, bytes.data, bytes.len, err);
}

int main(int argc, char **argv)
{
	struct hpl_err err = HPL_ERR_NULL;
	int r;

	if (argc == 4 && hpl_streq(argv[1], "get"))
		r = get(argv[2], argv[3], &err);
	else if (argc == 3 && hpl_streq(argv[1], "put"))
		r = put(argv[2], &err);
	else
		r = HPL_FAIL(&err, 0, 0, "hpl-storage-keyfile get DEVICE OFFSET, or put DEVICE");
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	return r < 0 ? HPL_KEYFILE_FAILED : r;
}

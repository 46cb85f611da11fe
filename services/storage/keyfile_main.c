/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpl-storage-keyfile get DEVICE OFFSET    the file to standard output
 * hpl-storage-keyfile put DEVICE           the file from standard input
 *
 * Started by the service storage and by its workers for one question, and gone after: the ext4 that it
 * parses is the host's, and libext2fs can be hurt by a forged one (1.47.0 writes past its bitmaps). So it opens
 * the device, gives up all capabilities and every call but those on what is open, and holds no key: who takes it
 * over can write the metadata partition, which is the host's in any case, and say what the keyfile is.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/base/caps.h"
#include "runtime/base/file.h"
#include "runtime/base/key_limits.h"
#include "services/storage/keyfile_fs.h"

#ifdef __SANITIZE_ADDRESS__
/* The look for leaks at exit starts a thread that stops and reads this one: such a build keeps its calls. */
static int confine(struct hpl_err *err)
{
	(void)err;
	return 0;
}
#else
/* Nothing can be opened, run or reached any more; other calls fail with EPERM. */
static int confine(struct hpl_err *err)
{
	static const int calls[] = {
		SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(fsync),
		SCMP_SYS(fdatasync), SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(close),
		SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
		SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(uname),
		SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group),
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < HPL_ARRAY_SIZE(calls); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? HPL_FAIL(err, 0, -r, "cannot give up system calls") : 0;
}
#endif

static int open_device(const char *path, int flags, struct hpl_err *err)
{
	_cleanup_close_ int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "cannot open it");
	return hpl_caps_drop(err) < 0 || confine(err) < 0 ? -1 : hpl_take_fd(&fd);
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

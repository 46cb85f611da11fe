/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpl-disk-check-header DEVICE MAJOR:MINOR: reads the LUKS2 header of a device and prints what it says in
 * one line. Started by hpl-disk-check for each volume and gone after: parser and OpenSSL take no memory
 * between two checks, and what the host wrote on its disk is parsed by a process that has given up all
 * capabilities.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "proto/messages.h"
#include "runtime/base/caps.h"
#include "services/disk-check/header_read.h"

/* Past the page cache where that is possible: files of tests may lie where it is not. */
static int open_device(const char *path, const char *number, struct hpl_err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	char text[32];
	struct stat st;

	if (fd < 0 && errno == EINVAL)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, errno, "cannot open %s", path);
	snprintf(text, sizeof(text), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (strcmp(text, number) != 0)
		return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_ENCRYPTED, 0, "%s is the device %s now, not %s",
			path, text, number);
	return hpl_take_fd(&fd);
}

int main(int argc, char **argv)
{
	struct hpl_luks_header h;
	struct hpl_err err = HPL_ERR_NULL;
	char line[256];
	int fd;

	if (argc != 3) {
		fprintf(stderr, "hpl-disk-check-header DEVICE MAJOR:MINOR\n");
		return HPL_HEADER_USAGE;
	}
	fd = open_device(argv[1], argv[2], &err);
	if (fd < 0 || hpl_caps_drop(&err) < 0 || hpl_luks_header_read(&h, fd, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return !err.msg || err.msg == HPL_MSG_DISKCHECK_NOT_POSSIBLE ? HPL_HEADER_UNREADABLE :
			HPL_HEADER_NONE;
	}
	hpl_luks_header_print(line, sizeof(line), &h);
	return fputs(line, stdout) < 0 || fflush(stdout) ? HPL_HEADER_UNREADABLE : HPL_HEADER_OK;
}

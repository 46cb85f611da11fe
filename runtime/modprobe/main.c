/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel runs as /sbin/modprobe when it is asked for something that it does not have:
 * loads the modules of a filesystem that the image has, and nothing else. README.md says why.
 *
 *   modprobe -q -- fs-TYPE      (kernel/kmod.c, call_modprobe())
 *
 * It has no descriptors and runs with all rights of the guest, and anybody can make the kernel ask
 * (by a socket of a strange family, say), so all but this one form is refused at once.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/base/modules.h"

#define HPL_MODULES_DIR "/usr/lib/hpl/modules"

static void bad_module(void *ud, const char *name, int sys)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	*(int *)ud = 1;
	if (fd < 0)
		return;
	dprintf(fd, "<3>hpl-modprobe: %s cannot be loaded: error %d", name, sys);
	close(fd);
}

int main(int argc, char **argv)
{
	char dir[128];
	int status = 0;

	if (argc != 4 || !hpl_streq(argv[1], "-q") || !hpl_streq(argv[2], "--") ||
		!hpl_modules_is_filesystem(argv[3]))
		return 1;
	snprintf(dir, sizeof dir, HPL_MODULES_DIR "/%s", argv[3]);
	if (access(dir, F_OK) < 0)
		return 1;
	return hpl_modules_load(dir, bad_module, &status, NULL) < 0 ? 1 : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside the guest of integration/bench-volumes.
 *
 *   bench-volumes up SYS SERIAL...     brings up these volumes as the service does: one look at the
 *                                      disks that SYS (a /sys/class/block) lists, then all volumes at
 *                                      once, each in a process of its own (libdevmapper is not for
 *                                      several threads); mounted at /mnt/<serial>
 *   bench-volumes time JSON COMMAND... runs the command; prints JSON, the beginning of an object, with
 *                                      how long it took
 *   bench-volumes zero DEVICE...       every byte of these devices reads as zero again
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/messages.h"
#include "runtime/base/clock.h"
#include "services/storage/luks.h"
#include "services/storage/volume.h"

/* The volumes live for one run of the bench; the plain ones have the same passphrase. */
#define PASSPHRASE_VARIABLE "BENCH_PASSPHRASE"

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int up_one(const struct hpl_disk *disks, size_t count, const char *serial)
{
	const char *text = getenv(PASSPHRASE_VARIABLE);
	_cleanup_secret_ struct hpl_secret pass = HPL_SECRET_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char mount[64];
	struct hpl_volume v = {.name = serial, .mount = mount, .filesystem = "ext4", .passphrase = &pass,
		.mkfs_dir = "/sbin", .root = "/", .memory_kb = HPL_LUKS_MEMORY_KB};

	snprintf(mount, sizeof mount, "/mnt/%s", serial);
	for (size_t i = 0; i < count; i++)
		if (hpl_streq(disks[i].serial, serial))
			v.disk = disks[i];
	if (text && v.disk.name[0] && hpl_secret_copy(&pass, text, strlen(text), &err) == 0 &&
		hpl_volume_bring_up(&v, &err) == 0)
		return 0;
	fprintf(stderr, "%s: %s %s\n", serial, v.disk.name[0] ? hpl_msg_info(err.msg)->id : "no disk",
		err.text);
	return 1;
}

static int up(const char *sys, char **serials, int n)
{
	static struct hpl_disk disks[HPL_DISK_MAX];
	struct hpl_disk_paths paths = {sys, "/dev", "/proc/self/mountinfo"};
	struct hpl_err err = HPL_ERR_NULL;
	size_t count = 0;
	pid_t pids[HPL_DISK_MAX];
	int bad = 0;

	if (n > HPL_DISK_MAX || hpl_disk_scan(disks, &count, &paths, &err) < 0)
		return 1;
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(up_one(disks, count, serials[i]));
	}
	for (int i = 0; i < n; i++)
		bad |= pids[i] < 0 || wait_for(pids[i]) != 0;
	return bad;
}

static int timed(const char *json, char **argv)
{
	uint64_t began = hpl_mono_us();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	status = pid < 0 ? -1 : wait_for(pid);
	printf("%s\"status\":%d,\"ms\":%.1f}\n", json, status, (double)(hpl_mono_us() - began) / 1000);
	return status;
}

static int zero(const char *device)
{
	uint64_t range[2] = {0, 0};
	int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC), r = -1;

	if (fd >= 0 && ioctl(fd, BLKGETSIZE64, &range[1]) == 0 && ioctl(fd, BLKZEROOUT, range) == 0)
		r = ioctl(fd, BLKRRPART);
	if (r < 0)
		perror(device);
	if (fd >= 0)
		close(fd);
	return r;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc >= 4 && hpl_streq(argv[1], "up"))
		return up(argv[2], argv + 3, argc - 3);
	if (argc >= 4 && hpl_streq(argv[1], "time"))
		return timed(argv[2], argv + 3);
	if (argc >= 3 && hpl_streq(argv[1], "zero")) {
		for (int i = 2; i < argc; i++)
			bad |= zero(argv[i]) < 0;
		return bad;
	}
	return 64;
}

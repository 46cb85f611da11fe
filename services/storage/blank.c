/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/blank.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "proto/messages.h"

enum {
	/* Read whole: all places where the second copy of a LUKS2 header may stand (the last is 4 MiB), and
	 * those that libblkid knows at the end. It hides some failed reads of its own. */
	HEAD = (4 << 20) + (64 << 10),
	TAIL = 1 << 20,
	SAMPLE = 64 << 10,
	SAMPLES = 128,       /* 8 MiB more: a second on a slow disk */
};

static int unreadable(struct hpl_err *err, int sys, uint64_t at)
{
	HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, sys, "cannot read at byte %llu",
		(unsigned long long)at);
	hpl_err_cure(err, "check the disk; a disk that cannot be read is never formatted");
	return -1;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* 0 zeros, HPL_NOT_BLANK, -1 */
static int check_zero(int fd, uint64_t at, size_t len, uint8_t *buf, char *why,
	struct hpl_err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* an end before the size is as unreadable as an error */
			return unreadable(err, n < 0 ? errno : EIO, at + done);
		done += (size_t)n;
	}
	if (all_zero(buf, len))
		return 0;
	if (why)
		snprintf(why, HPL_BLANK_WHY, "it holds data within the %zu bytes at %llu", len,
			(unsigned long long)at);
	return HPL_NOT_BLANK;
}

static int check_all(int fd, uint64_t offset, uint64_t size, uint8_t *buf, char *why, struct hpl_err *err)
{
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < size; at += HEAD)
		r = check_zero(fd, offset + at, size - at < HEAD ? (size_t)(size - at) : HEAD, buf, why, err);
	return r;
}

static int check_places(int fd, uint64_t offset, uint64_t size, uint8_t *buf, char *why,
	struct hpl_err *err)
{
	int r = 0;

	if (size <= HEAD + TAIL)
		return check_all(fd, offset, size, buf, why, err);
	r = check_zero(fd, offset, HEAD, buf, why, err);
	if (r == 0)
		r = check_zero(fd, offset + size - TAIL, TAIL, buf, why, err);
	for (uint64_t i = 0; r == 0 && i < SAMPLES; i++) {
		/* evenly spread, on 4 KiB borders */
		uint64_t at = (size - SAMPLE) / SAMPLES * i & ~(uint64_t)4095;

		r = check_zero(fd, offset + at, SAMPLE, buf, why, err);
	}
	return r;
}

static void probe_free(blkid_probe *pr)
{
	blkid_free_probe(*pr);
}

static int check_signatures(int fd, uint64_t offset, uint64_t size, char *why, struct hpl_err *err)
{
	HPL_CLEANUP(probe_free) blkid_probe pr = blkid_new_probe();
	const char *type = NULL;
	int r;

	if (!pr || blkid_probe_set_device(pr, fd, (blkid_loff_t)offset, (blkid_loff_t)size) ||
		blkid_probe_enable_superblocks(pr, 1) ||
		blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE) ||
		blkid_probe_enable_partitions(pr, 1))
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, 0,
			"libblkid cannot be set up");
	errno = 0;
	r = blkid_do_safeprobe(pr);
	if (r == 1)
		return 0;
	if (r < 0 && r != -2) /* -1, or -errno of a read that failed */
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, errno,
			"looking for signatures failed");
	if (r == 0 && blkid_probe_lookup_value(pr, "TYPE", &type, NULL))
		(void)blkid_probe_lookup_value(pr, "PTTYPE", &type, NULL);
	if (why)
		snprintf(why, HPL_BLANK_WHY, "libblkid finds %s", type ? type : "several signatures");
	return HPL_NOT_BLANK;
}

typedef int reader(int fd, uint64_t offset, uint64_t size, uint8_t *buf, char *why, struct hpl_err *err);

static int check(reader *read_range, int fd, uint64_t offset, uint64_t size, char *why, struct hpl_err *err)
{
	_cleanup_free_ uint8_t *buf = malloc(HEAD);
	int r;

	if (!buf)
		return HPL_OOM(err);
	if (size == 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, 0, "its size is 0");
	r = read_range(fd, offset, size, buf, why, err);
	return r ? r : check_signatures(fd, offset, size, why, err);
}

int hpl_blank_check(int fd, uint64_t offset, uint64_t size, char *why, struct hpl_err *err)
{
	return check(check_places, fd, offset, size, why, err);
}

int hpl_blank_check_whole(int fd, uint64_t offset, uint64_t size, char *why, struct hpl_err *err)
{
	return check(check_all, fd, offset, size, why, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The questions that a check asks, of the kernel and of the disk. The service has the answers of Linux,
 * a test its own.
 */
#include <sys/types.h>

#include "runtime/base/buf.h"
#include "services/disk-check/dm.h"
#include "services/disk-check/header.h"

enum { HPL_KERNEL_PATH = 256, HPL_KERNEL_DEVICES = 16 };

/* What a path leads to. */
struct hpl_place {
	uint64_t mount;     /* id of the mount, as in mountinfo */
	unsigned major, minor;
};

enum {
	HPL_KERNEL_NOT_DM = 1, /* the device is none of the device mapper */
	HPL_KERNEL_NO_HEADER = 1,
};

/* Each: 0, or a named outcome, or -1: the answer could not be had (no message is set). */
struct hpl_kernel {
	void *ud;
	/* Appends the text of mountinfo. */
	int (*mounts)(void *ud, struct hpl_buf *out, struct hpl_err *err);
	int (*place)(void *ud, struct hpl_place *ret, const char *path, struct hpl_err *err);
	/* The block devices below a filesystem with an anonymous number; *count: in their room, out how
	 * many there are. */
	int (*members)(void *ud, dev_t *ret, size_t *count, const char *path, struct hpl_err *err);
	/* HPL_KERNEL_NOT_DM */
	int (*mapping)(void *ud, struct hpl_dm *ret, dev_t device, struct hpl_err *err);
	/* "/dev/vda2", HPL_KERNEL_PATH bytes, and its size in bytes. */
	int (*device)(void *ud, char *ret_path, uint64_t *ret_bytes, dev_t device, struct hpl_err *err);
	/* The device that a node of /dev is. */
	int (*node)(void *ud, dev_t *ret, const char *path, struct hpl_err *err);
	/* HPL_KERNEL_NO_HEADER with the reason in err->text. */
	int (*header)(void *ud, struct hpl_luks_header *ret, const char *path, dev_t device,
		struct hpl_err *err);
};

/* Where Linux is asked; hpl_linux() gives what asks there. paths is borrowed. */
struct hpl_linux_paths {
	const char *mountinfo;   /* "/proc/self/mountinfo" */
	const char *sys_dev;     /* "/sys/dev/block" */
	const char *sys_btrfs;   /* "/sys/fs/btrfs" */
	const char *control;     /* "/dev/mapper/control" */
	const char *header;      /* "/usr/libexec/hpl/hpl-disk-check-header" */
};
struct hpl_kernel hpl_linux(const struct hpl_linux_paths *paths);

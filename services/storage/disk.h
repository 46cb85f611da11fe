/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The disks of the guest, found without udev: names and numbers from /sys/class/block, contents by
 * low-level probing of libblkid and the blank check. Reading only.
 *
 * A disk that must not be touched (boot disk, cidata, mounted, held, read-only, too small, no
 * hardware behind it) is in the list with the reason in `excluded`, so that messages can name it.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

enum hpl_disk_kind {
	HPL_DISK_UNKNOWN,     /* not looked at (excluded) */
	HPL_DISK_BLANK,       /* provably blank */
	HPL_DISK_LUKS,        /* LUKS on the whole disk: volumes of images before s390x-9 */
	HPL_DISK_MAKING,      /* this runtime's record says that it began to make a volume here */
	HPL_DISK_PARTITIONS,  /* two GPT partitions, the second holds LUKS or is blank */
	HPL_DISK_COUNT,       /* a partition table with another number of partitions */
	HPL_DISK_SHRUNK,      /* it ends before its partitions */
	HPL_DISK_OTHER,       /* something else */
	HPL_DISK_UNREADABLE,
};
const char *hpl_disk_kind_name(enum hpl_disk_kind kind);

enum {
	HPL_DISK_MAX = 64,
	HPL_DISK_PARTS = 16,
	HPL_DISK_TEXT = 128,
};
#define HPL_DISK_MIN_BYTES (128ULL << 20) /* metadata 100 MiB, LUKS header 16 MiB, alignment */

struct hpl_disk_part {
	char path[HPL_DISK_TEXT];    /* "/dev/vdb2" */
	char label[HPL_DISK_TEXT];   /* name in the GPT */
	uint64_t start, size;        /* bytes */
};

struct hpl_disk {
	char name[64];               /* "vdb" */
	char path[HPL_DISK_TEXT];    /* "/dev/vdb" */
	char serial[HPL_DISK_TEXT];  /* virtio gives 20 characters at most */
	char uuid[HPL_DISK_TEXT];    /* of the LUKS header, else of the partition table */
	char label[HPL_DISK_TEXT];   /* of the LUKS header */
	char type[32];               /* what libblkid calls the contents */
	uint64_t size;               /* bytes */
	uint64_t sequence;           /* the kernel's diskseq: another disk under this name has another one; 0: unknown */
	unsigned major, minor;
	enum hpl_disk_kind kind;
	bool data_blank;             /* PARTITIONS: the second partition is blank */
	bool table_torn;             /* only the second copy of the GPT is whole: the kernel shows no
				      * partition, parts are those of that copy */
	unsigned part_count;
	struct hpl_disk_part parts[HPL_DISK_PARTS];
	char excluded[HPL_DISK_TEXT];
	bool read_only;              /* excluded for that, but looked at */
	char why[HPL_ERR_TEXT];      /* OTHER, UNREADABLE: what was found */
};

struct hpl_disk_paths {
	const char *sys;        /* "/sys/class/block" */
	const char *dev;        /* "/dev" */
	const char *mountinfo;  /* "/proc/self/mountinfo" */
};

/* Names and sizes of block devices as one text, cheap: tells whether a full scan is due. Appends. */
struct hpl_buf;
int hpl_disk_fingerprint(struct hpl_buf *out, const struct hpl_disk_paths *p, struct hpl_err *err);

/* Fills disks[0..HPL_DISK_MAX) sorted by name. Reads from every disk that is not excluded, and from
 * those that are read-only. */
int hpl_disk_scan(struct hpl_disk *disks, size_t *ret_count, const struct hpl_disk_paths *p,
	struct hpl_err *err);

/* The kernel's name ("vdb") of the disk that path names: a device node or a link to one, also a loop device.
 * -1: HPL02122E not there, or a file, a mapping, a RAID or a RAM disk; HPL07006E a partition. */
int hpl_disk_resolve(char *ret_name, size_t size, const char *path, const struct hpl_disk_paths *p,
	struct hpl_err *err);
/* One disk by the kernel's name, as the scan would fill it; hardware need not stand behind it. */
int hpl_disk_look(struct hpl_disk *ret, const char *name, const struct hpl_disk_paths *p,
	struct hpl_err *err);

/* Where the record of a disk that was classified is, bytes from its start (record.h); 0: it has none. */
uint64_t hpl_disk_record_at(const struct hpl_disk *d);

/* Is fd, opened by the path of d, the disk that the scan saw, and not another one that has come under its
 * name? -1: HPL07017E. */
int hpl_disk_check_same(const struct hpl_disk *d, int fd, struct hpl_err *err);

/* Sets the path of partition i (from 0) after the kernel's manner: vdb1, but nvme0n1p1. */
void hpl_disk_part_path(struct hpl_disk *d, unsigned i);

/* What fd, opened on d, holds: sets kind, type, uuid, label, data_blank, why; may set excluded
 * (boot disk, cidata). d->size and the positions of d->parts come from the kernel and are kept; where
 * it shows none and the second copy of a GPT is whole, they are taken from there.
 * Read errors give HPL_DISK_UNREADABLE. */
void hpl_disk_classify(struct hpl_disk *d, int fd);

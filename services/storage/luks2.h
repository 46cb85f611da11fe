/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The header of a LUKS2 volume, read once.
 *
 * It lies on a disk that the host can write, and a disk may answer a second read with other bytes.
 * So each byte of it is read once, into memory; both copies are judged there, binary fields and
 * JSON; and libcryptsetup is then given that memory as a detached header: what was judged is what is
 * activated. Changes are made in memory too, and are written to the disk in an order that leaves an
 * openable volume at each moment: see hpl_luks2_store().
 *
 * Format: LUKS2 On-Disk Format Specification 1.1.2, sections 2 and 3.
 */
#include <stdbool.h>

#include "services/storage/header.h"

enum { HPL_LUKS2_COPIES = 2 };

struct hpl_luks2 {
	int fd;                    /* memory file with the header area, data_offset bytes; -1: none */
	uint8_t *disk;             /* the same bytes as they are on the disk */
	size_t size;               /* of both */
	uint64_t hdr_size;         /* one copy: binary header and JSON, bytes */
	uint64_t seqid;            /* of the newest copy */
	bool valid[HPL_LUKS2_COPIES]; /* magic, version and checksum hold */
	int newest;                /* the copy that counts */
	bool torn;                 /* the other copy is of another write, or none */
	char uuid[40], label[49];
	struct hpl_header header;  /* what the JSON of the newest copy says */
};
#define HPL_LUKS2_NULL ((struct hpl_luks2){.fd = -1})
void hpl_luks2_done(struct hpl_luks2 *h);
#define _cleanup_luks2_ HPL_CLEANUP(hpl_luks2_done)

enum { HPL_LUKS2_NONE = 1 };

/**
 * hpl_luks2_read() - read the header of a device and judge it
 * @device_fd: readable device, or a file in tests; it begins with the header
 * @device_size: bytes of the device
 *
 * Return: 0; HPL_LUKS2_NONE, no LUKS magic stands at any place where a header may begin; -1 with
 * HPL07016E refused (which field), HPL02003E LUKS1, HPL07017E a read failed.
 */
int hpl_luks2_read(struct hpl_luks2 *ret, int device_fd, uint64_t device_size, struct hpl_err *err);

/* For a new volume: an empty memory file of size bytes, for crypt_format() to fill. */
int hpl_luks2_new(struct hpl_luks2 *ret, size_t size, struct hpl_err *err);
/* Path under which libcryptsetup opens the memory file; valid while h lives and in this process. */
void hpl_luks2_path(const struct hpl_luks2 *h, char *out, size_t size);

/**
 * hpl_luks2_store() - bring the disk to what the memory holds
 * @device_fd: the device, open for writing
 * @device_size: bytes of the device
 *
 * Judges the memory again first: nothing is written that the next boot would refuse. Order: key
 * slot areas that the header on the disk does not name; the second copy; the first copy; areas that
 * the old header named. A flush behind each. So at any cut one valid copy names only areas that
 * are whole.
 *
 * Return: 0, h->disk and h->header are the new state; -1: HPL07016E, or a write failed (errno).
 */
int hpl_luks2_store(struct hpl_luks2 *h, int device_fd, uint64_t device_size, struct hpl_err *err);

/* SHA-256 over what the newest copy says and the key slot areas it names: what a MAC is made of. */
int hpl_luks2_digest(uint8_t ret[32], const struct hpl_luks2 *h, struct hpl_err *err);
/* The same of what the memory holds and hpl_luks2_store() would write. */
int hpl_luks2_digest_pending(uint8_t ret[32], const struct hpl_luks2 *h, uint64_t device_size,
	struct hpl_err *err);

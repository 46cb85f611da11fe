/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What this runtime remembers of a volume beside its LUKS header: that it is being made, and a MAC
 * of the header.
 *
 * It stands in the last 4 KiB before the metadata partition, a gap that no partition table and no
 * filesystem uses (mkfs wipes the boot block inside of the partition), so that nothing of a disk
 * that the host can write has to be mounted for it. Two slots of 512 bytes are written in turn, each with a
 * sequence number and a checksum: a write of one sector is there or not, and the other slot is the state
 * before it. READY is written to both, so that one damaged sector does not bring MAKING back.
 *
 * Slot, big-endian: magic "HPLVREC1", sequence u64, state u32, flags u32 (1 mac, 2 mac_next),
 * data size u64, LUKS UUID 40 bytes, salt 16, mac 32, mac_next 32, zeros, SHA-256 of the first 480
 * bytes.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

enum { HPL_RECORD_ROOM = 4096, HPL_RECORD_SALT = 16, HPL_RECORD_MAC = 32,
	HPL_RECORD_GAP_MIN = 64 << 10 /* partitions that begin below leave no room behind the GPT */ };
/* Where the record of a disk is whose first partition begins at start; 0: it has none. Bytes. */
static inline uint64_t hpl_record_place(uint64_t start)
{
	return start >= HPL_RECORD_GAP_MIN ? start - HPL_RECORD_ROOM : 0;
}

enum hpl_record_state {
	HPL_RECORD_MAKING = 1, /* this runtime began to make the volume on a blank disk */
	HPL_RECORD_READY = 2,  /* it was mounted once */
};

struct hpl_record {
	uint64_t sequence;         /* of the slot that counts; 0: there is no record yet */
	enum hpl_record_state state;
	uint64_t data_size;        /* bytes of the device with the LUKS header at the last opening */
	char uuid[40];             /* of that header; empty while it does not exist */
	uint8_t salt[HPL_RECORD_SALT];
	bool has_mac, has_next;
	bool stale;                /* the other slot says MAKING still; not stored */
	uint8_t mac[HPL_RECORD_MAC];      /* of the header on the disk */
	uint8_t mac_next[HPL_RECORD_MAC]; /* of the header that is being written */
};

enum { HPL_RECORD_NONE = 1 };
/* 0; HPL_RECORD_NONE: neither slot holds one. -1: HPL07017E a read failed. offset: bytes. */
int hpl_record_read(struct hpl_record *ret, int fd, uint64_t offset, struct hpl_err *err);
/* Random, unless it has one. */
int hpl_record_draw_salt(struct hpl_record *r, struct hpl_err *err);
/* Writes the slot that does not count, with the next sequence number and a salt, and flushes. */
int hpl_record_write(struct hpl_record *r, int fd, uint64_t offset, struct hpl_err *err);
/* Text and image of one slot, apart from the disk: for tests and fuzzers. */
int hpl_record_parse(struct hpl_record *ret, const uint8_t slot[512]);
void hpl_record_format(uint8_t slot[512], const struct hpl_record *r);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A disk becomes one with a LUKS header that can be opened: claimed, judged, made where it is
 * blank, gone on with where making was interrupted. Inner header of this folder.
 *
 * Making, with a power cut thought of behind each flush:
 *
 *   1. record MAKING in the gap before the first partition; all else of the disk is zero
 *   2. GPT: anything in the first and last MiB may be torn, the rest is still zero
 *   3. ext4 on the metadata partition
 *      and the keyfile in it, where there is a key provider
 *   4. LUKS header: the data behind its 16 MiB is still zero, until a key slot can be opened
 *   5. mapping, filesystem, mount
 *   6. record READY, with the MAC of the header
 *
 * An interrupted making is found by its record and by nothing else, and each step makes sure by
 * reading that only what it may have written itself is there.
 */
#include "services/storage/luks.h"
#include "services/storage/volume.h"

/* ---- what will be done; these read only ---- */

/* Can this disk become the volume at all? Its kind, and, where it has to be made, size, filesystem and
 * programs. sector: bytes. -1: *err says why not. */
int hpl_prepare_judge(const struct hpl_volume *v, uint32_t sector, struct hpl_err *err);
/* Has it to be made, or its making to be finished? */
bool hpl_prepare_makes(const struct hpl_disk *d);
/* Where its record is, bytes from its start; 0: it has none. */
uint64_t hpl_prepare_record_at(const struct hpl_disk *d);
/* size: bytes that the data partition will have. -1: HPL07025E, it had more when it was opened last. */
int hpl_prepare_not_shrunk(const struct hpl_disk *d, uint64_t size, const struct hpl_record *record,
	struct hpl_err *err);
/* For a disk that would be made a volume. -1: HPL07020E, the record says that it was one. */
int hpl_prepare_not_erased(const struct hpl_disk *d, const struct hpl_record *record, struct hpl_err *err);

/* -1: HPL07020E, a volume was begun here once, and a whole partition table of somebody else stands there now. */
int hpl_prepare_not_another(const struct hpl_disk *d, struct hpl_err *err);

/* ---- and doing it ---- */

struct hpl_work {
	struct hpl_volume *v;
	struct hpl_luks luks;
	int disk_fd;             /* the whole disk, not exclusive; for the record and the table */
	int claim_fd;            /* what holds the header, exclusive until it is mapped */
	uint32_t sector;         /* of the disk, bytes */
	bool making;             /* no filesystem was ever used here */
	bool open;               /* the mapping exists and is ours */
	bool kept;               /* the keyfile is on the disk, or there is none */
};

/* w->luks has its header, loaded or made. -1: *err with its id; nothing was written unless the disk
 * was provably blank, or its making was interrupted. */
int hpl_prepare(struct hpl_work *w, struct hpl_err *err);
/* The data partition to the end of a disk that has grown, when the header is judged and the key known: a disk that
 * does not open is left as it is. Before the mapping is made. -1: HPL07004E. */
int hpl_prepare_grow(struct hpl_work *w, struct hpl_err *err);
/* The keyfile of the volume to its metadata partition, unless that was done. -1: HPL07007E, or HPL07006E: there
 * is no metadata partition. */
int hpl_prepare_keep(struct hpl_work *w, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A LUKS2 volume by libcryptsetup, on a header that was read once and judged (luks2.h): make, load,
 * unlock, change the seeds, activate.
 *
 * Calls block (key derivation takes seconds) and libdevmapper is not thread safe: one thread at a
 * time. The parameters are explicit, none is left to the library, whose defaults differ from
 * release to release and which would run a benchmark.
 */
#include <libcryptsetup.h>

#include "runtime/base/secret.h"
#include "services/storage/luks2.h"
#include "services/storage/record.h"

/* Cost of a guess at the passphrase: argon2id with these passes, one lane, and at least this memory; how
 * much is for kdf.h to say. No benchmark: it costs 10 s under emulation and makes boots differ. 32 MiB x 4
 * passes: about 2 s under emulation, 0.1 s on hardware. Seeds are chosen by people, so a memory-hard
 * function it is. */
enum { HPL_LUKS_MEMORY_KB = 32768, HPL_LUKS_PASSES = 4 };
/* More than this is not a slot of this program (kdf.h): volumes that other programs made. */
enum { HPL_LUKS_MEMORY_LARGE_KB = 65536 };
/* Header area of a new volume: the default of LUKS2. */
enum { HPL_LUKS_HEADER_BYTES = 16 << 20 };

struct hpl_luks {
	char device[128];
	bool read_only;            /* to be set before hpl_luks_init(): look, change nothing */
	bool direct;               /* the same: past the page cache, where the device can */
	int fd;                    /* the device */
	uint64_t device_size;      /* bytes */
	uint32_t memory_kb;        /* of key derivation, for new key slots */
	struct hpl_luks2 area;
	struct crypt_device *cd;
	struct hpl_secret key;     /* the volume key, between unlock and activate */
	int slot;                  /* that the passphrase opened */
	/* The record of the disk; record_at 0: it has none (LUKS on a whole disk). */
	struct hpl_record record;
	bool sealed;               /* its MAC is that of the header */
	int record_fd;             /* borrowed */
	uint64_t record_at;        /* bytes from the start of record_fd */
};
#define HPL_LUKS_NULL                                                                              \
	((struct hpl_luks){.fd = -1, .memory_kb = HPL_LUKS_MEMORY_KB, .record_fd = -1,            \
		.area = HPL_LUKS2_NULL})
void hpl_luks_done(struct hpl_luks *l);
#define _cleanup_luks_ HPL_CLEANUP(hpl_luks_done)

/* Opens device, which holds header and data. The record, if any, is set by the caller. */
int hpl_luks_init(struct hpl_luks *l, const char *device, uint64_t device_size, struct hpl_err *err);

/* Makes a header with one key slot in memory and writes it. label: cut to 47 characters, the most
 * that LUKS2 holds. The caller knows that nothing is lost. -1: HPL02002E. */
int hpl_luks_make(struct hpl_luks *l, const char *label, const struct hpl_secret *passphrase,
	struct hpl_err *err);
/* Reads and judges. 0; HPL_LUKS2_NONE; -1: HPL07016E, HPL07017E; HPL02003E: the data area is no whole number
 * of the header's sectors. */
int hpl_luks_load(struct hpl_luks *l, struct hpl_err *err);
/* Which key slot the passphrase opens; -EPERM none; -EBADMSG: one, but the header is not the one that the record
 * seals, *err HPL07024E; else -errno. Writes nothing. */
int hpl_luks_slot_of(struct hpl_luks *l, const struct hpl_secret *passphrase, struct hpl_err *err);
/* The same of the first one that opens a slot; passphrases may be NULL. */
int hpl_luks_slot_of_any(struct hpl_luks *l, const struct hpl_secrets *passphrases, struct hpl_err *err);
/* Derives the volume key and checks the header's MAC, where there is one; gives the header one where
 * there is none. previous (may be NULL), tried in its order: when only one of them opens a slot, a slot for
 * passphrase is added, proved on the disk, and then the old one is removed; when passphrase opens a slot and one of
 * them another, a change was interrupted, and the old one is removed. -1: HPL02003E, HPL02125E, HPL07024E. */
int hpl_luks_unlock(struct hpl_luks *l, const struct hpl_secret *passphrase,
	const struct hpl_secrets *previous, struct hpl_err *err);
/* Sets up the mapping from the judged header; the volume key stays in the kernel only. */
int hpl_luks_activate(struct hpl_luks *l, const char *mapping, struct hpl_err *err);
/* Removes a mapping that this process made and that is not used. */
int hpl_luks_close(struct hpl_luks *l, const char *mapping, struct hpl_err *err);
/* Writes the record, with the MAC that unlocking found, when something in it changes. */
int hpl_luks_seal(struct hpl_luks *l, enum hpl_record_state state, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The disk with serial `victim`, for guest-faults: an export of integration/tests/storage/disk-server,
 * which holds it in memory, shows, spoils and counts what this program tells it to. Fails by
 * ending the program with "Bail out!".
 */
#include <stdbool.h>

#include "services/storage/volume.h"

#define MIB (1ULL << 20)
#define VICTIM_SIZE (160 * MIB)
#define DATA_AT (101 * MIB)           /* second partition: LUKS header, then data */
#define HEADER_AREA (16 * MIB)
enum { HDR = 16 << 10, BIN = 4096, JSON = HDR - BIN, KDF_KB = 32 };

extern struct hpl_secret pass;
extern const char known_text[];

/* A command to the server; its answer, valid until the next. */
const char *ask(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct counts {
	unsigned reads, writes, flushes;
	unsigned hits;               /* faults that were met, reads that were answered with something else */
	unsigned inside, twice;      /* reads of the range; its blocks read more than once */
	unsigned unread;             /* blocks that failed to be read before the first write */
};
struct counts count(uint64_t from, uint64_t to);
struct counts count_all(void);

/* The victim holds what was saved as name, and the kernel has seen it; all counts are 0. */
void victim_is(const char *name);
void victim_saved_as(const char *name);
/* Bytes of the victim, past the page cache's old contents. */
void victim_read(uint64_t at, void *out, size_t len);
void victim_write(uint64_t at, const void *data, size_t len);
/* Forgets what the kernel has read of the disk. */
void drop_cache(const char *path, bool partitions);

/* From now on each read of a block device by this program reaches the disk: nothing stays in the page cache. */
extern bool uncached;

/* Finds the disk for a volume with volumeID id (NULL: by its name), as the service does. NULL: none, *err
 * has the id when that is an error. */
struct hpl_disk *find_disk(const char *id, const char *name, struct hpl_err *err);
/* Scan, choice, bringing up: one boot. The volume's name is "data". */
int boot_volume(struct hpl_volume *v, const char *id, struct hpl_err *err);
/* The end of that boot: unmounts and closes whatever is there. */
void end_boot(struct hpl_volume *v);

/* What is mounted is what was judged: NULL, or what is wrong with the mapping, the mount or the file
 * that each volume here holds. */
const char *wrong_with(const struct hpl_volume *v);
/* The table of a mapping from device-mapper; false: there is no such mapping. */
bool mapping_table(const char *name, char *out, size_t size);
bool any_mapping(void);

/* Makes one of the volumes that the tests begin with, unless it was: `good` (made by this runtime),
 * `norecord` (the same without a record), `whole` (LUKS on the whole disk), `other` (as good, other keys, same
 * seeds). The victim then holds anything. victim_is() does so. */
void have_volume(const char *name);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One volume from its disk to its mount point: make it when the disk is provably blank, else open
 * it. Blocking; the states and what is done in each:
 * A volume is opened, then mounted: several may be opened at once, each in a process of its own
 * (libdevmapper keeps state for a whole process), and are then mounted outermost first.
 *
 *   disk                                            done
 *   blank                                           record (making), GPT, metadata, keyfile, LUKS2 header,
 *                                                   filesystem, mount, record (ready)
 *   metadata + data partitions, data blank          the same without the GPT
 *   ..., data LUKS without a key slot, rest blank   the header is made again
 *   ..., record making                              open; a filesystem that is sound, or an ext4 that was
 *                                                   mounted once, is kept, else made
 *   ..., data blank, record ready                   refused
 *   ..., data LUKS ready or of another maker        open, mount
 *   LUKS on the whole disk                          open, mount
 *   anything else, or unreadable                    refused
 */
#include "runtime/base/secret.h"
#include "services/storage/disk.h"
#include "services/storage/keyfile.h"

enum { HPL_VOLUME_TEXT = 256 };

struct hpl_volume {
	/* in; strings are borrowed */
	const char *name;
	const char *mount;
	const char *filesystem;            /* "ext4", "xfs", "btrfs": for a new volume */
	struct hpl_disk disk;
	const struct hpl_secret *passphrase;
	const struct hpl_secrets *previous; /* passphrases it may have had; NULL: none */
	const char *mkfs_dir;              /* "/sbin": where mkfs.* and fsck.* are */
	const char *root;                  /* "/": mount points are beneath it */
	uint32_t memory_kb;                /* cost of key derivation for a new volume */
	/* With a key provider: what the metadata partition shall hold before a new volume is encrypted, or
	 * after an old one was opened. keyfile_len 0: the volume has no key provider, or one that stores
	 * nothing. program NULL: the metadata partition is not looked into. */
	const void *keyfile;
	size_t keyfile_len;
	struct hpl_keyfile_tool keyfile_tool;
	/* Before the mapping is made: its name is in v->mapping, and none of that name exists. -1
	 * with *err stops. May be NULL. */
	int (*announce)(struct hpl_volume *v, struct hpl_err *err);
	void *ud;                          /* of announce */
	/* out */
	char device[HPL_DISK_TEXT];        /* holds the LUKS header */
	char mapping[64];                  /* "luks-<uuid>" */
	char found_fs[32];                 /* what is mounted */
	char uuid[40], cipher[32];         /* of the header that was judged and opened */
	uint32_t key_bits, sector_size, key_slots;
	uint64_t data_offset;              /* bytes */
	bool created;
	bool grown;
};

/* A volume between opened and closed. */
struct hpl_opened;

/* Claims the disk, makes what has to be made, sets up the mapping. v is borrowed until the close.
 * 0: *ret holds it. -1: *err has its id; what was opened is closed again. HPL02123E: a mapping of the
 * volume's UUID exists; it is left alone. */
int hpl_volume_open(struct hpl_opened **ret, struct hpl_volume *v, struct hpl_err *err);
/* Mounts, grows, writes the record. -1: *err has its id; v->found_fs tells whether it is mounted. */
int hpl_volume_mount(struct hpl_opened *o, struct hpl_err *err);
/* Frees o; the mapping of a volume that was not mounted is removed. NULL is fine. */
void hpl_volume_close(struct hpl_opened *o);
/* Open, mount, close in one. 0: mounted. -1: *err has its id; what was opened is closed again. */
int hpl_volume_bring_up(struct hpl_volume *v, struct hpl_err *err);
/* Removes a mapping that another process has made and left; the kernel refuses where it is mounted. Blocks
 * for up to 15 s while it is in use.
 * 0: there is none of this name any more. -1: *err. */
int hpl_volume_forget(const char *mapping, struct hpl_err *err);

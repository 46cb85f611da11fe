/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The service storage: from the volumes of the contract to mounted directories, then it ends and
 * its passphrases are gone.
 *
 *   state      entered when                               left to
 *   INPUTS     start                                      SCANNING: all three inputs are there (with a key
 *                                                         provider without the passphrases);
 *                                                         DONE: and there is no volume
 *   SCANNING   devices changed, or a rescan is due        WAITING, MOUNTING, READING, or failure
 *   WAITING    a disk is missing                          SCANNING; failure at the deadline
 *   READING    every volume has its disk, and one has a   THIRD: storage.keyfiles is published;
 *              key provider                               MOUNTING: and the passphrases are there
 *   THIRD      passphrases need what is on the disks      MOUNTING, when they come
 *   MOUNTING   every volume has disk and passphrase       DONE, or failure
 *   DONE       everything is mounted
 *
 * Without key providers nothing is looked at before the passphrases are there. With one, they are made of
 * what lies on the disk, so the disks come first (keyed.h).
 *
 * Scanning and reading block, so they run on a pool thread; a volume is brought up by a process of its own
 * (crew.h), so this one only waits for answers.
 */
#include "runtime/harness/service.h"
#include "runtime/base/secret.h"
#include "schema/mounts.h"
#include "services/storage/crew.h"
#include "services/storage/match.h"
#include "services/storage/volume.h"

enum { HPL_STORAGE_VOLUMES_MAX = HPL_VOLUMES_MAX };

enum hpl_storage_phase {
	HPL_STORAGE_INPUTS,
	HPL_STORAGE_SCANNING,
	HPL_STORAGE_WAITING,
	HPL_STORAGE_READING,
	HPL_STORAGE_THIRD,
	HPL_STORAGE_MOUNTING,
	HPL_STORAGE_DONE,
};

struct hpl_storage_volume {
	char *name, *mount, *filesystem, *volume_id, *volume_name; /* owned */
	char *provider;                    /* owned; NULL: two seeds */
	struct hpl_buf found, stored;      /* keyfile: on the disk; what the provider wants there */
	struct hpl_volume job;
};

struct hpl_storage_key {
	char *volume; /* owned */
	struct hpl_secret passphrase;
	struct hpl_secrets previous;
};

struct hpl_storage {
	struct hpl_service *service;
	enum hpl_storage_phase phase;
	bool have_volumes, have_passphrases, verified;
	size_t count;
	struct hpl_storage_volume volumes[HPL_STORAGE_VOLUMES_MAX];
	size_t key_count;
	struct hpl_storage_key keys[HPL_STORAGE_VOLUMES_MAX];
	/* settings */
	uint64_t wait_s, settle_ms, memory_kb, first_progress_s, progress_s;
	struct hpl_disk_paths paths;
	const char *mkfs_dir, *root, *worker, *keyfile_program;
	uint64_t parallel, worker_stop_ms;
	struct hpl_crew *crew;             /* while MOUNTING, else NULL */
	/* waiting; microseconds since boot */
	uv_timer_t timer;
	uint64_t deadline_us, changed_us, scanned_us, said_us;
	bool said;
	struct hpl_buf seen;               /* fingerprint of the devices at the last scan */
	struct hpl_disk *disks;            /* HPL_DISK_MAX */
	size_t disk_count;
	size_t disk_of[HPL_STORAGE_VOLUMES_MAX];
};

extern const struct hpl_service_def hpl_storage_def;
/* All that is needed is there: the workers begin. Inner function of this folder. */
int hpl_storage_mount(struct hpl_storage *st, struct hpl_err *err);
/* Says why, and ends the service. Inner function of this folder. */
void hpl_storage_fail(struct hpl_storage *st, const struct hpl_err *err);
/* Frees and wipes what the state owns (not the state); after the service was freed. */
void hpl_storage_clear(struct hpl_storage *st);

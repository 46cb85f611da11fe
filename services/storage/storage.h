/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The service storage: from the volumes of the contract to mounted directories, then it ends and
 * its passphrases are gone.
 *
 *   state      entered when                               left to
 *   INPUTS     start                                      SCANNING: all three inputs are there;
 *                                                         DONE: and there is no volume
 *   SCANNING   devices changed, or a rescan is due        WAITING, MOUNTING, or failure
 *   WAITING    a disk is missing                          SCANNING; failure at the deadline
 *   MOUNTING   every volume has its disk                  DONE, or failure
 *   DONE       everything is mounted
 *
 * Scanning blocks, so it runs on a pool thread; a volume is brought up by a process of its own
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
	HPL_STORAGE_MOUNTING,
	HPL_STORAGE_DONE,
};

struct hpl_storage_volume {
	char *name, *mount, *filesystem, *volume_id, *volume_name; /* owned */
	struct hpl_volume job;
};

struct hpl_storage_key {
	char *volume; /* owned */
	struct hpl_secret passphrase, previous;
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
	const char *mkfs_dir, *root, *worker;
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
/* Frees and wipes what the state owns (not the state); after the service was freed. */
void hpl_storage_clear(struct hpl_storage *st);

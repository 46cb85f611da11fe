/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The crew: one worker process for each volume, on the loop of who starts it. Volumes are opened in
 * parallel; each is mounted when all volumes are mounted that it lies beneath. The first failure
 * stops the others; whoever does not stop is killed. A mapping that a worker has left is removed.
 *
 * No more than `parallel` workers live at one time, and they start outermost mount first: so the
 * oldest one never waits for one that has not started, and memory is bounded by parallel alone.
 */
#include <uv.h>

#include "services/storage/volume.h"

struct hpl_crew;

struct hpl_crew_plan {
	uv_loop_t *loop;
	const char *program;           /* absolute path of hpl-storage-volume; borrowed */
	struct hpl_volume *const *volumes; /* outermost mount first; the list is copied, the volumes are
					* borrowed until the end, their results are filled */
	size_t count;
	unsigned parallel;             /* at least 1 */
	unsigned stop_ms;              /* for the others to end after a failure; then SIGKILL */
	/* Called once, never from within hpl_crew_start(), when no worker is left. result -1: the first
	 * failure is in *err. The crew is gone then. */
	void (*done)(void *ud, int result, struct hpl_err *err);
	void *ud;
};

/* Memory of one worker at most, bytes: argon2id over 64 MiB (kdf.h), the header area of 16 MiB twice, the
 * same again where a change of seeds is proved, and the program. */
#define HPL_CREW_WORKER_BYTES (144ULL << 20)

/* How many of wanted workers fit into half of the memory of a guest (bytes); at least 1. */
unsigned hpl_crew_fit(unsigned wanted, uint64_t memory);
/* Must a be mounted before b? */
bool hpl_crew_beneath(const char *a, const char *b);
int hpl_crew_start(struct hpl_crew **ret, const struct hpl_crew_plan *plan, struct hpl_err *err);
/* Leaves the crew alone: done is not called; the workers' pipes are closed, so they stop. The loop has to
 * run on for the handles. NULL is fine. */
void hpl_crew_quit(struct hpl_crew *c);

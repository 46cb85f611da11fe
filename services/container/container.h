/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The container service: starts the workload when every gate is open, follows its logs, stops it.
 * State and who owns what; the states and their events are in README.md.
 */
#include "runtime/harness/service.h"
#include "runtime/workload/compose.h"
#include "runtime/workload/play.h"
#include "services/container/engine.h"
#include "services/container/follow.h"

enum hpl_container_gate {
	HPL_GATE_VALID = 1,
	HPL_GATE_SIGNATURE = 2,
	HPL_GATE_STORAGE = 4,
	HPL_GATE_IMAGE = 8,
	HPL_GATE_REGISTRY = 16,
	HPL_GATE_ATTESTATION = 32,
	HPL_GATE_WORKLOAD = 64,
	HPL_GATE_ALL = 127,
};

enum hpl_container_step { HPL_STEP_WAITING, HPL_STEP_PREPARING, HPL_STEP_STARTING, HPL_STEP_LISTING,
	HPL_STEP_RUNNING, HPL_STEP_STOPPING };

struct hpl_container_list {
	char **tags;           /* of the containers that run or ran */
	size_t count;
	char not_started[160]; /* first container that is there and was never started, or empty */
};

struct hpl_container {
	struct hpl_service *s;
	unsigned gates;
	enum hpl_container_step step;
	Hpl__WorkloadSlice *workload;   /* own copy until the workload is prepared; wiped */
	/* what the preparing thread writes and only it reads until it is done */
	char *compose_dir, *play_dir, *play_file;
	const char *compose_name;
	bool is_compose, had_dotenv;
	size_t documents, pods;
	/* the engine */
	char **envp;
	struct hpl_child *child;
	struct hpl_chatter chatter;
	struct hpl_engine_tail tail;
	struct hpl_container_list list;
	struct hpl_follow *follow;
	uint64_t engine_timeout_ms, stop_s;
};

extern const struct hpl_service_def hpl_container_def;

void hpl_container_done(struct hpl_container *c); /* its handles close with the loop's next turn */
const char *hpl_container_tag_of(const struct hpl_container *c); /* hpcr-container[-play] */

/* prepare.c: on a pool thread; makes the files that the engine reads. Logs nothing. */
int hpl_container_prepare(void *ud, struct hpl_err *err);
/* run.c: the engine, then the list of containers, then workload.started. */
int hpl_container_run(struct hpl_container *c, struct hpl_err *err);
void hpl_container_stop(struct hpl_container *c);

/* One line "NAME IMAGE STATE..." of podman ps (see run.c); infra containers of pods are left out. */
int hpl_container_list_add(struct hpl_container_list *l, const char *line, size_t len, bool compose);
void hpl_container_list_done(struct hpl_container_list *l);

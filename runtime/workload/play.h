/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The descriptors of a play workload: resources, templates and an archive's top-level YAML, as one
 * list of documents in the order in which they are started (ConfigMaps first, the contract's own
 * contract.config.map before all). Only kinds Pod and ConfigMap of v1 exist (facts 08 8.2).
 */
#include "proto/events.pb-c.h"
#include "runtime/workload/env.h"
#include "schema/node.h"

struct hpl_play_doc {
	char *origin;          /* "workload.play.resources[0]" or "pod.yaml" of the archive */
	bool is_pod;
	char *text;            /* YAML or JSON, as it is given to the engine */
	size_t len;
	struct hpl_doc *tree;  /* the same, read */
};
struct hpl_play {
	struct hpl_play_doc *docs;
	size_t count;
	size_t pods;
	struct hpl_buf archive; /* decoded tar.gz, empty: none */
};
#define HPL_PLAY_NULL ((struct hpl_play){0})

/* 0, or -1 with *err (place: the document). */
int hpl_play_load(struct hpl_play *ret, const Hpl__WorkloadSlice *workload, struct hpl_err *err);
void hpl_play_done(struct hpl_play *p);
/* All documents as one YAML stream. */
void hpl_play_stream(struct hpl_buf *out, const struct hpl_play *p);

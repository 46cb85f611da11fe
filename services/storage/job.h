/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* struct hpl_volume and its results as messages of worker.proto. */
#include "services/storage/frame.h"
#include "services/storage/volume.h"

/* The whole frame with the passphrases; wiped by its owner. */
int hpl_job_pack(struct hpl_secret *ret, const struct hpl_volume *v, struct hpl_err *err);
/* The disk as the scan left it, but for what the worker looks at itself: type, uuid, label. -1: out of bounds. */
int hpl_job_take_disk(struct hpl_disk *ret, const Hpl__WorkerDisk *in, struct hpl_err *err);
/* "go on": activate or mount. */
int hpl_job_pack_go(struct hpl_secret *ret, Hpl__WorkerCommand__WhatCase what, struct hpl_err *err);
/* The outputs of v but the mapping, which was announced. */
void hpl_job_take_mounted(struct hpl_volume *v, const Hpl__WorkerMounted *in);
/* *err with all that the worker said; always returns -1. */
int hpl_job_take_failure(const Hpl__WorkerFailure *in, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a volume may be mounted: one rule for the contract's check and for the one who mounts.
 */
#include <stddef.h>

#include "runtime/base/err.h"

#define HPL_MOUNT_DEFAULT "/mnt/data" /* schema, workload.volumes.NAME.mount */
enum { HPL_VOLUMES_MAX = 64 };        /* volumes of a contract */

/* Absolute, plain (no "", ".", ".." names, no control characters), not over or beneath what the
 * guest itself needs. -1: HPL07022E. */
int hpl_mount_path_check(const char *path, struct hpl_err *err);
/* 0 when no two are equal; -1: HPL07022E. Nested ones are fine: outer volumes are mounted first. */
int hpl_mount_paths_distinct(const char *const *paths, size_t count, struct hpl_err *err);

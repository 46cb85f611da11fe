/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which cgroup the hook may touch: the pod's, found in the OCI configuration of one of its
 * containers. Pure.
 */
#include <stddef.h>

#include "runtime/base/err.h"

/* config: the OCI runtime configuration (JSON). 1: *ret is the pod's cgroup beneath the cgroup
 * root, "libpod_parent/<64 hex>" (malloc'ed); 0: the container is in no pod of podman's; -1: no
 * JSON object, or a path below libpod_parent of another form. */
int hpl_pod_cgroup(char **ret, const char *config, size_t len, struct hpl_err *err);

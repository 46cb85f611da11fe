/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a volume may be mounted, and making that place.
 *
 * The path comes from the contract. It is taken apart, compared with what the guest itself needs,
 * and walked from "/" one name at a time without following links, so that no link in the root can
 * turn it elsewhere.
 */
#include "runtime/base/err.h"

/* Absolute, plain (no "", ".", ".." names, no control characters), not over or beneath what the
 * guest itself needs. -1: HPL07022E. */
int hpl_mount_path_check(const char *path, struct hpl_err *err);
/* 0 when no two are equal; -1: HPL07022E. Nested ones are fine: outer volumes are mounted first. */
int hpl_mount_paths_distinct(const char *const *paths, size_t count, struct hpl_err *err);
/* Opens path beneath root_fd, making what is missing (0755). Returns an O_PATH descriptor of a
 * directory. -1: HPL07002E something on the way is no directory, HPL07022E a link, HPL02007E it
 * is a mount point already. */
int hpl_mount_path_open(int root_fd, const char *path, struct hpl_err *err);

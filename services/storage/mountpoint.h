/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Making the place where a volume is mounted. The path comes from the contract and has passed
 * schema/mounts.h; it is walked from "/" one name at a time without following links, so that no link in the root can
 * turn it elsewhere.
 */
#include "runtime/base/err.h"

/* Opens path beneath root_fd, making what is missing (0755). Returns an O_PATH descriptor of a
 * directory. -1: HPL07002E something on the way is no directory, HPL07022E a link, HPL02007E it
 * is a mount point already. */
int hpl_mount_path_open(int root_fd, const char *path, struct hpl_err *err);
/* Would it? Makes nothing; 0 or -1 as above. */
int hpl_mount_path_look(int root_fd, const char *path, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One program at a time on one disk, whatever name it is called by. */
#include "runtime/base/err.h"

#define HPL_DISK_LOCK_DIR "/run/hpl/lock"

/**
 * hpl_disk_lock() - take the lock of a disk
 * @dir: where locks are (made with mode 0700)
 * @major, @minor: of the disk
 *
 * Return: a descriptor that holds the lock until it is closed, or -1: HPL02123E and who holds it, or
 * the directory cannot be used.
 */
int hpl_disk_lock(const char *dir, unsigned major, unsigned minor, struct hpl_err *err);

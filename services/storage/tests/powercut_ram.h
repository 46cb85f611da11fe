/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The RAM disk /dev/ram0 that states are built on, and what should be on it, in memory. Only pages
 * that differ from the state before are written: those of the log, and those that the code under test
 * wrote, which the kernel's trace of block I/O tells.
 *
 * Functions return 0, or -1 with errno (0: see standard output).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A fresh RAM disk with what the disk at path, of size bytes, holds; the one before is gone. */
int cut_ram_begin(const char *path, uint64_t size);
/* Changes what should be on it; for now: until cut_ram_back. */
int cut_ram_put(uint64_t at, const void *data, size_t len, bool for_now);
int cut_ram_back(void);
/* Writes what should be there, and lets the kernel look for partitions. */
int cut_ram_write(void);
/* The kernel looks for partitions again, as in another boot. */
int cut_ram_rescan(void);
/* Between these two others may write to it. */
int cut_ram_watch(void);
int cut_ram_watched(void);
/* Is all on it as it should be? Reads the whole disk. */
int cut_ram_check(void);
/* What should be on it, to another disk. */
int cut_ram_copy(const char *path);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The machine: memory and identity. Paths are arguments so that tests point at a directory. */
#include "runtime/base/err.h"

/*
 * RAM in MiB. The number of online memory blocks under sysfs (devices/system/memory) times the
 * block size is what the machine was given. Where the kernel has no such blocks it is MemTotal of
 * meminfo plus one seventh: the kernel keeps memory for itself (page tables, its own image, crash
 * and bounce buffers), so that MemTotal of a 4096 MiB guest is smaller. A guest of 3584 MiB or less
 * never passes for one of 4096 that way.
 */
int hpl_machine_memory_mb(int64_t *ret, const char *sysfs_memory, const char *meminfo,
	struct hpl_err *err);

/* -1: less than min_mb (HPL11003E), or it cannot be told. */
int hpl_machine_memory_check(int64_t min_mb, const char *sysfs_memory, const char *meminfo,
	struct hpl_err *err);

/* "8562/02/4C598" from the text of /proc/sysinfo (IBM Z): type, plant, last five characters of the
 * sequence code. 1: the text has no such lines. */
int hpl_machine_identity(char *out, size_t size, const char *sysinfo);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Filesystems of volumes: which one is there, make one, is one sound. The programs are children
 * with argument vectors; nothing of the contract but the three known names reaches them.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

/* ext4, xfs, btrfs */
bool hpl_filesystem_known(const char *type);
/* type gets the name, or "" when nothing is found; a damaged or double signature is an error. */
int hpl_filesystem_probe(char *type, size_t size, int fd, struct hpl_err *err);
/* Is mkfs.<type> in dir? false: HPL07021E in *err. */
bool hpl_filesystem_tool(const char *dir, const char *type, struct hpl_err *err);
/* Makes it, over whatever device holds. label may be NULL. -1: HPL02005E, HPL07021E. */
int hpl_filesystem_make(const char *dir, const char *type, const char *device, const char *label,
	struct hpl_err *err);
/* Does the checking program of an ext4 find no fault? Nothing is repaired. Other types: false. */
bool hpl_filesystem_sound(const char *dir, const char *type, const char *device);

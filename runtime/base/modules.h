/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Kernel modules from a directory: the modules and a file `order` with one file name a line, behind
 * which a blank and parameters may follow. integration/lib/kernel.sh makes such directories.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

/* Loads what dir/order names, in that order; nothing when there is no such directory. Names with "/"
 * are refused; a module that is there already or has no device here is fine. bad gets each
 * other one with its errno; the rest is loaded. */
int hpl_modules_load(const char *dir, void (*bad)(void *ud, const char *name, int sys), void *ud,
	struct hpl_err *err);

/* Is this the alias of a filesystem as the kernel asks for it: "fs-" and up to 32 of a-z, 0-9, "_"? */
bool hpl_modules_is_filesystem(const char *alias);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What only PID 1 of an initramfs does: first mounts, console, the switch of root. */
#include "runtime/base/err.h"

#define HPL_NEW_ROOT "/sysroot"

/* /proc, /sys, /dev, /run */
int hpl_system_mounts(struct hpl_err *err);
/* standard input, output and error become /dev/console */
int hpl_system_console(void);
/* Moves the mounts into HPL_NEW_ROOT, deletes the initramfs, makes it "/" and executes argv there.
 * Returns only on failure. */
int hpl_system_switch(char *const argv[], char *const envp[], struct hpl_err *err);
/* Writes what is pending and powers the machine off. Does not return. */
_Noreturn void hpl_system_off(void);

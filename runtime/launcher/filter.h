/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * System call filters by named groups (runtime/README.md lists them). hpld compiles one program
 * for each set of groups that its manifests name and hands the bytes to hpl-launch, because
 * compiling takes longer than everything else of a start.
 *
 * A call of a listed group is allowed. A call of another group gives EPERM. A call that no service
 * ever has a reason to make (ptrace, modules, kexec, ...) ends the process: it is the mark of a
 * service that has been taken over. Anything else gives ENOSYS, so that libraries fall back from
 * calls that are newer than these lists.
 */
#include "runtime/base/buf.h"

/* bit n = group n of the table in filter.c */
typedef uint32_t hpl_filter_groups;

/* "file" -> its bit; 0: no such group. */
hpl_filter_groups hpl_filter_group_find(const char *name);
/* Appends the program (struct sock_filter[]) to out; base is always included. */
int hpl_filter_compile(struct hpl_buf *out, hpl_filter_groups groups, struct hpl_err *err);

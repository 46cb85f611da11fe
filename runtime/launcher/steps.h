/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The steps of hpl-launch, in the order in which main() takes them. Each returns 0 or -1 with the
 * failed step and errno in *r. */
#include "runtime/launcher/sandbox.h"

/* Fills *r; step takes printf arguments. Returns -1, errno is kept in the report. */
int hpl_launch_failed(struct hpl_launch_report *r, int sys, const char *fmt, ...) HPL_PRINTF(3, 4);

/* Makes the new root from the listed paths and moves into it (own mount namespace). */
int hpl_launch_root(const struct hpl_sandbox *s, struct hpl_launch_report *r);
/* Limits, groups, user, capabilities, no_new_privs, death signal. */
int hpl_launch_identity(const struct hpl_sandbox *s, struct hpl_launch_report *r);
int hpl_launch_limits(const struct hpl_sandbox *s, struct hpl_launch_report *r);
/* The last step before exec. */
int hpl_launch_filter(const struct hpl_sandbox *s, struct hpl_launch_report *r);

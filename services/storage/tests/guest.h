/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the programs share that run inside a virtual machine as child of its first process: TAP on the
 * console, and the disks of the machine by their serials. */
#include <stdio.h>

#include "proto/messages.h"
#include "services/storage/volume.h"

extern struct hpl_disk disks[HPL_DISK_MAX]; /* of the last scan */
extern size_t disk_count;
extern const struct hpl_disk_paths paths;

/* One line of TAP; err, when given, is shown where the test fails. */
void ok(int good, const char *what, const struct hpl_err *err);
/* Scans. NULL: no disk has this serial. */
struct hpl_disk *disk_named(const char *serial);
/* Runs the program of disk-check, "check" or "hostile", on a volume as storage.ready would tell of it. Its
 * output, to be freed; NULL: none. */
char *disk_check(const char *what, const struct hpl_volume *v);
/* The plan; the status for main(). */
int finish(void);

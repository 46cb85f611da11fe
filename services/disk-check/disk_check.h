/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The service disk-check: looks at the root and every mounted volume after storage.ready, then
 * each interval, and when asked by disk.check. One check at a time, on a pool thread.
 */
#include <stdbool.h>

#include "runtime/harness/service.h"
#include "services/disk-check/check.h"

enum {
	HPL_CHECK_MAX = 65,           /* 64 volumes and the root */
	HPL_CHECK_BURST = 3,          /* requests answered within HPL_CHECK_BURST_US (facts 7.5) */
};
#define HPL_CHECK_BURST_US (300ULL * 1000000)
/* A check that could not be made (a read failed once, a program could not be started) is tried again;
 * only what stays so is a failure, because a failure ends the guest. */
enum { HPL_CHECK_RETRIES = 2 };

struct hpl_disk_check {
	struct hpl_service *service;
	struct hpl_kernel kernel;     /* whom it asks; a caller that leaves it empty gets Linux's */
	struct hpl_linux_paths paths;
	uint64_t interval_s, retry_ms;
	unsigned retries;             /* of the check that runs */
	uv_timer_t timer;
	bool started, running, first_said;
	unsigned missed;           /* checks that were due while one ran */
	size_t count;                 /* targets[0] is the root */
	struct hpl_check_target targets[HPL_CHECK_MAX];
	struct hpl_check_result results[HPL_CHECK_MAX];
	Hpl__MountedVolumes *volumes; /* own copy, borrowed by targets */
	uint64_t asked_us[HPL_CHECK_BURST];
	size_t asked;
};

extern const struct hpl_service_def hpl_disk_check_def;
/* Frees what the state owns, after the service was freed. */
void hpl_disk_check_clear(struct hpl_disk_check *c);

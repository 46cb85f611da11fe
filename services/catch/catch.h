/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The catch service: the verdict's actions as log lines, events and timers. */
#include "runtime/harness/service.h"
#include "services/catch/verdict.h"

struct catch_service {
	struct verdict verdict;
	struct hpl_service *service;
	uv_timer_t timer;
	uint64_t grace_s, logging_wait_s;
};

extern const struct hpl_service_def catch_def;

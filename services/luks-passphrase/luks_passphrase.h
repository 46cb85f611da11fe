/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The service luks-passphrase: contract.seeds in, luks.passphrases out, end.
 *
 *   state     entered when                          left to
 *   INPUT     start                                 DONE: no volume has a key provider;
 *                                                   WAITING: one has
 *   WAITING   a third seed is missing               DONE: all have come; failure: a wrong answer,
 *                                                   or the time is over
 *   DONE      luks.passphrases is published         the process ends
 */
#include "runtime/harness/service.h"
#include "services/luks-passphrase/collect.h"

struct hpl_luks_passphrase {
	struct hpl_service *service;
	uv_timer_t limit;
	uint64_t grace_s;   /* on top of what a provider may try: disks come before its first try */
	struct hpl_collection passphrases;
};

extern const struct hpl_service_def hpl_luks_passphrase_def;

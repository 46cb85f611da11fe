/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The service luks-passphrase: contract.seeds in, luks.passphrases out, end. It holds nothing
 * between events, so its state is empty.
 */
#include "runtime/harness/service.h"

extern const struct hpl_service_def hpl_luks_passphrase_def;

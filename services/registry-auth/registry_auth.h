/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The registry-auth service: one event in, files, one event out. */
#include "runtime/harness/service.h"

extern const struct hpl_service_def hpl_registry_auth_def;

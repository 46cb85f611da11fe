/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The signature service: one event in, one out. */
#include "runtime/harness/service.h"

extern const struct hpl_service_def hpl_signature_def;

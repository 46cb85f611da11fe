/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The image service: digest rule and the engine's policy. See README.md. */
#include "runtime/harness/service.h"

extern const struct hpl_service_def hpl_image_def;

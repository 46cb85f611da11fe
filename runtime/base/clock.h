/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>
/* Microseconds of CLOCK_BOOTTIME (falls back to CLOCK_MONOTONIC) and of CLOCK_REALTIME. */
uint64_t hpl_mono_us(void);
uint64_t hpl_wall_us(void);

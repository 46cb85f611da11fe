/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/clock.h"

#include <time.h>

static uint64_t now_us(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t hpl_mono_us(void)
{
	uint64_t t = now_us(CLOCK_BOOTTIME);

	return t ? t : now_us(CLOCK_MONOTONIC);
}

uint64_t hpl_wall_us(void)
{
	return now_us(CLOCK_REALTIME);
}

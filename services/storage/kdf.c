/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/kdf.h"

#include "services/storage/luks.h"

#define GIB (1ULL << 30)

/* Four volumes at once take about a 32nd of a guest of 4 GiB or more. A guest that was given 8 GiB shows less:
 * the kernel keeps some. No row above 64 MiB: a volume also has to open in a later, smaller guest. */
static const struct {
	uint64_t guest_bytes; /* from here on */
	uint32_t memory_kb;
} costs[] = {
	{7 * GIB, 65536},
	{0, HPL_LUKS_MEMORY_KB},
};

uint32_t hpl_kdf_memory_kb(uint64_t guest_bytes)
{
	size_t i = 0;

	while (guest_bytes < costs[i].guest_bytes)
		i++;
	return costs[i].memory_kb;
}

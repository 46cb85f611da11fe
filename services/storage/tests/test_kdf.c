/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "services/storage/kdf.h"
#include "services/storage/luks.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

Test(kdf, a_small_guest_pays_the_least_cost)
{
	cr_expect_eq(hpl_kdf_memory_kb(0), HPL_LUKS_MEMORY_KB);
	cr_expect_eq(hpl_kdf_memory_kb(512 * MIB), HPL_LUKS_MEMORY_KB);
	cr_expect_eq(hpl_kdf_memory_kb(4 * GIB), HPL_LUKS_MEMORY_KB);
	cr_expect_eq(hpl_kdf_memory_kb(7 * GIB - 1), HPL_LUKS_MEMORY_KB);
}

Test(kdf, a_guest_that_was_given_8_GiB_pays_twice)
{
	cr_expect_eq(hpl_kdf_memory_kb(7 * GIB), 65536);
	cr_expect_eq(hpl_kdf_memory_kb(7800 * MIB), 65536);
}

Test(kdf, the_largest_guest_makes_no_volume_that_a_small_one_cannot_open)
{
	cr_expect_eq(hpl_kdf_memory_kb(UINT64_MAX), 65536);
	cr_expect_eq(hpl_kdf_memory_kb(1024 * GIB), 65536);
}

Test(kdf, more_memory_never_makes_it_cheaper)
{
	uint32_t before = 0;

	for (uint64_t m = 0; m < 64 * GIB; m += 100 * MIB) {
		uint32_t now = hpl_kdf_memory_kb(m);

		cr_assert_geq(now, before);
		cr_assert_geq(now, HPL_KDF_MIN_KB);
		cr_assert_leq(now, HPL_KDF_MAX_KB);
		before = now;
	}
}

/* Four volumes are opened at one time. */
Test(kdf, four_derivations_leave_a_guest_its_memory)
{
	for (uint64_t m = 4 * GIB; m < 64 * GIB; m += 100 * MIB)
		cr_assert_leq(4 * 1024ULL * hpl_kdf_memory_kb(m), m / 27, "%llu MiB",
			(unsigned long long)(m / MIB));
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a new key slot costs: memory of argon2id, chosen from the memory of the guest by a table. No
 * benchmark: it would take seconds at boot, and equal guests would make unequal volumes.
 * docs/volumes.md has the reasons for the numbers.
 */
#include <stdint.h>

/* Settings below are not taken: a guess would cost nearly nothing. */
enum { HPL_KDF_MIN_KB = 1024, HPL_KDF_MAX_KB = 1 << 20 };

/**
 * hpl_kdf_memory_kb() - memory of argon2id for a new key slot
 * @guest_bytes: MemTotal of the guest, in bytes: what the kernel has left for programs
 *
 * Return: KiB. Never less for more memory; 32 MiB to 64 MiB.
 */
uint32_t hpl_kdf_memory_kb(uint64_t guest_bytes);

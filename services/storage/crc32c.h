/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* CRC of the Castagnoli polynomial, reflected, begun with all ones; without the last inversion, as ext4 has it. */
#include <stddef.h>
#include <stdint.h>

uint32_t hpl_crc32c(const void *data, size_t len);
/* Of what follows; crc: of what came before. */
uint32_t hpl_crc32c_more(uint32_t crc, const void *data, size_t len);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is a range of a device provably blank? Blank means: its first 4 MiB, the last one and places spread over
 * the whole range were read without an error and hold zeros only, and libblkid finds neither a
 * partition table nor a signature. Anything that could not be read is an error, never blank: this
 * answer decides whether something is formatted.
 */
#include "runtime/base/err.h"

enum { HPL_NOT_BLANK = 1, HPL_BLANK_WHY = 96 };

/**
 * hpl_blank_check() - is [offset, offset + size) of fd blank
 * @fd: readable device or regular file
 * @offset, @size: bytes
 * @why: HPL_BLANK_WHY characters, filled when the answer is HPL_NOT_BLANK; may be NULL
 *
 * Return: 0 blank, HPL_NOT_BLANK, -1 it cannot be told (read error; id HPL07017E in *err).
 */
int hpl_blank_check(int fd, uint64_t offset, uint64_t size, char *why, struct hpl_err *err);
/* The same, and every byte was read: for what is small and may hold something of its owner's between two
 * places, as a metadata partition that was made by hand. */
int hpl_blank_check_whole(int fd, uint64_t offset, uint64_t size, char *why, struct hpl_err *err);

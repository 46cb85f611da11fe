/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Reads the LUKS2 header of a disk, for the short-lived program only: it needs OpenSSL and a parser. */
#include "services/disk-check/header.h"

/**
 * hpl_luks_header_read() - what the header on a disk says now
 * @fd: readable; opened with O_DIRECT it tells what is on the disk and not what was there when it was read
 *      last
 *
 * Of the two copies the newest one with the right checksum counts. Nothing is written, no copy is mended.
 *
 * Return: 0; -1 with HPL13012E no header that can be understood, or HPL13006E a read failed.
 */
int hpl_luks_header_read(struct hpl_luks_header *ret, int fd, struct hpl_err *err);

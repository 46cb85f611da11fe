/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a disk with a LUKS2 header. The checksum of the first copy is made right before, so that the
 * fuzzer gets behind it; a size that the bytes do not fill is filled with zeros.
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "proto/messages.h"
#include "services/disk-check/header_read.h"
#include "services/disk-check/table.h"

enum { COPY = 16 << 10, CHECKSUM = 448, FIELD = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(uint8_t *copy)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	memset(copy + CHECKSUM, 0, FIELD);
	if (EVP_Digest(copy, COPY, digest, &len, EVP_sha256(), NULL) != 1)
		abort();
	memcpy(copy + CHECKSUM, digest, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t disk[2 * COPY];
	static int fd = -1;
	struct hpl_luks_header h = {0}, again;
	struct hpl_err err = HPL_ERR_NULL;
	char line[256];

	if (fd < 0)
		fd = memfd_create("disk", MFD_CLOEXEC);
	memset(disk, 0, sizeof(disk));
	memcpy(disk, data, size < sizeof(disk) ? size : sizeof(disk));
	seal(disk);
	if (pwrite(fd, disk, sizeof(disk), 0) != (ssize_t)sizeof(disk))
		abort();
	if (hpl_luks_header_read(&h, fd, &err) < 0) {
		if (err.msg != HPL_MSG_DISKCHECK_HEADER_CHANGED || !err.text[0])
			abort();
		return 0;
	}
	if (!hpl_table_is_uuid(h.uuid) || !h.keyslots || !h.key_bytes || !h.cipher[0])
		abort();
	hpl_luks_header_print(line, sizeof(line), &h);
	if (hpl_luks_header_parse(&again, line, NULL) < 0 || again.keyslots != h.keyslots)
		abort();
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the begin of a disk: the header judge and what a disk is taken for. A refusal has its id;
 * what is accepted lies in bounds, and the same bytes are judged in the same way again. A disk on which
 * something stands is never blank.
 *
 * The first byte of an input says how: its low bits the size of the disk, bit 7 whether the kernel shows two
 * partitions. The rest is the disk; behind it are zeros.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/messages.h"
#include "services/storage/disk.h"
#include "services/storage/luks2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge_header(int fd, uint64_t bytes)
{
	_cleanup_luks2_ struct hpl_luks2 h = HPL_LUKS2_NULL, again = HPL_LUKS2_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	uint8_t a[32], b[32];
	int r = hpl_luks2_read(&h, fd, bytes, &err);

	if (r < 0 && err.msg != HPL_MSG_STORAGE_HEADER_REFUSED && err.msg != HPL_MSG_LUKS_LUKS_OPEN_FAILED)
		abort();
	if (hpl_luks2_read(&again, fd, bytes, &err) != r)
		abort();
	if (r)
		return;
	if (!(h.valid[0] || h.valid[1]) || !h.valid[h.newest] || h.size < h.header.data_offset ||
		h.header.data_offset >= bytes || h.header.data_offset < 2 * h.hdr_size)
		abort();
	for (unsigned i = 0; i < h.header.keyslots; i++)
		if (h.header.areas[i].offset < 2 * h.hdr_size ||
			h.header.areas[i].offset + h.header.areas[i].size > h.header.data_offset)
			abort();
	if (hpl_luks2_digest(a, &h, &err) < 0 || hpl_luks2_digest(b, &again, &err) < 0 ||
		memcmp(a, b, sizeof(a)) != 0)
		abort();
}

static void judge_disk(int fd, uint64_t bytes, bool partitions, bool zeros)
{
	struct hpl_disk d = {.path = "/dev/vdb", .size = bytes, .part_count = partitions ? 2 : 0};

	if (partitions) {
		d.parts[0].start = 1 << 20;
		d.parts[0].size = 2 << 20;
		d.parts[1].start = 3 << 20;
		d.parts[1].size = bytes - (4 << 20);
	}
	hpl_disk_classify(&d, fd);
	if (!hpl_disk_kind_name(d.kind) || d.kind > HPL_DISK_UNREADABLE)
		abort();
	if (d.kind == HPL_DISK_BLANK && (!zeros || partitions))
		abort();
	if ((d.kind == HPL_DISK_OTHER || d.kind == HPL_DISK_UNREADABLE || d.kind == HPL_DISK_COUNT ||
		d.kind == HPL_DISK_SHRUNK) && !d.why[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t sizes[] = {8 << 20, 32 << 10, 40 << 20, 1 << 20};
	uint8_t how = size ? data[0] : 0;
	uint64_t bytes = sizes[how & 3];
	bool zeros = true;
	int fd;

	if (size > 1 + (1 << 20))
		return 0;
	fd = memfd_create("disk", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		abort();
	if (size > 1 && size - 1 <= bytes) {
		if (pwrite(fd, data + 1, size - 1, 0) != (ssize_t)(size - 1))
			abort();
		for (size_t i = 1; i < size; i++)
			zeros &= data[i] == 0;
	}
	judge_header(fd, bytes);
	judge_disk(fd, bytes, (how & 0x80) && bytes >= 8 << 20, zeros);
	close(fd);
	return 0;
}

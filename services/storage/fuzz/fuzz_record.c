/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the room of the record: what is accepted is whole, and written again it is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/storage/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool sane(const struct hpl_record *r)
{
	return r->sequence && r->sequence < UINT64_MAX && (r->state == HPL_RECORD_MAKING || r->state == HPL_RECORD_READY) &&
		strnlen(r->uuid, sizeof(r->uuid)) < sizeof(r->uuid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t slots[1024] = {0}, back[512];
	struct hpl_record r, one;
	struct hpl_err err = HPL_ERR_NULL;
	int fd = memfd_create("record", MFD_CLOEXEC), rc, whole = 0;

	if (fd < 0)
		abort();
	memcpy(slots, data, size < sizeof(slots) ? size : sizeof(slots));
	for (int i = 0; i < 2; i++) {
		if (hpl_record_parse(&one, slots + i * 512) < 0)
			continue;
		whole++;
		hpl_record_format(back, &one);
		if (!sane(&one) || hpl_record_parse(&r, back) < 0 ||
			r.sequence != one.sequence || r.state != one.state || r.data_size != one.data_size ||
			memcmp(r.uuid, one.uuid, sizeof(r.uuid)) != 0 || r.has_mac != one.has_mac)
			abort();
	}
	if (pwrite(fd, slots, sizeof(slots), 0) != sizeof(slots))
		abort();
	rc = hpl_record_read(&r, fd, 0, &err);
	if (rc < 0 || (rc == 0) != (whole > 0) || (rc == 0 && !sane(&r)))
		abort();
	close(fd);
	return 0;
}

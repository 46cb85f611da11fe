/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/record.h"

#include <endian.h>
#include <errno.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <unistd.h>

#include "proto/messages.h"

static const char magic[8] = "HPLVREC1";

enum { SLOT = 512, SLOTS = 2, SIGNED = 480, FLAG_MAC = 1, FLAG_NEXT = 2 };

/* One more at each write: no volume has been written to this often, and it cannot overflow. */
static const uint64_t SEQUENCE_MAX = 1ULL << 40;

struct slot {
	char magic[8];
	uint64_t sequence;
	uint32_t state, flags;
	uint64_t data_size;
	char uuid[40];
	uint8_t salt[HPL_RECORD_SALT], mac[HPL_RECORD_MAC], mac_next[HPL_RECORD_MAC];
	uint8_t zeros[328];
	uint8_t checksum[SHA256_DIGEST_LENGTH];
} __attribute__((packed));
_Static_assert(sizeof(struct slot) == SLOT, "one sector");

int hpl_record_parse(struct hpl_record *ret, const uint8_t bytes[SLOT])
{
	struct slot s;
	struct hpl_record r = {0};
	uint8_t sum[SHA256_DIGEST_LENGTH];

	memcpy(&s, bytes, sizeof(s));
	if (memcmp(s.magic, magic, sizeof(magic)) != 0 || !SHA256(bytes, SIGNED, sum) ||
		memcmp(sum, s.checksum, sizeof(sum)) != 0)
		return -1;
	r.sequence = be64toh(s.sequence);
	r.state = be32toh(s.state);
	r.data_size = be64toh(s.data_size);
	r.has_mac = be32toh(s.flags) & FLAG_MAC;
	r.has_next = be32toh(s.flags) & FLAG_NEXT;
	if (!r.sequence || r.sequence > SEQUENCE_MAX || (r.state != HPL_RECORD_MAKING && r.state != HPL_RECORD_READY) ||
		be32toh(s.flags) > (FLAG_MAC | FLAG_NEXT) || s.uuid[sizeof(s.uuid) - 1])
		return -1;
	memcpy(r.uuid, s.uuid, sizeof(r.uuid));
	memcpy(r.salt, s.salt, sizeof(r.salt));
	memcpy(r.mac, s.mac, sizeof(r.mac));
	memcpy(r.mac_next, s.mac_next, sizeof(r.mac_next));
	*ret = r;
	return 0;
}

void hpl_record_format(uint8_t bytes[SLOT], const struct hpl_record *r)
{
	struct slot s = {.sequence = htobe64(r->sequence), .state = htobe32(r->state),
		.flags = htobe32((r->has_mac ? FLAG_MAC : 0) | (r->has_next ? FLAG_NEXT : 0)),
		.data_size = htobe64(r->data_size)};

	memcpy(s.magic, magic, sizeof(magic));
	memcpy(s.uuid, r->uuid, sizeof(s.uuid));
	memcpy(s.salt, r->salt, sizeof(s.salt));
	if (r->has_mac)
		memcpy(s.mac, r->mac, sizeof(s.mac));
	if (r->has_next)
		memcpy(s.mac_next, r->mac_next, sizeof(s.mac_next));
	SHA256((const uint8_t *)&s, SIGNED, s.checksum);
	memcpy(bytes, &s, sizeof(s));
}

int hpl_record_read(struct hpl_record *ret, int fd, uint64_t offset, struct hpl_err *err)
{
	uint8_t bytes[SLOTS * SLOT];
	struct hpl_record best = {0}, r;
	bool making = false;
	ssize_t n;

	do
		n = pread(fd, bytes, sizeof(bytes), (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(bytes)) {
		HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, n < 0 ? errno : EIO,
			"cannot read the record before the metadata partition");
		hpl_err_cure(err, "check the disk; a disk that cannot be read is never formatted");
		return -1;
	}
	for (int i = 0; i < SLOTS; i++)
		if (hpl_record_parse(&r, bytes + i * SLOT) == 0) {
			making |= r.state == HPL_RECORD_MAKING;
			best = r.sequence > best.sequence ? r : best;
		}
	*ret = best;
	ret->stale = making && best.state == HPL_RECORD_READY;
	return best.sequence ? 0 : HPL_RECORD_NONE;
}

int hpl_record_draw_salt(struct hpl_record *r, struct hpl_err *err)
{
	static const uint8_t none[HPL_RECORD_SALT];

	if (memcmp(r->salt, none, sizeof(none)) != 0)
		return 0;
	return RAND_bytes(r->salt, sizeof(r->salt)) == 1 ? 0 : HPL_FAIL(err, 0, 0, "no random bytes");
}

int hpl_record_write(struct hpl_record *r, int fd, uint64_t offset, struct hpl_err *err)
{
	struct hpl_record next = *r;
	uint8_t bytes[SLOT];
	ssize_t n;

	next.sequence++;
	if (hpl_record_draw_salt(&next, err) < 0)
		return -1;
	hpl_record_format(bytes, &next);
	do
		n = pwrite(fd, bytes, sizeof(bytes), (off_t)(offset + next.sequence % SLOTS * SLOT));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(bytes) || fdatasync(fd) < 0)
		return HPL_FAIL(err, HPL_MSG_STORAGE_WRITE_TO_META_PARTITION_ERROR, n < 0 ? errno : EIO,
			"cannot write the record before the metadata partition");
	*r = next;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/storage/luks2.h"

#include <endian.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/messages.h"
#include "runtime/base/secret.h"

/* LUKS2 2.1: the binary header, big-endian, 4096 bytes */
struct binary {
	char magic[6];
	uint16_t version;
	uint64_t hdr_size, seqid;
	char label[48];
	char checksum_alg[32];
	uint8_t salt[64];
	char uuid[40];
	char subsystem[48];
	uint64_t hdr_offset;
	uint8_t padding[184];
	uint8_t csum[64];
	uint8_t padding4096[7 * 512];
} __attribute__((packed));
_Static_assert(sizeof(struct binary) == 4096, "LUKS2 2.1");

static const char magics[HPL_LUKS2_COPIES][6] = {"LUKS\xba\xbe", "SKUL\xba\xbe"};

enum {
	HDR_MIN = 16 << 10, HDR_MAX = 4 << 20, /* LUKS2 3.1: powers of two between these */
	AREA_MAX = 128 << 20,                  /* largest header area of LUKS2 */
	BLOCK = 4096,
	DIGEST = SHA256_DIGEST_LENGTH,
};
/* One more at each write: no volume has been written to this often, and it cannot overflow. */
static const uint64_t SEQID_MAX = 1ULL << 40;

static int refuse(struct hpl_err *err, int copy, const char *what)
{
	HPL_FAIL(err, HPL_MSG_STORAGE_HEADER_REFUSED, 0, "%s copy: %s", copy ? "second" : "first", what);
	hpl_err_cure(err, "the header was changed; restore it from a backup");
	return -1;
}

void hpl_luks2_done(struct hpl_luks2 *h)
{
	if (h->fd >= 0)
		close(h->fd);
	if (h->disk) {
		hpl_wipe(h->disk, h->size);
		munmap(h->disk, h->size);
	}
	*h = HPL_LUKS2_NULL;
}

static int read_at(int fd, uint8_t *out, size_t len, uint64_t at, struct hpl_err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, out + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			HPL_FAIL(err, HPL_MSG_STORAGE_DEVICE_UNREADABLE, n < 0 ? errno : EIO,
				"cannot read the header at byte %llu", (unsigned long long)(at + done));
			hpl_err_cure(err, "check the disk; a disk that cannot be read is never formatted");
			return -1;
		}
		done += (size_t)n;
	}
	return 0;
}

static int write_at(int fd, const uint8_t *data, size_t len, uint64_t at, struct hpl_err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, data + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return HPL_FAIL(err, 0, n < 0 ? errno : EIO, "cannot write the header at byte "
				"%llu", (unsigned long long)(at + done));
		done += (size_t)n;
	}
	return 0;
}

static bool zeros(const void *p, size_t len)
{
	const uint8_t *b = p;

	return len == 0 || (b[0] == 0 && memcmp(b, b + 1, len - 1) == 0);
}

/* Text up to its NUL, zeros behind it, printable. */
static bool plain_text(const char *field, size_t size)
{
	size_t len = strnlen(field, size);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)field[i] < 0x20 || field[i] == 0x7f)
			return false;
	return len < size && zeros(field + len, size - len);
}

static bool uuid_form(const char *u)
{
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? u[i] != '-' : !strchr("0123456789abcdef", u[i]) || !u[i])
			return false;
	}
	return u[36] == 0;
}

static bool checksum_good(const uint8_t *copy, size_t hdr_size)
{
	const struct binary *b = (const struct binary *)copy;
	const size_t at = offsetof(struct binary, csum), end = at + sizeof(b->csum);
	static const uint8_t none[sizeof(b->csum)];
	uint8_t digest[DIGEST];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		EVP_DigestUpdate(ctx, copy, at) == 1 && EVP_DigestUpdate(ctx, none, sizeof(none)) == 1 &&
		EVP_DigestUpdate(ctx, copy + end, hdr_size - end) == 1 &&
		EVP_DigestFinal_ex(ctx, digest, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return ok && memcmp(digest, b->csum, DIGEST) == 0;
}

static bool size_allowed(uint64_t n)
{
	return n >= HDR_MIN && n <= HDR_MAX && (n & (n - 1)) == 0;
}

/* A copy with magic, version and checksum counts; one without (a torn write) does not, the other one
 * then speaks for both. One that counts must be beyond doubt. 0 counts, 1 does not, -1 refused. */
static int judge_copy(const uint8_t *area, int copy, uint64_t hdr_size, struct hpl_err *err)
{
	const struct binary *b = (const struct binary *)(area + (copy ? hdr_size : 0));

	if (memcmp(b->magic, magics[copy], sizeof(b->magic)) != 0 || be16toh(b->version) != 2 ||
		be64toh(b->hdr_size) != hdr_size || !hpl_streq(b->checksum_alg, "sha256") ||
		!checksum_good((const uint8_t *)b, hdr_size))
		return 1;
	if (!plain_text(b->checksum_alg, sizeof(b->checksum_alg)) ||
		!zeros(b->csum + DIGEST, sizeof(b->csum) - DIGEST))
		return refuse(err, copy, "its checksum field holds more than a SHA-256");
	if (be64toh(b->hdr_offset) != (copy ? hdr_size : 0))
		return refuse(err, copy, "it says that it stands elsewhere");
	if (be64toh(b->seqid) == 0 || be64toh(b->seqid) > SEQID_MAX)
		return refuse(err, copy, "its sequence number is not plausible");
	if (!plain_text(b->label, sizeof(b->label)) || !plain_text(b->subsystem, sizeof(b->subsystem)))
		return refuse(err, copy, "label or subsystem is no text");
	if (strnlen(b->uuid, sizeof(b->uuid)) != 36 || !plain_text(b->uuid, sizeof(b->uuid)) ||
		!uuid_form(b->uuid))
		return refuse(err, copy, "the UUID is none");
	if (!zeros(b->padding, sizeof(b->padding)) || !zeros(b->padding4096, sizeof(b->padding4096)))
		return refuse(err, copy, "its padding is not zero");
	return 0;
}

/* The JSON of a copy; behind its NUL there must be zeros only. */
static int json_of(const char **ret, size_t *ret_len, const uint8_t *area, int copy,
	uint64_t hdr_size, struct hpl_err *err)
{
	const char *json = (const char *)area + (copy ? hdr_size : 0) + sizeof(struct binary);
	size_t room = hdr_size - sizeof(struct binary), len = strnlen(json, room);

	if (len == room || !zeros(json + len, room - len))
		return refuse(err, copy, "something stands behind its JSON");
	*ret = json;
	*ret_len = len;
	return 0;
}

/* One write: the same in all but what tells the copies apart (magic, place) and the salt of each, which
 * only makes their checksums differ. */
static bool same_write(const struct binary *a, const struct binary *b, size_t hdr_size)
{
	return memcmp(a->label, b->label, sizeof(a->label)) == 0 &&
		memcmp(a->subsystem, b->subsystem, sizeof(a->subsystem)) == 0 &&
		memcmp(a + 1, b + 1, hdr_size - sizeof(*a)) == 0;
}

/* Two copies that count are of one volume, and of one write or two neighbouring ones. */
static int judge_pair(const uint8_t *area, uint64_t hdr_size, struct hpl_err *err)
{
	const struct binary *a = (const struct binary *)area;
	const struct binary *b = (const struct binary *)(area + hdr_size);
	uint64_t x = be64toh(a->seqid), y = be64toh(b->seqid);

	if (memcmp(a->uuid, b->uuid, sizeof(a->uuid)) != 0)
		return refuse(err, 1, "it is of another volume than the first");
	if ((x > y ? x - y : y - x) > 1)
		return refuse(err, 1, "its sequence number is far from that of the first");
	if (x == y && !same_write(a, b, hdr_size))
		return refuse(err, 1, "it says something else than the first, under the same number");
	return 0;
}

/* Judges an area that is complete: sets all but fd, disk and size. */
static int judge(struct hpl_luks2 *h, const uint8_t *area, size_t area_size, uint64_t device_size,
	struct hpl_err *err)
{
	const struct binary *newest = NULL;
	const char *json = NULL;
	size_t len = 0;
	int which = 0;

	for (int copy = 0; copy < HPL_LUKS2_COPIES; copy++) {
		int r = judge_copy(area, copy, h->hdr_size, err);
		if (r < 0)
			return -1;
		h->valid[copy] = r == 0;
	}
	if (!h->valid[0] && !h->valid[1])
		return refuse(err, 0, "neither copy of the header has a valid checksum");
	if (h->valid[0] && h->valid[1] && judge_pair(area, h->hdr_size, err) < 0)
		return -1;
	for (int copy = 0; copy < HPL_LUKS2_COPIES; copy++) {
		const struct binary *b = (const struct binary *)(area + (copy ? h->hdr_size : 0));
		if (!h->valid[copy] || (newest && be64toh(b->seqid) <= be64toh(newest->seqid)))
			continue;
		newest = b;
		which = copy;
	}
	if (json_of(&json, &len, area, which, h->hdr_size, err) < 0 ||
		hpl_header_check(&h->header, json, len, device_size, err) < 0)
		return -1;
	if (h->header.json_size != h->hdr_size - sizeof(struct binary))
		return refuse(err, which, "config.json_size is not the size of the JSON area");
	if (h->header.data_offset > area_size)
		return refuse(err, which, "the header area ends before the data begins");
	for (unsigned i = 0; i < h->header.keyslots; i++)
		if (h->header.areas[i].offset < 2 * h->hdr_size)
			return refuse(err, which, "a key slot lies over the headers");
	h->newest = which;
	h->torn = !h->valid[0] || !h->valid[1] || ((const struct binary *)area)->seqid !=
		((const struct binary *)(area + h->hdr_size))->seqid;
	h->seqid = be64toh(newest->seqid);
	memcpy(h->uuid, newest->uuid, sizeof(h->uuid));
	snprintf(h->label, sizeof(h->label), "%.*s", (int)sizeof(newest->label), newest->label);
	return 0;
}

/* Where the second copy may begin, when the first does not say it (LUKS2 3.1). */
static int find_size(uint64_t *ret, const uint8_t *area, size_t have)
{
	const struct binary *b = (const struct binary *)area;
	uint64_t n;

	if (memcmp(b->magic, magics[0], sizeof(b->magic)) == 0) {
		n = be64toh(b->hdr_size);
		if (size_allowed(n) && 2 * n <= have) {
			*ret = n;
			return 0;
		}
	}
	for (n = HDR_MIN; n <= HDR_MAX && 2 * n <= have; n *= 2) {
		b = (const struct binary *)(area + n);
		if (memcmp(b->magic, magics[1], sizeof(b->magic)) == 0 && be64toh(b->hdr_size) == n) {
			*ret = n;
			return 0;
		}
	}
	return memcmp(((const struct binary *)area)->magic, magics[0], 4) == 0 ? -1 : HPL_LUKS2_NONE;
}

static int make_memory(struct hpl_luks2 *h, size_t size, struct hpl_err *err)
{
	h->fd = memfd_create("luks2-header", MFD_CLOEXEC);
	h->disk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h->disk == MAP_FAILED)
		h->disk = NULL;
	if (h->fd < 0 || !h->disk || ftruncate(h->fd, (off_t)size) < 0)
		return HPL_FAIL(err, 0, errno, "no memory for the header");
	h->size = size;
	return 0;
}

/* More of the header area: what has been read is kept, not read again. */
static int extend(struct hpl_luks2 *h, int device_fd, size_t size, struct hpl_err *err)
{
	uint8_t *more = mremap(h->disk, h->size, size, MREMAP_MAYMOVE);
	size_t had = h->size;

	if (more == MAP_FAILED || ftruncate(h->fd, (off_t)size) < 0)
		return HPL_FAIL(err, 0, errno, "no memory for the header");
	h->disk = more;
	h->size = size;
	return read_at(device_fd, h->disk + had, size - had, had, err);
}

/* The memory file holds what was judged: both copies when they are of one write, else the newest one and
 * zeros in place of the other. The library has rules of its own for which copy counts (it knows other
 * checksum algorithms, and reads JSON in its own way): it shall have no choice. It makes the other copy
 * again from this one. */
static int fill_memory(const struct hpl_luks2 *h, struct hpl_err *err)
{
	size_t areas = 2 * h->hdr_size, at = h->torn && h->newest ? h->hdr_size : 0;
	size_t len = h->torn ? h->hdr_size : areas;

	if (write_at(h->fd, h->disk + at, len, at, err) < 0)
		return -1;
	/* what is zero stays a hole: of 16 MiB all but the key slots */
	for (at = areas; at < h->size; at += len) {
		len = h->size - at < BLOCK ? h->size - at : BLOCK;
		if (!zeros(h->disk + at, len) && write_at(h->fd, h->disk + at, len, at, err) < 0)
			return -1;
	}
	return 0;
}

/* The first bytes, no more than tell where both copies are: the first copy says it, else the magic of the
 * second is looked for at each place that it may have. 0, HPL_LUKS2_NONE, -1. */
static int read_copies(struct hpl_luks2 *h, int device_fd, uint64_t device_size, struct hpl_err *err)
{
	const struct binary *b;
	uint64_t n = 2 * HDR_MIN;
	int r;

	if (make_memory(h, n, err) < 0 || read_at(device_fd, h->disk, n, 0, err) < 0)
		return -1;
	b = (const struct binary *)h->disk;
	if (memcmp(b->magic, magics[0], sizeof(b->magic)) != 0) {
		/* damaged, or no LUKS at all */
	} else if (be16toh(b->version) == 1) {
		HPL_FAIL(err, HPL_MSG_LUKS_LUKS_OPEN_FAILED, 0, "the header is of LUKS1, not of LUKS2");
		hpl_err_cure(err, "back it up, then: cryptsetup convert --type luks2 DEVICE");
		return -1;
	} else if (size_allowed(be64toh(b->hdr_size)) && 2 * be64toh(b->hdr_size) <= device_size) {
		n = 2 * be64toh(b->hdr_size);
	}
	for (;;) {
		if (n > h->size && extend(h, device_fd, n, err) < 0)
			return -1;
		r = find_size(&h->hdr_size, h->disk, h->size);
		n *= 2;
		if (r == 0 || n > 2 * HDR_MAX || n > device_size)
			break;
	}
	return r < 0 ? refuse(err, 0, "its size is none that LUKS2 has") : r;
}

int hpl_luks2_read(struct hpl_luks2 *ret, int device_fd, uint64_t device_size, struct hpl_err *err)
{
	_cleanup_luks2_ struct hpl_luks2 h = HPL_LUKS2_NULL;
	int r;

	if (device_size < 2 * HDR_MIN)
		return HPL_LUKS2_NONE;
	r = read_copies(&h, device_fd, device_size, err);
	if (r)
		return r;
	/* a first look, to learn where the data begins; the verdict is over the whole area */
	if (judge(&h, h.disk, AREA_MAX, device_size, err) < 0)
		return -1;
	if (h.header.data_offset > h.size &&
		extend(&h, device_fd, (size_t)h.header.data_offset, err) < 0)
		return -1;
	if (judge(&h, h.disk, h.size, device_size, err) < 0 || fill_memory(&h, err) < 0)
		return -1;
	*ret = h;
	h = HPL_LUKS2_NULL;
	return 0;
}

int hpl_luks2_new(struct hpl_luks2 *ret, size_t size, struct hpl_err *err)
{
	_cleanup_luks2_ struct hpl_luks2 h = HPL_LUKS2_NULL;

	if (make_memory(&h, size, err) < 0)
		return -1;
	*ret = h;
	h = HPL_LUKS2_NULL;
	return 0;
}

void hpl_luks2_path(const struct hpl_luks2 *h, char *out, size_t size)
{
	snprintf(out, size, "/proc/self/fd/%d", h->fd);
}

/* ---- writing ---- */

static bool named(const struct hpl_header *h, uint64_t at)
{
	for (unsigned i = 0; i < h->keyslots; i++)
		if (at + BLOCK > h->areas[i].offset && at < h->areas[i].offset + h->areas[i].size)
			return true;
	return false;
}

/* Writes the blocks of [begin, end) that differ. old: the header whose areas are wanted (areas_named)
 * or not wanted; NULL: all. Flushes when something was written. */
static int put(struct hpl_luks2 *h, int fd, const uint8_t *now, uint64_t begin, uint64_t end,
	const struct hpl_header *old, bool areas_named, struct hpl_err *err)
{
	bool wrote = false;

	for (uint64_t at = begin; at < end; at += BLOCK) {
		if (memcmp(h->disk + at, now + at, BLOCK) == 0 || (old && named(old, at) != areas_named))
			continue;
		if (write_at(fd, now + at, BLOCK, at, err) < 0)
			return -1;
		memcpy(h->disk + at, now + at, BLOCK);
		wrote = true;
	}
	if (wrote && fdatasync(fd) < 0)
		return HPL_FAIL(err, 0, errno, "cannot flush the header");
	return 0;
}

static void drop(uint8_t *area, size_t size)
{
	hpl_wipe(area, size);
	munmap(area, size);
}

/* What the memory file holds now, judged as the next boot would; NULL: refused. */
static uint8_t *pending(struct hpl_luks2 *next, const struct hpl_luks2 *h, uint64_t device_size,
	struct hpl_err *err)
{
	uint8_t *now = mmap(NULL, h->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (now == MAP_FAILED) {
		HPL_OOM(err);
		return NULL;
	}
	*next = *h;
	if (read_at(h->fd, now, h->size, 0, err) == 0) {
		if (find_size(&next->hdr_size, now, h->size) != 0)
			refuse(err, 0, "there is none in memory");
		else if (judge(next, now, h->size, device_size, err) == 0)
			return now;
	}
	drop(now, h->size);
	return NULL;
}

int hpl_luks2_store(struct hpl_luks2 *h, int device_fd, uint64_t device_size, struct hpl_err *err)
{
	const struct hpl_header old = h->header;
	struct hpl_luks2 next;
	uint8_t *now = pending(&next, h, device_size, err);
	uint64_t areas = now ? 2 * next.hdr_size : 0, end = now ? next.header.data_offset : 0;
	int r = -1;

	if (now && put(h, device_fd, now, areas, end, &old, false, err) == 0 &&
		put(h, device_fd, now, next.hdr_size, areas, NULL, false, err) == 0 &&
		put(h, device_fd, now, 0, next.hdr_size, NULL, false, err) == 0 &&
		put(h, device_fd, now, areas, end, &old, true, err) == 0) {
		*h = next;
		r = 0;
	}
	if (now)
		drop(now, h->size);
	return r;
}

static int digest(uint8_t ret[32], const struct hpl_luks2 *h, const uint8_t *area, struct hpl_err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const struct binary *b = (const struct binary *)(area + (h->newest ? h->hdr_size : 0));
	const char *json = (const char *)b + sizeof(*b);
	/* salt and checksum differ between two copies of one header: not part of it */
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		EVP_DigestUpdate(ctx, &b->hdr_size, sizeof(b->hdr_size)) == 1 &&
		EVP_DigestUpdate(ctx, &b->seqid, sizeof(b->seqid)) == 1 &&
		EVP_DigestUpdate(ctx, b->label, sizeof(b->label)) == 1 &&
		EVP_DigestUpdate(ctx, b->uuid, sizeof(b->uuid)) == 1 &&
		EVP_DigestUpdate(ctx, b->subsystem, sizeof(b->subsystem)) == 1 &&
		EVP_DigestUpdate(ctx, json, h->hdr_size - sizeof(*b)) == 1;

	for (unsigned i = 0; ok && i < h->header.keyslots; i++)
		ok = EVP_DigestUpdate(ctx, area + h->header.areas[i].offset,
			h->header.areas[i].size) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : HPL_FAIL(err, 0, 0, "SHA-256 failed");
}

int hpl_luks2_digest(uint8_t ret[32], const struct hpl_luks2 *h, struct hpl_err *err)
{
	return digest(ret, h, h->disk, err);
}

int hpl_luks2_digest_pending(uint8_t ret[32], const struct hpl_luks2 *h, uint64_t device_size,
	struct hpl_err *err)
{
	struct hpl_luks2 next;
	uint8_t *now = pending(&next, h, device_size, err);
	int r = now ? digest(ret, &next, now, err) : -1;

	if (now)
		drop(now, h->size);
	return r;
}

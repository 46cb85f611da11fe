/* SPDX-License-Identifier: Apache-2.0 */
#include "services/disk-check/header_read.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "proto/messages.h"
#include "schema/node.h"
#include "services/disk-check/table.h"

enum {
	SMALLEST = 16 << 10, LARGEST = 4 << 20, /* of one copy, powers of two between them */
	BINARY = 4096,                          /* before the JSON */
	DIGEST = 32,
	KEYSLOTS_MAX = 32,
};
/* Places of fields in the binary header, all numbers big-endian. */
enum { AT_VERSION = 6, AT_SIZE = 8, AT_SEQUENCE = 16, AT_ALGORITHM = 72, AT_UUID = 168, AT_OFFSET = 256,
	AT_CHECKSUM = 448, CHECKSUM_FIELD = 64, UUID_FIELD = 40 };

static int none(struct hpl_err *err, const char *what)
{
	return HPL_FAIL(err, HPL_MSG_DISKCHECK_HEADER_CHANGED, 0, "%s", what);
}

static uint64_t number_at(const uint8_t *copy, size_t at)
{
	uint64_t v;

	memcpy(&v, copy + at, sizeof(v));
	return be64toh(v);
}

/* 0 read, 1 the disk ends before, -1 */
static int read_at(int fd, uint8_t *out, size_t size, uint64_t at, struct hpl_err *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, out + done, size - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return HPL_FAIL(err, HPL_MSG_DISKCHECK_NOT_POSSIBLE, errno,
				"the LUKS header cannot be read at byte %llu",
				(unsigned long long)(at + done));
		if (n == 0)
			return 1;
		done += (size_t)n;
	}
	return 0;
}

/* SHA-256 over the copy with its checksum field as zeros. */
static bool checksum_good(const uint8_t *copy, size_t size)
{
	static const uint8_t blank[CHECKSUM_FIELD];
	uint8_t digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool made = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 &&
		EVP_DigestUpdate(c, copy, AT_CHECKSUM) == 1 &&
		EVP_DigestUpdate(c, blank, sizeof(blank)) == 1 &&
		EVP_DigestUpdate(c, copy + AT_CHECKSUM + CHECKSUM_FIELD,
			size - AT_CHECKSUM - CHECKSUM_FIELD) == 1 &&
		EVP_DigestFinal_ex(c, digest, NULL) == 1;

	EVP_MD_CTX_free(c);
	return made && memcmp(digest, copy + AT_CHECKSUM, DIGEST) == 0;
}

static bool copy_good(const uint8_t *copy, size_t size, uint64_t at)
{
	static const char first[] = "LUKS\xba\xbe", second[] = "SKUL\xba\xbe", two[] = {0, 2};

	return memcmp(copy, at ? second : first, AT_VERSION) == 0 &&
	       memcmp(copy + AT_VERSION, two, sizeof(two)) == 0 && number_at(copy, AT_SIZE) == size &&
	       number_at(copy, AT_OFFSET) == at &&
	       strncmp((const char *)copy + AT_ALGORITHM, "sha256", 32) == 0 &&
	       checksum_good(copy, size);
}

/* ---- what the JSON says ---- */

/* Text of digits, as LUKS2 writes 64-bit numbers. */
static bool digits(uint64_t *ret, const char *text)
{
	char *end;

	if (!text || !text[0] || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0;
}

static int take_segment(struct hpl_luks_header *h, const struct hpl_node *root, struct hpl_err *err)
{
	const struct hpl_node *all = hpl_node_get(root, "segments"), *one = hpl_node_get(all, "0");
	const char *cipher = hpl_node_get_str(one, "encryption");
	int64_t sector = 0;

	if (!one || all->kind != HPL_MAP || all->map.count != 1 ||
		!hpl_streq(hpl_node_get_str(one, "type"), "crypt"))
		return none(err, "the LUKS header has not one crypt segment");
	if (!digits(&h->offset, hpl_node_get_str(one, "offset")) ||
		!hpl_node_get_int(one, "sector_size", &sector) || sector < 512 || sector > 4096)
		return none(err, "the LUKS header does not say where its data are");
	if (!cipher || !cipher[0] || strlen(cipher) >= sizeof(h->cipher) || strpbrk(cipher, " \t\n\v\f\r"))
		return none(err, "the LUKS header names no cipher");
	h->sector_size = (uint32_t)sector;
	snprintf(h->cipher, sizeof(h->cipher), "%s", cipher);
	return 0;
}

static int take_keyslots(struct hpl_luks_header *h, const struct hpl_node *root, struct hpl_err *err)
{
	const struct hpl_node *all = hpl_node_get(root, "keyslots");

	if (!all || all->kind != HPL_MAP || !all->map.count || all->map.count > KEYSLOTS_MAX)
		return none(err, "the LUKS header has no key slots, or too many");
	for (size_t i = 0; i < all->map.count; i++) {
		int64_t size = 0;

		if (!hpl_node_get_int(all->map.entries[i].value, "key_size", &size) || size < 1 ||
			size > 512 || (i && (unsigned)size != h->key_bytes))
			return none(err, "the key slots of the LUKS header are not of one key");
		h->key_bytes = (unsigned)size;
	}
	h->keyslots = (unsigned)all->map.count;
	return 0;
}

static int take_copy(struct hpl_luks_header *h, const uint8_t *copy, size_t size, struct hpl_err *err)
{
	static const struct hpl_reader_limits limits = {.bytes = LARGEST, .depth = 8, .nodes = 20000};
	const char *json = (const char *)copy + BINARY;
	_cleanup_doc_ struct hpl_doc *doc = NULL;

	if (memchr(copy + AT_UUID, 0, UUID_FIELD) == NULL ||
		!hpl_table_is_uuid((const char *)copy + AT_UUID))
		return none(err, "the LUKS header has no UUID");
	snprintf(h->uuid, sizeof(h->uuid), "%s", (const char *)copy + AT_UUID);
	if (hpl_yaml_read(&doc, json, strnlen(json, size - BINARY), &limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return HPL_WRAP(err, HPL_MSG_DISKCHECK_HEADER_CHANGED, "the text of the LUKS header");
	if (take_segment(h, hpl_doc_root(doc), err) < 0)
		return -1;
	return take_keyslots(h, hpl_doc_root(doc), err);
}

/* ---- both copies ---- */

struct found {
	struct hpl_luks_header header;
	uint64_t sequence;         /* 0: none yet */
};

/* The copy at a place, when there is one. */
static int look(struct found *f, int fd, uint8_t *buf, size_t size, uint64_t at, struct hpl_err *err)
{
	struct hpl_luks_header h = {0};
	int r = read_at(fd, buf, size, at, err);

	if (r < 0)
		return -1;
	if (r > 0 || !copy_good(buf, size, at))
		return 0;
	if (take_copy(&h, buf, size, err) < 0)
		return -1;
	if (f->sequence && !hpl_streq(f->header.uuid, h.uuid))
		return none(err, "the two copies of the LUKS header are of different volumes");
	if (number_at(buf, AT_SEQUENCE) > f->sequence) {
		f->sequence = number_at(buf, AT_SEQUENCE);
		f->header = h;
	}
	return 0;
}

/* Both copies, each of size bytes. */
static int look_at_both(struct found *f, int fd, size_t size, struct hpl_err *err)
{
	_cleanup_free_ uint8_t *buf = aligned_alloc(BINARY, size);

	if (!buf)
		return HPL_OOM(err);
	if (look(f, fd, buf, size, 0, err) < 0)
		return -1;
	return look(f, fd, buf, size, size, err);
}

int hpl_luks_header_read(struct hpl_luks_header *ret, int fd, struct hpl_err *err)
{
	_Alignas(BINARY) uint8_t first[BINARY];
	struct found f = {0};
	int r = read_at(fd, first, BINARY, 0, err);
	uint64_t size = r == 0 ? number_at(first, AT_SIZE) : 0;

	if (r < 0)
		return -1;
	/* the size stands in the first copy; when that is gone, the second is looked for */
	for (size_t try = SMALLEST; try <= LARGEST && !f.sequence; try *= 2) {
		if (size >= SMALLEST && size <= LARGEST && !(size & (size - 1)) && try != size)
			continue;
		if (look_at_both(&f, fd, try, err) < 0)
			return -1;
	}
	if (!f.sequence)
		return none(err, "there is no LUKS2 header on it");
	*ret = f.header;
	return 0;
}

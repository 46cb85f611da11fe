// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/measure.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

void hpl_measure_hex(struct hpl_sha256 *ret, const unsigned char *digest)
{
	for (int i = 0; i < 32; i++)
		snprintf(ret->hex + 2 * i, 3, "%02x", digest[i]);
}

int hpl_measure_bytes(struct hpl_sha256 *ret, const void *data, size_t len, struct hpl_err *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(data ? data : "", len, digest, NULL, EVP_sha256(), NULL) != 1)
		return HPL_FAIL(err, 0, 0, "SHA-256 failed");
	hpl_measure_hex(ret, digest);
	return 0;
}

static int digest_fd(EVP_MD_CTX *ctx, int fd, uint64_t limit, void *buf, size_t size,
	struct hpl_err *err)
{
	uint64_t total = 0;

	for (;;) {
		ssize_t n = pread(fd, buf, size, (off_t)total);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return HPL_FAIL(err, 0, errno, "cannot read");
		if (n == 0)
			return 0;
		total += (uint64_t)n;
		if (total > limit)
			return HPL_FAIL(err, 0, 0, "larger than %llu MiB", (unsigned long long)limit >> 20);
		if (EVP_DigestUpdate(ctx, buf, (size_t)n) != 1)
			return HPL_FAIL(err, 0, 0, "SHA-256 failed");
	}
}

int hpl_measure_fd(struct hpl_sha256 *ret, int fd, uint64_t limit, struct hpl_err *err)
{
	enum { BLOCK = 256 << 10 };
	_cleanup_free_ void *buf = malloc(BLOCK);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	int r = -1;

	if (!buf || !ctx)
		HPL_OOM(err);
	else if (EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		HPL_FAIL(err, 0, 0, "SHA-256 failed");
	else
		r = digest_fd(ctx, fd, limit, buf, BLOCK, err);
	if (r == 0 && EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		r = HPL_FAIL(err, 0, 0, "SHA-256 failed");
	if (r == 0)
		hpl_measure_hex(ret, digest);
	EVP_MD_CTX_free(ctx);
	return r;
}

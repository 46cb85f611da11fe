/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* SHA-256 as 64 lower-case hex characters. */
#include "runtime/base/err.h"

struct hpl_sha256 {
	char hex[65];
};

int hpl_measure_bytes(struct hpl_sha256 *ret, const void *data, size_t len, struct hpl_err *err);
/* All bytes of a file or block device from its beginning; -1 also when it holds more than limit. */
int hpl_measure_fd(struct hpl_sha256 *ret, int fd, uint64_t limit, struct hpl_err *err);
/* hex of a 32-byte digest */
void hpl_measure_hex(struct hpl_sha256 *ret, const unsigned char *digest);

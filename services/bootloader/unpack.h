/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * root.tar.gz: measured and unpacked in one pass.
 *
 * The bytes of the archive are read once; a second thread reads ahead and hashes while the first
 * inflates and writes. The caller compares the hash before it uses anything of the tree; what was
 * unpacked from an archive with another hash is never executed and never read.
 *
 * Nothing is written outside the directory: every path is opened beneath it without following
 * links, "..", absolute names, device nodes, pipes and sockets are refused, files are made anew
 * (never written through an existing name).
 */
#include "services/bootloader/measure.h"

struct hpl_unpack_limits {
	uint64_t archive_bytes;  /* of the compressed file */
	uint64_t tree_bytes;     /* of all files together */
	uint64_t entries;
};
#define HPL_UNPACK_LIMITS                                                                          \
	((struct hpl_unpack_limits){4ULL << 30, 16ULL << 30, 2000000}) /* far above any image */

struct hpl_unpack_result {
	struct hpl_sha256 hash;  /* of the archive's bytes */
	uint64_t archive_bytes, tree_bytes, entries;
};

/* Unpacks the archive read from fd (from its present offset) into dir_fd. Owners and extended
 * attributes are set when the caller may (root); otherwise owner keeps the caller's. */
int hpl_unpack(struct hpl_unpack_result *ret, int fd, int dir_fd,
	const struct hpl_unpack_limits *limits, struct hpl_err *err);

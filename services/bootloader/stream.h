/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A file read ahead by a thread that hashes what it reads. The consumer takes one block after the
 * other; the hash is known at the end, over all bytes of the file, also those that the consumer
 * did not want.
 */
#include "services/bootloader/measure.h"

struct hpl_stream;

/* fd stays the caller's and must live as long as the stream. limit: bytes, more is an error. */
int hpl_stream_new(struct hpl_stream **ret, int fd, uint64_t limit, struct hpl_err *err);
/* The next block, valid until the next call; *ret_len 0 at the end. -1: read error or limit. */
int hpl_stream_next(struct hpl_stream *s, const void **ret, size_t *ret_len, struct hpl_err *err);
/* Reads the rest, gives hash and size. */
int hpl_stream_finish(struct hpl_stream *s, struct hpl_sha256 *ret, uint64_t *ret_bytes,
	struct hpl_err *err);
/* Stops the thread. NULL is fine. */
void hpl_stream_free(struct hpl_stream *s);

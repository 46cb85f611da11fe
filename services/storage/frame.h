/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Messages of worker.proto on a pipe: the length, four bytes, big-endian, then the message. A job
 * carries passphrases, so frames live in secret memory.
 */
#include "runtime/base/secret.h"
#include "services/storage/worker.pb-c.h"

/* A job has 16 partitions of 300 bytes and some paths; a failure has texts of 2 KiB. */
enum { HPL_FRAME_HEAD = 4, HPL_FRAME_MAX = 64 << 10 };

/* Length and message; *ret is the caller's. */
int hpl_frame_pack(struct hpl_secret *ret, const ProtobufCMessage *m, struct hpl_err *err);
/* The length that the first HPL_FRAME_HEAD bytes tell. */
size_t hpl_frame_length(const void *head);

enum { HPL_FRAME_END = 1 };
/* Blocking: the next message without its length. 0; HPL_FRAME_END, the other side has closed the
 * pipe between two messages; -1: longer than HPL_FRAME_MAX, torn, or errno. */
int hpl_frame_read(struct hpl_secret *ret, int fd, struct hpl_err *err);
/* Blocking. */
int hpl_frame_write(int fd, const ProtobufCMessage *m, struct hpl_err *err);

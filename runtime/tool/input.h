/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What tools read: files, standard input ("-"), descriptors (/dev/fd/N). Secrets come only this
 * way, never as an argument.
 */
#include "runtime/base/buf.h"
#include "runtime/base/secret.h"

enum {
	HPL_TOOL_INPUT = 16 << 20,     /* the limit of the reader of contracts */
	HPL_TOOL_PASSPHRASE = 4096,    /* far above what people type or generate */
};

/* Appends the file to out. err: "contract.yaml: No such file or directory". */
int hpl_tool_read(struct hpl_buf *out, const char *file, size_t limit, struct hpl_err *err);
/* A passphrase: the file's first line; the file is not empty. */
int hpl_tool_read_passphrase(struct hpl_secret *ret, const char *file, struct hpl_err *err);

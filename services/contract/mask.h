/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The stored contract without its seeds: workloads may be shown it, and so it must not open the
 * volumes. Pure: text in, text out.
 */
#include "runtime/base/buf.h"

/* Appends the text with each volume's seed, previousSeed and grep11 key blobs as asterisks. The
 * text keeps its form; where a value is written with escapes, the document is written anew as
 * JSON (which is YAML). Ends by reading what it wrote: 0 only when no seed is left. */
int hpl_mask_seeds(struct hpl_buf *out, const char *text, size_t len, struct hpl_err *err);

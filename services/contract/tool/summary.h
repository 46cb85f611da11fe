/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Values in a few words, without their content: keys, certificates, archives, secrets. */
#include "runtime/base/buf.h"

/* "RSA public key of 4096 bits", "certificate of CN=a, RSA of 2048 bits, valid until 2027-01-01",
 * "3 certificates, the first ...". What is neither is called so. */
void hpl_summary_key(struct hpl_buf *out, const char *text, size_t len);
/* A tar.gz in base64: "archive of 3 files: docker-compose.yaml, ..." */
void hpl_summary_archive(struct hpl_buf *out, const char *text, size_t len);
/* 2027-01-01 of seconds since 1970, UTC. */
void hpl_summary_date(struct hpl_buf *out, int64_t when);
/* Like "1.5 KiB". */
void hpl_summary_size(struct hpl_buf *out, size_t bytes);

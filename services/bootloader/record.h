/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The attestation record (se-checksums.txt): its text, its signature, its encrypted form.
 * Layout of the 26.x builds (facts 03, section 3.2): LF line ends, also behind the last line; one
 * blank between hash and name; no blank behind a name.
 */
#include <openssl/evp.h>

#include "runtime/base/buf.h"
#include "services/bootloader/measure.h"

struct hpl_record_section {
	const char *name;           /* top-level key of user-data; control characters are escaped */
	struct hpl_sha256 hash;
};

struct hpl_record {
	const char *build;
	const char *machine;        /* "8562/02/4C598"; NULL: no such line (not an IBM Z machine) */
	int64_t created;            /* of the image, seconds since 1970 */
	int64_t now;
	int64_t encrypt_not_after;  /* ends of the certificates' validity, seconds since 1970 */
	int64_t attest_not_after;
	struct hpl_sha256 expiry_json;
	struct hpl_sha256 root, baseimage, sbom;
	struct hpl_sha256 cidata_device, meta_data, user_data, vendor_data;
	const struct hpl_record_section *sections;
	size_t section_count;
};

/* Appends the record to out. */
int hpl_record_text(struct hpl_buf *out, const struct hpl_record *r, struct hpl_err *err);
/* RSASSA-PKCS1-v1_5 with SHA-256 over the text; appends the raw signature. */
int hpl_record_sign(struct hpl_buf *out, const struct hpl_buf *text, EVP_PKEY *key,
	struct hpl_err *err);

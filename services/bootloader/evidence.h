/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The attestation evidence as files: expiry JSON, record, signature; and what the bootloader
 * leaves for the services in the new root. */
#include <stdbool.h>

#include "services/bootloader/cidata.h"
#include "services/bootloader/record.h"
#include "services/bootloader/sections.h"

struct hpl_evidence {
	struct hpl_buf expiry_json;
	struct hpl_buf record;       /* plain text, or the token when encrypted (no LF) */
	struct hpl_buf signature;    /* over the plain text, in both cases */
	bool encrypted;
};

/* Fills the certificate fields of r (ends of validity, expiry_json) from the two PEM certificates,
 * then makes text, signature and, with auditor_key, the encrypted form (its failure: HPL11002E). */
int hpl_evidence_make(struct hpl_evidence *ret, struct hpl_record *r, const struct hpl_buf *encrypt_crt,
	const struct hpl_buf *attestation_crt, EVP_PKEY *attestation_key, EVP_PKEY *auditor_key,
	struct hpl_err *err);
void hpl_evidence_done(struct hpl_evidence *e);

struct hpl_leave {
	const struct hpl_evidence *evidence;
	const struct hpl_cidata *cidata;
	const struct hpl_buf *decrypted;         /* user-data.decrypted */
	const struct hpl_buf *encrypt_crt, *attestation_crt;
	const char *build;
	uid_t contract_uid;                      /* owner of the contract directory, 801 */
};
/*
 * Writes root/var/lib/hpl/boot/: meta-data, vendor-data, network-config (when there is one),
 * se-checksums.txt or se-checksums.txt.enc, se-signature.bin, se-version,
 * certificate_expiry_date.json, encrypt.crt, attestation.crt (0644), and contract/ (0700, owner
 * contract_uid): user-data, user-data.decrypted (0600). Existing files are an error: the tree is
 * new. Nothing is synced: the file system ends with this boot.
 */
int hpl_leave_write(const char *root, const struct hpl_leave *l, struct hpl_err *err);

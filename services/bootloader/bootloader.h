/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The steps of a boot in their order, and the state that they hand on. */
#include "services/bootloader/devices.h"
#include "services/bootloader/evidence.h"
#include "services/bootloader/image.h"
#include "services/bootloader/rootdisk.h"
#include "services/bootloader/system.h"

#define HPL_STEPS_FILE "/run/hpl/steps.tsv"

enum {
	HPL_DEVICES_WAIT_MS = 30000,     /* virtual devices are there within a second */
	HPL_BOOT_DEADLINE_MS = 900000,   /* the whole bootloader; unpacking is minutes at worst */
	HPL_CIDATA_DEVICE_MB = 256,      /* a larger drive is no cloud-init drive */
};

struct hpl_boot {
	int console;                     /* descriptor of the console lines */
	struct hpl_image image;
	char machine[64];                /* empty: not an IBM Z machine */
	char boot_disk[HPL_DEVICE_NAME + 8], boot_part[HPL_DEVICE_NAME + 8]; /* "/dev/vda" */
	char root_part[HPL_DEVICE_NAME + 16];
	char cidata_device[HPL_DEVICE_NAME + 8];
	enum hpl_cidata_type cidata_type;
	struct hpl_secret passphrase;
	char root_uuid[37];
	struct hpl_sha256 root_hash;
	struct hpl_cidata cidata;
	struct hpl_sha256 cidata_hash;
	struct hpl_sections sections;
	EVP_PKEY *auditor_key;           /* NULL: the record stays plain */
	struct hpl_buf encrypt_crt, attestation_crt;
	struct hpl_evidence evidence;
	char hostname[65];
};

/* Runs all steps; each leaves a line in HPL_STEPS_FILE. -1: *err has one of the HPL110xxE. */
int hpl_boot_run(struct hpl_boot *b, struct hpl_err *err);
/* Frees and wipes everything, also of a boot that stopped half-way. */
void hpl_boot_done(struct hpl_boot *b);
/* Overwrites and removes both private keys of the initramfs; safe to call twice. */
int hpl_boot_destroy_keys(struct hpl_err *err);
/* Appends "name TAB start TAB end" (microseconds of CLOCK_BOOTTIME); best effort. */
void hpl_boot_note(const char *name, uint64_t start_us, uint64_t end_us);

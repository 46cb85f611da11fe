/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the image says of itself: /etc/hpl/image.yaml of the initramfs, written by the image recipe
 * and measured with the initramfs by the hardware.
 */
#include "runtime/base/err.h"

#define HPL_IMAGE_FILE "/etc/hpl/image.yaml"

struct hpl_image {
	char build[32];            /* "26.11.0" */
	char enabler[32];
	char profile[32];          /* profile that hpld is started with */
	char root_sha256[65];      /* of root.tar.gz, lower-case hex */
	char baseimage_sha256[65];
	char sbom_sha256[65];
	int64_t created;           /* seconds since 1970 */
	int64_t min_memory_mb;
};

/* Reads the text of image.yaml. Every key is required; a value of another form is an error. */
int hpl_image_parse(struct hpl_image *ret, const char *text, size_t len, struct hpl_err *err);

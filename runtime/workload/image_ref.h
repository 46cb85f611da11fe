/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An image reference as the engine understands it: "busybox" is docker.io/library/busybox; a
 * first part without dot, colon or the word localhost is no host.
 */
#include <stdbool.h>

#include "runtime/base/err.h"

struct hpl_image_ref {
	char *name;      /* "docker.io/library/busybox", host and path */
	char *tag;       /* "latest", NULL: none */
	char *digest;    /* "sha256:<64 hex>", NULL: none */
};
#define HPL_IMAGE_REF_NULL ((struct hpl_image_ref){0})

/* -1: not a reference; err says why. A digest that is not sha256 with 64 lower-case hex digits is
 * no reference either. */
int hpl_image_ref_parse(struct hpl_image_ref *ret, const char *text, struct hpl_err *err);
void hpl_image_ref_done(struct hpl_image_ref *r);
#define _cleanup_image_ref_ HPL_CLEANUP(hpl_image_ref_done)
/* Does the entry of images.dct or images.rhs (with or without tag and digest) name this image? */
bool hpl_image_ref_matches(const struct hpl_image_ref *entry, const struct hpl_image_ref *image);

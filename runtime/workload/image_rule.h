/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which images a workload starts, and whether each of them is pinned or trusted: the digest rule
 * of facts 1.7. Pure: no files, no bus. What was accepted is remembered for the engine's policy.
 */
#include "runtime/base/buf.h"
#include "runtime/workload/compose.h"
#include "runtime/workload/play.h"
#include "runtime/workload/image_ref.h"

struct hpl_image_rule {
	const Hpl__ImagesSlice *slice;
	struct hpl_image_ref *pinned; /* accepted by their digest */
	size_t pinned_count;
	size_t trusted_count;         /* pod images accepted because images.rhs has a key for them */
	/* Called with each image or service that breaks the rule; the check goes on and returns 0. NULL:
	 * the first one ends it. */
	void (*fault)(void *ud, const struct hpl_err *err);
	void *ud;
};
#define HPL_IMAGE_RULE_NULL ((struct hpl_image_rule){0})
void hpl_image_rule_done(struct hpl_image_rule *r);

/* Every service of the compose file, also those whose profile is off and those of files it
 * extends. -1 with err->msg set (HPL06004E, HPL06009E, HPL06010E). */
int hpl_image_rule_compose(struct hpl_image_rule *r, const struct hpl_compose *c,
	struct hpl_err *err);
/* Every container of every pod. -1 with err->msg set (HPL15005E). */
int hpl_image_rule_play(struct hpl_image_rule *r, const struct hpl_play *p, struct hpl_err *err);

/* The engine's policy.json: reject by default; exactly the pinned references by digest; the
 * images of images.rhs when they are signed by their key. -1: a key that is none. */
int hpl_image_policy(struct hpl_buf *out, const struct hpl_image_rule *r, struct hpl_err *err);

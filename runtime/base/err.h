/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The error value: what failed, why, where, how to mend it. Owned by the caller, no allocation.
 *
 * Functions that can fail return int: 0 done; > 0 a named outcome documented at that function,
 * which the caller must handle; < 0 (always -1) failed, and *err is filled. An output argument
 * (ret_x) is set only on success, *err only on failure. Every err argument may be NULL.
 *
 * err->msg is an index into the message catalogue (enum hpl_msg of proto/messages.h); this
 * folder does not know the catalogue, so it carries the number only. Helpers of this folder set
 * msg to 0: the caller, who knows what the failure means to the user, gives it one by HPL_WRAP.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

#include "runtime/base/util.h"

enum { HPL_ERR_TEXT = 1024, HPL_ERR_PLACE = 256, HPL_ERR_CURE = 384 };

struct hpl_err {
	uint32_t msg;                 /* enum hpl_msg, 0 = not yet named */
	int sys;                      /* errno, 0 = none */
	const char *where;            /* function that saw it, static string */
	char text[HPL_ERR_TEXT];      /* the cause: one line, no secret, control characters escaped */
	char place[HPL_ERR_PLACE];    /* "contract:12:3 workload.volumes.data.seed", or empty */
	char cure[HPL_ERR_CURE];      /* what would mend it, or empty */
};

#define HPL_ERR_NULL ((struct hpl_err){0})

/* Fills *err (may be NULL). sys != 0 appends ": " and its strerror text. Returns -1. */
int hpl_err_set(struct hpl_err *err, const char *where, uint32_t msg, int sys, const char *fmt, ...)
	HPL_PRINTF(5, 6);
/* Puts "text: " in front of the cause; names the message when it has none yet. Returns -1. */
int hpl_err_wrap(struct hpl_err *err, uint32_t msg, const char *fmt, ...) HPL_PRINTF(3, 4);
/* Adds the place (file:line:col path) and the cure; both keep an earlier, more precise one. */
void hpl_err_place(struct hpl_err *err, const char *fmt, ...) HPL_PRINTF(2, 3);
void hpl_err_cure(struct hpl_err *err, const char *fmt, ...) HPL_PRINTF(2, 3);

#define HPL_FAIL(err, msg, sys, ...) hpl_err_set((err), __func__, (msg), (sys), __VA_ARGS__)
#define HPL_WRAP(err, msg, ...) hpl_err_wrap((err), (msg), __VA_ARGS__)
#define HPL_OOM(err) hpl_err_set((err), __func__, 0, ENOMEM, "out of memory")

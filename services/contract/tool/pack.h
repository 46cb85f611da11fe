/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Making the archives of a contract: tar in gzip that is the same for the same files, wherever and
 * whenever it is made (names sorted, one time, no owners), and that a guest accepts.
 */
#include "runtime/base/buf.h"

enum hpl_pack_kind { HPL_PACK_ANY, HPL_PACK_COMPOSE, HPL_PACK_PLAY };

struct hpl_pack;
int hpl_pack_new(struct hpl_pack **ret, struct hpl_err *err);
void hpl_pack_free(struct hpl_pack *p);
/* A folder's content goes to the top, a file goes there by its own name. Links, devices, sockets and
 * pipes are refused, and names that are there already. */
int hpl_pack_add(struct hpl_pack *p, const char *path, struct hpl_err *err);
/* Appends tar.gz. mtime: seconds since 1970, of every entry. */
int hpl_pack_write(struct hpl_buf *out, struct hpl_pack *p, int64_t mtime, struct hpl_err *err);

/* Looks at a tar.gz as a guest will. HPL_PACK_ANY: compose when it holds a compose file. -1: a guest
 * would refuse it. *ret_warning: what it would refuse unless the contract says more (images without
 * digest); its text is empty when there is nothing. */
int hpl_pack_check(const void *targz, size_t len, enum hpl_pack_kind kind,
	struct hpl_err *ret_warning, struct hpl_err *err);

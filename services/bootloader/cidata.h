/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The files of the cloud-init drive, read with limits beneath its mount point, without links. */
#include <stdbool.h>

#include "runtime/base/buf.h"

enum { HPL_CIDATA_FILE_LIMIT = 1 << 20 }; /* of every file but user-data */

struct hpl_cidata {
	struct hpl_buf user_data;      /* wiped when freed: a contract may be plain text */
	struct hpl_buf meta_data;      /* empty when the drive has no such file */
	struct hpl_buf vendor_data;    /* the same */
	struct hpl_buf network_config;
	int has_network_config;
};

/* user-data must be there (HPL11001E); meta-data and vendor-data that are missing are empty files,
 * as drives made by hand often lack them. A file that is a link, too large or unreadable fails. */
int hpl_cidata_read(struct hpl_cidata *ret, int dir_fd, struct hpl_err *err);
/* Does network-config ask for interfaces of this kind ("vlans", "bonds"), for which the kernel needs
 * modules that other guests do not? False for a file that cannot be read: the network service
 * tells its faults. */
bool hpl_cidata_wants(const struct hpl_cidata *c, const char *kind);
void hpl_cidata_done(struct hpl_cidata *c);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The archives of a contract (compose.archive, play.archive): tar in gzip, made by anyone.
 *
 * Only directories and regular files are accepted (facts 1.7); every name stays beneath the top;
 * a name occurs once as a file; sizes, counts and the ratio of expansion are bounded; the gzip
 * checksum must hold and nothing may follow it. Whoever reads an archive reads it by this code, so
 * that the part that checks images and the part that starts them see the same files.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "runtime/base/err.h"

/* Why an archive was refused; err says it in words. */
enum hpl_archive_fault {
	HPL_ARCHIVE_NOT_GZIP = 1,  /* not gzip, or its data is damaged or cut off */
	HPL_ARCHIVE_BAD_TAR,       /* gzip, but no tar in it, or an empty one */
	HPL_ARCHIVE_FORBIDDEN,     /* a link, device, name that leads outside, file named twice */
	HPL_ARCHIVE_TOO_LARGE,     /* one of the limits */
};

struct hpl_archive_limits {
	uint64_t total;     /* bytes after gzip; 0: 256 MiB (a guest has 4 GiB or more) */
	uint64_t file;      /* bytes of one file; 0: 64 MiB */
	unsigned entries;   /* 0: 10000 */
	unsigned ratio;     /* bytes out for one byte in, beyond the first MiB; 0: 200 */
};

struct hpl_archive_entry {
	const char *path;   /* "a/b": relative, no ".", "..", "//"; never empty */
	bool is_dir;
	mode_t mode;        /* permission bits only */
	const char *data;   /* a file's content, NUL behind its end; valid during the call */
	size_t len;
};

/* Calls entry for each directory and file, in the archive's order. entry returns 0 to go on or
 * -1 with *err. 0: all read; > 0: enum hpl_archive_fault; -1: the callback or memory failed. What
 * the callback did for earlier entries of an archive that is refused later stays done. */
int hpl_archive_walk(const void *data, size_t len, const struct hpl_archive_limits *limits,
	int (*entry)(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err), void *ud,
	struct hpl_err *err);

/* Reads all of it once without writing, then makes its files and directories beneath dir_fd
 * (files: 0644 or 0755 by the owner's execute bit; a file that is there is replaced). So a refused
 * archive leaves nothing. Returns as hpl_archive_walk. */
int hpl_archive_extract(const void *data, size_t len, const struct hpl_archive_limits *limits,
	int dir_fd, struct hpl_err *err);

/* Normalises a name: "./a//b/" becomes "a/b" in a malloc'ed string, "." becomes "".
 * NULL: absolute, leads outside ("..": also inside a name like a/../b), too long, control
 * characters, or no memory. */
char *hpl_archive_name(const char *name);

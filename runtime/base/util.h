/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Small habits that every file shares: cleanup attributes, ownership hand-over, array sizes.
 *
 * A local that owns something is declared with a cleanup attribute; ownership leaves the function
 * by TAKE(), which returns the pointer and leaves NULL behind.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HPL_CLEANUP(fn) __attribute__((cleanup(fn)))
#define HPL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define HPL_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define TAKE(p)                                                                                    \
	__extension__({                                                                            \
		__typeof__(p) take_ = (p);                                                         \
		(p) = NULL;                                                                        \
		take_;                                                                             \
	})
/* the owner of an embedded member (libuv handles, list links) */
#define HPL_CONTAINER(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void hpl_freep(void *p)
{
	void **pp = p;
	free(*pp);
	*pp = NULL;
}
/* a local char * (or other malloc'ed pointer) freed at the end of its scope */
#define _cleanup_free_ HPL_CLEANUP(hpl_freep)

static inline void hpl_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
/* a local descriptor, -1 when it owns none, closed at the end of its scope */
#define _cleanup_close_ HPL_CLEANUP(hpl_closep)

static inline int hpl_take_fd(int *fd)
{
	int r = *fd;
	*fd = -1;
	return r;
}

static inline int hpl_streq(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Follows the log files of all containers and hands each line to rsyslog as a record.
 *
 * Containers are found in podman's store: <dir>/containers.json has ids and names,
 * <dir>/<id>/userdata/ctr.log the lines. A container's file stays when it ends, so that also one
 * that prints and exits at once is read whole. A rotated file is read to its end before the new
 * one. While rsyslog does not take records nothing is read: the files are the buffer.
 */
#include <stdbool.h>
#include <uv.h>

#include "runtime/base/err.h"

struct hpl_follow;
struct hpl_follow_config {
	const char *dir;         /* /var/lib/containers/storage/overlay-containers */
	const char *socket;      /* HPL_SYSLOG_SOCKET */
	bool compose;            /* names are those of podman-compose (see hpl_container_tag) */
	unsigned interval_ms;    /* how often files are looked at when nothing was new */
};

/* The strings are copied. */
int hpl_follow_new(struct hpl_follow **ret, uv_loop_t *loop, const struct hpl_follow_config *config,
	struct hpl_err *err);
/* Calls done once everything in the files was handed over, or after limit_ms. */
void hpl_follow_drain(struct hpl_follow *f, unsigned limit_ms, void (*done)(void *ud), void *ud);
/* Closes the handles; the memory goes with the last of them. NULL is fine. */
void hpl_follow_free(struct hpl_follow *f);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A compose archive as it was delivered: base64 of tar.gz with docker-compose.yaml or
 * docker-compose.yml at its top, other files beside it, perhaps a .env.
 */
#include <stdbool.h>

#include "proto/events.pb-c.h"
#include "proto/messages.h"
#include "runtime/base/buf.h"
#include "runtime/workload/env.h"

enum hpl_compose_fault {
	HPL_COMPOSE_NOT_ARCHIVE = 1, /* not base64, not gzip, or an entry that is not allowed */
	HPL_COMPOSE_BAD_TAR,         /* no tar, or an empty one */
	HPL_COMPOSE_NO_FILE,         /* no docker-compose.yaml|yml */
	HPL_COMPOSE_BAD_ENV,         /* a variable that cannot be one */
};

struct hpl_compose_file {
	char *path;       /* beneath the archive's top */
	char *text;       /* NUL-terminated */
	size_t len;
};

struct hpl_compose {
	struct hpl_buf archive;             /* decoded tar.gz */
	const char *name;                   /* "docker-compose.yaml" or "docker-compose.yml" */
	struct hpl_compose_file *files;     /* the .yaml, .yml files and the top .env, at most 1 MiB each */
	size_t file_count;
	struct hpl_env env;                 /* the contract's variables, then what .env adds */
	bool had_dotenv;
};
#define HPL_COMPOSE_NULL ((struct hpl_compose){0})

/* Reads workload->compose_archive and env. 0; > 0 enum hpl_compose_fault with *err; -1. With both
 * names of the compose file there, .yaml is the one (as in the order the contract's docs give). */
int hpl_compose_load(struct hpl_compose *ret, const Hpl__WorkloadSlice *workload,
	struct hpl_err *err);
/* The message of a fault, or of -1. */
enum hpl_msg hpl_compose_msg(int fault);
void hpl_compose_done(struct hpl_compose *c);
const struct hpl_compose_file *hpl_compose_find(const struct hpl_compose *c, const char *path);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The environment of a workload: the contract's merged env, an archive's .env, and the three ways
 * in which values get into other text: .env files, compose interpolation, templates of pods.
 * The parts that check images and that start them use the same code, so they see the same names.
 */
#include "proto/events.pb-c.h"
#include "runtime/base/buf.h"

struct hpl_env_var {
	char *name;
	char *value;
};
struct hpl_env {
	struct hpl_env_var *items;
	size_t count;
};
#define HPL_ENV_NULL ((struct hpl_env){0})

void hpl_env_done(struct hpl_env *env); /* wipes the values */
#define _cleanup_env_ HPL_CLEANUP(hpl_env_done)
/* Adds or replaces; copies both. */
int hpl_env_set(struct hpl_env *env, const char *name, const char *value, struct hpl_err *err);
const char *hpl_env_get(const struct hpl_env *env, const char *name); /* NULL: not there */
/* All of a contract's variables. -1: a name that is none, a value with NUL or not UTF-8. */
int hpl_env_add_slice(struct hpl_env *env, Hpl__EnvVar *const *vars, size_t count,
	struct hpl_err *err);

/* Reads a .env file as python-dotenv does, which podman-compose uses: comments, export, quotes,
 * values over several lines, ${NAME} and ${NAME:-default} of variables in base or above in the
 * file. Lines that python-dotenv skips as faulty are skipped, and names that are not printable ASCII
 * or need quotes. Adds to env what base does not have: base (the contract) wins. base may be NULL. */
int hpl_dotenv_read(struct hpl_env *env, const char *text, size_t len, const struct hpl_env *base,
	struct hpl_err *err);
/* Writes NAME=value lines such that python-dotenv reads exactly these values. A value is bare
 * where that is possible, because podman's --env-file knows no quotes. */
void hpl_dotenv_write(struct hpl_buf *out, const struct hpl_env *env);

/* Compose interpolation of one string: $NAME, ${NAME}, ${NAME:-default}, ${NAME-default},
 * ${NAME:?text}, ${NAME?text}, $$ as podman-compose 1.0.3 does it: a variable that is set but
 * empty counts as set; one that is not set is empty. -1: ${NAME?text} of one that is not set. */
int hpl_env_interpolate(struct hpl_buf *out, const char *text, const struct hpl_env *env,
	struct hpl_err *err);

/* The template language of pods, only {{ .Env.NAME }} with the trims {{- and -}}; any other
 * expression, and a NAME that is not set, is an error that shows it. */
int hpl_env_template(struct hpl_buf *out, const char *text, const struct hpl_env *env,
	struct hpl_err *err);

/* What the engine's own environment holds besides the workload's: compose files may name it. */
extern const char *const hpl_engine_environment[]; /* "NAME=value", NULL at the end */

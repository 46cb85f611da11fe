/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Registry credentials as docker's config.json:
 * {"auths":{"registry.example:5000":{"auth":"<base64 of user:password>"}}}
 */
#include <stdbool.h>

#include "runtime/base/buf.h"

struct hpl_credential {
	const char *registry;
	const void *username, *password;
	size_t username_len, password_len;
};

/* The forms that contracts may use (facts 1.9): a DNS name or IPv4 address with an optional port, or
 * docker's own "https://index.docker.io/v1/". */
bool hpl_registry_valid(const char *registry);
/* Appends the file; out->wipe is set. -1: an entry breaks a rule (HPL09001E, never a value). */
int hpl_authfile_make(struct hpl_buf *out, const struct hpl_credential *list, size_t count,
	struct hpl_err *err);
/* text: base64 of one or more PEM certificates, or the PEM itself. Appends clean PEM. */
int hpl_registry_ca_parse(struct hpl_buf *out, const char *name, const void *text, size_t len,
	struct hpl_err *err);

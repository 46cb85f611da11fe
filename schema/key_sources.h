/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What env.volumes.NAME may ask for beside or instead of a seed, and the provider of each: the one
 * table by which the validator, the contract service and the command line go. No name of a provider
 * is ever taken from a contract.
 *
 * A provider is a service of the image (docs/key-providers.md). How the keys of ultravisor secrets
 * and of GREP11 servers enter the passphrase is not documented anywhere, so no provider can be
 * installed for them before that is decided: a volume made by a guess would be lost data.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hpl_key_source_id {
	HPL_KEY_SOURCE_KMS,
	HPL_KEY_SOURCE_UV_SECRET,
	HPL_KEY_SOURCE_GREP11,
	HPL_KEY_SOURCES
};

struct hpl_key_source {
	const char *key;      /* of env.volumes.NAME: its presence asks for the provider */
	const char *other;    /* key that belongs to it as well; NULL: none */
	const char *provider; /* "kms": what people call it */
	const char *service;  /* "key-kms" */
	bool joins;           /* decided how its seed enters the passphrase */
};
extern const struct hpl_key_source hpl_key_sources[HPL_KEY_SOURCES];

/* NULL: there is no provider of that name. */
const struct hpl_key_source *hpl_key_source_find(const char *provider);
/* The set with this one provider; empty for NULL and names that are none. */
uint32_t hpl_key_source_set(const char *provider);
/* Bit of a set of providers (struct hpl_validate_options). */
static inline uint32_t hpl_key_source_bit(const struct hpl_key_source *s)
{
	return (uint32_t)1 << (s - hpl_key_sources);
}

struct hpl_node;
/* What a volume of env asks for; NULL: nothing but seeds. The validator lets one through at most. */
const struct hpl_key_source *hpl_key_source_of(const struct hpl_node *volume);

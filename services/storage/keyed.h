/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Volumes with a key provider (docs/key-providers.md): what their disks hold for it is published, and what
 * it wants kept there comes back before the passphrases. Inner header of this folder.
 */
#include "services/storage/storage.h"

/* Has one of the volumes a provider? */
bool hpl_keyed_any(const struct hpl_storage *st);
/* Every volume has its disk: reads the keyfiles on a pool thread and publishes storage.keyfiles; then mounts, or
 * waits for the passphrases. -1, and later failures through hpl_storage_fail(): HPL07006E a disk that is LUKS
 * as a whole, HPL07008E. */
int hpl_keyed_read(struct hpl_storage *st, struct hpl_err *err);
/* key.stored of the service source: each of its own volumes once. All or nothing. -1: HPL07029E. */
int hpl_keyed_take(struct hpl_storage *st, const char *source, const Hpl__StoredKeys *in,
	struct hpl_err *err);

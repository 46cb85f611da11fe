/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What storage takes from events: copies, checked before any disk is looked at. */
#include "services/storage/storage.h"

/* Copies the volumes (defaults filled in), outermost mount first. -1: HPL07001E, HPL07022E. */
int hpl_storage_take_volumes(struct hpl_storage *st, const Hpl__VolumesSlice *in,
	struct hpl_err *err);
/* Copies the passphrases; they may come before the volumes. -1: HPL07013E. */
int hpl_storage_take_passphrases(struct hpl_storage *st, const Hpl__Passphrases *in,
	struct hpl_err *err);
/* The passphrase of a volume. NULL: HPL07013E, it has none. */
const struct hpl_storage_key *hpl_storage_key_of(const struct hpl_storage *st, const char *volume,
	struct hpl_err *err);
/* Wipes all passphrases. */
void hpl_storage_drop_keys(struct hpl_storage *st);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The numbers of the interface between contract, key providers, luks-passphrase and storage
 * (docs/key-providers.md): none of them has its own.
 */
enum {
	HPL_KEY_VERSION = 1,               /* of all messages of the interface */
	HPL_KEY_VOLUMES_MAX = 64,          /* more than a machine has drive letters is a fault of the contract */
	HPL_KEY_PARAMETERS_MAX = 64 << 10, /* JSON of one volume: five keys with their CRNs are 1 KiB */
	HPL_KEY_SEED_MAX = 1024,           /* key services give 32 to 64 bytes */
	HPL_KEY_BLOB_MAX = 16 << 10,       /* a wrapped seed is some hundred bytes */
};

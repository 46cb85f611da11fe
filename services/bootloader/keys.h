/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The image's private keys: read once, then gone from memory and from the initramfs. */
#include <openssl/evp.h>

#include "runtime/base/err.h"

/* A PEM private key (PKCS#8, no passphrase). The caller frees it with EVP_PKEY_free, which wipes it. */
int hpl_keys_load(EVP_PKEY **ret, const char *path, struct hpl_err *err);
/* Overwrites the file's bytes in place (on a memory file system: the pages themselves), then
 * unlinks it. A file that is not there is fine. */
int hpl_keys_destroy(const char *path, struct hpl_err *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Labels of international host names. Inner header. */
#include <stdbool.h>
#include <stddef.h>

/* Is s, what stands behind "xn--", the punycode (RFC 3492) of a label that IDNA2008 allows? */
bool hpl_idna_label(const char *s, size_t len);

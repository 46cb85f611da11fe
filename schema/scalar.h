/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a plain scalar means in the core schema of YAML 1.2.2 (section 10.3.2). Inner header. */
#include "schema/node.h"

/* Sets kind and value of n from the text (NUL-terminated, len bytes): null, boolean, integer,
 * number or string. Leaves str unset for strings. An integer beyond 64 bits becomes a number. */
void hpl_scalar_resolve(struct hpl_node *n, const char *text, size_t len);

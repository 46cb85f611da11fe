/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The schema parts (schema/parts/<name>.json) as they are built into the library. Inner header. */
#include <stddef.h>

struct hpl_part {
	const char *name;
	const char *text;
	size_t len;
};
extern const struct hpl_part hpl_parts[]; /* ends with a name of NULL */

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the answer of the device mapper, and as the line of a crypt target: what is accepted lies
 * within its bounds, and what is refused says why. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/disk-check/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was parsed, written as the kernel writes it, reads as the same. */
static void check_again(const struct hpl_table *t)
{
	struct hpl_table again;
	char text[512];

	snprintf(text, sizeof(text), "%s :%u:logon:%s %llu %u:%u %llu 1 sector_size:%u", t->cipher,
		t->key_bytes, t->key, (unsigned long long)t->iv_offset, t->major, t->minor,
		(unsigned long long)t->offset, t->sector_size);
	if (hpl_table_parse(&again, text, NULL) < 0)
		abort();
	again.options = t->options;
	if (!hpl_table_same(&again, t))
		abort();
}

static void check_line(const char *line)
{
	struct hpl_table t = {0};
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_table_parse(&t, line, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	if (!t.cipher[0] || !t.key[0] || t.key_bytes > 512 || t.sector_size < 512 || t.sector_size > 4096)
		abort();
	check_again(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hpl_dm dm = {0};
	char *line = strndup((const char *)data, size);

	if (!line)
		return 0;
	check_line(line);
	free(line);
	if (hpl_dm_decode(&dm, data, size, NULL) < 0)
		return 0;
	if (strlen(dm.name) >= sizeof(dm.name) || strlen(dm.uuid) >= sizeof(dm.uuid) ||
		strlen(dm.type) >= sizeof(dm.type) || strlen(dm.params) >= sizeof(dm.params))
		abort();
	check_line(dm.params);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/support.h"

#include <stdio.h>

#include "proto/messages.h"

static int fail_at(struct hpl_err *err, enum hpl_msg msg, struct hpl_pos pos, const char *section,
	const char *volume, const char *key, const char *what, const char *cure)
{
	HPL_FAIL(err, msg, 0, "%s", what);
	hpl_err_place(err, "contract:%u:%u %s.volumes.%s%s%s", pos.line, pos.col, section, volume,
		*key ? "." : "", key);
	hpl_err_cure(err, "%s", cure);
	return -1;
}

/* Both sections name the same volumes (facts 7.3). */
static int same_names(const struct hpl_node *a, const char *a_name, const struct hpl_node *b,
	const char *b_name, struct hpl_err *err)
{
	char what[80], cure[120];
	for (size_t i = 0; a && i < a->map.count; i++) {
		const struct hpl_entry *e = &a->map.entries[i];
		if (hpl_node_get(b, e->key))
			continue;
		snprintf(what, sizeof(what), "the %s section has no volume of this name", b_name);
		snprintf(cure, sizeof(cure), "name the volume in both sections, each with its seed");
		return fail_at(err, HPL_MSG_STORAGE_VOLUMES_NAMING_INVALID, e->pos, a_name, e->key,
			"", what, cure);
	}
	return 0;
}

/* A passphrase without the key that a contract asks for would open nothing, or, worse, format a
 * blank disk with a weaker one. */
static int key_sources(const struct hpl_node *env, struct hpl_err *err)
{
	static const char *const keys[] = {"kms", "grep11", "uv-secret-id", "uv-previous-secret-id"};
	for (size_t i = 0; env && i < env->map.count; i++) {
		const struct hpl_entry *v = &env->map.entries[i];
		for (size_t k = 0; k < HPL_ARRAY_SIZE(keys); k++) {
			const struct hpl_node *n = hpl_node_get(v->value, keys[k]);
			if (n)
				return fail_at(err, HPL_MSG_CONTRACT_VALIDATE_CONTRACT, n->pos, "env",
					v->key, keys[k], "this runtime has no such source of keys",
					"use a seed in both sections");
		}
	}
	return 0;
}

int hpl_contract_supported(const struct hpl_contract *c, struct hpl_err *err)
{
	const struct hpl_node *w = hpl_node_get(hpl_contract_workload(c), "volumes");
	const struct hpl_node *e = hpl_node_get(hpl_contract_env(c), "volumes");
	if (same_names(w, "workload", e, "env", err) < 0 || same_names(e, "env", w, "workload", err) < 0)
		return -1;
	return key_sources(e, err);
}

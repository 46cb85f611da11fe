/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who can read which secret. What decides: who wrote it, whether its section is encrypted in the file, which
 * service of the guest gets it as its slice, and whether it reaches the containers: as their own
 * variables, or through the classic layout of the evidence.
 */
#include "services/contract/tool/plan.h"

#include <stdio.h>

#include "schema/key_sources.h"

struct row {
	const char *path;
	const char *section;     /* "workload" or "env" */
	const char *services;    /* besides bootloader and contract service, which read all */
	bool masked;             /* no longer in the stored contract once the workload runs */
	bool given;              /* handed to the containers */
};

static void put_row(struct hpl_plan *p, const struct row *r)
{
	bool mine = strcmp(r->section, "workload") == 0;
	bool closed = hpl_plan_is_closed_to_host(p, r->section);
	const char *other = closed ? "no" : "yes";
	char services[128];
	Hpl__AttestationSlice a;
	bool seen;

	hpl_slice_attestation(p->c, &a);
	/* the delivered text is laid out too: in plain text it has what was masked */
	seen = a.classic_layout && (!r->masked || !closed);
	snprintf(services, sizeof(services), "bootloader, contract%s%s", *r->services ? ", " : "", r->services);
	hpl_json_open(&p->json, NULL, '{');
	hpl_json_string(&p->json, "secret", r->path);
	hpl_json_string(&p->json, "workload_provider", mine ? "wrote it" : other);
	hpl_json_string(&p->json, "deployer", mine ? other : "wrote it");
	hpl_json_string(&p->json, "host", other);
	hpl_json_string(&p->json, "guest_services", services);
	hpl_json_string(&p->json, "containers", r->given ? "yes" : seen ? "with /var/hyperprotect" :
		"no");
	hpl_json_close(&p->json, '}');
}

/* section.group.NAME.key of every name that has the key */
static void put_named(struct hpl_plan *p, const struct hpl_node *tree, const char *group,
	const char *key, struct row r)
{
	const struct hpl_node *map = hpl_node_get(tree, group);
	char path[512];

	for (size_t i = 0; map && map->kind == HPL_MAP && i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];
		if (!hpl_node_get(e->value, key))
			continue;
		snprintf(path, sizeof(path), "%s.%s.%s.%s", r.section, group, e->key, key);
		r.path = path;
		put_row(p, &r);
	}
}

static void put_section(struct hpl_plan *p, const struct hpl_node *tree, const char *section)
{
	static const char *const seeds[] = {"seed", "previousSeed"};
	const struct hpl_node *env = hpl_node_get(tree, "env");
	struct row r = {.section = section, .masked = true, .services = "luks-passphrase"};
	char path[64];

	for (size_t i = 0; i < HPL_ARRAY_SIZE(seeds); i++)
		put_named(p, tree, "volumes", seeds[i], r);
	/* what opens the key service; of it the contract service masks nothing */
	for (size_t i = 0; i < HPL_KEY_SOURCES; i++)
		if (hpl_key_sources[i].joins)
			put_named(p, tree, "volumes", hpl_key_sources[i].key,
				(struct row){.section = section, .services = hpl_key_sources[i].service});
	r = (struct row){.section = section, .services = "registry-auth"};
	put_named(p, tree, "auths", "password", r);
	if (env && env->kind == HPL_MAP && env->map.count) {
		snprintf(path, sizeof(path), "%s.env (%zu variables)", section, env->map.count);
		put_row(p, &(struct row){path, section, "image, container", false, true});
	}
}

void hpl_plan_secrets(struct hpl_plan *p)
{
	const struct hpl_node *logging = hpl_plan_env(p, "logging");

	hpl_json_open(&p->json, "secrets", '[');
	put_section(p, hpl_contract_workload(p->c), "workload");
	put_section(p, hpl_contract_env(p->c), "env");
	if (hpl_node_get(hpl_node_get(logging, "syslog"), "key"))
		put_row(p, &(struct row){"env.logging.syslog.key", "env", "logging", false, false});
	if (hpl_node_get(hpl_node_get(logging, "logRouter"), "iamApiKey"))
		put_row(p, &(struct row){"env.logging.logRouter.iamApiKey", "env", "logging", false, false});
	hpl_json_close(&p->json, ']');
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a contract that a schema cannot say, as far as they can be seen in its trees. What
 * needs certificates, archives or images opened is in runtime/contract/check.c: it reads bytes of one
 * party, and is not done in the process that holds the secrets of all.
 */
#include <stdarg.h>
#include <stdio.h>

#include "proto/messages.h"
#include "schema/compose.h"
#include "schema/key_sources.h"
#include "schema/mounts.h"
#include "schema/validator.h"

struct rules {
	const struct hpl_contract *c;
	const struct hpl_validate_options *o;
	struct hpl_faults *faults;
	struct hpl_err *err;
	bool broken;
};

/* One part of a place: the fault is at a key, its path "section.volumes.name.key". */
struct spot {
	const char *section, *name, *key;
	struct hpl_pos pos;
};

HPL_PRINTF(5, 6)
static void add(struct rules *r, enum hpl_msg msg, const struct spot *at, const char *cure,
	const char *fmt, ...)
{
	struct hpl_fault *f;
	va_list ap;
	int rc = r->broken ? -1 : hpl_faults_add(&f, r->faults, r->err);

	r->broken |= rc < 0;
	if (rc)
		return;
	f->msg = msg;
	f->pos = at->pos;
	f->keyword = "rule";
	snprintf(f->path, sizeof(f->path), "%s.%s%s%s", at->section, at->name, *at->key ? "." : "",
		at->key);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	snprintf(f->cure, sizeof(f->cure), "%s", cure);
}

static const struct hpl_node *map_at(const struct hpl_node *section, const char *key)
{
	const struct hpl_node *n = hpl_node_get(section, key);
	return n && n->kind == HPL_MAP ? n : NULL;
}

static const struct hpl_entry *entry_of(const struct hpl_node *map, const char *key)
{
	for (size_t i = 0; map && map->kind == HPL_MAP && i < map->map.count; i++) {
		if (hpl_streq(map->map.entries[i].key, key))
			return &map->map.entries[i];
	}
	return NULL;
}

/* An entry of volumes or auths. */
static struct spot spot_of(const char *section, const char *map, const struct hpl_entry *e,
	const char *key, struct hpl_pos pos)
{
	static _Thread_local char name[160];

	snprintf(name, sizeof(name), "%s", map);
	hpl_path_key(name, sizeof(name), e->key, e->key_len);
	return (struct spot){section, name, key, pos};
}

/* The section has its volumes under a misspelt key: that was a warning, here it is why they are missed. */
static bool misspelt_volumes(const struct rules *r, const char *section)
{
	size_t len = strlen(section);

	for (size_t i = 0; i < r->faults->count; i++) {
		struct hpl_fault *f = &r->faults->items[i];
		if (f->fix != HPL_FIX_RENAME || strcmp(f->fix_text, "volumes") != 0 ||
			strncmp(f->path, section, len) != 0 || f->path[len] != '.')
			continue;
		f->msg = HPL_MSG_CONTRACT_VALIDATE_CONTRACT;
		snprintf(f->text, sizeof(f->text), "is not known here, and \"volumes\" is missing");
		return true;
	}
	return false;
}

/* Both sections name the same volumes (facts 7.3). */
static void same_names(struct rules *r, const struct hpl_node *a, const char *a_name,
	const struct hpl_node *b, const char *b_name)
{
	if (a && !b && misspelt_volumes(r, b_name))
		return;
	for (size_t i = 0; a && i < a->map.count; i++) {
		const struct hpl_entry *e = &a->map.entries[i];
		if (hpl_node_get(b, e->key))
			continue;
		struct spot at = spot_of(a_name, "volumes", e, "", e->pos);
		add(r, HPL_MSG_STORAGE_VOLUMES_NAMING_INVALID, &at,
			"name the volume in both sections, each with its seed",
			"the %s section has no volume of this name", b_name);
	}
}

/* A passphrase without the key that a contract asks for would open nothing, or, worse, format a
 * blank disk with a weaker one. */
static void key_source(struct rules *r, const struct hpl_entry *volume,
	const struct hpl_key_source *source, bool others)
{
	const struct hpl_entry *e = entry_of(volume->value, source->key);
	struct spot at;

	if (!e)
		return;
	at = spot_of("env", "volumes", volume, source->key, e->pos);
	if (!source->joins)
		add(r, HPL_MSG_CONTRACT_KEY_SOURCE, &at, "use a seed in both sections",
			"volume '%s' asks by %s for the key provider '%s', which no image has: how its "
			"key enters the passphrase is not decided", volume->key, source->key,
			source->provider);
	else if (!(r->o->providers & hpl_key_source_bit(source)))
		add(r, HPL_MSG_CONTRACT_KEY_SOURCE, &at, "use seeds alone, or an image with that "
			"provider",
			"volume '%s' asks by %s for the key provider '%s', which is not in this image",
			volume->key, source->key, source->provider);
	else if (others)
		add(r, HPL_MSG_CONTRACT_KEY_SOURCE, &at, "keep one of them",
			"volume '%s' asks for more than one key provider", volume->key);
}

static void key_sources(struct rules *r, const struct hpl_node *volumes)
{
	for (size_t i = 0; volumes && i < volumes->map.count; i++) {
		const struct hpl_entry *v = &volumes->map.entries[i];
		const struct hpl_key_source *first = hpl_key_source_of(v->value);

		for (size_t k = 0; k < HPL_KEY_SOURCES; k++)
			key_source(r, v, &hpl_key_sources[k], &hpl_key_sources[k] != first);
	}
}

static void mounts(struct rules *r, const struct hpl_node *volumes)
{
	const char *taken[HPL_VOLUMES_MAX];

	for (size_t i = 0; volumes && i < volumes->map.count; i++) {
		const struct hpl_entry *v = &volumes->map.entries[i];
		const struct hpl_entry *e = entry_of(v->value, "mount");
		const char *path = e ? hpl_node_str(e->value) : HPL_MOUNT_DEFAULT;
		struct spot at = spot_of("workload", "volumes", v, e ? "mount" : "",
			e ? e->value->pos : v->pos);
		struct hpl_err why = HPL_ERR_NULL;

		if (i >= HPL_VOLUMES_MAX) {
			add(r, HPL_MSG_STORAGE_VALIDATE_CONTRACT, &at, "use fewer volumes",
				"more than %d volumes", HPL_VOLUMES_MAX);
			return;
		}
		taken[i] = path ? path : "";
		if (path && path[0] == '/' && hpl_mount_path_check(path, &why) < 0)
			add(r, why.msg, &at, why.cure, "%s", why.text);
		for (size_t k = 0; path && k < i; k++) {
			if (!hpl_streq(taken[k], path))
				continue;
			add(r, HPL_MSG_STORAGE_MOUNT_REFUSED, &at, "give each volume a mount of its "
				"own, such as /mnt/NAME", "'%s' is the mount point of volume '%s' "
				"already%s", path, volumes->map.entries[k].key,
				e ? "" : " (it is the default)");
			break;
		}
	}
}

/* By its serial or UUID a volume finds one disk: the storage service refuses two that find the same
 * one. A volumeName of two volumes is none of its disks perhaps, and each finds its own by its key. */
static void volume_ids(struct rules *r, const struct hpl_node *volumes)
{
	const char *taken[HPL_VOLUMES_MAX];

	for (size_t i = 0; volumes && i < volumes->map.count && i < HPL_VOLUMES_MAX; i++) {
		const struct hpl_entry *v = &volumes->map.entries[i];
		const struct hpl_entry *e = entry_of(v->value, "volumeID");

		taken[i] = e ? hpl_node_str(e->value) : NULL;
		for (size_t k = 0; taken[i] && k < i; k++) {
			if (!taken[k] || !hpl_streq(taken[k], taken[i]))
				continue;
			struct spot at = spot_of("env", "volumes", v, "volumeID", e->value->pos);
			add(r, HPL_MSG_STORAGE_DEVICE_AMBIGUOUS, &at, "give each disk its own serial, "
				"and each volume that of its disk",
				"is the volumeID of volume '%s' already", volumes->map.entries[k].key);
			break;
		}
	}
}

#define NEW_SEED "make a new one: openssl rand -hex 24; when the volume is made already, keep this " \
	"one as previousSeed"

struct seen_seed {
	const char *text, *volume;
};

/* What the contract service leaves of a seed (services/contract/mask.h) opens nothing, and would make
 * a volume that anyone can open. */
static bool is_masked(const struct hpl_node *seed)
{
	return seed->str.len && strspn(seed->str.text, "*") == seed->str.len;
}

/* NULL: none, or a masked one, which is said here. */
static const char *seed_of(struct rules *r, const char *section, const struct hpl_entry *volume,
	const char *key)
{
	const struct hpl_entry *e = entry_of(volume->value, key);
	const char *text = e ? hpl_node_str(e->value) : NULL;
	struct spot at;

	if (!text || !is_masked(e->value))
		return text;
	at = spot_of(section, "volumes", volume, key, e->value->pos);
	add(r, HPL_MSG_CONTRACT_VALIDATE_CONTRACT, &at, "give the contract with its seeds",
		"is masked: this is the contract that a guest stored");
	return NULL;
}

static struct spot spot_of_seed(const char *section, const struct hpl_entry *volume, const char *key)
{
	return spot_of(section, "volumes", volume, key, entry_of(volume->value, key)->pos);
}

/* A seed that stands elsewhere too: whoever knows one volume's passphrase is near to another's. A
 * previousSeed that another volume has is no fault: it is being left. */
static void seeds(struct rules *r, const char *section, const struct hpl_node *volumes)
{
	struct seen_seed seen[2 * HPL_VOLUMES_MAX];
	size_t count = 0;

	for (size_t i = 0; volumes && i < volumes->map.count && i < HPL_VOLUMES_MAX; i++) {
		const struct hpl_entry *v = &volumes->map.entries[i];
		const char *now = seed_of(r, section, v, "seed");
		const char *before = seed_of(r, section, v, "previousSeed");

		for (size_t s = 0; now && s < count; s++) {
			if (!hpl_streq(seen[s].text, now))
				continue;
			struct spot at = spot_of_seed(section, v, "seed");
			add(r, HPL_MSG_CONTRACT_SEED_REUSED, &at, NEW_SEED,
				"is the same seed as one of volume '%s'", seen[s].volume);
			break;
		}
		if (now && before && hpl_streq(now, before)) {
			struct spot at = spot_of_seed(section, v, "previousSeed");
			add(r, HPL_MSG_CONTRACT_SEED_REUSED, &at, "take it out",
				"is the same as seed: it changes nothing");
		}
		if (now)
			seen[count++] = (struct seen_seed){now, v->key};
		if (before)
			seen[count++] = (struct seen_seed){before, v->key};
	}
}

/* Two parties have to say yes only as long as neither knows the other's seed. */
static void both_sides(struct rules *r, const struct hpl_node *workload, const struct hpl_node *env)
{
	for (size_t i = 0; env && i < env->map.count && i < HPL_VOLUMES_MAX; i++) {
		const struct hpl_entry *v = &env->map.entries[i];
		const struct hpl_entry *e = entry_of(v->value, "seed");
		const char *mine = e ? hpl_node_str(e->value) : NULL;
		const char *other = hpl_node_get_str(hpl_node_get(workload, v->key), "seed");

		if (!mine || !other || !hpl_streq(mine, other) || is_masked(e->value))
			continue;
		struct spot at = spot_of_seed("env", v, "seed");
		add(r, HPL_MSG_CONTRACT_SEED_REUSED, &at, NEW_SEED,
			"is the same as the seed of the workload section: who wrote one knows both");
	}
}

/* The registry file joins name and password by a colon. */
static void credentials(struct rules *r, const char *section, const struct hpl_node *auths)
{
	for (size_t i = 0; auths && i < auths->map.count; i++) {
		const struct hpl_entry *a = &auths->map.entries[i];
		const struct hpl_entry *e = entry_of(a->value, "username");
		const char *name = e ? hpl_node_str(e->value) : NULL;
		const char *port = strrchr(a->key, ':');
		if (name && strchr(name, ':')) {
			struct spot at = spot_of(section, "auths", a, "username", e->value->pos);
			add(r, HPL_MSG_REGISTRY_VALIDATE_CONTRACT, &at,
				"use a user name without a colon", "the user name holds a colon");
		}
		if (port && port[1] >= '0' && port[1] <= '9' &&
			(strlen(port + 1) > 5 || atol(port + 1) > 65535 || atol(port + 1) == 0)) {
			struct spot at = spot_of(section, "auths", a, "", a->pos);
			add(r, HPL_MSG_REGISTRY_VALIDATE_CONTRACT, &at, "write host:port with a port "
				"of 1 to 65535", "the port of the registry is none");
		}
	}
}

int hpl_contract_rules(const struct hpl_contract *c, const struct hpl_validate_options *o,
	struct hpl_faults *faults, struct hpl_err *err)
{
	struct rules r = {.c = c, .o = o, .faults = faults, .err = err};
	const struct hpl_node *w = map_at(c->workload, "volumes"), *e = map_at(c->env, "volumes");

	bool forms = (w || !hpl_node_get(c->workload, "volumes")) &&
		(e || !hpl_node_get(c->env, "volumes"));
	if (c->workload && c->env && forms) { /* not while one of them is still encrypted */
		same_names(&r, w, "workload", e, "env");
		same_names(&r, e, "env", w, "workload");
	}
	key_sources(&r, e);
	mounts(&r, w);
	volume_ids(&r, e);
	seeds(&r, "workload", w);
	seeds(&r, "env", e);
	both_sides(&r, w, e);
	credentials(&r, "workload", map_at(c->workload, "auths"));
	credentials(&r, "env", map_at(c->env, "auths"));
	return r.broken ? -1 : 0;
}

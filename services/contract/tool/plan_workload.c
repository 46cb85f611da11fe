/* SPDX-License-Identifier: Apache-2.0 */
/* What the workload's part of a plan says: containers, their images and ports, variables. */
#include "services/contract/tool/plan.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/workload/compose.h"
#include "runtime/workload/image_ref.h"
#include "runtime/workload/play.h"

struct container {
	const char *name;
	const char *origin;              /* compose file or descriptor */
	const struct hpl_node *node;
	const struct hpl_env *env;       /* for interpolation; NULL: a pod */
};

/* ---- images ---- */

static bool is_trusted(const struct hpl_plan *p, const struct hpl_image_ref *ref)
{
	const struct hpl_node *rhs = hpl_node_get(hpl_plan_load(p, "images"), "rhs");
	for (size_t i = 0; rhs && rhs->kind == HPL_MAP && i < rhs->map.count; i++) {
		_cleanup_image_ref_ struct hpl_image_ref entry = HPL_IMAGE_REF_NULL;
		if (hpl_image_ref_parse(&entry, rhs->map.entries[i].key, NULL) == 0 &&
			hpl_image_ref_matches(&entry, ref))
			return true;
	}
	return false;
}

static void put_image(struct hpl_plan *p, const struct container *c)
{
	_cleanup_image_ref_ struct hpl_image_ref ref = HPL_IMAGE_REF_NULL;
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	const char *given = hpl_node_get_str(c->node, "image"), *image = given;
	struct hpl_err err = HPL_ERR_NULL;

	if (given && c->env)
		image = hpl_env_interpolate(&b, given, c->env, &err) == 0 && b.data ? b.data : given;
	hpl_json_string(&p->json, "image", image);
	if (!image)
		hpl_json_string(&p->json, "allowed", "refused: no image is named");
	else if (hpl_image_ref_parse(&ref, image, &err) < 0)
		hpl_json_string(&p->json, "allowed", "refused: the image's name is none");
	else if (ref.digest)
		hpl_json_string(&p->json, "allowed", "pinned by its digest");
	else if (!c->env && is_trusted(p, &ref))
		hpl_json_string(&p->json, "allowed", "trusted when signed by its key of images.rhs");
	else
		hpl_json_string(&p->json, "allowed", c->env ? "refused: no digest" :
			"refused: no digest and no key in images.rhs");
}

/* ---- ports ---- */

/* A short form with variables of the contract in it is shown with their values only if what comes
 * out can be a port: a value put there by mistake stays hidden. */
static void put_short_port(struct hpl_json *j, const struct hpl_node *n, const struct hpl_env *env)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	const char *text = n->kind == HPL_STRING ? n->str.text : n->scalar;
	if (n->kind == HPL_STRING && strchr(text, '$') && env &&
		hpl_env_interpolate(&b, text, env, NULL) == 0 && b.len &&
		strspn(b.data, "0123456789.:-[]/tcpud") == b.len)
		text = b.data;
	hpl_json_string(j, NULL, text);
}

static const char *scalar_of(const struct hpl_node *map, const char *key)
{
	const struct hpl_node *n = hpl_node_get(map, key);
	return !n ? NULL : n->kind == HPL_STRING ? n->str.text : n->scalar;
}

static void put_long_port(struct hpl_json *j, const struct hpl_node *n)
{
	/* compose: published, target; a pod: hostPort, containerPort */
	const char *host = scalar_of(n, "published"), *ip = scalar_of(n, "host_ip");
	const char *inner = scalar_of(n, "target"), *protocol = scalar_of(n, "protocol");
	char text[256];
	if (!inner) {
		host = scalar_of(n, "hostPort");
		ip = scalar_of(n, "hostIP");
		inner = scalar_of(n, "containerPort");
	}
	snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", ip ? ip : "", ip ? ":" : "", host ? host : "",
		host ? ":" : "", inner ? inner : "?", protocol ? "/" : "", protocol ? protocol : "");
	hpl_json_string(j, NULL, text);
}

static void put_ports(struct hpl_plan *p, const struct container *c)
{
	const struct hpl_node *ports = hpl_node_get(c->node, "ports");
	hpl_json_open(&p->json, "ports", '[');
	for (size_t i = 0; ports && ports->kind == HPL_LIST && i < ports->list.count; i++) {
		const struct hpl_node *n = ports->list.items[i];
		if (n->kind == HPL_MAP)
			put_long_port(&p->json, n);
		else if (n->kind == HPL_STRING || n->scalar)
			put_short_port(&p->json, n, c->env);
	}
	hpl_json_close(&p->json, ']');
}

/* ---- containers ---- */

static bool is_privileged(const struct container *c)
{
	bool yes = false;
	const struct hpl_node *n = c->env ? c->node : hpl_node_get(c->node, "securityContext");
	return hpl_node_get_bool(n, "privileged", &yes) && yes;
}

static void put_container(struct hpl_plan *p, const struct container *c)
{
	hpl_json_open(&p->json, NULL, '{');
	hpl_json_string(&p->json, "name", c->name ? c->name : "?");
	hpl_json_string(&p->json, "of", c->origin);
	put_image(p, c);
	put_ports(p, c);
	hpl_json_bool(&p->json, "privileged", is_privileged(c));
	hpl_json_close(&p->json, '}');
}

static void put_services(struct hpl_plan *p, const struct hpl_compose *compose)
{
	const struct hpl_compose_file *f = hpl_compose_find(compose, compose->name);
	const struct hpl_reader_limits limits = {.aliases = 1000}; /* as the image service */
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *services;

	if (!f || hpl_yaml_read(&doc, f->text, f->len, &limits, (struct hpl_pos){1, 1}, 0, NULL) < 0)
		return;
	services = hpl_node_get(hpl_doc_root(doc), "services");
	for (size_t i = 0; services && services->kind == HPL_MAP && i < services->map.count; i++) {
		const struct hpl_entry *e = &services->map.entries[i];
		put_container(p, &(struct container){e->key, compose->name, e->value, &compose->env});
	}
}

static void put_pod(struct hpl_plan *p, const struct hpl_play_doc *d)
{
	static const char *const lists[] = {"initContainers", "containers"};
	const struct hpl_node *root = hpl_doc_root(d->tree), *spec = hpl_node_get(root, "spec");
	const char *pod = hpl_node_get_str(hpl_node_get(root, "metadata"), "name");

	for (size_t k = 0; k < HPL_ARRAY_SIZE(lists); k++) {
		const struct hpl_node *list = hpl_node_get(spec, lists[k]);
		for (size_t i = 0; list && list->kind == HPL_LIST && i < list->list.count; i++) {
			const struct hpl_node *n = list->list.items[i];
			put_container(p, &(struct container){hpl_node_get_str(n, "name"),
				pod ? pod : d->origin, n, NULL});
		}
	}
}

/* ---- variables ---- */

/* dotenv: what the archive's .env adds; NULL: none. */
static void put_environment(struct hpl_plan *p, const struct hpl_env *all)
{
	const struct hpl_node *w = hpl_plan_load(p, "env"), *e = hpl_plan_env(p, "env");
	struct hpl_json *j = &p->json;

	hpl_json_open(j, "environment", '[');
	for (size_t i = 0; i < p->workload.n_env; i++) {
		const char *name = p->workload.env[i]->name;
		bool mine = hpl_node_get(w, name);
		hpl_json_open(j, NULL, '{');
		hpl_json_string(j, "name", name);
		hpl_json_string(j, "from", mine ? "workload" : "env");
		hpl_json_string(j, "overrides", mine && hpl_node_get(e, name) ? "env" : NULL);
		hpl_json_close(j, '}');
	}
	for (size_t i = 0; all && i < all->count; i++) {
		if (hpl_node_get(w, all->items[i].name) || hpl_node_get(e, all->items[i].name))
			continue;
		hpl_json_open(j, NULL, '{');
		hpl_json_string(j, "name", all->items[i].name);
		hpl_json_string(j, "from", ".env of the archive");
		hpl_json_string(j, "overrides", NULL);
		hpl_json_close(j, '}');
	}
	hpl_json_close(j, ']');
}

/* A workload that cannot be read is a fault that the check has named; the plan goes on. */
static int put_compose(struct hpl_plan *p, struct hpl_err *err)
{
	struct hpl_compose compose = HPL_COMPOSE_NULL;
	struct hpl_err why = HPL_ERR_NULL;
	int rc = hpl_compose_load(&compose, &p->workload, &why);

	if (rc < 0 && why.sys == ENOMEM) {
		*err = why;
		return -1;
	}
	hpl_json_open(&p->json, "containers", '[');
	if (rc == 0)
		put_services(p, &compose);
	hpl_json_close(&p->json, ']');
	put_environment(p, rc == 0 ? &compose.env : NULL);
	hpl_compose_done(&compose);
	return 0;
}

static int put_play(struct hpl_plan *p, struct hpl_err *err)
{
	struct hpl_play play = HPL_PLAY_NULL;
	struct hpl_err why = HPL_ERR_NULL;
	int rc = hpl_play_load(&play, &p->workload, &why);

	if (rc < 0 && why.sys == ENOMEM) {
		*err = why;
		return -1;
	}
	hpl_json_open(&p->json, "containers", '[');
	for (size_t i = 0; rc == 0 && i < play.count; i++) {
		if (play.docs[i].is_pod)
			put_pod(p, &play.docs[i]);
	}
	hpl_json_close(&p->json, ']');
	put_environment(p, NULL);
	hpl_play_done(&play);
	return 0;
}

int hpl_plan_workload(struct hpl_plan *p, struct hpl_err *err)
{
	if (!hpl_contract_workload(p->c)) {
		hpl_json_string(&p->json, "workload", "not known, the section is encrypted");
	} else if (p->workload.kind == HPL__WORKLOAD_SLICE__KIND__COMPOSE) {
		hpl_json_string(&p->json, "workload", "compose");
		return put_compose(p, err);
	} else if (p->workload.kind == HPL__WORKLOAD_SLICE__KIND__PLAY) {
		hpl_json_string(&p->json, "workload", "play");
		return put_play(p, err);
	} else {
		hpl_json_string(&p->json, "workload", "confidential-containers");
	}
	hpl_json_open(&p->json, "containers", '[');
	hpl_json_close(&p->json, ']');
	put_environment(p, NULL);
	return 0;
}

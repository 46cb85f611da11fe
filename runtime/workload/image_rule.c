/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/workload/image_rule.h"

#include <errno.h>

#include "proto/messages.h"
#include "runtime/archive/archive.h"

enum { MERGE_DEPTH = 8, EXTENDS_DEPTH = 8 };

struct compose_walk {
	struct hpl_image_rule *rule;
	const struct hpl_compose *compose;
	struct hpl_env env; /* the engine's own environment, then the workload's over it */
};

void hpl_image_rule_done(struct hpl_image_rule *r)
{
	for (size_t i = 0; i < r->pinned_count; i++)
		hpl_image_ref_done(&r->pinned[i]);
	free(r->pinned);
	*r = HPL_IMAGE_RULE_NULL;
}

static int pin(struct hpl_image_rule *r, struct hpl_image_ref *ref, struct hpl_err *err)
{
	struct hpl_image_ref *more;

	for (size_t i = 0; i < r->pinned_count; i++)
		if (hpl_streq(r->pinned[i].name, ref->name) &&
			hpl_streq(r->pinned[i].digest, ref->digest))
			return 0;
	more = reallocarray(r->pinned, r->pinned_count + 1, sizeof(*more));
	if (!more)
		return HPL_OOM(err);
	r->pinned = more;
	r->pinned[r->pinned_count++] = *ref;
	*ref = HPL_IMAGE_REF_NULL;
	return 0;
}

/* What to do about a fault of one image. */
static int report(const struct hpl_image_rule *r, struct hpl_err *err)
{
	if (!r->fault || !err || err->sys == ENOMEM)
		return -1;
	r->fault(r->ud, err);
	*err = HPL_ERR_NULL;
	return 0;
}

static bool in_dct(const Hpl__ImagesSlice *s, const struct hpl_image_ref *ref)
{
	for (size_t i = 0; i < s->n_dct; i++) {
		_cleanup_image_ref_ struct hpl_image_ref entry = HPL_IMAGE_REF_NULL;

		if (hpl_image_ref_parse(&entry, s->dct[i]->image, NULL) == 0 &&
			hpl_image_ref_matches(&entry, ref))
			return true;
	}
	return false;
}

static bool in_rhs(const Hpl__ImagesSlice *s, const struct hpl_image_ref *ref)
{
	for (size_t i = 0; i < s->n_rhs; i++) {
		_cleanup_image_ref_ struct hpl_image_ref entry = HPL_IMAGE_REF_NULL;

		if (hpl_image_ref_parse(&entry, s->rhs[i]->image, NULL) == 0 &&
			hpl_image_ref_matches(&entry, ref))
			return true;
	}
	return false;
}

/* A key of a service, also one that comes in by the merge key "<<". */
static const struct hpl_node *service_get(const struct hpl_node *map, const char *key,
	unsigned depth)
{
	const struct hpl_node *found = hpl_node_get(map, key), *merge;

	if (found || depth > MERGE_DEPTH)
		return found;
	merge = hpl_node_get(map, "<<");
	if (!merge)
		return NULL;
	if (merge->kind != HPL_LIST)
		return service_get(merge, key, depth + 1);
	for (size_t i = 0; i < merge->list.count && !found; i++)
		found = service_get(merge->list.items[i], key, depth + 1);
	return found;
}

static void place_service(struct hpl_err *err, const char *file, const struct hpl_node *n,
	const char *service)
{
	hpl_err_place(err, "%s:%u:%u services.%s", file, n->pos.line, n->pos.col, service);
}

static int check_image(struct compose_walk *w, const char *service, const char *given,
	struct hpl_err *err)
{
	_cleanup_image_ref_ struct hpl_image_ref ref = HPL_IMAGE_REF_NULL;
	_cleanup_buf_ struct hpl_buf image = {.wipe = 1};
	bool with_variables = strchr(given, '$') != NULL;

	if (hpl_env_interpolate(&image, given, &w->env, err) < 0 ||
		hpl_image_ref_parse(&ref, image.data ? image.data : "", err) < 0) {
		if (with_variables) /* their values may be secrets: only what is written is said */
			return HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_CONTRACT_IMAGE_MISMATCH, 0,
				"service '%s': '%s' is no image name once its variables are filled in",
				service, given);
		return HPL_WRAP(err, HPL_MSG_IMAGE_COMPOSE_CONTRACT_IMAGE_MISMATCH, "service '%s'", service);
	}
	if (ref.digest)
		return pin(w->rule, &ref, err);
	if (in_dct(w->rule->slice, &ref)) {
		HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_DOCKER_COMMAND, 0,
			"service '%s': image '%s' has only an images.dct entry, and Docker Content Trust "
			"(Notary) has been retired and is not available", service, given);
	} else {
		HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_CONTRACT_IMAGE_MISMATCH, 0,
			"service '%s': image '%s' has no digest", service, given);
	}
	hpl_err_cure(err, "write %s@sha256:<digest>", given);
	return -1;
}

static int check_service(struct compose_walk *w, const char *file, const char *name,
	const struct hpl_node *service, unsigned depth, struct hpl_err *err);

static int read_compose(struct hpl_doc **ret, const struct hpl_compose_file *f, struct hpl_err *err)
{
	/* aliases are common in compose files; the bound stops their multiplication */
	struct hpl_reader_limits limits = {.aliases = 1000};

	if (hpl_yaml_read(ret, f->text, f->len, &limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return HPL_WRAP(err, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, "%s", f->path);
	if (hpl_doc_root(*ret)->kind != HPL_MAP)
		return HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, 0, "%s is no mapping",
			f->path);
	return 0;
}

/* The service of another file that this one is made of. Within one file all are checked anyway. */
static int check_extends(struct compose_walk *w, const char *name, const struct hpl_node *extends,
	unsigned depth, struct hpl_err *err)
{
	const char *file = hpl_node_get_str(extends, "file");
	const char *from = hpl_node_get_str(extends, "service");
	_cleanup_free_ char *path = file ? hpl_archive_name(file) : NULL;
	const struct hpl_compose_file *f = path ? hpl_compose_find(w->compose, path) : NULL;
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *services, *service;

	if (!file)
		return 0;
	if (!f || !from || depth >= EXTENDS_DEPTH)
		return HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, 0,
			"service '%s' extends '%s', which is not a YAML file of the archive", name, file);
	if (read_compose(&doc, f, err) < 0)
		return -1;
	services = hpl_node_get(hpl_doc_root(doc), "services");
	service = hpl_node_get(services ? services : hpl_doc_root(doc), from);
	if (!service)
		return HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, 0,
			"service '%s' extends '%s', which %s does not have", name, from, file);
	return check_service(w, f->path, from, service, depth + 1, err);
}

static int check_service(struct compose_walk *w, const char *file, const char *name,
	const struct hpl_node *service, unsigned depth, struct hpl_err *err)
{
	const struct hpl_node *image = service_get(service, "image", 0);
	const struct hpl_node *extends = service_get(service, "extends", 0);
	int r;

	if (service->kind != HPL_MAP) {
		r = HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, 0,
			"service '%s' is no mapping", name);
	} else if (service_get(service, "build", 0)) {
		r = HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_CONTRACT_IMAGE_MISMATCH, 0,
			"service '%s' has 'build', and images cannot be built in the guest", name);
		hpl_err_cure(err, "build the image outside, push it, and name it by its digest");
	} else if (image && !hpl_node_str(image)) {
		r = HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, 0,
			"service '%s': image is no string", name);
	} else if (!image && !extends && !depth) {
		r = HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_CONTRACT_IMAGE_MISMATCH, 0,
			"service '%s' has no image", name);
	} else {
		r = image ? check_image(w, name, hpl_node_str(image), err) : 0;
		if (r == 0 && extends)
			r = check_extends(w, name, extends, depth, err);
	}
	if (r < 0)
		place_service(err, file, image ? image : service, name);
	return r;
}

static int fill_env(struct hpl_env *env, const struct hpl_compose *c, struct hpl_err *err)
{
	for (const char *const *e = hpl_engine_environment; *e; e++) {
		const char *eq = strchr(*e, '=');
		_cleanup_free_ char *name = strndup(*e, (size_t)(eq - *e));

		if (!name || hpl_env_set(env, name, eq + 1, err) < 0)
			return HPL_OOM(err);
	}
	for (size_t i = 0; i < c->env.count; i++)
		if (hpl_env_set(env, c->env.items[i].name, c->env.items[i].value, err) < 0)
			return -1;
	/* what podman-compose itself sets over all */
	if (hpl_env_set(env, "COMPOSE_FILE", c->name, err) < 0 ||
		hpl_env_set(env, "COMPOSE_PROJECT_NAME", "compose", err) < 0)
		return -1;
	return hpl_env_set(env, "COMPOSE_PATH_SEPARATOR", ":", err);
}

static int check_services(struct compose_walk *w, const struct hpl_node *root, struct hpl_err *err)
{
	const char *file = w->compose->name;
	const struct hpl_node *services = hpl_node_get(root, "services");

	if (!services || services->kind != HPL_MAP || !services->map.count)
		return HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, 0, "%s has no services",
			file);
	if (hpl_node_get(root, "include"))
		return HPL_FAIL(err, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, 0,
			"%s: 'include' is not supported", file);
	for (size_t i = 0; i < services->map.count; i++) {
		const struct hpl_entry *e = &services->map.entries[i];

		if (check_service(w, file, e->key, e->value, 0, err) < 0 && report(w->rule, err) < 0)
			return -1;
	}
	return 0;
}

int hpl_image_rule_compose(struct hpl_image_rule *r, const struct hpl_compose *c,
	struct hpl_err *err)
{
	struct compose_walk w = {.rule = r, .compose = c};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	int ret = -1;

	if (read_compose(&doc, hpl_compose_find(c, c->name), err) == 0 && fill_env(&w.env, c, err) == 0)
		ret = check_services(&w, hpl_doc_root(doc), err);
	hpl_env_done(&w.env);
	return ret;
}

static int check_container(struct hpl_image_rule *r, const struct hpl_play_doc *d,
	const struct hpl_node *container, struct hpl_err *err)
{
	_cleanup_image_ref_ struct hpl_image_ref ref = HPL_IMAGE_REF_NULL;
	const char *name = hpl_node_get_str(container, "name");
	const char *image = hpl_node_get_str(container, "image");

	if (!image)
		return HPL_FAIL(err, HPL_MSG_PLAY_POD_STARTUP_FAILED, 0, "container '%s' has no image",
			name ? name : "?");
	if (hpl_image_ref_parse(&ref, image, err) < 0)
		return HPL_WRAP(err, HPL_MSG_PLAY_POD_STARTUP_FAILED, "container '%s'", name ? name : "?");
	if (ref.digest)
		return pin(r, &ref, err);
	if (in_rhs(r->slice, &ref)) {
		r->trusted_count++;
		return 0;
	}
	HPL_FAIL(err, HPL_MSG_PLAY_POD_STARTUP_FAILED, 0,
		"container '%s': image '%s' has neither a digest nor an images.rhs entry",
		name ? name : "?", image);
	hpl_err_cure(err, "write %s@sha256:<digest>, or give its signing key in workload.images.rhs", image);
	return -1;
}

int hpl_image_rule_play(struct hpl_image_rule *r, const struct hpl_play *p, struct hpl_err *err)
{
	static const char *const lists[] = {"initContainers", "containers"};

	for (size_t i = 0; i < p->count; i++) {
		const struct hpl_play_doc *d = &p->docs[i];
		const struct hpl_node *spec = hpl_node_get(hpl_doc_root(d->tree), "spec");

		for (size_t k = 0; d->is_pod && k < HPL_ARRAY_SIZE(lists); k++) {
			const struct hpl_node *list = hpl_node_get(spec, lists[k]);

			for (size_t j = 0; list && list->kind == HPL_LIST && j < list->list.count; j++) {
				if (check_container(r, d, list->list.items[j], err) == 0)
					continue;
				hpl_err_place(err, "%s: spec.%s[%zu].image", d->origin, lists[k], j);
				if (report(r, err) < 0)
					return -1;
			}
		}
	}
	return 0;
}

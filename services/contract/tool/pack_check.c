/* SPDX-License-Identifier: Apache-2.0 */
/* An archive seen with the guest's eyes: what it reads with is what looks here. */
#include "services/contract/tool/pack.h"

#include <stdio.h>

#include "runtime/archive/archive.h"
#include "runtime/base/b64.h"
#include "runtime/workload/image_rule.h"

static int find_compose(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	bool *found = ud;
	if (!e->is_dir && (hpl_streq(e->path, "docker-compose.yaml") ||
		hpl_streq(e->path, "docker-compose.yml")))
		*found = true;
	return 0;
}

/* Variables of the contract may still decide about images, but nothing makes a build possible. */
static int refuse_build(const struct hpl_compose *c, struct hpl_err *err)
{
	const struct hpl_compose_file *f = hpl_compose_find(c, c->name);
	const struct hpl_reader_limits limits = {.aliases = 1000}; /* as the image rule reads it */
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *services;

	if (hpl_yaml_read(&doc, f->text, f->len, &limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return HPL_WRAP(err, 0, "%s", c->name);
	services = hpl_node_get(hpl_doc_root(doc), "services");
	if (!services || services->kind != HPL_MAP || services->map.count == 0)
		return HPL_FAIL(err, 0, 0, "%s has no services", c->name);
	for (size_t i = 0; i < services->map.count; i++) {
		const struct hpl_entry *e = &services->map.entries[i];
		if (!hpl_node_get(e->value, "build"))
			continue;
		HPL_FAIL(err, 0, 0, "%s: service %s has build, and a guest builds no images", c->name,
			e->key);
		hpl_err_cure(err, "build the image outside, push it, and name it by its digest");
		return -1;
	}
	return 0;
}

static int check_compose(const struct hpl_image_rule *rule, struct hpl_err *ret_warning,
	struct hpl_err *err)
{
	struct hpl_compose c = HPL_COMPOSE_NULL;
	struct hpl_image_rule r = *rule;
	int rc = hpl_compose_load(&c, rule->slice->workload, err) ? -1 : refuse_build(&c, err);

	if (rc == 0)
		(void)hpl_image_rule_compose(&r, &c, ret_warning);
	hpl_image_rule_done(&r);
	hpl_compose_done(&c);
	return rc;
}

static int check_play(const struct hpl_image_rule *rule, struct hpl_err *ret_warning,
	struct hpl_err *err)
{
	struct hpl_play p = HPL_PLAY_NULL;
	struct hpl_image_rule r = *rule;
	int rc = hpl_play_load(&p, rule->slice->workload, err);

	if (rc == 0 && p.pods == 0)
		HPL_FAIL(ret_warning, 0, 0, "no pod is at the top of the archive");
	else if (rc == 0)
		(void)hpl_image_rule_play(&r, &p, ret_warning);
	hpl_image_rule_done(&r);
	hpl_play_done(&p);
	return rc;
}

int hpl_pack_check(const void *targz, size_t len, enum hpl_pack_kind kind,
	struct hpl_err *ret_warning, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = {.wipe = 1};
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;
	Hpl__ImagesSlice images = HPL__IMAGES_SLICE__INIT;
	const struct hpl_image_rule rule = {.slice = &images};
	bool compose = false;

	*ret_warning = HPL_ERR_NULL;
	if (hpl_archive_walk(targz, len, NULL, find_compose, &compose, err))
		return -1;
	hpl_b64_encode(&text, targz, len);
	if (text.failed)
		return HPL_OOM(err);
	images.workload = &w;
	if (kind == HPL_PACK_COMPOSE || (kind == HPL_PACK_ANY && compose)) {
		w.kind = HPL__WORKLOAD_SLICE__KIND__COMPOSE;
		w.compose_archive = (ProtobufCBinaryData){text.len, (uint8_t *)text.data};
		return check_compose(&rule, ret_warning, err);
	}
	w.kind = HPL__WORKLOAD_SLICE__KIND__PLAY;
	w.play_archive = (ProtobufCBinaryData){text.len, (uint8_t *)text.data};
	return check_play(&rule, ret_warning, err);
}

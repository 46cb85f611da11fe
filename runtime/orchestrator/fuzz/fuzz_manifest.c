/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a manifest, a profile and settings: refused with id and place, or within limits. */
#include <stdint.h>

#include "proto/messages.h"
#include "runtime/orchestrator/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refused(const struct hpl_err *err)
{
	if (err->msg != HPL_MSG_ORCHESTRATOR_PROFILE || !err->text[0] || !err->place[0])
		abort();
}

static void file_name(const char *name)
{
	if (!*name || *name == '.' || strchr(name, '/'))
		abort();
}

static void hold(const struct hpl_manifest *m)
{
	file_name(m->name);
	file_name(m->program);
	if (!m->tags.count || m->setting_count > HPL_SETTINGS_MAX || m->group_count > HPL_SANDBOX_GROUPS)
		abort();
	for (size_t i = 0; i < m->setting_count; i++)
		if (!m->settings[i].name || !m->settings[i].value)
			abort();
}

static void settings(const char *text, size_t size)
{
	static const char profile[] = "profile: p\nservices: [a]\n";
	static const char manifest[] =
		"name: a\nprogram: hpl-a\ntags: [a]\nlifetime: oneshot\nsandbox: {uid: 0}\n";
	struct hpl_profile p = {0};
	struct hpl_manifest *one = calloc(1, sizeof(*one)), own = {.name = (char *)(uintptr_t)"hpld"};
	struct hpl_err err = HPL_ERR_NULL;

	if (!one || hpl_profile_parse(&p, "p", profile, strlen(profile), &err) < 0 ||
		hpl_manifest_parse(one, "m", manifest, strlen(manifest), &err) < 0)
		abort();
	p.manifests = one;
	if (hpl_settings_parse(&p, &own, "s", text, size, &err) < 0)
		refused(&err);
	hold(&p.manifests[0]);
	own.name = NULL;
	hpl_manifest_done(&own);
	hpl_profile_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct hpl_manifest m = {0};
	struct hpl_profile p = {0};
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_manifest_parse(&m, "m.yaml", text, size, &err) < 0) {
		refused(&err);
	} else {
		hold(&m);
		hpl_manifest_done(&m);
	}
	err = HPL_ERR_NULL;
	if (hpl_profile_parse(&p, "p.yaml", text, size, &err) < 0) {
		refused(&err);
	} else {
		if (!p.services.count || p.services.count > HPL_SERVICES_MAX)
			abort();
		for (size_t i = 0; i < p.services.count; i++)
			file_name(p.services.items[i]);
		hpl_profile_done(&p);
	}
	settings(text, size);
	return 0;
}

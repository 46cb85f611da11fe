/* SPDX-License-Identifier: Apache-2.0 */
/* Reading profile, manifests and settings from files and arguments. */
#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/file.h"
#include "runtime/orchestrator/manifest.h"

static int read_file(struct hpl_buf *out, const char *path, struct hpl_err *err)
{
	if (hpl_file_read(out, path, HPL_MANIFEST_BYTES, err) < 0)
		return HPL_WRAP(err, HPL_MSG_ORCHESTRATOR_PROFILE, "cannot be used");
	/* an empty file has no memory yet */
	hpl_buf_str(out, "");
	return 0;
}

static int load_manifest(struct hpl_manifest *ret, const char *dir, const char *service,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s/manifest.yaml", dir, service);
	if (access(path, F_OK) < 0)
		snprintf(path, sizeof(path), "%s/%s.yaml", dir, service);
	if (read_file(&text, path, err) < 0)
		return -1;
	if (hpl_manifest_parse(ret, path, text.data ? text.data : "", text.len, err) < 0)
		return -1;
	if (hpl_streq(ret->name, service))
		return 0;
	HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, 0, "names the service %s, not %s", ret->name, service);
	hpl_err_place(err, "%s", path);
	hpl_manifest_done(ret);
	return -1;
}

/* Two services with one user could read each other's memory and files. */
static int check_users(const struct hpl_profile *p, struct hpl_err *err)
{
	for (size_t i = 0; i < p->services.count; i++)
		for (size_t k = 0; k < i; k++)
			if (p->manifests[i].uid && p->manifests[i].uid == p->manifests[k].uid)
				return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, 0,
					"%s and %s have the same user id %u", p->manifests[k].name,
					p->manifests[i].name, p->manifests[i].uid);
	return 0;
}

int hpl_profile_load(struct hpl_profile *ret, const char *profile, const char *manifests,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct hpl_profile p;
	int rc = 0;

	if (read_file(&text, profile, err) < 0 ||
		hpl_profile_parse(&p, profile, text.data ? text.data : "", text.len, err) < 0)
		return -1;
	p.manifests = calloc(p.services.count, sizeof(*p.manifests));
	if (!p.manifests)
		rc = HPL_OOM(err);
	for (size_t i = 0; i < p.services.count && !rc; i++)
		rc = load_manifest(&p.manifests[i], manifests, p.services.items[i], err);
	if (!rc)
		rc = check_users(&p, err);
	if (rc < 0) {
		hpl_profile_done(&p);
		return -1;
	}
	*ret = p;
	return 0;
}

int hpl_settings_argument(struct hpl_profile *p, struct hpl_manifest *hpld, const char *argument,
	struct hpl_err *err)
{
	const char *equals = strchr(argument, '=');
	const char *dot = strchr(argument, '.');
	struct hpl_manifest *m;
	char service[80], key[80];

	if (!equals || !dot || dot > equals || dot - argument >= (long)sizeof(service) ||
		equals - dot >= (long)sizeof(key) || equals == dot + 1)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, 0, "--set takes service.key=value");
	snprintf(service, sizeof(service), "%.*s", (int)(dot - argument), argument);
	snprintf(key, sizeof(key), "%.*s", (int)(equals - dot - 1), dot + 1);
	m = hpl_streq(service, "hpld") ? hpld : hpl_profile_find(p, service);
	if (!m)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, 0, "--set: %s is no service of the profile",
			service);
	return hpl_manifest_set(m, key, equals + 1, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/container/hook/cgroup_path.h"

#include <errno.h>

#include "schema/node.h"

enum { ID_HEX = 64 };

static size_t id_at(const char *p)
{
	return strspn(p, "0123456789abcdef") == ID_HEX ? ID_HEX : 0;
}

/* "/libpod_parent/<id>/libpod-<id>" and nothing else; the length up to the pod's end, or 0 */
static size_t match(const char *path)
{
	static const char top[] = "/libpod_parent/", leaf[] = "/libpod-";
	const char *p = path + strlen(top);
	size_t pod_end;

	if (!id_at(p))
		return 0;
	p += ID_HEX;
	pod_end = (size_t)(p - path);
	if (strncmp(p, leaf, strlen(leaf)) != 0)
		return 0;
	p += strlen(leaf);
	return id_at(p) && !p[ID_HEX] ? pod_end : 0;
}

/* "/libpod_parent/libpod-<id>": a container outside a pod, which has no filter above its own */
static bool is_single(const char *path)
{
	static const char form[] = "/libpod_parent/libpod-";

	return strncmp(path, form, strlen(form)) == 0 && id_at(path + strlen(form)) &&
		!path[strlen(form) + ID_HEX];
}

int hpl_pod_cgroup(char **ret, const char *config, size_t len, struct hpl_err *err)
{
	static const char top[] = "/libpod_parent/";
	struct hpl_reader_limits limits = {.bytes = 16 << 20};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const char *path;
	size_t end;

	if (hpl_yaml_read(&doc, config, len, &limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return -1;
	if (hpl_doc_root(doc)->kind != HPL_MAP)
		return HPL_FAIL(err, 0, 0, "the configuration is no JSON object");
	path = hpl_node_get_str(hpl_node_get(hpl_doc_root(doc), "linux"), "cgroupsPath");
	if (!path || strncmp(path, top, strlen(top)) != 0 || is_single(path))
		return 0;
	end = match(path);
	if (!end)
		return HPL_FAIL(err, 0, 0, "cgroupsPath '%s' has an unknown form", path);
	*ret = strndup(path + 1, end - 1);
	return *ret ? 1 : HPL_OOM(err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who can ask for a check: by the manifests, which the broker enforces, nobody but a service of the image
 * that is listed here. A container's log line passes container, hpld and logging; none of them may
 * publish the request, and no topic that carries text of a container reaches disk-check.
 */
#include <criterion/criterion.h>
#include <glob.h>

#include "runtime/base/file.h"
#include "schema/node.h"

static bool lists(const struct hpl_node *list, const char *topic)
{
	for (size_t i = 0; list && list->kind == HPL_LIST && i < list->list.count; i++)
		if (hpl_streq(hpl_node_str(list->list.items[i]), topic))
			return true;
	return false;
}

static void read_manifest(struct hpl_doc **ret, const char *path)
{
	static const struct hpl_reader_limits limits = {.bytes = 65536};
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_read(&b, path, 65536, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_yaml_read(ret, b.data, b.len, &limits, (struct hpl_pos){1, 1}, 0, &err), 0,
		"%s: %s", path, err.text);
}

Test(disk_check_manifest, no_service_may_publish_a_request)
{
	glob_t found;

	cr_assert_eq(glob(HPL_TEST_SERVICES "/*/manifest.yaml", 0, NULL, &found), 0);
	cr_assert_geq(found.gl_pathc, 10);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_doc_ struct hpl_doc *doc = NULL;

		read_manifest(&doc, found.gl_pathv[i]);
		cr_expect_not(lists(hpl_node_get(hpl_doc_root(doc), "publish"), "disk.check"), "%s",
			found.gl_pathv[i]);
	}
	globfree(&found);
}

Test(disk_check_manifest, the_service_hears_of_nothing_else)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *receive;

	read_manifest(&doc, HPL_TEST_SERVICES "/disk-check/manifest.yaml");
	receive = hpl_node_get(hpl_doc_root(doc), "receive");
	cr_assert(receive && receive->kind == HPL_LIST);
	cr_expect_eq(receive->list.count, 2);
	cr_expect(lists(receive, "storage.ready") && lists(receive, "disk.check"));
}

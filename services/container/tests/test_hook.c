/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "services/container/hook/cgroup_path.h"

#define A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static int path_of(const char *path, char **ret)
{
	char json[1024];

	snprintf(json, sizeof(json), "{\"ociVersion\":\"1.0\",\"linux\":{\"cgroupsPath\":\"%s\"}}", path);
	return hpl_pod_cgroup(ret, json, strlen(json), NULL);
}

Test(hook, a_pods_cgroup_is_found)
{
	_cleanup_free_ char *pod = NULL;

	cr_assert_eq(path_of("/libpod_parent/" A "/libpod-" B, &pod), 1);
	cr_assert_str_eq(pod, "libpod_parent/" A);
}

Test(hook, containers_outside_pods_are_left_alone)
{
	static const char *const others[] = {"/libpod_parent", "/libpod_parentx/" A "/libpod-" B,
		"/machine.slice/libpod-" B, "", "libpod_parent/" A "/libpod-" B, "/libpod-" B,
		"/libpod_parent/libpod-" B};
	char *pod = NULL;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(others); i++)
		cr_assert_eq(path_of(others[i], &pod), 0, "%s", others[i]);
	cr_assert_eq(hpl_pod_cgroup(&pod, "{}", 2, NULL), 0);
	cr_assert_eq(hpl_pod_cgroup(&pod, "{\"linux\":{}}", 12, NULL), 0);
}

Test(hook, every_other_form_below_libpod_parent_is_refused)
{
	static const char *const bad[] = {"/libpod_parent/", "/libpod_parent/libpod-" B "0",
		"/libpod_parent/libpod-" B "/x",
		"/libpod_parent/../" A "/libpod-" B, "/libpod_parent/" A, "/libpod_parent/" A "/",
		"/libpod_parent/" A "/libpod-", "/libpod_parent/" A "/libpod-" B "0",
		"/libpod_parent/" A "/libpod-" B "/x", "/libpod_parent/" A "0/libpod-" B,
		"/libpod_parent/" A "/../libpod-" B, "/libpod_parent/ABCDEF/libpod-" B};
	char *pod = NULL;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++)
		cr_assert_lt(path_of(bad[i], &pod), 0, "%s", bad[i]);
	cr_assert_lt(hpl_pod_cgroup(&pod, "", 0, NULL), 0);
	cr_assert_lt(hpl_pod_cgroup(&pod, "[]", 2, NULL), 0);
	cr_assert_lt(hpl_pod_cgroup(&pod, "{", 1, NULL), 0);
}

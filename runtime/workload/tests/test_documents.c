/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "runtime/archive/tests/tar.h"
#include "runtime/base/b64.h"
#include "runtime/workload/compose.h"
#include "runtime/workload/play.h"

static Hpl__EnvVar vars[2] = {HPL__ENV_VAR__INIT, HPL__ENV_VAR__INIT};
static Hpl__EnvVar *var_list[] = {&vars[0], &vars[1]};

static ProtobufCBinaryData bytes(const char *s)
{
	return (ProtobufCBinaryData){strlen(s), (uint8_t *)(uintptr_t)s};
}

static Hpl__WorkloadSlice slice(void)
{
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;

	vars[0].name = (char *)(uintptr_t)"REGISTRY";
	vars[0].value = bytes("reg.example");
	vars[1].name = (char *)(uintptr_t)"NOTE";
	vars[1].value = bytes("a \"quoted\"\nnote");
	w.env = var_list;
	w.n_env = 2;
	return w;
}

/* name, text, name, text, ..., NULL as base64 of tar.gz */
static char *archive_of(const char *const *files)
{
	_cleanup_buf_ struct hpl_buf tar = HPL_BUF_NULL, gz = HPL_BUF_NULL;
	struct hpl_buf b64 = HPL_BUF_NULL;

	for (; *files; files += 2)
		tar_file(&tar, files[0], files[1]);
	tar_end(&tar);
	gzip_bytes(&gz, tar.data, tar.len);
	hpl_b64_encode(&b64, gz.data, gz.len);
	return hpl_buf_take(&b64, NULL);
}

static int load_compose(struct hpl_compose *c, const char *const *files, struct hpl_err *err)
{
	Hpl__WorkloadSlice w = slice();
	_cleanup_free_ char *b64 = archive_of(files);

	w.kind = HPL__WORKLOAD_SLICE__KIND__COMPOSE;
	w.compose_archive = bytes(b64);
	return hpl_compose_load(c, &w, err);
}

Test(documents, a_compose_archive_is_loaded_with_its_env)
{
	const char *files[] = {"./docker-compose.yml", "services: {}\n", "./.env",
		"REGISTRY=mine\nTAG=1\n", "conf/x.yaml", "a: 1\n", "big.bin", "x", NULL};
	struct hpl_compose c = HPL_COMPOSE_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(load_compose(&c, files, &err), 0, "%s", err.text);
	cr_assert_str_eq(c.name, "docker-compose.yml");
	cr_assert(c.had_dotenv);
	cr_assert_str_eq(hpl_env_get(&c.env, "REGISTRY"), "reg.example");
	cr_assert_str_eq(hpl_env_get(&c.env, "TAG"), "1");
	cr_assert(hpl_compose_find(&c, "conf/x.yaml"));
	cr_assert_null(hpl_compose_find(&c, "big.bin"));
	hpl_compose_done(&c);
}

Test(documents, the_yaml_name_comes_first)
{
	const char *files[] = {"docker-compose.yml", "a", "docker-compose.yaml", "b", NULL};
	struct hpl_compose c = HPL_COMPOSE_NULL;

	cr_assert_eq(load_compose(&c, files, NULL), 0);
	cr_assert_str_eq(c.name, "docker-compose.yaml");
	hpl_compose_done(&c);
}

Test(documents, faults_of_a_compose_archive_are_told_apart)
{
	const char *none[] = {"sub/docker-compose.yml", "a", NULL};
	const char *outside[] = {"../docker-compose.yml", "a", NULL}, *empty[] = {NULL};
	struct hpl_compose c = HPL_COMPOSE_NULL;
	Hpl__WorkloadSlice w = slice();

	cr_assert_eq(load_compose(&c, none, NULL), HPL_COMPOSE_NO_FILE);
	cr_assert_eq(load_compose(&c, outside, NULL), HPL_COMPOSE_NOT_ARCHIVE);
	cr_assert_eq(load_compose(&c, empty, NULL), HPL_COMPOSE_BAD_TAR);
	w.compose_archive = bytes("!!!");
	cr_assert_eq(hpl_compose_load(&c, &w, NULL), HPL_COMPOSE_NOT_ARCHIVE);
	w.compose_archive = bytes("aGVsbG8=");
	cr_assert_eq(hpl_compose_load(&c, &w, NULL), HPL_COMPOSE_NOT_ARCHIVE);
}

static const char pod[] = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},"
	"\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"{{ .Env.REGISTRY }}/i\"}]}}";

static int load_play(struct hpl_play *p, const char *resource, const char *template,
	const char *const *files, struct hpl_err *err)
{
	Hpl__WorkloadSlice w = slice();
	ProtobufCBinaryData r = bytes(resource ? resource : ""), t = bytes(template ? template : "");
	_cleanup_free_ char *b64 = files ? archive_of(files) : NULL;

	w.kind = HPL__WORKLOAD_SLICE__KIND__PLAY;
	w.resources = &r;
	w.n_resources = resource != NULL;
	w.templates = &t;
	w.n_templates = template != NULL;
	if (b64)
		w.play_archive = bytes(b64);
	return hpl_play_load(p, &w, err);
}

static const char *image_of(const struct hpl_play_doc *d)
{
	const struct hpl_node *spec = hpl_node_get(hpl_doc_root(d->tree), "spec");

	return hpl_node_get_str(hpl_node_get(spec, "containers")->list.items[0], "image");
}

Test(documents, resources_stay_and_templates_are_expanded)
{
	struct hpl_play p = HPL_PLAY_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(load_play(&p, pod, pod, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(p.count, 3);
	cr_assert_eq(p.pods, 2);
	cr_assert_str_eq(image_of(&p.docs[1]), "{{ .Env.REGISTRY }}/i");
	cr_assert_str_eq(image_of(&p.docs[2]), "reg.example/i");
	hpl_play_done(&p);
}

Test(documents, the_contracts_variables_become_a_config_map_before_all)
{
	struct hpl_play p = HPL_PLAY_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	const struct hpl_node *data;

	cr_assert_eq(load_play(&p, pod, NULL, NULL, NULL), 0);
	data = hpl_node_get(hpl_doc_root(p.docs[0].tree), "data");
	cr_assert_str_eq(hpl_node_get_str(data, "NOTE"), "a \"quoted\"\nnote");
	hpl_play_stream(&out, &p);
	cr_assert_lt(strstr(out.data, "contract.config.map"), strstr(out.data, "Pod"));
	hpl_play_done(&p);
}

Test(documents, an_archives_top_level_documents_are_taken_as_they_are)
{
	const char *files[] = {"./pod.yml",
		"# first\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec: {x: 0644}\n---\n"
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
		"conf/other.yaml", "not: ours", "readme.txt", "x", NULL};
	struct hpl_play p = HPL_PLAY_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(load_play(&p, NULL, NULL, files, &err), 0, "%s", err.text);
	cr_assert_eq(p.count, 3);
	cr_assert_eq(p.pods, 1);
	hpl_play_stream(&out, &p);
	cr_assert(strstr(out.data, "spec: {x: 0644}"), "octal numbers of YAML 1.1 stay");
	cr_assert_lt(strstr(out.data, "name: b"), strstr(out.data, "name: a"));
	hpl_play_done(&p);
}

Test(documents, a_byte_order_mark_does_not_get_into_the_stream)
{
	const char *files[] = {"a.yaml", "\xef\xbb\xbf# first\n---\napiVersion: v1\nkind: ConfigMap\n"
		"metadata: {name: a}\n", "b.yaml", "\xef\xbb\xbf""apiVersion: v1\nkind: ConfigMap\n"
		"metadata: {name: b}\n", NULL};
	struct hpl_play p = HPL_PLAY_NULL;
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(load_play(&p, NULL, NULL, files, &err), 0, "%s", err.text);
	cr_assert_eq(p.count, 3);
	hpl_play_stream(&out, &p);
	cr_assert_null(strstr(out.data, "\xef\xbb\xbf"));
	hpl_play_done(&p);
}

Test(documents, what_is_no_pod_or_config_map_is_refused_by_name)
{
	static const char *const rows[][2] = {
		{"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"}}", "Secret"},
		{"{\"apiVersion\":\"apps/v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"s\"}}", "apps/v1"},
		{"{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}", "metadata.name"}, {"[]", "kind"},
		{"{", "resources[0]"}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(rows); i++) {
		struct hpl_play p = HPL_PLAY_NULL;
		struct hpl_err err = HPL_ERR_NULL;

		cr_assert_lt(load_play(&p, rows[i][0], NULL, NULL, &err), 0);
		cr_assert(strstr(err.text, rows[i][1]), "%s", err.text);
	}
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_play p = HPL_PLAY_NULL;
	cr_assert_lt(load_play(&p, NULL, "{\"kind\": \"{{ .Values.k }}\"}", NULL, &err), 0);
	cr_assert(strstr(err.text, ".Values.k"));
}

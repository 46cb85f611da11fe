/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "proto/messages.h"
#include "runtime/base/b64.h"
#include "runtime/workload/image_rule.h"

#define D "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static Hpl__ImagesSlice slice;
static Hpl__DctImage dct = HPL__DCT_IMAGE__INIT, *dct_list[] = {&dct};
static Hpl__RhsImage rhs = HPL__RHS_IMAGE__INIT, *rhs_list[] = {&rhs};
static struct hpl_image_rule rule;
static struct hpl_err err;

static void setup(void)
{
	hpl__images_slice__init(&slice);
	rule = (struct hpl_image_rule){.slice = &slice};
	err = HPL_ERR_NULL;
}

static void teardown(void)
{
	hpl_image_rule_done(&rule);
}

TestSuite(image_rule, .init = setup, .fini = teardown);

/* The rule on a compose file text, with REG in the environment and other.yml beside it. */
static int check(const char *text)
{
	struct hpl_compose_file files[] = {
		{(char *)(uintptr_t)"docker-compose.yml", (char *)(uintptr_t)text, strlen(text)},
		{(char *)(uintptr_t)"sub/other.yml",
			(char *)(uintptr_t)"services: {good: {image: 'x" D "'}, bad: {image: x}}\n", 0}};
	struct hpl_compose c = {.name = "docker-compose.yml", .files = files, .file_count = 2};
	int r;

	files[1].len = strlen(files[1].text);
	hpl_env_set(&c.env, "REG", "reg.example:5000", NULL);
	r = hpl_image_rule_compose(&rule, &c, &err);
	hpl_env_done(&c.env);
	return r;
}

Test(image_rule, references_are_read_as_the_engine_does)
{
	static const char *const rows[][4] = {
		{"busybox", "docker.io/library/busybox", NULL, NULL},
		{"me/app:1.2", "docker.io/me/app", "1.2", NULL},
		{"reg:5000/a/b" D, "reg:5000/a/b", NULL, D},
		{"localhost/x:t" D, "localhost/x", "t", D},
		{"reg.example/a:T_1", "reg.example/a", "T_1", NULL},
		{"Reg-1.example:443/a-b/c__d/e--f/g.h_i", "Reg-1.example:443/a-b/c__d/e--f/g.h_i", NULL, NULL},
		{"[2001:db8::1]:5000/a", "[2001:db8::1]:5000/a", NULL, NULL}, {"[::1]/a:1", "[::1]/a", "1", NULL}};
	static const char *const bad[] = {"", "a@sha256:abc", "a@sha512:" D, "Upper/Case", "a//b", "a/",
		"/a", "a b", "a:", "a:b/c:", "a" D "0", "a\"b", "reg.example/${X}", "a@", ":t", "-./.", "--tls-verify=false/a",
		"-h.x/a", "h-.x/a", "h..x/a", ".h/a", "h.x./a", "h.x/..", "h.x/../a", "h.x/-a", "h.x/a-", "h.x/a..b",
		"h.x/a___b", "h.x/a.-b", "h.x/_a", "h.x:/a", "h.x:0x5/a", "h.x:123456/a", "[::1/a", "[]/a", "[::1]x/a",
		"[x]:1/a", "h.x:1:2/a",
		"x@sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(rows); i++) {
		_cleanup_image_ref_ struct hpl_image_ref r = HPL_IMAGE_REF_NULL;

		cr_assert_eq(hpl_image_ref_parse(&r, rows[i][0], &err), 0, "%s: %s", rows[i][0], err.text);
		cr_assert_str_eq(r.name, rows[i][1]);
		cr_assert(rows[i][2] ? hpl_streq(r.tag, rows[i][2]) : !r.tag);
		cr_assert(rows[i][3] ? hpl_streq(r.digest, rows[i][3] + 1) : !r.digest);
	}
	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++) {
		struct hpl_image_ref r = HPL_IMAGE_REF_NULL;

		cr_assert_lt(hpl_image_ref_parse(&r, bad[i], &err), 0, "'%s'", bad[i]);
	}
}

Test(image_rule, digests_pass_in_every_spelling_of_a_service)
{
	static const char *const good[] = {
		"services:\n  web:\n    image: a" D "\n",
		"services: {web: {image: '${REG}/a/b" D "'}}",
		"services: {web: {image: '${NO:-reg.example}/a/b:tag" D "'}}",
		"x-base: &b\n  image: a" D "\nservices:\n  web:\n    <<: *b\n    tty: true\n",
		"services: {web: {extends: {file: ./sub/other.yml, service: good}}}",
		"services: {a: {image: a" D "}, web: {extends: a}}"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(good); i++)
		cr_assert_eq(check(good[i]), 0, "%s: %s", good[i], err.text);
}

Test(image_rule, what_is_not_pinned_is_refused_with_service_and_image)
{
	static const char *const bad[][2] = {
		{"services: {web: {image: busybox}}", "busybox"},
		{"services: {ok: {image: a" D "}, web: {image: '${REG}/app:1'}}", "${REG}/app:1"},
		{"services: {web: {image: 'a$$" D "'}}", "a$"},
		{"services: {web: {image: 'a${PATH:-" D "}'}}", "no image name"}, /* the engine has a PATH */
		{"services: {web: {image: 'a${COMPOSE_PROJECT_NAME:-" D "}'}}", "COMPOSE_PROJECT_NAME"},
		{"services: {web: {image: ''}}", "web"}, {"services: {web: {tty: true}}", "no image"},
		{"services: {web: {image: a" D ", build: .}}", "build"},
		{"x: &b {build: .}\nservices: {web: {<<: *b, image: a" D "}}", "build"},
		{"x: &b {image: plain}\nservices: {web: {<<: [*b]}}", "plain"},
		{"services: {web: {image: a" D ", extends: {file: sub/other.yml, service: bad}}}", "'x'"},
		{"services: {web: {image: a" D ", profiles: [off]}, z: {image: q, profiles: [off]}}", "'q'"},
		{"services: {web: {image: '${NO?needed}'}}", "needed"}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++) {
		err = HPL_ERR_NULL;
		cr_assert_lt(check(bad[i][0]), 0, "%s", bad[i][0]);
		cr_assert_eq(err.msg, HPL_MSG_IMAGE_COMPOSE_CONTRACT_IMAGE_MISMATCH, "%s", err.text);
		cr_assert(strstr(err.text, bad[i][1]), "%s", err.text);
		cr_assert(strstr(err.place, "services."), "%s", err.place);
	}
}

Test(image_rule, files_that_are_no_compose_file_are_told)
{
	static const char *const bad[] = {"services: [", "- a", "services: {}", "web: {image: a}",
		"services: {web: 1}", "services: {web: {image: [a]}}", "include: [x]\nservices: {a: {image: b}}",
		"services: {web: {extends: {file: ../etc/x.yml, service: s}}}",
		"services: {web: {image: a" D "}}\nservices: {web: {image: b}}"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++) {
		err = HPL_ERR_NULL;
		cr_assert_lt(check(bad[i]), 0, "%s", bad[i]);
		cr_assert_eq(err.msg, HPL_MSG_IMAGE_COMPOSE_PARSE_COMPOSE_CONTRACT, "%s: %s", bad[i], err.text);
	}
}

Test(image_rule, a_content_trust_entry_alone_does_not_do)
{
	dct.image = (char *)(uintptr_t)"reg.example/ns/app";
	slice.dct = dct_list;
	slice.n_dct = 1;
	cr_assert_lt(check("services: {web: {image: 'reg.example/ns/app:1'}}"), 0);
	cr_assert_eq(err.msg, HPL_MSG_IMAGE_COMPOSE_DOCKER_COMMAND);
	cr_assert(strstr(err.text, "retired"));
	cr_assert(strstr(err.cure, "@sha256:"));
}

static int check_pod(const char *image)
{
	struct hpl_buf json = HPL_BUF_NULL;
	ProtobufCBinaryData b;
	Hpl__WorkloadSlice w = HPL__WORKLOAD_SLICE__INIT;
	struct hpl_play p = HPL_PLAY_NULL;
	int r;

	hpl_buf_fmt(&json, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":"
		"{\"containers\":[{\"name\":\"ok\",\"image\":\"ok" D "\"}],"
		"\"initContainers\":[{\"name\":\"c\",\"image\":\"%s\"}]}}", image);
	b = (ProtobufCBinaryData){json.len, (uint8_t *)json.data};
	w.resources = &b;
	w.n_resources = 1;
	cr_assert_eq(hpl_play_load(&p, &w, &err), 0, "%s", err.text);
	r = hpl_image_rule_play(&rule, &p, &err);
	hpl_play_done(&p);
	hpl_buf_done(&json);
	return r;
}

Test(image_rule, pods_need_digests_or_keys)
{
	cr_assert_eq(check_pod("a/b" D), 0);
	cr_assert_lt(check_pod("reg.example/a/b:1"), 0);
	cr_assert_eq(err.msg, HPL_MSG_PLAY_POD_STARTUP_FAILED);
	cr_assert(strstr(err.place, "initContainers[0]"), "%s", err.place);
	rhs.image = (char *)(uintptr_t)"reg.example/a/b";
	slice.rhs = rhs_list;
	slice.n_rhs = 1;
	cr_assert_eq(check_pod("reg.example/a/b:1"), 0);
	rhs.image = (char *)(uintptr_t)"reg.example/a/b:2";
	cr_assert_lt(check_pod("reg.example/a/b:1"), 0);
}

Test(image_rule, the_policy_rejects_all_but_what_was_accepted)
{
	static const char armoured[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"
		"-----END PGP PUBLIC KEY BLOCK-----\n";
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL, key = HPL_BUF_NULL, bad = HPL_BUF_NULL;
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *docker, *entry;

	cr_assert_eq(check("services: {web: {image: 'a" D "'}, two: {image: 'a:t" D "'}}"), 0);
	hpl_b64_encode(&key, armoured, strlen(armoured));
	rhs.image = (char *)(uintptr_t)"reg.example/a/b:1";
	rhs.public_key = (ProtobufCBinaryData){key.len, (uint8_t *)key.data};
	slice.rhs = rhs_list;
	slice.n_rhs = 1;
	cr_assert_eq(hpl_image_policy(&out, &rule, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_yaml_read(&doc, out.data, out.len, NULL, (struct hpl_pos){1, 1}, 0, &err), 0);
	entry = hpl_node_get(hpl_doc_root(doc), "default")->list.items[0];
	cr_assert_str_eq(hpl_node_get_str(entry, "type"), "reject");
	docker = hpl_node_get(hpl_node_get(hpl_doc_root(doc), "transports"), "docker");
	cr_assert_eq(docker->map.count, 2);
	cr_assert(hpl_node_get(docker, "docker.io/library/a" D));
	entry = hpl_node_get(docker, "reg.example/a/b:1")->list.items[0];
	cr_assert_str_eq(hpl_node_get_str(entry, "type"), "signedBy");
	cr_assert_str_eq(hpl_node_get_str(entry, "keyData"), key.data);

	rhs.public_key = (ProtobufCBinaryData){8, (uint8_t *)(uintptr_t)"aGVsbG8="};
	cr_assert_lt(hpl_image_policy(&bad, &rule, &err), 0);
	cr_assert_eq(err.msg, HPL_MSG_IMAGE_PLAY_PROCESSING_FAILED);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "bus/fake/fake.h"
#include "runtime/base/b64.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "schema/node.h"
#include "runtime/crypto/registry.h"
#include "services/registry-auth/registry_auth.h"

Test(authfile, registries_are_told_from_other_text)
{
	const char *good[] = {"docker.io", "us.icr.io", "localhost:5000", "10.0.2.2:5000", "10.0.2.2", "a-b.c",
		"https://index.docker.io/v1/"};
	const char *bad[] = {"", ".", "a..b", "-a", "a-", "a.", "../etc", "a/b", "a b", "a\"b", "a:", "a:0", "a:65536",
		"a:5x", "https://docker.io", "a\nb", "[::1]:5000", "a:5000/../x", "\xc3\xa4"};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(good); i++)
		cr_expect(hpl_registry_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(bad); i++)
		cr_expect(!hpl_registry_valid(bad[i]), "%s", bad[i]);
}

static char dir[64];
static struct hpl_fake *fake;
static struct hpl_service *service;

static const char *path(const char *name)
{
	static char p[8][160];
	static unsigned at;

	snprintf(p[at % 8], sizeof(p[0]), "%s/%s", dir, name);
	return p[at++ % 8];
}

static void begin(void)
{
	struct hpl_err err = HPL_ERR_NULL;

	strcpy(dir, "/tmp/hpl-reg-XXXXXX");
	cr_assert(mkdtemp(dir));
	fake = hpl_fake_new("registry-auth");
	hpl_fake_setting(fake, "auth_file", path("docker/config.json"));
	hpl_fake_setting(fake, "certs_dir", path("certs.d"));
	cr_assert_eq(hpl_service_new(&service, &hpl_registry_auth_def, NULL, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
}

static int remove_one(const char *p, const struct stat *st, int type, struct FTW *f)
{
	return remove(p);
}

static void finish(void)
{
	hpl_service_free(service);
	hpl_fake_free(fake);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(registry_auth, .init = begin, .fini = finish);

static ProtobufCBinaryData bytes(const char *t)
{
	return (ProtobufCBinaryData){strlen(t), (uint8_t *)t};
}

static Hpl__RegistryAuth auth(const char *registry, const char *user, const char *password)
{
	Hpl__RegistryAuth a = HPL__REGISTRY_AUTH__INIT;

	a.registry = (char *)registry;
	a.username = bytes(user);
	a.password = bytes(password);
	return a;
}

static void send_slice(Hpl__RegistryAuth *auths, size_t n, const char *ca)
{
	Hpl__RegistrySlice in = HPL__REGISTRY_SLICE__INIT;
	Hpl__RegistryAuth *list[4];
	Hpl__RegistryCa c = HPL__REGISTRY_CA__INIT, *cas[] = {&c};

	for (size_t i = 0; i < n; i++)
		list[i] = &auths[i];
	in.n_auths = n;
	in.auths = list;
	if (ca) {
		c.name = (char *)"myca";
		c.certificate = bytes(ca);
		in.n_cacerts = 1;
		in.cacerts = cas;
	}
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_REGISTRY, &in.base);
}

static void expect_ready(void)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_REGISTRY_READY);

	hpl__event__free_unpacked(ev, NULL);
	while (hpl_service_status(service) < 0)
		uv_run(hpl_fake_loop(fake), UV_RUN_ONCE);
	cr_expect_eq(hpl_service_status(service), 0);
}

static void expect_failed(const char *place, const char *secret)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_expect_str_eq(ev->message_id, "HPL09001E");
	cr_expect(strstr(ev->failure->place, place), "%s", ev->failure->place);
	cr_expect_null(strstr(ev->failure->cause, secret));
	hpl__event__free_unpacked(ev, NULL);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_REGISTRY_READY), 0);
}

/* user:password of a registry in the written file. */
static void expect_auth(const char *registry, const char *want)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL, plain = HPL_BUF_NULL;
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	const char *text;

	cr_assert_eq(hpl_file_read(&b, path("docker/config.json"), 1 << 20, &err), 0, "%s", err.text);
	/* YAML does not take tabs as indentation, JSON in flow form does */
	cr_assert_eq(hpl_yaml_read(&doc, b.data, b.len, NULL, (struct hpl_pos){1, 1}, 0, &err), 0, "%s", err.text);
	text = hpl_node_get_str(hpl_node_get(hpl_node_get(hpl_doc_root(doc), "auths"), registry), "auth");
	cr_assert(text, "%s", b.data);
	cr_assert_eq(hpl_b64_decode(&plain, text, strlen(text), HPL_B64_STRICT, NULL), 0);
	cr_expect_str_eq(plain.data, want);
}

Test(registry_auth, credentials_are_written_for_root_only)
{
	Hpl__RegistryAuth a[] = {auth("us.icr.io", "iamapikey", "pa\"ss\\wo:rd\n\xc3\xa4"),
		auth("https://index.docker.io/v1/", "me", "")};
	struct stat st;

	send_slice(a, 2, NULL);
	expect_ready();
	expect_auth("us.icr.io", "iamapikey:pa\"ss\\wo:rd\n\xc3\xa4");
	expect_auth("https://index.docker.io/v1/", "me:");
	cr_assert_eq(stat(path("docker/config.json"), &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_neq(access(path("certs.d"), F_OK), 0);
}

Test(registry_auth, an_empty_slice_gives_an_empty_file)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	send_slice(NULL, 0, NULL);
	expect_ready();
	cr_assert_eq(hpl_file_read(&b, path("docker/config.json"), 1000, NULL), 0);
	cr_expect_str_eq(b.data, "{\n\t\"auths\": {}\n}\n");
}

static void make_ca(struct hpl_buf *pem)
{
	const char *argv[] = {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:P-256", "-nodes", "-keyout", path("k"), "-out", path("c"), "-subj", "/CN=ca", NULL};
	struct hpl_proc p = {.argv = argv, .timeout_ms = 30000};
	int status = -1;

	cr_assert_eq(hpl_proc_run(&p, &status, NULL), 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(hpl_file_read(pem, path("c"), 1 << 20, NULL), 0);
}

Test(registry_auth, the_ca_is_written_for_every_registry_and_nothing_beside_it)
{
	_cleanup_buf_ struct hpl_buf pem = HPL_BUF_NULL, b64 = HPL_BUF_NULL, got = HPL_BUF_NULL;
	Hpl__RegistryAuth a[] = {auth("10.0.2.2:5000", "u", "p"), auth("us.icr.io", "u", "p")};
	struct dirent *e;
	DIR *d;

	make_ca(&pem);
	/* what is not a certificate does not get into the file */
	hpl_buf_str(&pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	hpl_b64_encode(&b64, pem.data, pem.len);
	send_slice(a, 2, b64.data);
	expect_ready();
	cr_assert_eq(hpl_file_read(&got, path("certs.d/us.icr.io/ca.crt"), 1 << 20, NULL), 0);
	cr_expect(strstr(got.data, "BEGIN CERTIFICATE") && !strstr(got.data, "PRIVATE"));
	d = opendir(path("certs.d/10.0.2.2:5000"));
	cr_assert(d);
	while ((e = readdir(d)))
		cr_expect(e->d_name[0] == '.' || !strcmp(e->d_name, "ca.crt"), "%s", e->d_name);
	closedir(d);
}

Test(registry_auth, a_registry_that_is_a_path_is_refused)
{
	Hpl__RegistryAuth a[] = {auth("../../etc", "u", "hidden-password")};

	send_slice(a, 1, NULL);
	expect_failed("auths.../../etc", "hidden-password");
	cr_expect_neq(access(path("docker/config.json"), F_OK), 0);
}

Test(registry_auth, a_user_name_with_a_colon_is_refused)
{
	Hpl__RegistryAuth a[] = {auth("us.icr.io", "us:er", "hidden-password")};

	send_slice(a, 1, NULL);
	expect_failed("auths.us.icr.io", "hidden-password");
}

Test(registry_auth, a_ca_that_is_no_certificate_is_refused)
{
	Hpl__RegistryAuth a[] = {auth("us.icr.io", "u", "p")};

	send_slice(a, 1, "aGVsbG8=");
	expect_failed("env.cacerts.myca", "aGVsbG8");
}

Test(registry_auth, a_ca_that_is_no_base64_is_refused)
{
	Hpl__RegistryAuth a[] = {auth("us.icr.io", "u", "p")};

	send_slice(a, 1, "?!");
	expect_failed("env.cacerts.myca", "?!");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/buf.h"
#include "schema/compose.h"

#define SEED "abcdefghijklmno"
#define ENV_HEAD "env: |\n  type: env\n"
#define SYSLOG "  logging:\n    syslog:\n      hostname: log.example.com\n      port: 6514\n" \
	"      server: TUlJRA==\n"
#define WORK_HEAD "workload: |\n  type: workload\n"
#define COMPOSE "  compose:\n    archive: H4sIAAAA\n"
#define GOOD WORK_HEAD COMPOSE ENV_HEAD SYSLOG

static const struct hpl_validate_options HPVS = {HPL_PRODUCT_HPVS, false};

static struct hpl_contract *read_ok(const char *text)
{
	struct hpl_contract *c = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_contract_read(&c, "contract", text, strlen(text), false, &err);
	cr_assert_eq(rc, 0, "%s at %s", err.text, err.place);
	return c;
}

static void show(const struct hpl_faults *f)
{
	for (size_t i = 0; i < f->count; i++)
		fprintf(stderr, "# %u:%u %s: %s; %s (%s)\n", f->items[i].pos.line,
			f->items[i].pos.col, f->items[i].path, f->items[i].text, f->items[i].cure,
			f->items[i].rule);
}

static void valid_for(enum hpl_product product, const char *text)
{
	struct hpl_contract *c = read_ok(text);
	struct hpl_faults f = {0};
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_contract_validate(c, &(struct hpl_validate_options){product, false}, &f, &err);
	show(&f);
	cr_expect_eq(rc, 0, "%s", err.text);
	hpl_faults_done(&f);
	hpl_contract_free(c);
}

/* The first fault: "line:col path", and a word of its text or cure. */
static void fault_for(enum hpl_product product, const char *text, const char *place,
	const char *word)
{
	struct hpl_contract *c = read_ok(text);
	struct hpl_faults f = {0};
	struct hpl_err err = HPL_ERR_NULL;
	char at[300];
	int rc = hpl_contract_validate(c, &(struct hpl_validate_options){product, false}, &f, &err);
	cr_assert_eq(rc, 1, "no fault in:\n%s", text);
	snprintf(at, sizeof(at), "%u:%u %s", f.items[0].pos.line, f.items[0].pos.col,
		f.items[0].path);
	bool said = strstr(f.items[0].text, word) || strstr(f.items[0].cure, word);
	if (strcmp(at, place) != 0 || !said)
		show(&f);
	cr_expect_str_eq(at, place, "%s instead of %s in:\n%s", at, place, text);
	cr_expect(said, "\"%s; %s\" lacks \"%s\"", f.items[0].text, f.items[0].cure, word);
	hpl_faults_done(&f);
	hpl_contract_free(c);
}

#define VALID(text) valid_for(HPL_PRODUCT_HPVS, (text))
#define FAULT(text, place, word) fault_for(HPL_PRODUCT_HPVS, (text), (place), (word))

Test(contract, sections_as_block_text_mapping_or_string)
{
	VALID(GOOD);
	VALID("workload:\n  type: workload\n  compose: {archive: H4sIAAAA}\n"
		"env:\n  type: env\n  logging: {syslog: {hostname: 10.0.2.2, server: TUlJRA==}}\n");
	VALID("workload: \"type: workload\\ncompose: {archive: H4sIAAAA}\\n\"\n" ENV_HEAD SYSLOG);
}

Test(contract, places_point_into_the_users_file)
{
	FAULT(WORK_HEAD COMPOSE ENV_HEAD "  logging:\n    syslog:\n      hostname: a b\n"
		"      server: TUlJRA==\n", "9:17 env.logging.syslog.hostname", "host name");
	FAULT("# head\n\n" WORK_HEAD "  compose:\n     archive: 5\n" ENV_HEAD SYSLOG,
		"6:15 workload.compose.archive", "is an integer, must be a string");
	/* a quoted section has no lines of its own in the file */
	FAULT("workload: \"type: workload\\ncompose: {archive: 5}\\n\"\n" ENV_HEAD SYSLOG,
		"1:11 workload.compose.archive", "put the value in quotes");
}

Test(contract, missing_and_unreadable_sections)
{
	FAULT(ENV_HEAD SYSLOG, "1:1 ", "lacks \"workload\"");
	FAULT(WORK_HEAD COMPOSE, "1:1 ", "lacks \"env\"");
	FAULT("wrkload: x\n" ENV_HEAD SYSLOG, "1:1 wrkload", "did you mean \"workload\"?");
	FAULT("workload: |\n  type: [\n" ENV_HEAD SYSLOG, "3:3 workload", "not YAML");
	FAULT("workload: |\n  a: 1\n  a: 2\n" ENV_HEAD SYSLOG, "3:3 workload", "twice");
	FAULT("workload: text\n" ENV_HEAD SYSLOG, "1:11 workload", "no mapping");
	FAULT("workload:\n" ENV_HEAD SYSLOG, "1:1 workload", "is empty");
	FAULT("workload: [a]\n" ENV_HEAD SYSLOG, "1:11 workload", "no mapping");
}

Test(contract, tokens_are_faults_unless_allowed)
{
	const char *text = "workload: hyper-protect-basic.QUJD.QUJD\n" ENV_HEAD SYSLOG;
	struct hpl_contract *c = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_faults f = {0};
	FAULT(text, "1:1 workload", "encrypt the section with");
	cr_assert_eq(hpl_contract_read(&c, "contract", text, strlen(text), true, &err), 0);
	cr_expect_null(hpl_contract_workload(c));
	cr_expect_not_null(hpl_contract_env(c));
	cr_expect_eq(hpl_contract_validate(c, &HPVS, &f, &err), 0);
	show(&f);
	const struct hpl_section *s;
	cr_assert_eq(hpl_contract_sections(c, &s), 2);
	cr_expect(s[0].is_token && !s[1].is_token);
	cr_expect_eq(s[1].pos.line, 3);
	hpl_contract_free(c);
}

Test(contract, text_that_is_no_mapping_is_refused)
{
	static const char *const texts[] = {"", "# only a comment\n", "- a\n", "hello", "a: b: c",
		"a: 1\na: 2\n"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(texts); i++) {
		struct hpl_contract *c = NULL;
		struct hpl_err err = HPL_ERR_NULL;
		cr_expect_eq(hpl_contract_read(&c, "contract", texts[i], strlen(texts[i]), false,
			&err), -1, "%s", texts[i]);
		cr_expect(strncmp(err.place, "contract:", 9) == 0, "%s", err.place);
	}
}

Test(contract, the_exact_value_of_a_section)
{
	struct hpl_contract *c = read_ok(GOOD);
	size_t len = 0;
	const char *v = hpl_contract_value(c, "workload", &len);
	cr_assert_not_null(v);
	cr_expect_str_eq(v, "type: workload\ncompose:\n  archive: H4sIAAAA\n");
	cr_expect_eq(len, strlen(v));
	cr_expect_null(hpl_contract_value(c, "nothing", &len));
	hpl_contract_free(c);
}

Test(contract, faults_to_errors)
{
	struct hpl_contract *c = read_ok(WORK_HEAD COMPOSE ENV_HEAD "  loging: {}\n");
	struct hpl_faults f = {0};
	struct hpl_err err = HPL_ERR_NULL;
	cr_assert_eq(hpl_contract_validate(c, &HPVS, &f, &err), 1);
	hpl_fault_to_err(&err, "contract", &f.items[0]);
	cr_expect_str_eq(err.place, "contract:7:3 env.loging", "%s", err.place);
	cr_expect_str_eq(err.text, "is not known here, and \"logging\" is missing");
	cr_expect_eq(err.msg, HPL_MSG_CONTRACT_VALIDATE_CONTRACT);
	hpl_faults_done(&f);
	hpl_contract_free(c);
}

/* ---- parts ---- */

#define W(text) WORK_HEAD text ENV_HEAD SYSLOG
#define E(text) WORK_HEAD COMPOSE ENV_HEAD SYSLOG text

Test(contract, part_contract)
{
	FAULT("workload: |\n  type: env\n" COMPOSE ENV_HEAD SYSLOG, "2:9 workload.type",
		"must be \"workload\"");
	FAULT("workload: |\n" COMPOSE ENV_HEAD SYSLOG, "1:1 workload", "lacks \"type\"");
	VALID(GOOD "boot:\n  sehdr: QUJD\nsomething: else\n");
}

Test(contract, part_app)
{
	FAULT(W(""), "1:1 workload", "exactly one of: compose, play or confidential-containers");
	FAULT(W(COMPOSE "  play: {}\n"), "1:1 workload", "has compose and play");
	FAULT(W("  compose: {archiv: x}\n"), "3:13 workload.compose.archiv", "did you mean \"archive\"?");
	FAULT(W("  compose: {archive: \"a!!!\"}\n"), "3:22 workload.compose.archive", "base64");
	FAULT(W(COMPOSE "  env: {1A: b}\n"), "5:9 workload.env.1A", "environment variable");
	FAULT(W(COMPOSE "  env: {A: 5}\n"), "5:12 workload.env.A", "quotes");
	VALID(W(COMPOSE "  env: {A_1: b, _x: \"5\"}\n"));
	VALID(W("  play:\n    resources:\n    - apiVersion: v1\n      kind: Pod\n"
		"      metadata: {name: p}\n      spec: {containers: [{name: c, image: i}]}\n"
		"    - {apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: b}}\n"));
	FAULT(W("  play: {resources: [{apiVersion: v1, kind: Deployment}]}\n"),
		"3:45 workload.play.resources[0].kind", "accepted are Pod and ConfigMap");
	FAULT(W("  play: {resources: [{apiVersion: v1, kind: Pod, metadata: {name: p}}]}\n"),
		"3:22 workload.play.resources[0]", "lacks \"spec\"");
	FAULT(W("  play: {resources: [{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: []}}]}\n"),
		"3:90 workload.play.resources[0].spec.containers", "at least 1");
	FAULT(W("  play: {resource: []}\n"), "3:10 workload.play.resource", "\"resources\"");
}

Test(contract, part_app_of_the_other_products)
{
	VALID(W("  confidential-containers: {anything: goes}\n"));
	valid_for(HPL_PRODUCT_CCRT, GOOD);
	fault_for(HPL_PRODUCT_CCRV, GOOD, "3:3 workload.compose", "no compose");
	valid_for(HPL_PRODUCT_CCRV, W("  play: {}\n"));
	fault_for(HPL_PRODUCT_CCCO, W("  confidential-containers: {}\n"),
		"3:3 workload.confidential-containers", "lacks \"regoValidator\"");
	valid_for(HPL_PRODUCT_CCCO, W("  confidential-containers: {regoValidator: {policy: x}}\n"));
	fault_for(HPL_PRODUCT_CCCO, W("  confidential-containers: {regoValidator: {policy: x}, "
		"allowedContainers: {c: {allowedImages: {}}}}\n"),
		"3:81 workload.confidential-containers.allowedContainers.c.allowedImages",
		"imageNames or imagePatterns");
}

#define L(text) WORK_HEAD COMPOSE ENV_HEAD "  logging:\n" text

Test(contract, part_logging)
{
	FAULT(WORK_HEAD COMPOSE ENV_HEAD, "5:1 env", "lacks \"logging\"");
	valid_for(HPL_PRODUCT_CCCO, WORK_HEAD COMPOSE ENV_HEAD);
	VALID(L("    logRouter: {hostname: a.b, iamApiKey: k, port: 443, tags: [a]}\n"));
	FAULT(L("    logRouter: {hostname: a.b}\n"), "8:5 env.logging.logRouter", "iamApiKey");
	FAULT(L("    logRouter: {hostname: a.b, iamApiKey: k}\n    syslog: {hostname: a, server: TUlJRA==}\n"),
		"7:3 env.logging", "exactly one of");
	FAULT(L("    logDNA: {hostname: a, ingestionKey: k}\n"), "8:5 env.logging.logDNA", "log to syslog or logRouter");
	FAULT(L("    syslog: {hostname: a, server: TUlJRA==, port: 0}\n"),
		"8:51 env.logging.syslog.port", "is 0, must be at least 1");
	FAULT(L("    syslog: {hostname: a, server: TUlJRA==, port: \"1\"}\n"),
		"8:51 env.logging.syslog.port", "must be an integer");
	FAULT(L("    syslog: {hostname: a}\n"), "8:5 env.logging.syslog", "lacks \"server\"");
	FAULT(L("    syslog: {hostnam: a, server: TUlJRA==}\n"), "8:14 env.logging.syslog.hostnam", "did you mean \"hostname\"?");
	FAULT(L("    syslog: {hostname: a, server: \"-----BEGIN CERT\"}\n"),
		"8:35 env.logging.syslog.server", "as PEM");
	FAULT(GOOD "  host-attestation: {h: {description: x}}\n", "12:22 env.host-attestation.h",
		"host-key-doc");
	VALID(GOOD "  crypto-pt: {lock: true, index-1: {type: secret}}\n");
}

#define PEM(label, end) "-----BEGIN " label "-----\n          TUlJRA==\n          -----END " label end "\n"
#define SERVER(pem) L("    syslog:\n      hostname: a\n      server: |\n          " pem)

Test(contract, pem_values)
{
	VALID(SERVER(PEM("CERTIFICATE", "-----")));
	VALID(SERVER(PEM("CERTIFICATE", "-----") "          " PEM("CERTIFICATE", "-----")));
	FAULT(SERVER(PEM("CERTIFICATE", "----")), "10:15 env.logging.syslog.server", "PEM");
	FAULT(SERVER(PEM("PUBLIC KEY", "-----")), "10:15 env.logging.syslog.server", "PEM");
	VALID(SERVER(PEM("CERTIFICATE", "-----")) "      key: |\n          " PEM("RSA PRIVATE KEY", "-----"));
	FAULT(SERVER(PEM("CERTIFICATE", "-----")) "      key: |\n          " PEM("PUBLIC KEY", "-----"),
		"14:12 env.logging.syslog.key", "private key");
}

#define V(w, e) WORK_HEAD COMPOSE "  volumes:\n    " w ENV_HEAD SYSLOG "  volumes:\n    " e

Test(contract, part_volumes)
{
	const char *ok = "data: {seed: " SEED "}\n";
	(void)ok;
	VALID(V("data: {seed: " SEED ", mount: /mnt/a, filesystem: xfs}\n",
		"data: {seed: " SEED ", kmsTimeout: 1000, volumeID: abc}\n"));
	FAULT(V("data: {}\n", "data: {seed: " SEED "}\n"), "6:5 workload.volumes.data", "lacks \"seed\"");
	FAULT(V("data: {seed: short}\n", "data: {seed: " SEED "}\n"), "6:18 workload.volumes.data.seed",
		"has 5 characters, must have at least 15");
	FAULT(V("data: {seed: \"abcdefghijkl nop\"}\n", "data: {seed: " SEED "}\n"),
		"6:18 workload.volumes.data.seed", "has a blank as character 13");
	FAULT(V("Data: {seed: " SEED "}\n", "data: {seed: " SEED "}\n"), "6:5 workload.volumes.Data",
		"lower-case");
	FAULT(V("data: {seed: " SEED ", mount: mnt}\n", "data: {seed: " SEED "}\n"),
		"6:42 workload.volumes.data.mount", "absolute path");
	FAULT(V("data: {seed: " SEED ", mount: /a/../b}\n", "data: {seed: " SEED "}\n"),
		"6:42 workload.volumes.data.mount", "absolute path");
	FAULT(V("data: {seed: " SEED ", filesystem: ext3}\n", "data: {seed: " SEED "}\n"),
		"6:47 workload.volumes.data.filesystem", "ext4, xfs, btrfs");
	FAULT(V("data: {seed: " SEED ", sed: x}\n", "data: {seed: " SEED "}\n"),
		"6:35 workload.volumes.data.sed", "remove it: \"seed\" is there already");
	FAULT(V("data: {seed: " SEED "}\n", "data: {}\n"), "15:5 env.volumes.data", "seed or uv-secret-id");
	FAULT(V("data: {seed: " SEED "}\n", "data: {seed: " SEED ", uv-secret-id: index-1}\n"),
		"15:5 env.volumes.data", "has seed and uv-secret-id");
	FAULT(V("data: {seed: " SEED "}\n", "data: {uv-secret-id: index-9}\n"),
		"15:26 env.volumes.data.uv-secret-id", "index-1 to index-8");
	FAULT(V("data: {seed: " SEED "}\n", "data: {seed: " SEED ", kmsTimeout: 1001}\n"),
		"15:47 env.volumes.data.kmsTimeout", "is 1001, must be at most 1000");
	FAULT(V("data: {seed: " SEED "}\n", "data: {seed: " SEED ", kms: [{apiKey: 0123456789a, crn: x}]}\n"),
		"15:68 env.volumes.data.kms[0].crn", "CRN");
	/* right in form; the provider is not there */
	FAULT(V("data: {seed: " SEED "}\n", "data: {seed: " SEED ", kms: [{apiKey: 0123456789a, "
		"crn: \"crn:v1:bluemix:public:kms:us-south:a/1:2:key:3\"}]}\n"),
		"15:35 env.volumes.data.kms", "volume 'data' asks by kms for the key provider 'kms', which "
		"is not in this image");
	FAULT(V("data: {seed: " SEED "}\n", "data: {seed: " SEED ", grep11: {address: \"a.b:9876\", "
		"clientCert: QQ==, clientKey: QQ==, caCert: QQ==, metadata: {aesKeyBlob: \"***\"}}}\n"),
		"15:35 env.volumes.data.grep11", "for the key provider 'grep11', which no image has");
	fault_for(HPL_PRODUCT_CCCO, V("data: {seed: " SEED "}\n", "data: {uv-secret-id: index-1}\n"),
		"15:5 env.volumes.data", "lacks \"seed\"");
}

Test(contract, part_images)
{
	VALID(W(COMPOSE "  images:\n    dct: {reg.example/ns_1/name: {notary: \"https://n:4443\", "
		"publicKey: QQ==}}\n    rhs: {\"reg.example/a/b:1.0\": {publicKey: QQ==}}\n"));
	FAULT(W(COMPOSE "  images: {dct: {\"reg.example/ns_1/name:1\": {notary: \"https://n\", publicKey: QQ==}}}\n"),
		"5:18 workload.images.dct[\"reg.example/ns_1/name:1\"]", "without tag");
	FAULT(W(COMPOSE "  images: {dct: {reg.example/ns_1/name: {notary: n, publicKey: QQ==}}}\n"),
		"5:50 workload.images.dct[\"reg.example/ns_1/name\"].notary", "URL");
	FAULT(W(COMPOSE "  images: {rhs: {reg.example/a: {publicKey: \"q q%\"}}}\n"),
		"5:45 workload.images.rhs[\"reg.example/a\"].publicKey", "base64");
	FAULT(W(COMPOSE "  images: {xyz: {}}\n"), "5:12 workload.images.xyz", "known here: dct, rhs");
}

Test(contract, part_auths)
{
	VALID(W(COMPOSE "  auths:\n    reg.example:5000: {username: abc, password: abc}\n"
		"    10.0.2.2:5000: {username: abc, password: abc}\n"
		"    https://index.docker.io/v1/: {username: abc, password: abc}\n"));
	FAULT(W(COMPOSE "  auths: {reg.example: {username: ab, password: abc}}\n"),
		"5:35 workload.auths[\"reg.example\"].username", "at least 3");
	FAULT(W(COMPOSE "  auths: {reg.example: {username: abc, password: 12345}}\n"),
		"5:50 workload.auths[\"reg.example\"].password", "quotes");
	FAULT(W(COMPOSE "  auths: {https://reg.example: {username: abc, password: abc}}\n"),
		"5:11 workload.auths[\"https://reg.example\"]", "host name or IPv4");
	VALID(E("  cacerts: [{ca: QUJDRA==}]\n"));
	FAULT(E("  cacerts: [{ca: \"!!!!\"}]\n"), "12:18 env.cacerts[0].ca", "base64 of a CA");
	FAULT(E("  cacerts: [{ca: QUJDRA==}, {ca: QUJDRA==}]\n"), "12:29 env.cacerts[1]", "the same as item 1");
}

Test(contract, part_signature_and_attestation)
{
	VALID(E("  signingKey: QUJDRA==\nenvWorkloadSignature: |\n  QUJD\n  RA==\n"));
	FAULT(GOOD "envWorkloadSignature: \"?\"\n", "12:23 envWorkloadSignature", "base64");
	FAULT(E("  signingKey: \"-----BEGIN\"\n"), "12:15 env.signingKey", "public key or a certificate");
	VALID(GOOD "attestationPublicKey: QUJDRA==\n");
	FAULT(GOOD "attestationPublicKey: 5\n", "12:23 attestationPublicKey", "public key");
	FAULT(GOOD "attestationPublicKey: contract-basic.QUJD.QUJD\n", "12:1 attestationPublicKey",
		"was not decrypted");
	VALID(E("  attestation: {layout: classic}\n"));
	FAULT(E("  attestation: {layout: other}\n"), "12:25 env.attestation.layout", "classic");
}

Test(contract, no_value_is_ever_said)
{
	static const char secret[] = "Tr0ub4dor&3~geheim";
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	static const char *const text =
		"workload:\n  type: \"@\"\n  compose: {archive: \"@\"}\n  env: {A: [\"@\"]}\n"
		"  volumes: {a: {seed: \"@\", previousSeed: \"@\", mount: \"@\", filesystem: \"@\"}}\n"
		"  auths: {r: {username: [\"@\"], password: {a: \"@\"}}}\n"
		"env:\n  type: \"@\"\n  signingKey: \"@\"\n  cacerts: [{a: \"@\"}]\n"
		"  logging: {syslog: {hostname: \"@\", port: \"@\", server: \"@\", cert: \"@\", key: \"@\"}}\n"
		"  volumes: {a: {seed: \"@\", uv-secret-id: \"@\", kms: [{apiKey: \"@\", crn: \"@\"}]}}\n"
		"envWorkloadSignature: \"@\"\nattestationPublicKey: \"@\"\n";
	for (const char *p = text; *p; p++) {
		if (*p == '@')
			hpl_buf_str(&b, secret);
		else
			hpl_buf_add(&b, p, 1);
	}
	struct hpl_contract *c = read_ok(b.data);
	struct hpl_faults f = {0};
	struct hpl_err err = HPL_ERR_NULL;
	cr_assert_eq(hpl_contract_validate(c, &HPVS, &f, &err), 1);
	cr_expect_gt(f.count, 15, "%zu", f.count);
	for (size_t i = 0; i < f.count; i++) {
		cr_expect_null(strstr(f.items[i].text, "geheim"), "%s", f.items[i].text);
		cr_expect_null(strstr(f.items[i].cure, "geheim"));
		cr_expect_null(strstr(f.items[i].path, "geheim"));
	}
	hpl_faults_done(&f);
	hpl_contract_free(c);
}

Test(contract, every_part_compiles)
{
	for (int p = 0; p <= HPL_PRODUCT_CCCO; p++) {
		const char *const *names = hpl_product_parts((enum hpl_product)p);
		for (; *names; names++) {
			const struct hpl_schema *s = NULL;
			struct hpl_err err = HPL_ERR_NULL;
			cr_expect_eq(hpl_part_schema(&s, *names, &err), 0, "%s: %s", *names, err.text);
		}
	}
	hpl_parts_free();
}

Test(contract, products)
{
	enum hpl_product p;
	cr_expect_eq(hpl_product_parse(&p, "ccco"), 0);
	cr_expect_eq(p, HPL_PRODUCT_CCCO);
	cr_expect_eq(hpl_product_parse(&p, "other"), -1);
}

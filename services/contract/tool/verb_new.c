/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A contract to fill in. Everything that is written is either right as it is or a place holder
 * in angle brackets, so that validate names exactly what is left to do.
 */
#include <stdio.h>
#include <sys/random.h>

#include "runtime/base/file.h"
#include "runtime/base/secret.h"
#include "runtime/tool/output.h"
#include "schema/contract.h"
#include "services/contract/tool/verbs.h"
#include "tool-spec.h"

enum { SEED_LEN = 32 /* 200 bits of 85 characters; 15 are asked for */ };

struct template {
	const struct hpl_tool_call *call;
	struct hpl_buf out;
	enum hpl_product product;
	const char *kind, *log;
	int indent;              /* of a section's lines */
	bool failed;             /* no random numbers */
};

/* One line of a section. */
HPL_PRINTF(2, 3)
static void line(struct template *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hpl_buf_fmt(&t->out, "%*s%s\n", t->indent, "", text);
}

/* Each character equally likely: bytes beyond the last whole multiple are drawn again. */
static bool make_seed(char ret[SEED_LEN + 1])
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"!@#$%^&*(),.?\":{}|<>_-"; /* of the schema; no single quote among them */
	const unsigned limit = 256 - 256 % (sizeof(set) - 1);
	for (int i = 0; i < SEED_LEN;) {
		unsigned char b;
		if (getrandom(&b, 1, 0) != 1)
			return false;
		if (b < limit)
			ret[i++] = set[b % (sizeof(set) - 1)];
	}
	ret[SEED_LEN] = 0;
	return true;
}

static void put_seed(struct template *t, const char *section, size_t number)
{
	char seed[SEED_LEN + 1];
	if (!hpl_tool_has(t->call, "seeds")) { /* too short to pass as one */
		line(t, "    seed: <%s-%zu>", section, number);
		return;
	}
	t->failed |= !make_seed(seed);
	line(t, "    seed: '%s'", seed);
	hpl_wipe(seed, sizeof(seed));
}

/* ---- workload ---- */

static void put_compose(struct template *t)
{
	line(t, "compose:");
	line(t, "  # a tar.gz in base64 with docker-compose.yaml at its top, every image with its digest:");
	line(t, "  #   hpl contract archive DIRECTORY");
	line(t, "  archive: <ARCHIVE>");
}

static void put_play(struct template *t)
{
	line(t, "play:");
	line(t, "  # Pods and ConfigMaps of Kubernetes");
	line(t, "  resources:");
	line(t, "    - apiVersion: v1");
	line(t, "      kind: Pod");
	line(t, "      metadata:");
	line(t, "        name: workload");
	line(t, "      spec:");
	line(t, "        restartPolicy: Never");
	line(t, "        containers:");
	line(t, "          - name: main");
	line(t, "            # with its digest: registry.example.com/space/name@sha256:...");
	line(t, "            image: <IMAGE>");
	if (hpl_tool_value(t->call, "env")) {
		line(t, "            # the variables of env and workload");
		line(t, "            envFrom:");
		line(t, "              - configMapRef: {name: contract.config.map, optional: false}");
	}
	if (hpl_tool_value(t->call, "volume"))
		line(t, "            volumeMounts:");
	for (size_t i = 0; hpl_tool_nth(t->call, "volume", i); i++) {
		const char *name = hpl_tool_nth(t->call, "volume", i);
		line(t, "              - {name: \"%s\", mountPath: /%s}", name, name);
	}
	if (hpl_tool_value(t->call, "volume"))
		line(t, "        volumes:");
	for (size_t i = 0; hpl_tool_nth(t->call, "volume", i); i++) {
		const char *name = hpl_tool_nth(t->call, "volume", i);
		line(t, "          - {name: \"%s\", hostPath: {path: /mnt/%s, type: Directory}}", name, name);
	}
}

static void put_confidential(struct template *t)
{
	line(t, "confidential-containers:");
	line(t, "  regoValidator:");
	line(t, "    # the policy of the agent in Rego, with default deny");
	line(t, "    policy: |");
	line(t, "      <POLICY>");
	line(t, "  # images that are allowed, and the keys that signed them:");
	line(t, "  # config: {cosign: {NAME: {publicKey: ...}}}");
	line(t, "  # allowedContainers: {NAME: {allowedImages: {imageNames: [...]}}}");
}

static void put_auths(struct template *t)
{
	if (!hpl_tool_value(t->call, "registry"))
		return;
	line(t, "# credentials of registries; workload's win over those of env");
	line(t, "auths:");
	for (size_t i = 0; hpl_tool_nth(t->call, "registry", i); i++) {
		const char *host = hpl_tool_nth(t->call, "registry", i);
		line(t, "  \"%s\":", host);
		line(t, "    username: <USER-%zu>", i + 1);
		line(t, "    password: <PASSWORD-%zu>", i + 1);
	}
}

static void put_workload(struct template *t)
{
	line(t, "type: workload");
	if (strcmp(t->kind, "compose") == 0)
		put_compose(t);
	else if (strcmp(t->kind, "play") == 0)
		put_play(t);
	else
		put_confidential(t);
	put_auths(t);
	if (!hpl_tool_value(t->call, "volume"))
		return;
	line(t, "# seeds: 15 or more characters. Keep them: without both seeds nobody opens a volume again");
	line(t, "volumes:");
	for (size_t i = 0; hpl_tool_nth(t->call, "volume", i); i++) {
		const char *name = hpl_tool_nth(t->call, "volume", i);
		line(t, "  %s:", name);
		put_seed(t, "W-SEED", i + 1);
		line(t, "    mount: /mnt/%s", name);
		line(t, "    filesystem: ext4");
	}
}

/* ---- env ---- */

static void put_logging(struct template *t)
{
	if (strcmp(t->log, "none") == 0)
		return;
	line(t, "logging:");
	if (strcmp(t->log, "logrouter") == 0) {
		line(t, "  logRouter:");
		line(t, "    # ingress endpoint of the log service, and a key that may write to it");
		line(t, "    hostname: <LOG-HOST>");
		line(t, "    iamApiKey: <API-KEY>");
		line(t, "    port: 443");
		return;
	}
	line(t, "  syslog:");
	line(t, "    # a name that stands in the certificate of the log server");
	line(t, "    hostname: <LOG-HOST>");
	line(t, "    port: 6514");
	line(t, "    # the CA certificates of the log server: PEM, or base64 of it");
	line(t, "    server: <CA-CERTIFICATE>");
	line(t, "    # what the guest shows to the log server; without both lines it shows nothing");
	line(t, "    cert: <CLIENT-CERTIFICATE>");
	line(t, "    key: <CLIENT-KEY>");
}

static void put_env(struct template *t)
{
	line(t, "type: env");
	put_logging(t);
	if (hpl_tool_value(t->call, "env")) {
		line(t, "# variables; workload's win over those of env. Values are strings");
		line(t, "env:");
	}
	for (size_t i = 0; hpl_tool_nth(t->call, "env", i); i++)
		line(t, "  %s: \"<VALUE-%zu>\"", hpl_tool_nth(t->call, "env", i), i + 1);
	if (hpl_tool_value(t->call, "volume")) {
		line(t, "# the same volumes as in workload; each passphrase is made of both seeds");
		line(t, "volumes:");
	}
	for (size_t i = 0; hpl_tool_nth(t->call, "volume", i); i++) {
		const char *name = hpl_tool_nth(t->call, "volume", i);
		line(t, "  %s:", name);
		put_seed(t, "E-SEED", i + 1);
		line(t, "    # serial of the disk, or UUID of its LUKS header; no other disk is taken then:");
		line(t, "    # volumeID: ...");
		line(t, "    # without it, the disk's serial or LUKS label, when that is not %s:", name);
		line(t, "    # volumeName: ...");
	}
}

/* ---- the whole ---- */

static void put_contract(struct template *t, const char *product)
{
	hpl_buf_fmt(&t->out, "# A contract for %s. Fill in what stands in <ANGLE BRACKETS>, then:\n"
		"#   hpl contract validate --product %s FILE\n"
		"#   hpl contract encrypt --product %s --cert CERTIFICATE FILE\n"
		"# workload: what runs, by the one who provides it.\nworkload: |\n", product, product, product);
	t->indent = 2;
	put_workload(t);
	hpl_buf_str(&t->out, "\n# env: where it runs, by the one who deploys it.\nenv: |\n");
	put_env(t);
	t->indent = 0;
	if (hpl_tool_has(t->call, "attestation"))
		hpl_buf_str(&t->out, "\n# The auditor's RSA public key (PEM, or base64 of it): the attestation"
			" record is encrypted for it.\nattestationPublicKey: <AUDITOR-KEY>\n");
}

/* What is put between our own words must be what the schema takes there. */
static bool is_name(const char *name, const char *first, const char *rest)
{
	return *name && strchr(first, *name) && strspn(name + 1, rest) == strlen(name + 1) &&
		strlen(name) <= 100;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static int check_names(const struct hpl_tool_call *c)
{
	static const struct {
		const char *option, *first, *rest, *what;
	} rules[] = {
		{"volume", LOWER "_", LOWER DIGIT "_-", "small letters, digits, _ and -"},
		{"registry", LOWER UPPER DIGIT, LOWER UPPER DIGIT ".:/-", "a host, perhaps with :PORT"},
		{"env", LOWER UPPER "_", LOWER UPPER DIGIT "_", "letters, digits and _"},
	};
	for (size_t r = 0; r < HPL_ARRAY_SIZE(rules); r++) {
		const char *name;
		for (size_t i = 0; (name = hpl_tool_nth(c, rules[r].option, i)); i++) {
			if (!is_name(name, rules[r].first, rules[r].rest))
				return hpl_tool_usage_error(c->verb, "--%s %s: not a name; allowed: %s",
					rules[r].option, name, rules[r].what);
			for (size_t k = 0; k < i; k++) {
				if (strcmp(hpl_tool_nth(c, rules[r].option, k), name) == 0)
					return hpl_tool_usage_error(c->verb, "--%s %s is given twice",
						rules[r].option, name);
			}
		}
	}
	return HPL_EXIT_GOOD;
}

static int check_kinds(struct template *t)
{
	const struct hpl_tool_call *c = t->call;
	bool ccco = t->product == HPL_PRODUCT_CCCO, ccrv = t->product == HPL_PRODUCT_CCRV;

	t->kind = hpl_tool_value(c, "kind");
	t->log = hpl_tool_value(c, "log");
	if (!t->kind)
		t->kind = ccrv ? "play" : ccco ? "confidential-containers" : "compose";
	if (!t->log)
		t->log = ccco ? "none" : "syslog";
	if (ccrv && strcmp(t->kind, "compose") == 0)
		return hpl_tool_usage_error(c->verb, "the product ccrv has no compose; use --kind play");
	if (!ccco && strcmp(t->log, "none") == 0)
		return hpl_tool_usage_error(c->verb, "only the product ccco allows --log none");
	if (hpl_tool_has(c, "attestation") && hpl_tool_has(c, "section"))
		return hpl_tool_usage_error(c->verb, "--attestation is no part of a section");
	return check_names(c);
}

static int give_out(struct template *t)
{
	const char *file = hpl_tool_value(t->call, "output");
	struct hpl_err err = HPL_ERR_NULL;

	if (t->failed) {
		HPL_FAIL(&err, 0, errno, "no random numbers");
		return hpl_tool_fail(t->call, &err, HPL_EXIT_CALL);
	}
	if (!file || t->out.failed)
		return hpl_tool_write(t->call, &t->out);
	if (hpl_file_write(file, t->out.data, t->out.len, 0600, &err) < 0)
		return hpl_tool_fail(t->call, &err, HPL_EXIT_CALL);
	return HPL_EXIT_GOOD;
}

int hpl_verb_new(const struct hpl_tool_call *c)
{
	struct template t = {.call = c, .out.wipe = 1};
	const char *product = hpl_tool_value(c, "product"), *section = hpl_tool_value(c, "section");
	int rc;

	if (product)
		hpl_product_parse(&t.product, product);
	rc = check_kinds(&t);
	if (rc != HPL_EXIT_GOOD)
		return rc;
	if (hpl_streq(section, "workload"))
		put_workload(&t);
	else if (section)
		put_env(&t);
	else
		put_contract(&t, product ? product : "hpvs");
	rc = give_out(&t);
	hpl_buf_done(&t.out);
	return rc;
}

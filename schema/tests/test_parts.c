/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of the parts but pods (test_kube.c) and keys in PEM (test_forms.c): wrong values of it,
 * with the whole explanation. */
#include "proto/messages.h"
#include "schema/compose.h"
#include "schema/tests/lines.h"

TestSuite(parts, .fini = hpl_parts_free);

Test(parts, base_is_right)
{
	check_right(BASE, HPL_PRODUCT_HPVS, false);
	check_right(BASE, HPL_PRODUCT_CCRT, true);
	check_right(BASE, HPL_PRODUCT_CCCO, false);
}

/* As a service applies the one that it needs. */
Test(parts, each_alone)
{
	for (int p = HPL_PRODUCT_HPVS; p <= HPL_PRODUCT_CCCO; p++) {
		for (const char *const *name = hpl_product_parts((enum hpl_product)p); *name; name++) {
			struct hpl_contract *c = NULL;
			struct hpl_faults f = {0};
			struct hpl_err err = HPL_ERR_NULL;
			bool refused = strcmp(*name, "app-ccrv") == 0;
			cr_assert_eq(hpl_contract_read(&c, "contract", BASE, strlen(BASE), false, &err), 0);
			cr_expect_eq(hpl_contract_validate_part(c, *name, &f, &err), refused, "%s: %s", *name,
				f.count ? f.items[0].text : err.text);
			hpl_faults_done(&f);
			hpl_contract_free(c);
		}
	}
}

Test(parts, sections)
{
	static const struct wrong rows[] = {
		{"  type: workload", "", -1, 1, "workload", "lacks \"type\"",
			"add \"type: workload\"", ADD("type: workload")},
		{"  type: workload", "  type: env", 0, 9, "workload.type", "must be \"workload\"",
			"write type: workload", REPLACE("workload")},
		{"  type: workload", "  type: 5", 0, 9, "workload.type", "is an integer",
			"write type: workload", REPLACE("workload")},
		{"  type: workload", "  tpye: workload", 0, 3, "workload.tpye", "\"type\" is missing",
			"did you mean \"type\"?", RENAME("type")},
		{"  type: env", "", -1, 1, "env", "lacks \"type\"", "add \"type: env\"",
			ADD("type: env")},
		{"  type: env", "  type: \"env \"", 0, 9, "env.type", "is a string of 4 characters",
			"write type: env", REPLACE("env")},
		{"  type: env", "  Type: env", 0, 3, "env.Type", "\"type\" is missing",
			"did you mean \"type\"?", RENAME("type")},
	};
	CHECK_WRONG(BASE, rows);
}

Test(parts, keys_at_the_top_and_in_sections)
{
	static const struct wrong rows[] = {
		{"workload:", "worklaod:", 0, 1, "worklaod", "\"workload\" is missing",
			"did you mean \"workload\"?", RENAME("workload")},
		{"env:", "enw:", 0, 1, "enw", "\"env\" is missing", "did you mean \"env\"?", RENAME("env")},
		{"own-key: whatever", "atestationPublicKey: x", 0, 1, "atestationPublicKey",
			"is not known here", "remove it: \"attestationPublicKey\" is there already", REMOVE,
			UNKNOWN},
		{"attestationPublicKey: QUJDRA==", "attestationPublickey: QUJDRA==", 0, 1,
			"attestationPublickey", "is ignored", "did you mean \"attestationPublicKey\"?",
			RENAME("attestationPublicKey"), UNKNOWN},
		{"envWorkloadSignature: QUJDRA==", "envWorkloadSignatur: QUJDRA==", 0, 1,
			"envWorkloadSignatur", "is ignored", "did you mean \"envWorkloadSignature\"?",
			RENAME("envWorkloadSignature"), UNKNOWN},
		{"boot:", "bot:", 0, 1, "bot", "is ignored", "did you mean \"boot\"?", RENAME("boot"),
			UNKNOWN},
		{"  sehdr: QUJDRA==", "  seHdr: QUJDRA==", 0, 3, "boot.seHdr", "is ignored",
			"did you mean \"sehdr\"?", RENAME("sehdr"), UNKNOWN},
		{"  compose:", "  compos:", 0, 3, "workload.compos", "\"compose\" is missing",
			"did you mean \"compose\"?", RENAME("compose")},
		{"  images:", "  image:", 0, 3, "workload.image", "is ignored", "did you mean \"images\"?",
			RENAME("images"), UNKNOWN},
		{"  volumes:", "  volume:", 0, 3, "workload.volume", "\"volumes\" is missing",
			"did you mean \"volumes\"?", RENAME("volumes")},
		{"  logging:", "  loging:", 0, 3, "env.loging", "\"logging\" is missing",
			"did you mean \"logging\"?", RENAME("logging")},
		{"  signingKey: QUJDRA==", "  signinKey: QUJDRA==", 0, 3, "env.signinKey", "is ignored",
			"did you mean \"signingKey\"?", RENAME("signingKey"), UNKNOWN},
		{"  cacerts:", "  cacert:", 0, 3, "env.cacert", "is ignored", "did you mean \"cacerts\"?",
			RENAME("cacerts"), UNKNOWN},
		{"own-key: whatever", "logging: {}", 0, 1, "logging", "\"logging\" belongs below \"env\"",
			"move it below \"env:\"", NONE, UNKNOWN},
		{"  signingKey: QUJDRA==", "  envWorkloadSignature: QUJDRA==", 0, 3,
			"env.envWorkloadSignature", "belongs to the top of the contract",
			"move it to the top", NONE, UNKNOWN},
	};
	static const char *const right[][2] = {
		{"own-key: whatever", "x-note: [1, 2]\nnote: text"},
		{"  signingKey: QUJDRA==", "  remark: text"},
		{"  images:", "  pictures:"},
	};
	CHECK_WRONG(BASE, rows);
	CHECK_RIGHT_LINES(BASE, right);
}

Test(parts, extras_of_env)
{
	static const struct wrong rows[] = {
		{"    host1:", "    \"host 1\":", 0, 5, "env.host-attestation[\"host 1\"]",
			"is no name of a host", "name it \"host_1\"", RENAME("host_1")},
		{"      description: machine one", "", -1, 5, "env.host-attestation.host1",
			"lacks \"description\"", "add \"description:\"", NONE},
		{"      description: machine one", "      description: 5", 0, 20,
			"env.host-attestation.host1.description", "is an integer, must be a string",
			"put the value in quotes: description: \"...\"", NONE},
		{"      host-key-doc: QUJDRA==", "      host-key-doc: \"\"", 0, 21,
			"env.host-attestation.host1.host-key-doc", "is empty", "base64 -w0", NONE},
		{"      host-key-doc: QUJDRA==", "      hostkeydoc: QUJDRA==", 0, 7,
			"env.host-attestation.host1.hostkeydoc", "\"host-key-doc\" is missing",
			"did you mean \"host-key-doc\"?", RENAME("host-key-doc")},
		{"    lock: true", "    lock: \"yes\"", 0, 11, "env.crypto-pt.lock",
			"must be true or false", "write true: \"yes\" is text", REPLACE("true")},
		{"  sehdr: QUJDRA==", "  sehdr: \"a b?\"", 0, 10, "boot.sehdr",
			"is no base64: it has a special character as character 4", "base64 -w0", NONE},
	};
	CHECK_WRONG(BASE, rows);
}

Test(parts, app)
{
	static const struct wrong rows[] = {
		{"  compose:", "  play: {}\n  compose:", -2, 1, "workload", "has compose and play",
			"keep one of them", NONE},
		{"    archive: H4sIAAAA", "    archive: 5", 0, 14, "workload.compose.archive",
			"is an integer, must be a string", "put the value in quotes: archive: \"...\"", NONE},
		{"    archive: H4sIAAAA", "    archive: \"\"", 0, 14, "workload.compose.archive",
			"is empty", "tar -czf", NONE},
		{"    archive: H4sIAAAA", "    archive: H4sI_A-A", 0, 14, "workload.compose.archive",
			"URL-safe alphabet", "base64 -w0", NONE},
		{"    archive: H4sIAAAA", "    archive: H4sIAAA", 0, 14, "workload.compose.archive",
			"has 7 characters of base64 and 0 of =", "end it with \"=\"", NONE},
		{"    archive: H4sIAAAA", "    archive: H4sIA", 0, 14, "workload.compose.archive",
			"has 5 characters of base64", "it was cut", NONE},
		{"    archive: H4sIAAAA", "    archive: QQ==H4sI", 0, 14, "workload.compose.archive",
			"has = before its end, in front of character 5", "two pieces", NONE},
		{"    archive: H4sIAAAA", "    archive: ./compose.tgz", 0, 14, "workload.compose.archive",
			"looks like the name of a file", "base64 -w0 FILE", NONE},
		{"    archive: H4sIAAAA", "    archive: ${ARCHIVE}", 0, 14, "workload.compose.archive",
			"placeholder", "write the base64 text in its place", NONE},
		{"    archive: H4sIAAAA", "    archive: data:application/gzip;base64,H4sI", 0, 14,
			"workload.compose.archive", "is a data URL", "behind \"base64,\"", NONE},
		{"    archive: H4sIAAAA", "    archive: 'H4sI\\nAAAA'", 0, 14, "workload.compose.archive",
			"the two characters \\n", "in one line", NONE},
		{"    archive: H4sIAAAA", "    archiv: H4sIAAAA", 0, 5, "workload.compose.archiv",
			"\"archive\" is missing", "did you mean \"archive\"?", RENAME("archive")},
		{"    archive: H4sIAAAA", "    archive: H4sIAAAA\n    file: x", 1, 5,
			"workload.compose.file", "is not known here", "remove it; known here: archive", REMOVE},
		{"    GREETING: hello", "    GREETING: yes\n    N: 5", 1, 8, "workload.env.N",
			"is an integer, must be a string", "put the value in quotes: N: \"...\"", NONE},
		{"    GREETING: hello", "    GREETING: true", 0, 15, "workload.env.GREETING",
			"is true or false, must be a string", "quote it: \"true\"", REPLACE("\"true\"")},
		{"    GREETING: hello", "    GREETING:", 0, 14, "workload.env.GREETING", "is empty",
			"write a text behind the key", NONE},
		{"    GREETING: hello", "    GREETING: [a]", 0, 15, "workload.env.GREETING",
			"is a list, must be a string", "write one value behind the key", NONE},
		{"    GREETING: hello", "    MY-VAR: a", 0, 5, "workload.env.MY-VAR",
			"is no name of an environment variable", "name it \"MY_VAR\"", RENAME("MY_VAR")},
		{"    GREETING: hello", "    1A: a", 0, 5, "workload.env.1A",
			"is no name of an environment variable", "use such a name, or remove it", REMOVE},
		{"    TARGET: there", "    - TARGET=there", 0, 5, "env.env", "is a list, must be a mapping",
			"write \"key: value\" in each line", NONE},
	};
	static const char *const right[][2] = {
		{"    archive: H4sIAAAA", "    archive: |\n      H4sI\n      AAAA"},
		{"    GREETING: hello", "    GREETING: yes\n    _x1: 0x\n    T: 1:30"},
	};
	CHECK_WRONG(BASE, rows);
	CHECK_RIGHT_LINES(BASE, right);
}

Test(parts, auths)
{
	static const struct wrong rows[] = {
		{"      username: reader", "      username: ab", 0, 17,
			"workload.auths[\"reg.example:5000\"].username",
			"has 2 characters, must have at least 3; expected: the name at the registry",
			"give it 3 characters or more", NONE},
		{"      username: reader", "      usrname: reader", 0, 7,
			"workload.auths[\"reg.example:5000\"].usrname", "\"username\" is missing",
			"did you mean \"username\"?", RENAME("username")},
		{"      username: reader", "", -1, 5, "workload.auths[\"reg.example:5000\"]",
			"lacks \"username\"", "add \"username:\" with the name at the registry", NONE},
		{"      password: geheim", "      password: 123456", 0, 17,
			"workload.auths[\"reg.example:5000\"].password", "is an integer, must be a string",
			"put the value in quotes: password: \"...\"", NONE},
		{"      password: geheim", "      password: geheim\n      email: x", 1, 7,
			"workload.auths[\"reg.example:5000\"].email", "is not known here",
			"remove it; known here: username, password, insecure", REMOVE},
		{"      password: geheim", "      password: geheim\n      insecure: true", 1, 17,
			"workload.auths[\"reg.example:5000\"].insecure", "is not accepted any more",
			"remove it", NONE},
		{"      password: geheim", "      password: geheim\n      insecure: true", 1, 17,
			"workload.auths[\"reg.example:5000\"].insecure", "in legacy mode only", "remove it",
			NONE, LEGACY, HPL_PRODUCT_HPVS, true},
		{"    reg.example:5000:", "    https://reg.example:5000/v2/:", 0, 5,
			"workload.auths[\"https://reg.example:5000/v2/\"]", "is no registry (host name",
			"name it \"reg.example:5000\"", RENAME("reg.example:5000")},
		{"    reg.example:5000:", "    reg_example:", 0, 5, "workload.auths.reg_example",
			"is no registry (host name", "use such a name, or remove it", REMOVE},
		{"    10.0.2.2:5000:", "    10.0.2.2:5000: reader\n    other:", 0, 20,
			"env.auths[\"10.0.2.2:5000\"]", "is a string of 6 characters, must be a mapping",
			"write \"key: value\" in the lines below it", NONE},
		{"    10.0.2.2:5000:", "    10.0.2.2:500000:", 0, 5, "env.auths[\"10.0.2.2:500000\"]", "port",
			"port of 1 to 65535", NONE, "HPL09001E"},
		{"  - own: QUJDRA==", "  - own: \"!!!!\"", 0, 10, "env.cacerts[0].own", "is no base64",
			"base64 -w0", NONE},
		{"  - own: QUJDRA==", "  - own: QUJDRA==\n  - own: QUJDRA==", 1, 5, "env.cacerts[1]",
			"is the same as item 1", "remove it", REMOVE},
		{"  - own: QUJDRA==", "    own: QUJDRA==", -1, 3, "env.cacerts",
			"is a mapping, must be a list", "begin each item with \"- \"", NONE},
	};
	static const char *const right[][2] = {
		{"    reg.example:5000:", "    https://index.docker.io/v1/:"},
		{"    reg.example:5000:", "    localhost:"},
		{"  - own: QUJDRA==", "  - own: QUJDRA==\n  - other: |\n      QUJD\n      RB=="},
	};
	CHECK_WRONG(BASE, rows);
	CHECK_RIGHT_LINES(BASE, right);
}

Test(parts, images)
{
	static const struct wrong rows[] = {
		{"      reg.example/team/app:", "      reg.example/team/app:1.0:", 0, 7,
			"workload.images.dct[\"reg.example/team/app:1.0\"]", "without tag",
			"name it \"reg.example/team/app\"", RENAME("reg.example/team/app")},
		{"      reg.example/team/app:", "      app:", 0, 7, "workload.images.dct.app",
			"is no image as host/namespace/name", "use such a name, or remove it", REMOVE},
		{"        notary: https://notary.example:4443", "        notary: notary.example", 0, 17,
			"workload.images.dct[\"reg.example/team/app\"].notary", "is no URL: it has no scheme",
			"https://", NONE},
		{"        notary: https://notary.example:4443", "        notarry: https://n", 0, 9,
			"workload.images.dct[\"reg.example/team/app\"].notarry", "\"notary\" is missing",
			"did you mean \"notary\"?", RENAME("notary")},
		{"        publicKey: QUJDRA==", "        publicKey: |\n          -----BEGIN PUBLIC KEY-----",
			0, 20, "workload.images.dct[\"reg.example/team/app\"].publicKey",
			"is the text (PEM) itself, must be base64 of it", "base64 -w0", NONE},
		{"        publicKey: QUJDRA==", "", -2, 7,
			"workload.images.dct[\"reg.example/team/app\"]", "lacks \"publicKey\"",
			"add \"publicKey:\" with base64 of a public key", NONE},
		{"        publicKey: QUJDRB==", "        publickey: QUJDRB==", 0, 9,
			"workload.images.rhs[\"reg.example/app:1.0\"].publickey", "\"publicKey\" is missing",
			"did you mean \"publicKey\"?", RENAME("publicKey")},
		{"      reg.example/app:1.0:", "      \"reg.example/app:1.0@sha256:12\":", 0, 7,
			"workload.images.rhs[\"reg.example/app:1.0@sha256:12\"]", "is no image as host/name",
			"name it \"reg.example/app\"", RENAME("reg.example/app")},
		{"    rhs:", "    rsh:", 0, 5, "workload.images.rsh", "is not known here",
			"did you mean \"rhs\"?", RENAME("rhs")},
	};
	CHECK_WRONG(BASE, rows);
}

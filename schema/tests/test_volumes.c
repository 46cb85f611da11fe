/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of volumes and logging, and what each product asks for: the whole explanation. */
#include "proto/messages.h"
#include "schema/compose.h"
#include "schema/tests/lines.h"

TestSuite(volumes, .fini = hpl_parts_free);
TestSuite(logging, .fini = hpl_parts_free);
TestSuite(products, .fini = hpl_parts_free);

#define W_SEED "      seed: workload-seed-1"
#define E_SEED "      seed: deployer-seed-1"
#define E_VOLUME "env.volumes.data"

Test(volumes, seeds)
{
	static const struct wrong rows[] = {
		{W_SEED, "      seed: short", 0, 13, "workload.volumes.data.seed",
			"has 5 characters, must have at least 15", "openssl rand -hex 24", NONE},
		{W_SEED, "      seed: \"workload seed 1\"", 0, 13, "workload.volumes.data.seed",
			"has a blank as character 9, which is not allowed; expected: 15 or more",
			"openssl rand -hex 24", NONE},
		{W_SEED, "      seed: workload-s\xc3\xa4" "ed-1", 0, 13, "workload.volumes.data.seed",
			"has a character outside ASCII as character 11", "openssl rand", NONE},
		{W_SEED, "      seed: workload+seed/1=", 0, 13, "workload.volumes.data.seed",
			"has a special character as character 9", "openssl rand", NONE},
		{W_SEED, "      seed: \"workload-\\tseed-1\"", 0, 13, "workload.volumes.data.seed",
			"has a tab as character 10", "openssl rand", NONE},
		{W_SEED, "      seed: 123456789012345", 0, 13, "workload.volumes.data.seed",
			"is an integer, must be a string", "put the value in quotes: seed: \"...\"", NONE},
		{W_SEED, "      seed:", 0, 12, "workload.volumes.data.seed",
			"is empty (null), must be a string", "openssl rand", NONE},
		{W_SEED, "      seed: {a: b}", 0, 7, "workload.volumes.data.seed",
			"is a mapping, must be a string", "in quotes, or as a block: seed: |", NONE},
		{W_SEED, "", -1, 5, "workload.volumes.data", "lacks \"seed\"", "add \"seed:\" with 15",
			NONE},
		{W_SEED, "      sed: workload-seed-1", 0, 7, "workload.volumes.data.sed",
			"\"seed\" is missing", "did you mean \"seed\"?", RENAME("seed")},
		{W_SEED, W_SEED "\n      sed: workload-seed-2", 1, 7, "workload.volumes.data.sed",
			"is not known here", "remove it: \"seed\" is there already", REMOVE},
		{"      previousSeed: workload-seed-0", "      previousSeed: x", 0, 21,
			"workload.volumes.data.previousSeed", "has 1 character, must have at least 15",
			"are taken by an image in legacy mode (contract: {legacy: 'yes'})", NONE},
		{"      previousSeed: workload-seed-0", "      previousSeed:", 0, 20,
			"workload.volumes.data.previousSeed", "is empty (null), must be a string",
			"write the seed that the volume was opened with before, or take the line out", NONE},
		{"      previousSeed: workload-seed-0", "      previousseed: workload-seed-0", 0, 7,
			"workload.volumes.data.previousseed", "is not known here",
			"did you mean \"previousSeed\"?", RENAME("previousSeed")},
		{E_SEED, "", -1, 5, E_VOLUME, "must have exactly one of: seed or uv-secret-id",
			"add seed: with 15 or more", NONE},
		{E_SEED, "      Seed: deployer-seed-1", 0, 7, E_VOLUME ".Seed", "is not known here",
			"did you mean \"seed\"?", RENAME("seed")},
		{"      previousSeed: deployer-seed-0", "      previousSeed: \"deployer-seed-\\n\"", 0, 21,
			E_VOLUME ".previousSeed", "has a line end as character 15", "in legacy mode", NONE},
	};
	CHECK_WRONG(BASE, rows);
}

Test(volumes, seeds_of_older_contracts)
{
	static const struct wrong rows[] = {
		{W_SEED, "      seed: abc", 0, 13, "workload.volumes.data.seed", "in legacy mode only",
			"roll it", NONE, LEGACY, HPL_PRODUCT_HPVS, true},
		{W_SEED, "      seed: \"fourteen chars\"", 0, 13, "workload.volumes.data.seed",
			"in legacy mode only", "roll it", NONE, LEGACY, HPL_PRODUCT_CCRT, true},
		{E_SEED, "      seed: \"deployer seed of old\"", 0, 13, "env.volumes.data.seed",
			"in legacy mode only", "roll it", NONE, LEGACY, HPL_PRODUCT_HPVS, true},
		{"      previousSeed: workload-seed-0", "      previousSeed: abc", 0, 21,
			"workload.volumes.data.previousSeed", "in legacy mode only",
			"take it out when the volume has been opened with the new seed", NONE, LEGACY,
			HPL_PRODUCT_HPVS, true},
		{"      previousSeed: deployer-seed-0", "      previousSeed: \"of old\"", 0, 21,
			E_VOLUME ".previousSeed", "in legacy mode only", "take it out when", NONE, LEGACY,
			HPL_PRODUCT_CCRT, true},
		{"      previousSeed: deployer-seed-0", "      previousSeed: ab", 0, 21,
			E_VOLUME ".previousSeed", "has 2 characters", "take the line out", NONE, NULL,
			HPL_PRODUCT_HPVS, true},
		{W_SEED, "      seed: 12345", 0, 13, "workload.volumes.data.seed",
			"is an integer, must be a string", "in quotes", NONE, NULL, HPL_PRODUCT_HPVS, true},
	};
	CHECK_WRONG(BASE, rows);
}

/* The documentation's own examples have this. */
Test(volumes, indentation)
{
	static const char base[] =
		"workload: {type: workload, compose: {archive: H4sI}, volumes: {test: {seed: workload-seed-1}}}\n"
		"env: |\n"
		"  type: env\n"
		"  logging: {syslog: {hostname: h.example, server: TUlJRA==}}\n"
		"  volumes:\n"
		"    test:\n"
		"      seed: deployer-seed-1\n";
	static const struct wrong rows[] = {
		{"      seed: deployer-seed-1", "    seed: deployer-seed-1", 0, 5, "env.volumes.seed",
			"stands beside \"test\", must stand below it",
			"indent \"seed\" deeper than \"test\"", NONE},
		{"      seed: deployer-seed-1", "    sed: deployer-seed-1", 0, 5, "env.volumes.sed",
			"stands beside \"test\", must stand below it", "indent \"sed\" deeper", NONE},
		{"    test:", "  test:", -1, 11, "env.volumes", "is empty (null), must be a mapping",
			"write the keys of \"volumes\" in the lines below it", NONE},
	};
	CHECK_WRONG(base, rows);
	check_right(base, HPL_PRODUCT_HPVS, false);
}

Test(volumes, mount_and_filesystem)
{
	static const struct wrong rows[] = {
		{"      mount: /mnt/data", "      mount: mnt/data", 0, 14, "workload.volumes.data.mount",
			"expected: an absolute path", "write a directory such as /mnt/data", NONE},
		{"      mount: /mnt/data", "      mount: /mnt/../etc", 0, 14,
			"workload.volumes.data.mount", "expected: an absolute path", "/mnt/data", NONE},
		{"      mount: /mnt/data", "      mount: /mnt//data", 0, 14,
			"workload.volumes.data.mount", "expected: an absolute path", "/mnt/data", NONE},
		{"      mount: /mnt/data", "      mount: 5", 0, 14, "workload.volumes.data.mount",
			"is an integer, must be a string", "quotes", NONE},
		{"      mount: /mnt/data", "      mount: /etc", 0, 14, "workload.volumes.data.mount",
			"is needed by the guest itself", "choose another directory", NONE, "HPL07022E"},
		{"      mount: /mnt/data", "      mnt: /mnt/data", 0, 7, "workload.volumes.data.mnt",
			"is not known here", "remove it; known here: seed, previousSeed, mount, filesystem",
			REMOVE},
		{"      mount: /mnt/data", "      mout: /mnt/data", 0, 7, "workload.volumes.data.mout",
			"is not known here", "did you mean \"mount\"?", RENAME("mount")},
		{"      filesystem: ext4", "      filesystem: ext3", 0, 19,
			"workload.volumes.data.filesystem", "is a string of 4 characters, must be one of: "
			"ext4, xfs, btrfs", "did you mean ext4?", REPLACE("ext4")},
		{"      filesystem: ext4", "      filesystem: XFS", 0, 19,
			"workload.volumes.data.filesystem", "must be one of", "did you mean xfs?",
			REPLACE("xfs")},
		{"      filesystem: ext4", "      filesystem: zfs-something", 0, 19,
			"workload.volumes.data.filesystem", "must be one of: ext4, xfs, btrfs",
			"write one of the values that are allowed", NONE},
		{"      filesystem: ext4", "      filesystem: [ext4]", 0, 19,
			"workload.volumes.data.filesystem", "is a list, must be one of",
			"write one of the values", NONE},
	};
	CHECK_WRONG(BASE, rows);
}

Test(volumes, other_keys_of_env)
{
	static const struct wrong rows[] = {
		{"      kmsTimeout: 10", "      kmsTimeout: \"10\"", 0, 19, E_VOLUME ".kmsTimeout",
			"is a string of 2 characters, must be an integer", "write 10 without quotes",
			REPLACE("10")},
		{"      kmsTimeout: 10", "      kmsTimeout: 1_000", 0, 19, E_VOLUME ".kmsTimeout",
			"must be an integer", "write 1000 without _", REPLACE("1000")},
		{"      kmsTimeout: 10", "      kmsTimeout: 1:30", 0, 19, E_VOLUME ".kmsTimeout",
			"must be an integer", "write 90: 1:30 is text", NONE},
		{"      kmsTimeout: 10", "      kmsTimeout: 2.5", 0, 19, E_VOLUME ".kmsTimeout",
			"is a number, must be an integer", "write a whole number", NONE},
		{"      kmsTimeout: 10", "      kmsTimeout: 1001", 0, 19, E_VOLUME ".kmsTimeout",
			"is 1001, must be at most 1000", "write a number from 0 to 1000", NONE},
		{"      kmsTimeout: 10", "      kmsTimeout: -1", 0, 19, E_VOLUME ".kmsTimeout",
			"is -1, must be at least 0", "write a number from 0 to 1000", NONE},
		{"      apiKey: 0123456789a", "      apiKey: short", 0, 15, E_VOLUME ".apiKey",
			"has 5 characters, must have at least 10; expected: an IAM API key",
			"give it 10 characters or more", NONE},
		{"      apiKey: 0123456789a", "      apikey: 0123456789a", 0, 7, E_VOLUME ".apikey",
			"is not known here", "did you mean \"apiKey\"?", RENAME("apiKey")},
		{"      volumeName: vol", "      volumeName: \"\"", 0, 19, E_VOLUME ".volumeName",
			"is empty", "write a value, or remove the key", NONE},
		{"      volumeID: r010-1", "      volumeID: r0", 0, 17, E_VOLUME ".volumeID",
			"has 2 characters, must have at least 3", "3 characters or more", NONE},
		{"      volumeID: r010-1", "      volumeId: r010-1\n      volumeID: r010-1", 0, 7,
			E_VOLUME ".volumeId", "is not known here", "\"volumeID\" is there already", REMOVE},
		{E_SEED, E_SEED "\n      uv-secret-id: index-1", -1, 5, E_VOLUME,
			"has seed and uv-secret-id", "keep one of them", NONE, NULL, HPL_PRODUCT_CCRT, .more = 1},
		{E_SEED, E_SEED "\n      uv-previous-secret-id: index-1", -1, 5, E_VOLUME,
			"has \"uv-previous-secret-id\" and so needs \"uv-secret-id\"", "add", NONE},
		{E_SEED, "      uv-secret-id: index-9", 0, 21, E_VOLUME ".uv-secret-id",
			"is a string of 7 characters; expected: index-1 to index-8", "write index-1 to index-8",
			NONE},
		{E_SEED, "      uv-secret-id: 3", 0, 21, E_VOLUME ".uv-secret-id",
			"is an integer, must be a string; expected: index-1 to index-8",
			"uv-secret-id: \"...\"", NONE},
		{"      kmsTimeout: 10", "      kms: []", 0, 12, E_VOLUME ".kms",
			"is empty, must have at least 1 item", "add what belongs into it", NONE},
		{"      kmsTimeout: 10", "      kms: [{apiKey: 0123456789a}]", 0, 13, E_VOLUME ".kms[0]",
			"lacks \"crn\"", "add \"crn:\" with the CRN of a root key", NONE, .more = 1},
		{"      kmsTimeout: 10", "      kms: [{apiKey: 0123456789a, crn: x}]", 0, 40,
			E_VOLUME ".kms[0].crn", "expected: the CRN of a root key", "write the CRN", NONE,
			.more = 1},
		{"      kmsTimeout: 10", "      kms: [{apiKey: 0123456789a, crn: \"crn:v1:bluemix:public:"
			"kms:us-south:a/1:2:key:3\", type: publik}]", 0, 96, E_VOLUME ".kms[0].type",
			"must be one of: public, private", "did you mean public?", REPLACE("public"), .more = 1},
		{"      kmsTimeout: 10", "      grep11: {address: host}", 0, 7, E_VOLUME ".grep11",
			"lacks \"clientCert\"", "add \"clientCert:\"", NONE, .more = 4},
	};
	CHECK_WRONG(BASE, rows);
}

Test(volumes, names)
{
	static const struct wrong rows[] = {
		{"  signingKey: QUJDRA==", "    Data-2:\n      seed: deployer-seed-2", 0, 5,
			"env.volumes.Data-2", "is no name of a volume", "name it \"data-2\"",
			RENAME("data-2")},
		{"  signingKey: QUJDRA==", "    2:\n      seed: deployer-seed-2", 0, 5, "env.volumes.2",
			"is no name of a volume (lower-case letters", "use such a name, or remove it", REMOVE},
		{"  signingKey: QUJDRA==", "    more:\n      seed: deployer-seed-2", 0, 5,
			"env.volumes.more", "the workload section has no volume of this name",
			"in both sections", NONE, "HPL07015E"},
	};
	CHECK_WRONG(BASE, rows);
}

#define HOST "      hostname: log.example.com"
#define PORT "      port: 6514"

Test(logging, host_and_port)
{
	static const struct wrong rows[] = {
		{HOST, "      hostname: https://log.example.com", 0, 17, "env.logging.syslog.hostname",
			"it has a scheme", "write log.example.com", REPLACE("log.example.com")},
		{HOST, "      hostname: https://log.example.com:443/path", 0, 17,
			"env.logging.syslog.hostname", "a scheme (https://) and a port",
			"write \"log.example.com\" here and \"port: 443\"", NONE},
		{HOST, "      hostname: log.example.com:514", 0, 17, "env.logging.syslog.hostname",
			"it has a port behind it", "write \"log.example.com\" here and \"port: 514\"", NONE},
		{HOST, "      hostname: log.example.com.", 0, 17, "env.logging.syslog.hostname",
			"characters around it", "write log.example.com", REPLACE("log.example.com")},
		{HOST, "      hostname: \" log.example.com\"", 0, 17, "env.logging.syslog.hostname",
			"characters around it", "write log.example.com", REPLACE("log.example.com")},
		{HOST, "      hostname: log_host", 0, 17, "env.logging.syslog.hostname",
			"it has a special character as character 4; expected: a host name or an IPv4",
			"log.example.com, without scheme", NONE},
		{HOST, "      hostname: -log", 0, 17, "env.logging.syslog.hostname", "begins or ends with -",
			"log.example.com", NONE},
		{HOST, "      hostname: 2001:db8::1", 0, 17, "env.logging.syslog.hostname",
			"is an IPv6 address", "write a host name that stands for", NONE},
		{HOST, "      hostname: \"\"", 0, 17, "env.logging.syslog.hostname", "is empty",
			"log.example.com", NONE},
		{HOST, "      hostname: 10", 0, 17, "env.logging.syslog.hostname",
			"is an integer, must be a string", "in quotes", NONE},
		{HOST, "      hostname: xn--hello-txk.example", 0, 17, "env.logging.syslog.hostname",
			"begins with xn-- stands for no name", "log.example.com", NONE},
		{HOST, "", -1, 5, "env.logging.syslog", "lacks \"hostname\"",
			"add \"hostname:\" with a host name", NONE},
		{PORT, "      port: \"6514\"", 0, 13, "env.logging.syslog.port",
			"is a string of 4 characters, must be an integer", "write 6514 without quotes",
			REPLACE("6514")},
		{PORT, "      port: 0", 0, 13, "env.logging.syslog.port", "is 0, must be at least 1",
			"write a number from 1 to 65535", NONE},
		{PORT, "      port: 65536", 0, 13, "env.logging.syslog.port", "must be at most 65535",
			"write a number from 1 to 65535", NONE},
		{PORT, "      port: tls", 0, 13, "env.logging.syslog.port",
			"is a string of 3 characters, must be an integer", "from 1 to 65535", NONE},
		{PORT, "      port:", 0, 12, "env.logging.syslog.port", "is empty (null)",
			"from 1 to 65535", NONE},
		{PORT, "      prot: 6514", 0, 7, "env.logging.syslog.prot", "is not known here",
			"did you mean \"port\"?", RENAME("port")},
		{PORT, "      protocol: tcp", 0, 7, "env.logging.syslog.protocol", "is not known here",
			"remove it; known here: hostname, port, server, cert, key", REMOVE},
	};
	static const char *const right[][2] = {
		{HOST, "      hostname: 10.0.2.2"}, {HOST, "      hostname: xn--bcher-kva.example"},
		{PORT, "      port: 012"},
	};
	CHECK_WRONG(BASE, rows);
	CHECK_RIGHT_LINES(BASE, right);
}

Test(logging, targets)
{
	static const char base[] =
		"workload: {type: workload, play: {}}\n"
		"env:\n"
		"  type: env\n"
		"  logging:\n"
		"    logRouter:\n"
		"      hostname: ingress.example.com\n"
		"      iamApiKey: abcdef\n"
		"      port: 443\n"
		"      tags: [one, two]\n";
	static const struct wrong rows[] = {
		{"    logRouter:", "    logrouter:", 0, 5, "env.logging.logrouter", "is missing",
			"did you mean \"logRouter\"?", RENAME("logRouter")},
		{"      iamApiKey: abcdef", "", -2, 5, "env.logging.logRouter", "lacks \"iamApiKey\"",
			"add \"iamApiKey:\" with an IAM API key", NONE},
		{"      iamApiKey: abcdef", "      iamApiKey: \"\"", 0, 18,
			"env.logging.logRouter.iamApiKey", "is empty", "write an IAM API key", NONE},
		{"      port: 443", "      port: \"443\"", 0, 13, "env.logging.logRouter.port",
			"must be an integer", "write 443 without quotes", REPLACE("443")},
		{"      tags: [one, two]", "      tags: one", 0, 13, "env.logging.logRouter.tags",
			"is a string of 3 characters, must be a list", "write a list: tags: [...]", NONE},
		{"      tags: [one, two]", "      tags: [1]", 0, 14, "env.logging.logRouter.tags[0]",
			"is an integer, must be a string", "put the value in quotes: \"...\"", NONE},
		{"      tags: [one, two]", "    syslog: {hostname: h, server: QUJD}", -5, 3, "env.logging",
			"has logRouter and syslog", "keep one of them", NONE},
		{"      tags: [one, two]", "    x: y\n    logruter: 5", 1, 5, "env.logging.logruter",
			"is ignored", "\"logRouter\" is there already", REMOVE, UNKNOWN},
	};
	check_right(base, HPL_PRODUCT_HPVS, false);
	check_right(base, HPL_PRODUCT_CCRV, false);
	CHECK_WRONG(base, rows);
}

Test(logging, of_older_contracts)
{
	static const char base[] =
		"workload: {type: workload, play: {}}\n"
		"env:\n"
		"  type: env\n"
		"  logging:\n"
		"    logDNA:\n"
		"      hostname: syslog-a.example.com\n"
		"      ingestionKey: 0123456789abcdef0123456789abcdef\n"
		"      port: 6514\n"
		"      tags: [one]\n";
	static const struct wrong rows[] = {
		{"      port: 6514", "", -3, 5, "env.logging.logDNA", "the service ended in March 2025",
			"log to syslog or logRouter", NONE},
		{"      port: 6514", "", -3, 5, "env.logging.logDNA", "in legacy mode only",
			"log to syslog or logRouter", NONE, LEGACY, HPL_PRODUCT_HPVS, true},
		{"      port: 6514", "      port: x", 0, 13, "env.logging.logDNA.port",
			"is a string of 1 character, must be an integer", "from 1 to 65535", NONE, NULL, HPL_PRODUCT_HPVS,
			true},
	};
	CHECK_WRONG(base, rows);
}

Test(products, ask_for_what_they_need)
{
	static const struct wrong rows[] = {
		{"  compose:", "  compose:", 0, 3, "workload.compose", "product ccrv",
			"write the containers as a Pod", NONE, NULL, HPL_PRODUCT_CCRV},
		{E_SEED, "      uv-secret-id: index-1", -1, 5, E_VOLUME, "lacks \"seed\"",
			"add seed: with 15 or more", NONE, NULL, HPL_PRODUCT_CCCO, .more = 1},
	};
	static const char no_logging[] = "workload: {type: workload, play: {}}\nenv:\n  type: env\n";
	static const struct wrong none[] = {
		{"  type: env", "  type: env", -1, 1, "env", "lacks \"logging\"",
			"add logging: with syslog:", NONE},
		{"  type: env", "  type: env", -1, 1, "env", "lacks \"logging\"",
			"add logging: with syslog:", NONE, NULL, HPL_PRODUCT_CCRV},
	};
	static const char nothing[] = "workload:\n  type: workload\nenv: {type: env, logging: {syslog: "
		"{hostname: h, server: QUJD}}}\n";
	static const struct wrong empty[] = {
		{"  type: workload", "  type: workload", -1, 1, "workload",
			"must have exactly one of: compose, play or confidential-containers", "add compose:", NONE},
		{"  type: workload", "  type: workload", -1, 1, "workload",
			"must have exactly one of: play or confidential-containers", "add play:", NONE, NULL,
			HPL_PRODUCT_CCRV},
	};
	CHECK_WRONG(BASE, rows);
	CHECK_WRONG(no_logging, none);
	CHECK_WRONG(nothing, empty);
	check_right(no_logging, HPL_PRODUCT_CCCO, false);
}

Test(products, confidential_containers)
{
	static const char base[] =
		"workload:\n"
		"  type: workload\n"
		"  confidential-containers:\n"
		"    regoValidator:\n"
		"      policy: |\n"
		"        package agent_policy\n"
		"    config:\n"
		"      cosign:\n"
		"        own:\n"
		"          publicKey: QUJDRA==\n"
		"    allowedContainers:\n"
		"      web:\n"
		"        allowedImages:\n"
		"          imageNames: [reg.example/app]\n"
		"          imagePatterns: [\"reg.example/*\"]\n"
		"    secret:\n"
		"      verificationKey: QUJDRA==\n"
		"      decryptionKey: QUJDRB==\n"
		"env:\n"
		"  type: env\n"
		"  confidential-containers:\n"
		"    secret: {verificationKey: QUJD, decryptionKey: QUJE}\n";
#define CC "workload.confidential-containers."
	static const struct wrong rows[] = {
		{"    regoValidator:", "    regovalidater:", 0, 5, CC "regovalidater",
			"\"regoValidator\" is missing", "did you mean", RENAME("regoValidator"), NULL,
			HPL_PRODUCT_CCCO},
		{"      policy: |", "      polisy: |", 0, 7, CC "regoValidator.polisy",
			"\"policy\" is missing", "did you mean", RENAME("policy"), NULL, HPL_PRODUCT_CCCO},
		{"        package agent_policy", "", -1, 15, CC "regoValidator.policy", "is empty",
			"write the policy as a block", NONE, NULL, HPL_PRODUCT_CCCO},
		{"          publicKey: QUJDRA==", "          publicKey: 5", 0, 22,
			CC "config.cosign.own.publicKey", "is an integer", "quotes", NONE, NULL,
			HPL_PRODUCT_CCCO},
		{"        own:", "        o.n:", 0, 9, CC "config.cosign[\"o.n\"]",
			"is no name of a cosign key", "name it \"o_n\"", RENAME("o_n"), NULL,
			HPL_PRODUCT_CCCO},
		{"          imageNames: [reg.example/app]", "          imageNames: reg.example/app", 0, 23,
			CC "allowedContainers.web.allowedImages.imageNames", "must be a list",
			"write a list: imageNames: [...]", NONE, NULL, HPL_PRODUCT_CCCO},
		{"        allowedImages:", "        allowedImage:", 0, 9,
			CC "allowedContainers.web.allowedImage", "\"allowedImages\" is missing",
			"did you mean", RENAME("allowedImages"), NULL, HPL_PRODUCT_CCCO},
		{"      web:", "      web 1:", 0, 7, CC "allowedContainers[\"web 1\"]",
			"is no name of a container", "name it \"web_1\"", RENAME("web_1"), NULL,
			HPL_PRODUCT_CCCO},
		{"      decryptionKey: QUJDRB==", "", -2, 5, CC "secret", "lacks \"decryptionKey\"",
			"add \"decryptionKey:\" with the private key", NONE, NULL, HPL_PRODUCT_CCCO},
		{"      verificationKey: QUJDRA==", "      verificationKey: \"\"", 0, 24,
			CC "secret.verificationKey", "is empty", "the public key that", NONE, NULL,
			HPL_PRODUCT_CCCO},
		{"    secret: {verificationKey: QUJD, decryptionKey: QUJE}", "    secret: {}", 0, 5,
			"env.confidential-containers.secret", "lacks \"verificationKey\"", "add", NONE, NULL,
			HPL_PRODUCT_CCCO, .more = 1},
	};
	check_right(base, HPL_PRODUCT_CCCO, false);
	CHECK_WRONG(base, rows);
}

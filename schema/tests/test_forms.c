/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates as PEM and base64: the mistakes that people and documentation make. */
#include "proto/messages.h"
#include "schema/compose.h"
#include "schema/tests/lines.h"

TestSuite(forms, .fini = hpl_parts_free);

/* A block in an indented literal; no key material: the form alone is looked at. */
#define BLOCK(key, lines) key ": |\n" lines
#define L(text) "    " text "\n"
#define BODY "TUlJQklqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FROEFNSUlCQ2dLQ0FRRUE3"
#define KEY_OF(lines) BLOCK("attestationPublicKey", lines)
#define GOOD_KEY KEY_OF(L("-----BEGIN PUBLIC KEY-----") L(BODY) L("TUlJ") "    -----END PUBLIC KEY-----")

static const char LINE[] = "attestationPublicKey: QUJDRA==";
#define ROW(lines, text, cure) {LINE, KEY_OF(lines), 0, 23, "attestationPublicKey", text, cure, NONE}

Test(forms, right)
{
	static const char *const right[][2] = {
		{LINE, GOOD_KEY},
		{LINE, "attestationPublicKey: >\n" L("-----BEGIN PUBLIC KEY-----") L(BODY)
			"    -----END PUBLIC KEY-----"},
		{LINE, "attestationPublicKey: \"-----BEGIN PUBLIC KEY-----\\n" BODY
			"\\n-----END PUBLIC KEY-----\\n\""},
		/* the two characters \ n, as from an environment variable or awk */
		{LINE, "attestationPublicKey: '-----BEGIN PUBLIC KEY-----\\n" BODY
			"\\n-----END PUBLIC KEY-----\\n'"},
		{LINE, KEY_OF(L("QUJD") "    RA==")},
		{"  signingKey: QUJDRA==", "  signingKey: |\n" L("-----BEGIN CERTIFICATE-----") L(BODY)
			"    -----END CERTIFICATE-----"},
		{"      server: TUlJRA==", "      server: |\n" "        -----BEGIN CERTIFICATE-----\n"
			"        QUJD\n        -----END CERTIFICATE-----\n\n        -----BEGIN CERTIFICATE-----\n"
			"        QUJE\n        -----END CERTIFICATE-----"},
		{"      key: TUlJRC==", "      key: |\n        -----BEGIN RSA PRIVATE KEY-----\n"
			"        QUJD\n        -----END RSA PRIVATE KEY-----"},
	};
	CHECK_RIGHT_LINES(BASE, right);
}

Test(forms, lines_of_begin_and_end)
{
	static const struct wrong rows[] = {
		/* the documentation's own sample ends like this */
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) "    -----END PUBLIC KEY----",
			"has an END line (line 61) with 4 dashes at its end, must be 5; expected: a public key",
			"end it with \"-----END PUBLIC KEY-----\""),
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) "    ----END PUBLIC KEY-----",
			"has an END line (line 61) with 4 dashes at its beginning",
			"end it with \"-----END PUBLIC KEY-----\""),
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) "    -----END PUBLIC KEY------",
			"with 6 dashes at its end", "end it with \"-----END PUBLIC KEY-----\""),
		ROW(L("-----BEGIN PUBLIC KEY-----") "    " BODY, "has no END line",
			"end it with \"-----END PUBLIC KEY-----\""),
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) "    -----END CERTIFICATE-----",
			"has an END line (line 61) of another type than its BEGIN line",
			"end it with \"-----END PUBLIC KEY-----\""),
		ROW(L("-----BEGIN PUBLIC KEY-----") "    " BODY "-----END PUBLIC KEY-----",
			"does not begin in a line of its own (line 60)", "end it with"),
		ROW(L(BODY) "    -----END PUBLIC KEY-----", "has no BEGIN line",
			"begin it with \"-----BEGIN PUBLIC KEY-----\" in a line of its own"),
		ROW(L("----BEGIN PUBLIC KEY-----") L(BODY) "    -----END PUBLIC KEY-----",
			"has a BEGIN line (line 59) with 4 dashes", "begin it with"),
		ROW(L("-----BEGIN PUBLIC KEY----") L(BODY) "    -----END PUBLIC KEY-----",
			"has a BEGIN line (line 59) with 4 dashes", "begin it with"),
		ROW(L("-----BEGIN PUBLIC KEY-----" BODY) "    -----END PUBLIC KEY-----",
			"has a BEGIN line (line 59) that does not end behind its dashes", "begin it with"),
		ROW(L("subject=CN = a") L("-----BEGIN PUBLIC KEY-----") L(BODY)
			"    -----END PUBLIC KEY-----", "has text outside of its PEM block (line 59)",
			"keep the lines from BEGIN to END only"),
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) L("-----END PUBLIC KEY-----") "    thanks",
			"has text outside of its PEM block (line 62)", "keep the lines"),
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) L("-----END PUBLIC KEY-----")
			L("-----BEGIN PUBLIC KEY-----") L(BODY) "    -----END PUBLIC KEY-----",
			"has a second PEM block (line 62), must have one", "keep one block"),
	};
	CHECK_WRONG(BASE, rows);
}

Test(forms, what_is_between)
{
	static const struct wrong rows[] = {
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) L("TU!J") "    -----END PUBLIC KEY-----",
			"has a special character in line 61, which is no base64", "paste the whole file again"),
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) L("TU_J") "    -----END PUBLIC KEY-----",
			"has a special character in line 61", "paste the whole file again"),
		ROW(L("-----BEGIN PUBLIC KEY-----") L(BODY) L("TUI") "    -----END PUBLIC KEY-----",
			"is cut: its base64 up to line 62 does not come out in groups of four", "paste"),
		ROW(L("-----BEGIN PUBLIC KEY-----") L("...") "    -----END PUBLIC KEY-----",
			"is abridged with dots in line 60", "paste the whole file again"),
		ROW(L("-----BEGIN PUBLIC KEY-----") L("Proc-Type: 4,ENCRYPTED") L(BODY)
			"    -----END PUBLIC KEY-----", "has a special character in line 60", "paste"),
		ROW(L("-----BEGIN PUBLIC KEY-----") "    -----END PUBLIC KEY-----",
			"has nothing between its BEGIN and END lines", "paste"),
		{LINE, "attestationPublicKey: \"-----BEGIN PUBLIC KEY-----\\nTU!J\\n-----END PUBLIC KEY-----\"",
			0, 23, "attestationPublicKey", "in line 2 of the value", "paste", NONE},
	};
	CHECK_WRONG(BASE, rows);
}

Test(forms, the_wrong_block)
{
	static const struct wrong rows[] = {
		ROW(L("-----BEGIN CERTIFICATE-----") L(BODY) "    -----END CERTIFICATE-----",
			"is a PEM block of type \"CERTIFICATE\", must be \"PUBLIC KEY\"",
			"openssl x509 -pubkey -noout"),
		ROW(L("-----BEGIN RSA PUBLIC KEY-----") L(BODY) "    -----END RSA PUBLIC KEY-----",
			"of type \"RSA PUBLIC KEY\", must be \"PUBLIC KEY\"", "openssl rsa -RSAPublicKey_in"),
		ROW(L("-----BEGIN PRIVATE KEY-----") L(BODY) "    -----END PRIVATE KEY-----",
			"of type \"PRIVATE KEY\"", "never give a private key here"),
		ROW(L("-----BEGIN PGP PUBLIC KEY BLOCK-----") L(BODY) "    -----END PGP PUBLIC KEY BLOCK-----",
			"of type \"PGP PUBLIC KEY BLOCK\"",
			"begins with \"-----BEGIN PUBLIC KEY-----\""),
		{LINE, "attestationPublicKey: ssh-rsa AAAAB3NzaC1yc2E= me@host", 0, 23,
			"attestationPublicKey", "in the format of OpenSSH, must be PEM",
			"ssh-keygen -e -m PKCS8", NONE},
		{LINE, "attestationPublicKey: what?", 0, 23, "attestationPublicKey",
			"is neither PEM nor base64: it has a special character as character 5",
			"base64 -w0", NONE},
		{LINE, "attestationPublicKey: 5", 0, 23, "attestationPublicKey",
			"is an integer, must be a string; expected: a public key as PEM", "in quotes", NONE},
		{LINE, "attestationPublicKey: \"\"", 0, 23, "attestationPublicKey", "is empty",
			"base64 -w0", NONE},
		{"  signingKey: QUJDRA==", "  signingKey: |\n" L("-----BEGIN CERTIFICATE REQUEST-----")
			L(BODY) "    -----END CERTIFICATE REQUEST-----", 0, 15, "env.signingKey",
			"must be \"PUBLIC KEY\" or \"CERTIFICATE\"",
			"begins with \"-----BEGIN PUBLIC KEY-----\"", NONE},
		{"      server: TUlJRA==", "      server: |\n        -----BEGIN PUBLIC KEY-----\n        QUJD\n"
			"        -----END PUBLIC KEY-----", 0, 15, "env.logging.syslog.server",
			"of type \"PUBLIC KEY\", must be \"CERTIFICATE\"", "give the certificate, not", NONE},
		{"      server: TUlJRA==", "      server: |\n        -----BEGIN CERTIFICATE-----\n        QUJD\n"
			"        -----END CERTIFICATE-----\n        0 s:CN = a", 0, 15,
			"env.logging.syslog.server", "has text outside of its PEM blocks (line 35)", "keep the",
			NONE},
		{"      cert: TUlJRB==", "      cert: |\n        -----BEGIN PRIVATE KEY-----\n        QUJD\n"
			"        -----END PRIVATE KEY-----", 0, 13, "env.logging.syslog.cert",
			"of type \"PRIVATE KEY\", must be \"CERTIFICATE\"", "belongs to \"key\" only", NONE},
		{"      key: TUlJRC==", "      key: |\n        -----BEGIN CERTIFICATE-----\n        QUJD\n"
			"        -----END CERTIFICATE-----", 0, 12, "env.logging.syslog.key",
			"of type \"CERTIFICATE\", must be \"PRIVATE KEY\"",
			"the private key that belongs to the certificate", NONE},
		{"      key: TUlJRC==", "      key: |\n        -----BEGIN XPRIVATE KEY-----\n        QUJD\n"
			"        -----END XPRIVATE KEY-----", 0, 12, "env.logging.syslog.key",
			"of type \"XPRIVATE KEY\"", "begins with \"-----BEGIN PRIVATE KEY-----\"", NONE},
		{"      cert: TUlJRB==", "      cert: TUlJRB=", 0, 13, "env.logging.syslog.cert",
			"has 6 characters of base64 and 1 of =", "base64", NONE},
		{"envWorkloadSignature: QUJDRA==", "envWorkloadSignature: \"-\"", 0, 23,
			"envWorkloadSignature", "URL-safe", "base64 -w0", NONE},
		{"envWorkloadSignature: QUJDRA==", "envWorkloadSignature: QUJDR", 0, 23,
			"envWorkloadSignature", "has 5 characters of base64", "it was cut", NONE},
	};
	CHECK_WRONG(BASE, rows);
}

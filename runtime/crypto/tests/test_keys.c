/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, chains and revocation lists, all made by the openssl program. */
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "runtime/base/b64.h"
#include "runtime/crypto/keys.h"
#include "runtime/crypto/signature.h"
#include "runtime/crypto/tests/tls.h"

enum { DAY = 86400 };

static void begin(void)
{
	strcpy(tls_dir, "/tmp/hpl-keys-XXXXXX");
	cr_assert(mkdtemp(tls_dir));
}

TestSuite(keys, .init = begin, .fini = tls_end);
TestSuite(chain, .init = begin, .fini = tls_end);

/* ---- private keys ---- */

static int private_key(EVP_PKEY **ret, const char *file, const char *passphrase, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = tls_read(file);
	_cleanup_secret_ struct hpl_secret word = HPL_SECRET_NULL;

	if (passphrase)
		cr_assert_eq(hpl_secret_copy(&word, passphrase, strlen(passphrase), NULL), 0);
	return hpl_private_key_parse(ret, b.data, b.len, passphrase ? &word : NULL, err);
}

static void expect_private(const char *file, const char *passphrase, const char *cause)
{
	EVP_PKEY *key = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = private_key(&key, file, passphrase, &err);

	cr_expect_eq(rc, cause ? -1 : 0, "%s: %s", file, err.text);
	cr_expect_eq(!key, cause != NULL);
	if (cause)
		cr_expect(strstr(err.text, cause), "%s: %s", file, err.text);
	EVP_PKEY_free(key);
}

Test(keys, private_keys_in_every_form_open_with_their_passphrase_only)
{
	openssl("genrsa -out rsa.key 2048");
	openssl("pkey -in rsa.key -traditional -out rsa1.key");
	openssl("pkey -in rsa.key -aes256 -passout pass:right -out enc8.key");
	openssl("pkey -in rsa.key -traditional -aes256 -passout pass:right -out enc1.key");
	openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key");
	openssl("pkey -in ec.key -traditional -out sec1.key");
	openssl("genrsa -out small.key 1024");
	expect_private("rsa.key", NULL, NULL);
	expect_private("rsa1.key", NULL, NULL);
	expect_private("ec.key", NULL, NULL);
	expect_private("sec1.key", NULL, NULL);
	expect_private("small.key", NULL, "1024 bits");
	for (int i = 0; i < 2; i++) {
		const char *file = i ? "enc1.key" : "enc8.key";

		expect_private(file, "right", NULL);
		expect_private(file, "wrong", "does not open");
		expect_private(file, NULL, "no passphrase");
	}
	expect_private("rsa.key", "not needed", NULL);
}

Test(keys, what_is_no_private_key_says_what_it_is)
{
	openssl("genrsa -out rsa.key 2048");
	openssl("pkey -in rsa.key -pubout -out pub");
	openssl("pkey -in rsa.key -outform DER -out der");
	expect_private("pub", NULL, "no private key");
	expect_private("der", NULL, "PEM");
	tls_write("cut", "-----BEGIN PRIVATE KEY-----\nAAAA\n");
	expect_private("cut", NULL, "no END line");
	tls_write("bad", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	expect_private("bad", NULL, "cannot be read");
}

/* ---- signingKey ---- */

static struct hpl_buf base64(const struct hpl_buf *in)
{
	struct hpl_buf out = HPL_BUF_NULL;

	hpl_b64_encode(&out, in->data, in->len);
	return out;
}

static struct hpl_buf literal(const struct hpl_buf *in)
{
	struct hpl_buf out = HPL_BUF_NULL;

	for (size_t i = 0; i < in->len; i++)
		hpl_buf_add(&out, in->data[i] == '\n' ? "\\n" : in->data + i, in->data[i] == '\n' ? 2 : 1);
	return out;
}

static void expect_public(const struct hpl_buf *text, EVP_PKEY *want, bool cert)
{
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int64_t end = -1;

	cr_assert_eq(hpl_public_key_read(&key, &x, text->data, text->len, &err), 0, "%s", err.text);
	cr_expect_eq(EVP_PKEY_eq(key, want), 1);
	cr_expect_eq(x != NULL, cert);
	cr_expect_eq(err.text[0], 0);
	EVP_PKEY_free(key);
	X509_free(x);
	cr_assert_eq(hpl_public_key_parse(&key, &end, text->data, text->len, &err), 0);
	cr_expect_eq(end > time(NULL) && end <= time(NULL) + 2 * DAY, cert);
	cr_expect_eq(end == 0, !cert);
	EVP_PKEY_free(key);
}

static void expect_all_forms(const char *file, EVP_PKEY *want, bool cert)
{
	_cleanup_buf_ struct hpl_buf pem = tls_read(file), once = base64(&pem), twice = base64(&once),
		esc = literal(&pem), once_esc = base64(&esc), crlf = HPL_BUF_NULL;

	for (size_t i = 0; i < pem.len; i++)
		hpl_buf_add(&crlf, pem.data[i] == '\n' ? "\r\n" : pem.data + i, pem.data[i] == '\n' ? 2 : 1);
	expect_public(&pem, want, cert);
	expect_public(&once, want, cert);
	expect_public(&twice, want, cert);
	expect_public(&esc, want, cert);
	expect_public(&once_esc, want, cert);
	expect_public(&crlf, want, cert);
}

Test(keys, a_signing_key_is_read_in_every_form)
{
	EVP_PKEY *key = NULL;
	_cleanup_buf_ struct hpl_buf pub = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	openssl("req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.crt -days 2 -subj /CN=s");
	openssl("pkey -in rsa.key -pubout -out pub");
	cr_assert_eq(private_key(&key, "rsa.key", NULL, &err), 0, "%s", err.text);
	expect_all_forms("pub", key, false);
	expect_all_forms("rsa.crt", key, true);
	cr_assert_eq(hpl_public_key_write(&pub, key, &err), 0, "%s", err.text);
	expect_public(&pub, key, false);
	EVP_PKEY_free(key);
}

static void expect_no_public(const char *text, const char *cause)
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_expect_eq(hpl_public_key_read(&key, &cert, text, strlen(text), &err), -1);
	cr_expect(strstr(err.text, cause), "%s", err.text);
	cr_expect(!key && !cert);
}

Test(keys, what_is_no_public_key_says_what_it_is)
{
	_cleanup_buf_ struct hpl_buf pub = HPL_BUF_NULL, private = HPL_BUF_NULL;

	openssl("genrsa -out rsa.key 2048");
	openssl("pkey -in rsa.key -pubout -out pub");
	private = tls_read("rsa.key");
	expect_no_public(private.data, "private key");
	pub = tls_read("pub");
	pub.data[pub.len - 2] = 0; /* the documentation's own sample: four dashes */
	expect_no_public(pub.data, "five dashes");
	expect_no_public("", "neither");
	expect_no_public("hello", "neither");
	expect_no_public("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no readable");
}

/* ---- signatures ---- */

static void expect_signature(EVP_PKEY *key, const struct hpl_buf *pub, const char *w, const char *e, bool strip,
	const char *verify_w, const char *verify_e, int want)
{
	_cleanup_buf_ struct hpl_buf s = HPL_BUF_NULL;
	struct hpl_signature_result r;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_signature_make(&s, key, w, strlen(w), e, strlen(e), strip, &err), 0, "%s", err.text);
	cr_expect_null(strpbrk(s.data, "\r\n "));
	struct hpl_signature_input in = {.key = pub->data, .key_len = pub->len, .signature = s.data,
		.signature_len = s.len, .workload = verify_w, .workload_len = strlen(verify_w), .env = verify_e,
		.env_len = strlen(verify_e), .now = time(NULL)};
	cr_expect_eq(hpl_signature_verify(&r, &in, &err), want, "%s", err.text);
}

Test(keys, what_is_signed_verifies_and_the_program_agrees)
{
	_cleanup_buf_ struct hpl_buf pub = HPL_BUF_NULL, s = HPL_BUF_NULL, raw = HPL_BUF_NULL;
	EVP_PKEY *key = NULL;

	openssl("genrsa -out rsa.key 2048");
	openssl("pkey -in rsa.key -pubout -out pub");
	pub = tls_read("pub");
	cr_assert_eq(private_key(&key, "rsa.key", NULL, NULL), 0);
	expect_signature(key, &pub, "a\n", "b\r\n", false, "a\n", "b\r\n", 0);
	expect_signature(key, &pub, "a\n", "b\r\n", true, "a\n", "b\r\n", 0);
	expect_signature(key, &pub, "a\n", "b\r\n", true, "ab", "", 0);
	expect_signature(key, &pub, "a", "b", false, "b", "a", -1);
	expect_signature(key, &pub, "a", "b", false, "a", "c", -1);
	cr_assert_eq(hpl_signature_make(&s, key, "wor\nk", 5, "e\r\nnv", 5, true, NULL), 0);
	cr_assert_eq(hpl_b64_decode(&raw, s.data, s.len, HPL_B64_STRICT, NULL), 0);
	cr_assert_eq(hpl_file_write(tls_path("sig"), raw.data, raw.len, 0600, NULL), 0);
	tls_write("text", "workenv");
	openssl("dgst -sha256 -verify pub -signature sig text");
	EVP_PKEY_free(key);
}

Test(keys, only_rsa_keys_sign)
{
	_cleanup_buf_ struct hpl_buf s = HPL_BUF_NULL;
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *small = EVP_RSA_gen(1024);

	cr_expect_eq(hpl_signature_make(&s, ec, "a", 1, "b", 1, false, NULL), -1);
	cr_expect_eq(hpl_signature_make(&s, small, "a", 1, "b", 1, false, NULL), -1);
	cr_expect_eq(s.len, 0);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(small);
}

/* ---- chains: root, middle, leaf, and a second family with the same names ---- */

static STACK_OF(X509) *certs(const char *list)
{
	_cleanup_buf_ struct hpl_buf all = HPL_BUF_NULL;
	STACK_OF(X509) *ret = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	char names[256];

	snprintf(names, sizeof(names), "%s", list);
	for (char *save, *n = strtok_r(names, " ", &save); n; n = strtok_r(NULL, " ", &save)) {
		_cleanup_buf_ struct hpl_buf one = tls_read(n);

		hpl_buf_add(&all, one.data, one.len);
	}
	cr_assert_eq(hpl_certs_parse(&ret, all.data, all.len, &err), 0, "%s", err.text);
	return ret;
}

/* dir: prefix of the files of one family */
static void make_family(const char *f)
{
	openssl("req -x509 -newkey rsa:2048 -nodes -keyout %s-root.key -out %s-root.crt -days 40 -subj /CN=root", f,
		f);
	openssl("req -newkey rsa:2048 -nodes -keyout %s-mid.key -out %s-mid.csr -subj /CN=mid", f, f);
	openssl("x509 -req -in %s-mid.csr -CA %s-root.crt -CAkey %s-root.key -set_serial 2 -days 10 -sha512"
		" -out %s-mid.crt", f, f, f, f);
	openssl("req -newkey rsa:2048 -nodes -keyout %s-leaf.key -out %s-leaf.csr -subj /CN=leaf", f, f);
	openssl("x509 -req -in %s-leaf.csr -CA %s-mid.crt -CAkey %s-mid.key -set_serial 7 -days 20 -sha512"
		" -out %s-leaf.crt", f, f, f, f);
}

/* A list by family f for `days`, with or without the leaf. */
static void make_crl(const char *f, const char *out, bool revoked, int days)
{
	tls_write("ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha512\n");
	tls_write("index", revoked ? "R\t301231000000Z\t260101000000Z\t07\tunknown\t/CN=leaf\n" : "");
	openssl("ca -config ca.cnf -gencrl -keyfile %s-mid.key -cert %s-mid.crt -crldays %s -out %s", f, f,
		days == 5 ? "5" : "30", out);
}

static void expect_chain(const char *leaf, const char *issuers, const char *crl_file, int days,
	const char *cause)
{
	STACK_OF(X509) *l = certs(leaf), *chain = issuers ? certs(issuers) : NULL;
	X509_CRL *crl = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int rc;

	if (crl_file) {
		_cleanup_buf_ struct hpl_buf b = tls_read(crl_file);

		cr_assert_eq(hpl_crl_parse(&crl, b.data, b.len, &err), 0, "%s", err.text);
	}
	rc = hpl_cert_check(sk_X509_value(l, 0), chain, crl, time(NULL) + (int64_t)days * DAY, &err);
	cr_expect_eq(rc, cause ? -1 : 0, "%s, %s, %s, day %d: %s", leaf, issuers, crl_file, days, err.text);
	if (cause)
		cr_expect(strstr(err.text, cause), "%s not in: %s", cause, err.text);
	sk_X509_pop_free(l, X509_free);
	sk_X509_pop_free(chain, X509_free);
	X509_CRL_free(crl);
}

Test(chain, good_chains_pass_and_each_broken_link_is_named, .timeout = 120)
{
	make_family("a");
	make_family("b");
	expect_chain("a-leaf.crt", NULL, NULL, 0, NULL);
	expect_chain("a-leaf.crt", "a-mid.crt", NULL, 0, NULL);
	expect_chain("a-leaf.crt", "a-mid.crt a-root.crt", NULL, 0, NULL);
	expect_chain("a-leaf.crt", "a-mid.crt a-root.crt", NULL, 25, "leaf: expired on");
	expect_chain("a-leaf.crt", "a-mid.crt a-root.crt", NULL, 15, "mid: expired on");
	expect_chain("a-leaf.crt", "a-mid.crt a-root.crt", NULL, -3, "not valid before");
	expect_chain("a-leaf.crt", "a-root.crt", NULL, 0, "not issued by");
	expect_chain("a-leaf.crt", "a-root.crt a-mid.crt", NULL, 0, "not issued by");
	expect_chain("a-leaf.crt", "a-mid.crt a-root.crt a-mid.crt", NULL, 0, "not issued by");
	expect_chain("b-leaf.crt", "a-mid.crt a-root.crt", NULL, 0, "leaf: its signature");
	expect_chain("a-leaf.crt", "a-mid.crt b-root.crt", NULL, 0, "mid: its signature");

	make_crl("a", "good.crl", false, 5);
	make_crl("a", "revoked.crl", true, 5);
	make_crl("b", "other.crl", false, 5);
	openssl("crl -in good.crl -outform DER -out der.crl");
	expect_chain("a-leaf.crt", "a-mid.crt", "good.crl", 0, NULL);
	expect_chain("a-leaf.crt", "a-mid.crt", "der.crl", 0, NULL);
	expect_chain("a-leaf.crt", "a-mid.crt a-root.crt", "revoked.crl", 0, "revoked on 2026-01-01");
	expect_chain("a-leaf.crt", "a-mid.crt", "good.crl", 7, "was valid until");
	expect_chain("a-leaf.crt", "a-mid.crt", "other.crl", 0, "not by the issuer's key");
	expect_chain("a-mid.crt", "a-root.crt", "good.crl", 0, "by another issuer");
	expect_chain("a-leaf.crt", NULL, "good.crl", 0, "cannot be checked without");
}

Test(chain, small_keys_other_kinds_and_old_digests_are_refused)
{
	openssl("req -x509 -newkey rsa:1024 -nodes -keyout k -out small.crt -days 5 -subj /CN=small");
	openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out ec.crt -days 5"
		" -subj /CN=ec");
	expect_chain("small.crt", NULL, NULL, 0, "RSA key of 1024 bits");
	expect_chain("ec.crt", NULL, NULL, 0, "EC key of 256 bits");
	make_family("a");
	openssl("x509 -req -in a-leaf.csr -CA a-mid.crt -CAkey a-mid.key -set_serial 8 -days 5 -sha1 -out sha1.crt");
	expect_chain("sha1.crt", "a-mid.crt", NULL, 0, "SHA-1");
}

Test(chain, a_certificate_is_described)
{
	struct hpl_cert_info info;
	STACK_OF(X509) *l;

	tls_write("ext", "crlDistributionPoints=URI:http://crl.example/a.crl\n");
	openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 5 -subj /C=DE/O=a,b/CN=ca");
	openssl("req -newkey rsa:3072 -nodes -keyout k -out csr -subj /C=DE/CN=leaf");
	openssl("x509 -req -in csr -CA ca.crt -CAkey ca.key -set_serial 0x1F -days 3 -extfile ext -out leaf.crt");
	l = certs("leaf.crt");
	hpl_cert_describe(&info, sk_X509_value(l, 0));
	cr_expect_str_eq(info.key_type, "RSA");
	cr_expect_eq(info.bits, 3072);
	cr_expect_str_eq(info.subject, "CN=leaf,C=DE");
	cr_expect_str_eq(info.issuer, "CN=ca,O=a\\,b,C=DE");
	cr_expect_str_eq(info.serial, "1F");
	cr_expect_str_eq(info.crl_url, "http://crl.example/a.crl");
	cr_expect_eq(strlen(info.fingerprint), 64);
	cr_expect_eq(info.not_after - info.not_before, 3 * DAY);
	sk_X509_pop_free(l, X509_free);
}

Test(chain, a_text_of_certificates_is_read_whole_or_refused)
{
	STACK_OF(X509) *l = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_buf_ struct hpl_buf one = HPL_BUF_NULL, text = HPL_BUF_NULL, many = HPL_BUF_NULL;

	openssl("req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 5 -subj /CN=c");
	one = tls_read("c");
	hpl_buf_fmt(&text, "a comment\n%s\nmore\n%s", one.data, one.data);
	cr_assert_eq(hpl_certs_parse(&l, text.data, text.len, &err), 0, "%s", err.text);
	cr_expect_eq(sk_X509_num(l), 2);
	sk_X509_pop_free(l, X509_free);
	hpl_buf_str(&text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	cr_expect_eq(hpl_certs_parse(&l, text.data, text.len, &err), -1);
	cr_expect(strstr(err.text, "certificate 3"), "%s", err.text);
	for (int i = 0; i < 33; i++)
		hpl_buf_add(&many, one.data, one.len);
	cr_expect_eq(hpl_certs_parse(&l, many.data, many.len, &err), -1);
	cr_expect(strstr(err.text, "more than 32"), "%s", err.text);
	cr_expect_eq(hpl_certs_parse(&l, "", 0, NULL), -1);
}

/* ---- contract expiry ---- */

static const char subject[] = "{\"country\":\"DE\",\"state\":\"BW\",\"location\":\"B\",\"org\":\"\\u00d6rg\","
	"\"unit\":\"U\",\"domain\":\"example.test\",\"mail\":\"a@example.test\"}";

Test(keys, a_certificate_for_expiry_is_issued_and_the_program_verifies_it)
{
	_cleanup_buf_ struct hpl_buf csr = HPL_BUF_NULL, crt = HPL_BUF_NULL;
	EVP_PKEY *key = NULL, *ca_key = NULL, *got = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_cert_info info;
	STACK_OF(X509) *ca;
	X509 *cert = NULL;
	int64_t now = time(NULL);

	openssl("genrsa -out rsa.key 2048");
	openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 90 -subj /CN=personal");
	cr_assert_eq(private_key(&key, "rsa.key", NULL, NULL) + private_key(&ca_key, "ca.key", NULL, NULL), 0);
	ca = certs("ca.crt");
	cr_assert_eq(hpl_csr_make(&csr, key, subject, strlen(subject), &err), 0, "%s", err.text);
	tls_write("csr", csr.data);
	openssl("req -in csr -verify -noout");
	cr_assert_eq(hpl_cert_issue(&crt, csr.data, csr.len, sk_X509_value(ca, 0), ca_key, 30, now, &err), 0, "%s",
		err.text);
	tls_write("crt", crt.data);
	openssl("verify -CAfile ca.crt crt");
	cr_assert_eq(hpl_public_key_read(&got, &cert, crt.data, crt.len, &err), 0, "%s", err.text);
	cr_expect_eq(EVP_PKEY_eq(got, key), 1);
	hpl_cert_describe(&info, cert);
	cr_expect_eq(info.not_before, now);
	cr_expect_eq(info.not_after, now + 30 * DAY);
	cr_expect_str_eq(info.subject,
		"emailAddress=a@example.test,CN=example.test,OU=U,O=\\C3\\96rg,L=B,ST=BW,C=DE");
	cr_expect_eq(hpl_cert_issue(&crt, csr.data, csr.len, sk_X509_value(ca, 0), key, 30, now, &err), -1);
	cr_expect_eq(hpl_cert_issue(&crt, csr.data, csr.len, sk_X509_value(ca, 0), ca_key, 0, now, &err), -1);
	cr_expect_eq(hpl_cert_issue(&crt, "x", 1, sk_X509_value(ca, 0), ca_key, 3, now, &err), -1);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(got);
	X509_free(cert);
	sk_X509_pop_free(ca, X509_free);
}

Test(keys, a_subject_that_is_no_object_of_known_strings_is_refused)
{
	static const char *const no[] = {"", "{}", "[]", "{\"domain\":1}", "{\"domain\":\"a\"", "{\"other\":\"a\"}",
		"{\"domain\":\"a\"}x", "{\"domain\":\"a\",\"domain\":\"b\"}", "{\"country\":\"Germany\"}",
		"{\"domain\":\"\\u0000\"}", "{\"domain\":\"\\ud800\"}", "{\"domain\":\"\xff\"}",
		"{\"domain\":\"a\nb\"}", "{\"domain\":\"\\q\"}", "{\"domain\":\"\"}", "{\"domain\":\"a\",}"};
	EVP_PKEY *key = EVP_RSA_gen(2048);

	for (size_t i = 0; i < HPL_ARRAY_SIZE(no); i++) {
		_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
		struct hpl_err err = HPL_ERR_NULL;

		cr_expect_eq(hpl_csr_make(&out, key, no[i], strlen(no[i]), &err), -1, "%s", no[i]);
		cr_expect(err.text[0] && err.cure[0], "%s: %s", no[i], err.text);
	}
	EVP_PKEY_free(key);
}

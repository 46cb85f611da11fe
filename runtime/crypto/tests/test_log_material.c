/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/tests/tls.h"

#include "proto/messages.h"
#include "runtime/base/b64.h"

TestSuite(material, .init = tls_begin, .fini = tls_end);

struct fields {
	struct hpl_buf ca, cert, key;
};

static struct fields good(void)
{
	return (struct fields){tls_read("ca.crt"), tls_read("client.crt"), tls_read("client.key")};
}

static int parse(struct fields *f, struct hpl_log_material *m, struct hpl_err *err)
{
	struct hpl_log_input in = {f->ca.data, f->cert.data, f->key.data, f->ca.len, f->cert.len,
		f->key.len};
	int rc = hpl_log_material_parse(m, &in, time(NULL), err);

	hpl_buf_done(&f->ca);
	hpl_buf_done(&f->cert);
	hpl_buf_done(&f->key);
	return rc;
}

static void to_base64(struct hpl_buf *b)
{
	struct hpl_buf out = HPL_BUF_NULL;

	hpl_b64_encode(&out, b->data, b->len);
	hpl_buf_done(b);
	*b = out;
}

static void replace(struct hpl_buf *b, const char *text)
{
	hpl_buf_done(b);
	hpl_buf_str(b, text);
}

static void expect_ok(struct fields f)
{
	_cleanup_material_ struct hpl_log_material m = HPL_LOG_MATERIAL_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(parse(&f, &m, &err), 0, "%s", err.text);
	cr_expect(strstr(m.ca.data, "BEGIN CERTIFICATE") && strstr(m.cert.data, "BEGIN CERTIFICATE"));
	cr_expect(strstr(m.key.data, "-----BEGIN PRIVATE KEY-----"));
}

static void expect_id(struct fields f, enum hpl_msg msg, const char *cause)
{
	struct hpl_log_material m = HPL_LOG_MATERIAL_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(parse(&f, &m, &err), -1);
	cr_expect_eq(err.msg, msg, "%s: %s", hpl_msg_info(err.msg)->id, err.text);
	cr_expect(strstr(err.text, cause), "%s", err.text);
	cr_expect(err.place[0] && err.cure[0]);
	cr_expect(!m.ca.data && !m.cert.data && !m.key.data);
}

Test(material, pem_and_base64_of_pem_are_taken)
{
	struct fields f = good();

	expect_ok(f);
	f = good();
	to_base64(&f.ca);
	to_base64(&f.cert);
	to_base64(&f.key);
	expect_ok(f);
	f = good();
	to_base64(&f.key);
	to_base64(&f.key);
	expect_ok(f);
}

Test(material, literal_backslash_n_becomes_line_ends)
{
	struct fields f = good();
	struct hpl_buf out = HPL_BUF_NULL;

	for (size_t i = 0; i < f.key.len; i++)
		hpl_buf_str(&out, f.key.data[i] == '\n' ? "\\n" : (char[]){f.key.data[i], 0});
	hpl_buf_done(&f.key);
	f.key = out;
	expect_ok(f);
}

Test(material, line_ends_of_other_systems_and_double_base64_are_taken_in_every_field)
{
	for (int twice = 0; twice < 2; twice++) {
		struct fields f = good();
		struct hpl_buf *const all[] = {&f.ca, &f.cert, &f.key};

		for (size_t k = 0; k < HPL_ARRAY_SIZE(all); k++) {
			struct hpl_buf crlf = HPL_BUF_NULL;

			for (size_t i = 0; i < all[k]->len; i++)
				hpl_buf_str(&crlf, all[k]->data[i] == '\n' ? "\r\n"
									    : (char[]){all[k]->data[i], 0});
			hpl_buf_done(all[k]);
			*all[k] = crlf;
			if (!twice)
				continue;
			to_base64(all[k]);
			to_base64(all[k]);
		}
		expect_ok(f);
	}
}

Test(material, a_certificate_that_claims_to_be_encrypted_asks_nobody)
{
	struct fields f = good();

	replace(&f.cert, "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
			 "DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n"
			 "MAAwADAAMAAwADAAMAA=\n-----END CERTIFICATE-----\n");
	expect_id(f, HPL_MSG_LOGGING_MISSING_CLIENT_CERTIFICATE, "cannot be read");
}

Test(material, several_server_certificates_are_all_kept)
{
	struct fields f = good();
	struct hpl_buf other = tls_read("other.crt");
	struct hpl_log_material m = HPL_LOG_MATERIAL_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	hpl_buf_add(&f.ca, other.data, other.len);
	cr_assert_eq(parse(&f, &m, &err), 0, "%s", err.text);
	cr_expect(strstr(strstr(m.ca.data, "BEGIN CERT") + 1, "BEGIN CERT"));
	hpl_log_material_done(&m);
	hpl_buf_done(&other);
}

static void expect_key_form(const char *file)
{
	struct fields f = {tls_read("ca.crt"), tls_read("rsa.crt"), tls_read(file)};

	expect_ok(f);
}

Test(material, rsa_keys_in_both_pem_forms_and_sec1_keys_are_taken)
{
	struct fields f;

	openssl("req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.crt -days 2 -subj /CN=client");
	openssl("pkey -in rsa.key -traditional -out rsa1.key");
	expect_key_form("rsa.key");
	expect_key_form("rsa1.key");
	openssl("pkey -in client.key -traditional -out sec1.key");
	f = good();
	hpl_buf_done(&f.key);
	f.key = tls_read("sec1.key");
	cr_assert(strstr(f.key.data, "BEGIN EC PRIVATE KEY"));
	expect_ok(f);
}

Test(material, what_is_no_pem_is_named_by_its_field)
{
	struct fields f = good();

	replace(&f.ca, "hello");
	expect_id(f, HPL_MSG_LOGGING_MISSING_PEM_BLOCK, "server:");
	f = good();
	replace(&f.cert, "");
	expect_id(f, HPL_MSG_LOGGING_MISSING_PEM_BLOCK, "cert:");
	f = good();
	replace(&f.key, "c2VjcmV0"); /* base64 of "secret" */
	expect_id(f, HPL_MSG_LOGGING_MISSING_PEM_BLOCK, "key:");
}

Test(material, blocks_of_the_wrong_kind_have_their_ids)
{
	struct fields f = good();

	hpl_buf_done(&f.ca);
	f.ca = tls_read("client.key");
	expect_id(f, HPL_MSG_LOGGING_MISSING_SERVER_CERTIFICATE, "server:");
	f = good();
	hpl_buf_done(&f.cert);
	f.cert = tls_read("client.key");
	expect_id(f, HPL_MSG_LOGGING_MISSING_CLIENT_CERTIFICATE, "cert:");
	f = good();
	hpl_buf_done(&f.key);
	f.key = tls_read("client.crt");
	expect_id(f, HPL_MSG_LOGGING_UNKNOWN_PRIVATE_KEY_TYPE, "CERTIFICATE");
	f = good();
	replace(&f.key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	expect_id(f, HPL_MSG_LOGGING_MISSING_PRIVATE_KEY, "cannot be read");
	f = good();
	replace(&f.ca, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	expect_id(f, HPL_MSG_LOGGING_MISSING_SERVER_CERTIFICATE, "cannot be read");
}

Test(material, encrypted_keys_are_refused_without_asking_for_a_password)
{
	struct fields f = good();

	openssl("pkey -in client.key -aes256 -passout pass:x -out enc.key");
	hpl_buf_done(&f.key);
	f.key = tls_read("enc.key");
	expect_id(f, HPL_MSG_LOGGING_MISSING_PRIVATE_KEY, "pass phrase");
	f = good();
	openssl("pkey -in client.key -traditional -aes256 -passout pass:x -out enc1.key");
	hpl_buf_done(&f.key);
	f.key = tls_read("enc1.key");
	expect_id(f, HPL_MSG_LOGGING_MISSING_PRIVATE_KEY, "pass phrase");
}

Test(material, a_key_of_another_certificate_is_named)
{
	struct fields f = good();

	hpl_buf_done(&f.key);
	f.key = tls_read("server.key");
	expect_id(f, HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG, "does not belong");
}

Test(material, expired_certificates_are_named)
{
	struct fields f = good();
	struct hpl_log_input in = {f.ca.data, f.cert.data, f.key.data, f.ca.len, f.cert.len, f.key.len};
	struct hpl_log_material m = HPL_LOG_MATERIAL_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_log_material_parse(&m, &in, time(NULL) + 5 * 86400, &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_LOGGING_INVALID_SYSLOG_INGESTION_CONFIG);
	cr_expect(strstr(err.text, "CN=ca") && strstr(err.text, "expired on"), "%s", err.text);
	cr_assert_eq(hpl_log_material_parse(&m, &in, time(NULL) - 5 * 86400, &err), -1);
	cr_expect(strstr(err.text, "not valid before"), "%s", err.text);
	hpl_buf_done(&f.ca);
	hpl_buf_done(&f.cert);
	hpl_buf_done(&f.key);
}

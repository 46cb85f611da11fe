/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <openssl/rsa.h>
#include <zlib.h>

#include "runtime/base/b64.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "runtime/crypto/sealed.h"

static EVP_PKEY *decrypt_key, *sign_key;

static void make_keys(void)
{
	decrypt_key = EVP_RSA_gen(2048);
	sign_key = EVP_RSA_gen(2048);
	cr_assert(decrypt_key && sign_key);
}

static void free_keys(void)
{
	EVP_PKEY_free(decrypt_key);
	EVP_PKEY_free(sign_key);
}

TestSuite(sealed, .init = make_keys, .fini = free_keys);

static struct hpl_buf make(enum hpl_sealed_side side)
{
	struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_sealed_make(&out, side, "pa\0ss\n", 6, decrypt_key, sign_key, &err), 0, "%s",
		err.text);
	return out;
}

Test(sealed, what_is_sealed_opens_and_names_its_side)
{
	for (int side = HPL_SEALED_WORKLOAD; side <= HPL_SEALED_ENV; side++) {
		_cleanup_buf_ struct hpl_buf text = make(side), plain = HPL_BUF_NULL;
		enum hpl_sealed_side got = HPL_SEALED_WORKLOAD;
		struct hpl_err err = HPL_ERR_NULL;

		hpl_buf_str(&text, "\n");
		cr_assert_eq(hpl_sealed_open(&plain, &got, text.data, text.len, decrypt_key, sign_key, &err),
			0, "%s", err.text);
		cr_expect_eq(got, (enum hpl_sealed_side)side);
		cr_expect_eq(plain.len, 6);
		cr_expect_eq(memcmp(plain.data, "pa\0ss\n", 6), 0);
	}
}

/* base64url into bytes, apart from the code under test */
static void unpack(struct hpl_buf *out, const char *text, size_t len)
{
	char copy[8192];

	cr_assert_lt(len, sizeof(copy) - 4);
	for (size_t i = 0; i < len; i++)
		copy[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	while (len % 4)
		copy[len++] = '=';
	cr_assert_eq(hpl_b64_decode(out, copy, len, HPL_B64_STRICT, NULL), 0);
}

Test(sealed, header_and_envelope_have_the_form_of_the_field)
{
	static const char *const members[] = {"{\"encrypted_data\":\"", "\",\"encrypted_key\":\"",
		"\",\"iv\":\"", "\",\"key_id\":\"env_decrypt\",\"provider\":\"ibm-hpcr-contract\",\"type\":\"kms\","
		"\"version\":\"0.1.0\",\"wrap_type\":\"A256GCM\"}"};
	_cleanup_buf_ struct hpl_buf text = make(HPL_SEALED_ENV), header = HPL_BUF_NULL,
		payload = HPL_BUF_NULL;
	const char *dot1 = strchr(text.data + 7, '.'), *dot2 = strchr(dot1 + 1, '.'), *at;

	cr_assert_eq(strncmp(text.data, "sealed.", 7), 0);
	cr_assert_null(strpbrk(text.data, "+/=\n"));
	unpack(&header, text.data + 7, (size_t)(dot1 - text.data - 7));
	cr_expect_str_eq(header.data, "{\"alg\":\"RS512\",\"kid\":\"env_verify\"}");
	unpack(&payload, dot1 + 1, (size_t)(dot2 - dot1 - 1));
	at = payload.data;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(members); i++) {
		at = strstr(at, members[i]);
		cr_assert(at, "member %zu", i);
		at += strlen(members[i]);
	}
	cr_expect_eq(*at, 0);
}

Test(sealed, no_changed_byte_is_opened)
{
	_cleanup_buf_ struct hpl_buf text = make(HPL_SEALED_WORKLOAD);

	for (size_t i = 0; i < text.len; i++) {
		_cleanup_buf_ struct hpl_buf plain = HPL_BUF_NULL;
		enum hpl_sealed_side side = HPL_SEALED_WORKLOAD;
		char keep = text.data[i];

		text.data[i] = keep == 'A' ? 'B' : 'A';
		cr_expect_eq(hpl_sealed_open(&plain, &side, text.data, text.len, decrypt_key, sign_key, NULL),
			-1, "byte %zu", i);
		cr_expect_eq(plain.len, 0);
		text.data[i] = keep;
	}
}

Test(sealed, other_keys_do_not_open_it)
{
	_cleanup_buf_ struct hpl_buf text = make(HPL_SEALED_WORKLOAD), plain = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	enum hpl_sealed_side side;

	cr_expect_eq(hpl_sealed_open(&plain, &side, text.data, text.len, decrypt_key, decrypt_key, &err), -1);
	cr_expect(strstr(err.text, "signature"), "%s", err.text);
	cr_expect_eq(hpl_sealed_open(&plain, &side, text.data, text.len, sign_key, sign_key, &err), -1);
	cr_expect(strstr(err.text, "cannot be opened"), "%s", err.text);
}

/* ---- initdata ---- */

static void pack(struct hpl_buf *out, const char *toml)
{
	unsigned char data[4096];
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)toml, .avail_in = (unsigned)strlen(toml),
		.next_out = data, .avail_out = sizeof(data)};

	cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	hpl_b64_encode(out, data, sizeof(data) - z.avail_out);
	deflateEnd(&z);
}

static void expect_frame(const char *contract, const char *sehdr, const char *toml)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL, raw = HPL_BUF_NULL, text = HPL_BUF_NULL;
	const char *argv[] = {"/bin/gzip", "-dc", NULL};
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;

	cr_assert_eq(hpl_initdata_make(&out, contract, strlen(contract), sehdr, &err), 0, "%s", err.text);
	cr_assert_eq(hpl_b64_decode(&raw, out.data, out.len, HPL_B64_STRICT, NULL), 0);
	cr_expect_eq(memcmp(raw.data, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10), 0, "header with a time in it");
	struct hpl_proc p = {.argv = argv, .input = raw.data, .input_len = raw.len, .timeout_ms = 10000,
		.out = &text};
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	cr_assert_eq(status, 0);
	cr_expect_str_eq(text.data, toml);
}

Test(initdata, the_frame_is_that_of_the_field_to_the_byte)
{
	expect_frame("env: |\n  a: 'b'\nworkload: x\n", NULL,
		"\nalgorithm = \"sha384\"\nversion = \"0.1.0\"\n\n[data]\n"
		"\"contract.yaml\" = '''env: |\n  a: 'b'\nworkload: x\n'''\n");
	expect_frame("env: a\n", "QUJD",
		"\nalgorithm = \"sha384\"\nversion = \"0.1.0\"\n\n[data]\n"
		"\"contract.yaml\" = '''env: a\n\nboot: |\n    sehdr: QUJD'''\n");
}

static void expect_opens(const char *toml, const char *contract)
{
	_cleanup_buf_ struct hpl_buf packed = HPL_BUF_NULL, out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int rc;

	pack(&packed, toml);
	rc = hpl_initdata_open(&out, packed.data, packed.len, &err);
	if (!contract) {
		cr_expect_eq(rc, -1, "%s", toml);
		cr_expect(err.text[0]);
		return;
	}
	cr_assert_eq(rc, 0, "%s", err.text);
	cr_expect_str_eq(out.data, contract);
}

#define HEAD "algorithm = \"sha384\"\nversion = \"0.1.0\"\n"

Test(initdata, what_toml_allows_around_the_contract_is_read)
{
	expect_opens(HEAD "[data]\n\"contract.yaml\" = '''a: 1\n'''\n", "a: 1\n");
	expect_opens(HEAD "[data]\n\"contract.yaml\" = '''\na: 1'''", "a: 1");
	expect_opens(HEAD "[data]\n\"contract.yaml\" = '''a: 'b''''\n", "a: 'b'");
	expect_opens("# x\r\n" HEAD "[data] # t\n\"aa.toml\" = \"\"\"\n\"contract.yaml\" = '''no''' \\\"\"\"\"\n"
		     "'x' = 'y' # z\n\"contract.yaml\" = '''yes'''\n[other]\nn = 5\n", "yes");
}

Test(initdata, what_holds_no_contract_is_refused)
{
	static const char *const no[] = {"", "x", HEAD, HEAD "[data]\n", HEAD "[x]\n\"contract.yaml\" = '''a'''\n",
		"[data]\n\"contract.yaml\" = '''a'''\n", HEAD "[data]\n\"contract.yaml\" = '''a\n",
		HEAD "[data]\n\"contract.yaml\" = \"a\"\n", HEAD "[data]\n\"contract.yaml\" = '''a''' b\n",
		HEAD "[data]\n\"contract.yaml\" = '''a'''\n\"contract.yaml\" = '''b'''\n",
		"algorithm = \"md5\"\nversion = \"0.1.0\"\n[data]\n\"contract.yaml\" = '''a'''\n",
		"algorithm = \"sha384\"\nversion = \"9\"\n[data]\n\"contract.yaml\" = '''a'''\n"};
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(no); i++)
		expect_opens(no[i], NULL);
	cr_expect_eq(hpl_initdata_open(&out, "", 0, NULL), -1);
	cr_expect_eq(hpl_initdata_open(&out, "QUJD", 4, NULL), -1);
}

Test(initdata, more_than_16_mib_is_not_unpacked)
{
	_cleanup_buf_ struct hpl_buf raw = HPL_BUF_NULL, text = HPL_BUF_NULL, out = HPL_BUF_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	static const char head[] = HEAD "[data]\n\"contract.yaml\" = '''";
	size_t big = 17 << 20;
	z_stream z = {0};

	hpl_buf_str(&raw, head);
	for (size_t i = 0; i < big; i += 64)
		hpl_buf_str(&raw, "################################################################");
	hpl_buf_str(&raw, "'''\n");
	_cleanup_free_ unsigned char *data = malloc(big);
	z.next_in = (unsigned char *)raw.data;
	z.avail_in = (unsigned)raw.len;
	z.next_out = data;
	z.avail_out = (unsigned)big;
	cr_assert_eq(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	hpl_b64_encode(&text, data, big - z.avail_out);
	deflateEnd(&z);
	cr_expect_eq(hpl_initdata_open(&out, text.data, text.len, &err), -1);
	cr_expect(strstr(err.text, "more than"), "%s", err.text);
}

Test(initdata, a_contract_that_the_string_cannot_hold_is_refused)
{
	static const char *const no[] = {"a: '''b'''\n", "a: \x01\n", "a: \xff\n", "a: \x7f\n", "a\rb"};
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	struct hpl_err err;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(no); i++) {
		err = HPL_ERR_NULL;
		cr_expect_eq(hpl_initdata_make(&out, no[i], strlen(no[i]), NULL, &err), -1, "%s", no[i]);
		cr_expect(strstr(err.text, "line 1"), "%s", err.text);
	}
	cr_expect_eq(hpl_initdata_make(&out, "a: 1\n", 5, "no base64", &err), -1);
	cr_expect_eq(hpl_initdata_make(&out, "", 0, NULL, &err), -1);
	cr_expect_eq(out.len, 0);
}

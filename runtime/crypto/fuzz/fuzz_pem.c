/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: everything that reads PEM. The first byte says who reads, the rest is the text. */
#include <openssl/err.h>

#include "runtime/crypto/keys.h"
#include "runtime/crypto/log_material.h"
#include "runtime/crypto/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_private(const char *text, size_t len)
{
	struct hpl_secret word = {.data = (uint8_t *)(uintptr_t) "word", .len = 4};
	EVP_PKEY *key = NULL;
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_private_key_parse(&key, text, len, NULL, &err) == 0)
		EVP_PKEY_free(key);
	else if (!err.text[0])
		abort();
	if (hpl_private_key_parse(&key, text, len, &word, NULL) == 0)
		EVP_PKEY_free(key);
}

static void read_public(const char *text, size_t len)
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_cert_info info;

	if (hpl_public_key_read(&key, &cert, text, len, &err) < 0) {
		if (!err.text[0] || key || cert)
			abort();
		return;
	}
	if (err.text[0])
		abort();
	if (cert)
		hpl_cert_describe(&info, cert);
	EVP_PKEY_free(key);
	X509_free(cert);
}

static void read_certs(const char *text, size_t len)
{
	STACK_OF(X509) *certs = NULL;
	struct hpl_cert_info info;

	if (hpl_certs_parse(&certs, text, len, NULL) < 0)
		return;
	for (int i = 0; i < sk_X509_num(certs); i++)
		hpl_cert_describe(&info, sk_X509_value(certs, i));
	hpl_cert_check(sk_X509_value(certs, 0), certs, NULL, 1800000000, NULL);
	sk_X509_pop_free(certs, X509_free);
}

static void read_crl(const char *text, size_t len)
{
	X509_CRL *crl = NULL;

	if (hpl_crl_parse(&crl, text, len, NULL) == 0)
		X509_CRL_free(crl);
}

/* The text as each of the three fields in turn, the last NUL apart. */
static void read_log_material(const char *text, size_t len)
{
	struct hpl_log_material m = HPL_LOG_MATERIAL_NULL;
	struct hpl_log_input in = {text, text, text, len, len, len};

	if (hpl_log_material_parse(&m, &in, 1800000000, NULL) == 0)
		hpl_log_material_done(&m);
}

static void read_registry_ca(const char *text, size_t len)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	hpl_registry_ca_parse(&out, "name", text, len, NULL);
}

static void (*const readers[])(const char *, size_t) = {read_private, read_public, read_certs, read_crl,
	read_log_material, read_registry_ca};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	readers[*data % HPL_ARRAY_SIZE(readers)]((const char *)data + 1, size - 1);
	if (ERR_peek_error())
		abort();
	return 0;
}

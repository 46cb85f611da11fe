/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/keys.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "runtime/crypto/pem.h"

/* ---- private keys ---- */

struct asked {
	const struct hpl_secret *passphrase;
	bool asked;
};

static int give_passphrase(char *buf, int size, int rwflag, void *ud)
{
	struct asked *a = ud;

	a->asked = true;
	if (!a->passphrase || a->passphrase->len > (size_t)size)
		return -1;
	memcpy(buf, a->passphrase->data, a->passphrase->len);
	return (int)a->passphrase->len;
}

static int no_private_key(const char *text, const struct asked *a, struct hpl_err *err)
{
	const char *trouble = hpl_pem_trouble(text);

	if (a->asked && !a->passphrase) {
		HPL_FAIL(err, 0, 0, "the private key is encrypted, and no passphrase is given");
		hpl_err_cure(err, "give the passphrase from a file");
	} else if (a->asked && a->passphrase->len > PEM_BUFSIZE) {
		HPL_FAIL(err, 0, 0, "the passphrase is longer than %d bytes", PEM_BUFSIZE);
	} else if (a->asked) {
		HPL_FAIL(err, 0, 0, "the passphrase does not open the private key");
	} else if (trouble) {
		HPL_FAIL(err, 0, 0, "the PEM block %s", trouble);
	} else if (!strstr(text, "PRIVATE KEY-----")) {
		HPL_FAIL(err, 0, 0, "the PEM holds no private key");
		hpl_err_cure(err, "give a block that begins with -----BEGIN PRIVATE KEY-----");
	} else {
		HPL_FAIL(err, 0, 0, "the private key cannot be read");
	}
	return -1;
}

int hpl_key_size_check(EVP_PKEY *key, struct hpl_err *err)
{
	int bits = EVP_PKEY_get_bits(key);

	if (!EVP_PKEY_is_a(key, "RSA"))
		return 0;
	if (bits >= HPL_KEY_BITS_MIN && bits <= HPL_KEY_BITS_MAX)
		return 0;
	return HPL_FAIL(err, 0, 0, "an RSA key of %d bits; %d to %d are taken", bits,
		HPL_KEY_BITS_MIN, HPL_KEY_BITS_MAX);
}

int hpl_private_key_parse(EVP_PKEY **ret, const char *text, size_t len,
	const struct hpl_secret *passphrase, struct hpl_err *err)
{
	struct asked asked = {.passphrase = passphrase};
	_cleanup_buf_ struct hpl_buf pem = {.wipe = 1};
	EVP_PKEY *key;
	BIO *bio;

	if (len > HPL_KEY_BYTES || !len || memchr(text, 0, len))
		return HPL_FAIL(err, 0, 0, "a private key is PEM text of at most %d bytes", HPL_KEY_BYTES);
	hpl_buf_add(&pem, text, len);
	if (pem.failed)
		return HPL_OOM(err);
	if (!strstr(pem.data, "-----BEGIN ")) {
		HPL_FAIL(err, 0, 0, "no PEM: it has no -----BEGIN line");
		hpl_err_cure(err, "DER becomes PEM by: openssl pkey -inform DER -in KEY -out KEY.pem");
		return -1;
	}
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &asked) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!key)
		return no_private_key(pem.data, &asked, err);
	if (hpl_key_size_check(key, err) < 0) {
		EVP_PKEY_free(key);
		return -1;
	}
	*ret = key;
	return 0;
}

/* ---- public keys ---- */

static int no_public_key(const char *pem, struct hpl_err *err)
{
	const char *trouble = hpl_pem_trouble(pem);

	if (strstr(pem, "PRIVATE KEY-----"))
		return HPL_FAIL(err, 0, 0, "it is a private key, where a public one belongs");
	if (trouble)
		return HPL_FAIL(err, 0, 0, "the PEM block %s", trouble);
	return HPL_FAIL(err, 0, 0, "the PEM block holds no readable public key or certificate");
}

/* A certificate whose times cannot be read could never expire: it is none. */
static X509 *usable(X509 *cert)
{
	struct hpl_cert_info info;

	if (cert) {
		hpl_cert_describe(&info, cert);
		if (info.not_before && info.not_after)
			return cert;
	}
	X509_free(cert);
	return NULL;
}

int hpl_public_key_read(EVP_PKEY **ret, X509 **ret_cert, const char *text, size_t len,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf pem = HPL_BUF_NULL;
	X509 *cert = NULL;
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (len > HPL_KEY_BYTES)
		return HPL_FAIL(err, 0, 0, "the public key is no text of at most %d bytes", HPL_KEY_BYTES);
	if (hpl_pem_text(&pem, text, len, HPL_KEY_BYTES) < 0)
		return HPL_FAIL(err, 0, 0, "neither PEM nor base64 of PEM (public key or certificate)");
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (bio && strstr(pem.data, "-----BEGIN CERTIFICATE-----")) {
		cert = usable(PEM_read_bio_X509(bio, NULL, hpl_pem_no_passphrase, NULL));
		key = cert ? X509_get_pubkey(cert) : NULL;
	} else if (bio) {
		key = PEM_read_bio_PUBKEY(bio, NULL, hpl_pem_no_passphrase, NULL);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (!key) {
		X509_free(cert);
		return no_public_key(pem.data, err);
	}
	*ret = key;
	if (ret_cert)
		*ret_cert = cert;
	else
		X509_free(cert);
	return 0;
}

int hpl_public_key_parse(EVP_PKEY **ret, int64_t *ret_not_after, const char *text, size_t len,
	struct hpl_err *err)
{
	struct hpl_cert_info info = {.not_after = 0};
	X509 *cert = NULL;

	if (hpl_public_key_read(ret, &cert, text, len, err) < 0)
		return -1;
	if (cert)
		hpl_cert_describe(&info, cert);
	if (ret_not_after)
		*ret_not_after = info.not_after;
	X509_free(cert);
	return 0;
}

int hpl_public_key_write(struct hpl_buf *out, EVP_PKEY *key, struct hpl_err *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;
	int ok = bio && PEM_write_bio_PUBKEY(bio, key) == 1;

	if (ok) {
		len = BIO_get_mem_data(bio, &data);
		hpl_buf_add(out, data, (size_t)len);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (!ok)
		return HPL_FAIL(err, 0, 0, "the public key cannot be written as PEM");
	return out->failed ? HPL_OOM(err) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/material.h"

#include <time.h>

#include "runtime/crypto/keys.h"

void hpl_keys_done(struct hpl_keys *k)
{
	while (k->count)
		EVP_PKEY_free(k->items[--k->count]);
}

const char *hpl_time_text(char buf[HPL_TIME_TEXT], int64_t t)
{
	time_t when = (time_t)t;
	struct tm tm;
	if (!gmtime_r(&when, &tm) || !strftime(buf, HPL_TIME_TEXT, "%Y-%m-%d %H:%M:%S UTC", &tm))
		strcpy(buf, "a time far away");
	return buf;
}

/* Returns 1 and leaves ret empty when there is none. */
static int read_passphrase(struct hpl_secret *ret, struct hpl_source *s, const char *name,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	size_t n;
	int rc = name ? hpl_source_text(s, name, &b, err) : 1;
	if (rc)
		return rc;
	n = b.len ? strcspn(b.data, "\r\n") : 0;
	if (n == 0)
		return HPL_FAIL(err, 0, 0, "%s: holds no passphrase", hpl_source_file(s, name));
	return hpl_secret_copy(ret, b.data, n, err);
}

static int nth_key(EVP_PKEY **ret, struct hpl_source *s, const char *name, size_t n,
	const char *passphrase, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	_cleanup_secret_ struct hpl_secret word = HPL_SECRET_NULL;
	int rc = hpl_source_nth(s, name, n, &b, err);
	if (rc)
		return rc;
	rc = read_passphrase(&word, s, passphrase, err);
	if (rc < 0)
		return -1;
	if (hpl_private_key_parse(ret, b.data ? b.data : "", b.len, rc ? NULL : &word, err) < 0)
		return HPL_WRAP(err, 0, "--%s", name);
	return 0;
}

int hpl_material_key(EVP_PKEY **ret, struct hpl_source *s, const char *name, const char *passphrase,
	struct hpl_err *err)
{
	return nth_key(ret, s, name, 0, passphrase, err);
}

int hpl_keys_read(struct hpl_keys *ret, struct hpl_source *s, const char *name, struct hpl_err *err)
{
	for (;;) {
		EVP_PKEY *key = NULL;
		int rc = nth_key(&key, s, name, ret->count, "passphrase", err);
		if (rc)
			return rc < 0 ? -1 : 0;
		if (ret->count == HPL_KEYS_MAX) {
			EVP_PKEY_free(key);
			return HPL_FAIL(err, 0, 0, "more than %d keys", HPL_KEYS_MAX);
		}
		ret->items[ret->count++] = key;
	}
}

int hpl_material_public(EVP_PKEY **ret, X509 **ret_cert, struct hpl_source *s, const char *name,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	int rc = hpl_source_text(s, name, &b, err);
	if (rc)
		return rc;
	if (hpl_public_key_read(ret, ret_cert, b.data ? b.data : "", b.len, err) < 0)
		return HPL_WRAP(err, 0, "%s", hpl_source_file(s, name));
	return 0;
}

int hpl_material_chain(STACK_OF(X509) **ret, struct hpl_source *s, const char *name,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf all = HPL_BUF_NULL;
	int rc = 0;
	for (size_t n = 0; rc == 0; n++) {
		rc = hpl_source_nth(s, name, n, &all, err);
		hpl_buf_str(&all, "\n"); /* a file may lack its last line end */
		if (rc > 0 && n == 0)
			return 1;
	}
	if (rc < 0)
		return -1;
	if (all.failed)
		return HPL_OOM(err);
	if (hpl_certs_parse(ret, all.data, all.len, err) < 0)
		return HPL_WRAP(err, 0, "--%s", name);
	return 0;
}

int hpl_material_crl(X509_CRL **ret, struct hpl_source *s, const char *name, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	int rc = hpl_source_text(s, name, &b, err);
	if (rc)
		return rc;
	if (hpl_crl_parse(ret, b.data ? b.data : "", b.len, err) < 0)
		return HPL_WRAP(err, 0, "%s", hpl_source_file(s, name));
	return 0;
}

static int check_cert(X509 *cert, struct hpl_source *s, struct hpl_err *err)
{
	_cleanup_x509s_ STACK_OF(X509) *issuers = NULL;
	_cleanup_crl_ X509_CRL *crl = NULL;
	struct hpl_cert_info info;
	int64_t now = time(NULL);
	char when[HPL_TIME_TEXT];

	hpl_cert_describe(&info, cert);
	if (hpl_material_chain(&issuers, s, "issuer", err) < 0 ||
		hpl_material_crl(&crl, s, "crl", err) < 0)
		return -1;
	if (crl && !issuers)
		return HPL_FAIL(err, 0, 0, "--crl needs the certificate that signed it: --issuer");
	if (now > info.not_after && !crl) {
		hpl_source_warn(s, "%s: expired on %s; guests of its image still open what it encrypts",
			hpl_source_file(s, "cert"), hpl_time_text(when, info.not_after));
		now = info.not_after;
	}
	if (hpl_cert_check(cert, issuers, crl, now, err) < 0)
		return HPL_WRAP(err, 0, "%s", hpl_source_file(s, "cert"));
	return 0;
}

int hpl_material_encrypt_key(EVP_PKEY **ret, struct hpl_source *s, struct hpl_err *err)
{
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	_cleanup_x509_ X509 *cert = NULL;
	int rc = hpl_material_public(&key, &cert, s, "cert", err);
	if (rc)
		return rc;
	if (!EVP_PKEY_is_a(key, "RSA"))
		return HPL_FAIL(err, 0, 0, "%s: holds a key of type %s; contracts are encrypted for RSA",
			hpl_source_file(s, "cert"), EVP_PKEY_get0_type_name(key));
	if (EVP_PKEY_get_bits(key) < HPL_KEY_BITS_MIN)
		return HPL_FAIL(err, 0, 0, "%s: an RSA key of %d bits; at least %d are needed",
			hpl_source_file(s, "cert"), EVP_PKEY_get_bits(key), HPL_KEY_BITS_MIN);
	if (cert && check_cert(cert, s, err) < 0)
		return -1;
	*ret = TAKE(key);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "runtime/base/b64.h"

enum { BASE64_LAYERS = 2 };

static const char begin[] = "-----BEGIN ", end_mark[] = "-----END ";

int hpl_pem_text(struct hpl_buf *out, const void *data, size_t len, size_t limit)
{
	if (!len || len > limit || memchr(data, 0, len))
		return -1;
	hpl_buf_add(out, data, len);
	for (int layer = 0; layer <= BASE64_LAYERS && !out->failed; layer++) {
		struct hpl_buf inner = {.wipe = out->wipe};

		if (strstr(out->data, begin)) {
			hpl_buf_unescape_lines(out);
			return 0;
		}
		if (hpl_b64_decode(&inner, out->data, out->len, HPL_B64_WHITESPACE, NULL) < 0 ||
			!inner.len || memchr(inner.data, 0, inner.len)) {
			hpl_buf_done(&inner);
			break;
		}
		hpl_buf_done(out);
		*out = inner;
	}
	return -1;
}

const char *hpl_pem_trouble(const char *pem)
{
	const char *end = strstr(pem, end_mark), *tail;

	if (!end)
		return "has no END line";
	tail = end + strlen(end_mark);
	tail += strspn(tail, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ");
	return strncmp(tail, "-----", 5) != 0 ? "has an END line that does not end in five dashes" : NULL;
}

static int take_bio(struct hpl_buf *out, BIO *bio, int written, struct hpl_err *err)
{
	char *data;
	long len;

	if (written == 1) {
		len = BIO_get_mem_data(bio, &data);
		hpl_buf_add(out, data, (size_t)len);
	}
	BIO_free(bio);
	ERR_clear_error();
	return written == 1 && !out->failed ? 0 : HPL_OOM(err);
}

int hpl_pem_add_cert(struct hpl_buf *out, X509 *cert, struct hpl_err *err)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_bio(out, bio, bio ? PEM_write_bio_X509(bio, cert) : 0, err);
}

int hpl_pem_add_private(struct hpl_buf *out, EVP_PKEY *key, struct hpl_err *err)
{
	BIO *bio = BIO_new(BIO_s_secmem()); /* freed memory is cleansed */

	out->wipe = 1;
	return take_bio(out, bio,
		bio ? PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) : 0, err);
}

int hpl_pem_no_passphrase(char *buf, int size, int rwflag, void *ud)
{
	return -1;
}

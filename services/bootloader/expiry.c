// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/expiry.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

int hpl_expiry_of(int64_t *ret, const char *pem, size_t len, struct hpl_err *err)
{
	BIO *bio = BIO_new_mem_buf(pem ? pem : "", (int)len);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	struct tm tm;
	int r = -1;

	if (!cert)
		HPL_FAIL(err, 0, 0, "no PEM certificate");
	else if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		HPL_FAIL(err, 0, 0, "the certificate's end of validity is no time");
	else
		r = 0;
	if (r == 0)
		*ret = (int64_t)timegm(&tm);
	X509_free(cert);
	BIO_free(bio);
	return r;
}

static int iso_time(char *out, size_t size, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	return gmtime_r(&t, &tm) && strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) ? 0 : -1;
}

int hpl_expiry_json(struct hpl_buf *out, int64_t encryption, int64_t attestation,
	struct hpl_err *err)
{
	char e[40], a[40];

	if (iso_time(e, sizeof(e), encryption) < 0 || iso_time(a, sizeof(a), attestation) < 0)
		return HPL_FAIL(err, 0, 0, "a certificate's end of validity is no time");
	hpl_buf_fmt(out,
		"{\"encryption\":{\"valid_until\":\"%s\"},\"attestation\":{\"valid_until\":\"%s\"}}\n", e,
		a);
	return out->failed ? HPL_OOM(err) : 0;
}

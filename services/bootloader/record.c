// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/record.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "runtime/base/log.h"

static int valid_until(struct hpl_buf *out, const char *what, int64_t seconds, struct hpl_err *err)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[64];

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%b %d %H:%M:%S %Y UTC", &tm))
		return HPL_FAIL(err, 0, 0, "%s: end of validity is no time", what);
	hpl_buf_fmt(out, "%s valid until: %s\n", what, text);
	return 0;
}

static void hash_line(struct hpl_buf *out, const struct hpl_sha256 *hash, const char *name)
{
	hpl_buf_fmt(out, "%s %s\n", hash->hex, name);
}

int hpl_record_text(struct hpl_buf *out, const struct hpl_record *r, struct hpl_err *err)
{
	/* a clock before the image's birth gives 0, not a negative age */
	int64_t age = r->now > r->created ? (r->now - r->created) / 86400 : 0;

	hpl_buf_fmt(out, "%s\n", r->build);
	if (r->machine)
		hpl_buf_fmt(out, "Machine Type/Plant/Serial: %s\n", r->machine);
	hpl_buf_fmt(out, "Image age: %lld days since creation.\n", (long long)age);
	if (valid_until(out, "Encryption Certificate", r->encrypt_not_after, err) < 0 ||
		valid_until(out, "Attestation Certificate", r->attest_not_after, err) < 0)
		return -1;
	hash_line(out, &r->expiry_json, "certificate_expiry_date.json");
	hash_line(out, &r->root, "root.tar.gz");
	hash_line(out, &r->baseimage, "baseimage");
	hash_line(out, &r->sbom, "sbom");
	hash_line(out, &r->cidata_device, "/dev/disk/by-label/cidata");
	hash_line(out, &r->meta_data, "cidata/meta-data");
	hash_line(out, &r->user_data, "cidata/user-data");
	hash_line(out, &r->vendor_data, "cidata/vendor-data");
	for (size_t i = 0; i < r->section_count; i++) {
		char name[256];

		/* a key with a line feed must not make a line of its own */
		hpl_escape_line(name, sizeof(name), r->sections[i].name, strlen(r->sections[i].name));
		hpl_buf_fmt(out, "%s contract:%s\n", r->sections[i].hash.hex, name);
	}
	return out->failed ? HPL_OOM(err) : 0;
}

int hpl_record_sign(struct hpl_buf *out, const struct hpl_buf *text, EVP_PKEY *key,
	struct hpl_err *err)
{
	unsigned char sig[2048]; /* RSA-16384, more than any key of an image */
	size_t len = sizeof(sig);
	int r = -1;

	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx)
		HPL_OOM(err);
	else if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_size(key) > (int)sizeof(sig))
		HPL_FAIL(err, 0, 0, "the attestation key is no RSA key");
	else if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 || /* PKCS#1 v1.5 */
		EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text->data, text->len) != 1)
		HPL_FAIL(err, 0, 0, "the attestation record cannot be signed");
	else
		r = 0;
	EVP_MD_CTX_free(ctx);
	if (r == 0)
		hpl_buf_add(out, sig, len);
	return r == 0 && out->failed ? HPL_OOM(err) : r;
}

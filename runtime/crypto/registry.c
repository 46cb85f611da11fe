/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/crypto/registry.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "proto/messages.h"
#include "runtime/base/b64.h"
#include "runtime/crypto/pem.h"

#define ID HPL_MSG_REGISTRY_VALIDATE_CONTRACT

enum { NAME_MAX_LEN = 253, CREDENTIAL_MAX = 64 << 10 }; /* tokens of clouds are some KiB */

static bool port_valid(const char *text)
{
	unsigned long port = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		port = port * 10 + (unsigned long)(*text - '0');
		if (port > 65535)
			return false;
	}
	return port > 0;
}

bool hpl_registry_valid(const char *registry)
{
	size_t len = strcspn(registry, ":"), label = 0;

	if (hpl_streq(registry, "https://index.docker.io/v1/"))
		return true;
	if (!len || len > NAME_MAX_LEN || (registry[len] && !port_valid(registry + len + 1)))
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = registry[i];

		if (c == '.') {
			if (!label || registry[i - 1] == '-')
				return false;
			label = 0;
		} else if (isascii(c) && (isalnum((unsigned char)c) || (c == '-' && label))) {
			label++;
		} else {
			return false;
		}
	}
	return label && registry[len - 1] != '-';
}

static int bad_entry(const char *registry, const char *what, const char *cure, struct hpl_err *err)
{
	HPL_FAIL(err, ID, 0, "%s", what);
	hpl_err_place(err, "contract: auths.%s", registry);
	hpl_err_cure(err, "%s", cure);
	return -1;
}

static int add_entry(struct hpl_buf *out, const struct hpl_credential *c, bool first, struct hpl_err *err)
{
	struct hpl_buf plain = {.wipe = 1};

	if (!hpl_registry_valid(c->registry))
		return bad_entry(c->registry, "is no registry",
			"write host or host:port, or https://index.docker.io/v1/", err);
	if (!c->username_len || c->username_len > CREDENTIAL_MAX || c->password_len > CREDENTIAL_MAX)
		return bad_entry(c->registry, "user name missing, or user name or password too long",
			"give username and password", err);
	/* the form user:password ends the name at the first colon */
	if (memchr(c->username, ':', c->username_len))
		return bad_entry(c->registry, "the user name holds a colon",
			"use a user name without colon", err);
	hpl_buf_add(&plain, c->username, c->username_len);
	hpl_buf_str(&plain, ":");
	hpl_buf_add(&plain, c->password, c->password_len);
	/* the registry was checked: no character of it needs an escape in JSON */
	hpl_buf_fmt(out, "%s\n\t\t\"%s\": {\n\t\t\t\"auth\": \"", first ? "" : ",", c->registry);
	hpl_b64_encode(out, plain.data, plain.len);
	hpl_buf_str(out, "\"\n\t\t}");
	if (plain.failed)
		out->failed = 1;
	hpl_buf_done(&plain);
	return 0;
}

int hpl_authfile_make(struct hpl_buf *out, const struct hpl_credential *list, size_t count,
	struct hpl_err *err)
{
	out->wipe = 1;
	hpl_buf_str(out, "{\n\t\"auths\": {");
	for (size_t i = 0; i < count; i++)
		if (add_entry(out, &list[i], i == 0, err) < 0)
			return -1;
	hpl_buf_str(out, count ? "\n\t}\n}\n" : "}\n}\n");
	return out->failed ? HPL_OOM(err) : 0;
}

static int bad_ca(const char *name, const char *what, struct hpl_err *err)
{
	HPL_FAIL(err, ID, 0, "%s", what);
	hpl_err_place(err, "contract: env.cacerts.%s", name);
	hpl_err_cure(err, "give base64 of the PEM certificate: base64 -w0 ca.crt");
	return -1;
}

int hpl_registry_ca_parse(struct hpl_buf *out, const char *name, const void *text, size_t len,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf pem = HPL_BUF_NULL;
	unsigned count = 0;
	int rc = 0;
	BIO *bio;

	if (!len || len > CREDENTIAL_MAX || memchr(text, 0, len))
		return bad_ca(name, "empty, no text, or larger than 64 KiB", err);
	hpl_buf_add(&pem, text, len);
	if (!pem.failed && !strstr(pem.data, "-----BEGIN")) {
		hpl_buf_clear(&pem);
		if (hpl_b64_decode(&pem, text, len, HPL_B64_WHITESPACE, NULL) < 0 || !pem.len)
			return bad_ca(name, "is no base64", err);
	}
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	for (X509 *cert; bio && rc == 0 && (cert = PEM_read_bio_X509(bio, NULL, hpl_pem_no_passphrase, NULL)); count++) {
		rc = hpl_pem_add_cert(out, cert, err);
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (rc < 0)
		return -1;
	return count ? 0 : bad_ca(name, "holds no readable certificate", err);
}

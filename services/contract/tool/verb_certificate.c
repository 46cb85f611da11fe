/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "runtime/crypto/keys.h"
#include "runtime/tool/input.h"
#include "services/contract/tool/material.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/verbs.h"

enum { DAY = 86400, SOON_DAYS = 30 }; /* when a guest begins to warn */

struct seen {
	const char *file;
	struct hpl_cert_info info;
	bool good;
	struct hpl_err why;         /* when not */
};

struct trust {
	STACK_OF(X509) *issuers;    /* NULL: not asked for */
	X509_CRL *crl;
	int64_t now;
};

static int look(struct seen *ret, struct hpl_source *s, const char *file, const struct trust *t,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	_cleanup_x509_ X509 *cert = NULL;

	ret->file = strcmp(file, "-") == 0 ? "standard input" : file;
	if (hpl_tool_read(&b, file, HPL_TOOL_INPUT, err) < 0) {
		s->failed = HPL_EXIT_CALL;
		return -1;
	}
	if (hpl_public_key_read(&key, &cert, b.len ? b.data : "", b.len, err) < 0)
		return HPL_WRAP(err, 0, "%s", ret->file);
	if (!cert)
		return HPL_FAIL(err, 0, 0, "%s: is a public key, no certificate", ret->file);
	hpl_cert_describe(&ret->info, cert);
	ret->good = hpl_cert_check(cert, t->issuers, t->crl, t->now, &ret->why) == 0;
	return 0;
}

static long long days_left(const struct seen *c, int64_t now)
{
	int64_t left = c->info.not_after - now;
	return (long long)(left < 0 ? (left - DAY + 1) / DAY : left / DAY);
}

static void line(struct hpl_buf *out, const char *name, const char *text)
{
	hpl_buf_fmt(out, "%s: ", name);
	hpl_tool_escape(out, text, strlen(text));
	hpl_buf_str(out, "\n");
}

static const char *checked(const struct trust *t)
{
	return t->crl ? "validity, key, issuers, revocation list" : t->issuers ?
		"validity, key, issuers" : "validity, key; not the issuer (--issuer)";
}

static void print_one(struct hpl_buf *out, const struct seen *c, const struct trust *t)
{
	char when[HPL_TIME_TEXT];
	long long days = days_left(c, t->now);

	line(out, "subject", c->info.subject);
	line(out, "issuer", c->info.issuer);
	line(out, "serial", c->info.serial);
	line(out, "valid from", hpl_time_text(when, c->info.not_before));
	line(out, "valid until", hpl_time_text(when, c->info.not_after));
	hpl_buf_fmt(out, "days left: %lld\n", days);
	hpl_buf_fmt(out, "key: %s, %d bits\n", c->info.key_type, c->info.bits);
	line(out, "SHA-256", c->info.fingerprint);
	line(out, "revocation list", *c->info.crl_url ? c->info.crl_url : "none is named");
	hpl_buf_fmt(out, "checked: %s\n", checked(t));
	line(out, "verdict", c->good ? "good" : c->why.text);
}

static void print_table(struct hpl_buf *out, const struct seen *certs, size_t count,
	const struct trust *t)
{
	char when[HPL_TIME_TEXT];
	hpl_buf_fmt(out, "%-23s  %9s  %-8s  FILE\n", "VALID UNTIL", "DAYS LEFT", "KEY");
	for (size_t i = 0; i < count; i++) {
		const struct seen *c = &certs[i];
		char key[32];
		snprintf(key, sizeof(key), "%.16s %d", c->info.key_type, c->info.bits);
		hpl_buf_fmt(out, "%-23s  %9lld  %-8s  ", hpl_time_text(when, c->info.not_after),
			days_left(c, t->now), key);
		hpl_tool_escape(out, c->file, strlen(c->file));
		hpl_buf_str(out, c->good ? "\n" : ": ");
		if (!c->good) {
			hpl_tool_escape(out, c->why.text, strlen(c->why.text));
			hpl_buf_str(out, "\n");
		}
	}
	hpl_buf_fmt(out, "checked: %s\n", checked(t));
}

static void json_one(struct hpl_json *j, const struct seen *c, const struct trust *t)
{
	hpl_json_open(j, NULL, '{');
	hpl_json_string(j, "file", c->file);
	hpl_json_string(j, "subject", c->info.subject);
	hpl_json_string(j, "issuer", c->info.issuer);
	hpl_json_string(j, "serial", c->info.serial);
	hpl_json_number(j, "not_before", c->info.not_before);
	hpl_json_number(j, "not_after", c->info.not_after);
	hpl_json_number(j, "days_left", days_left(c, t->now));
	hpl_json_string(j, "key_type", c->info.key_type);
	hpl_json_number(j, "bits", c->info.bits);
	hpl_json_string(j, "fingerprint", c->info.fingerprint);
	hpl_json_string(j, "crl_url", *c->info.crl_url ? c->info.crl_url : NULL);
	hpl_json_bool(j, "issuer_checked", t->issuers != NULL);
	hpl_json_bool(j, "revocation_checked", t->crl != NULL);
	hpl_json_bool(j, "good", c->good);
	hpl_json_string(j, "error", c->good ? NULL : c->why.text);
	hpl_json_close(j, '}');
}

static int print(struct hpl_source *s, const struct seen *certs, size_t count,
	const struct trust *t)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	_cleanup_json_ struct hpl_json j = HPL_JSON_NULL;
	bool good = true;
	int rc;

	for (size_t i = 0; i < count; i++) {
		good = good && certs[i].good;
		if (certs[i].good && days_left(&certs[i], t->now) < SOON_DAYS)
			hpl_source_warn(s, "%s: %lld days are left", certs[i].file,
				days_left(&certs[i], t->now));
	}
	if (hpl_streq(hpl_source_value(s, "format"), "json")) {
		if (count > 1)
			hpl_json_open(&j, NULL, '[');
		for (size_t i = 0; i < count; i++)
			json_one(&j, &certs[i], t);
		if (count > 1)
			hpl_json_close(&j, ']');
		rc = hpl_tool_write(s->call, &j.buf);
	} else {
		if (count > 1)
			print_table(&b, certs, count, t);
		else
			print_one(&b, certs, t);
		rc = hpl_tool_write(s->call, &b);
	}
	return rc == HPL_EXIT_GOOD && !good ? HPL_EXIT_BAD : rc;
}

static int look_all(struct hpl_source *s, const struct trust *t)
{
	const struct hpl_tool_call *c = s->call;
	_cleanup_free_ struct seen *certs = calloc(c->arg_count, sizeof(*certs));
	struct hpl_err err = HPL_ERR_NULL;

	if (!certs) {
		HPL_OOM(&err);
		return hpl_source_fail(s, &err);
	}
	for (size_t i = 0; i < c->arg_count; i++) {
		if (look(&certs[i], s, c->args[i], t, &err) < 0)
			return hpl_source_fail(s, &err);
	}
	return print(s, certs, c->arg_count, t);
}

/* ---- choosing one by its version ---- */

/* Numbers between anything else, compared in turn: 26.10.0 is newer than 26.2.1. */
static int compare_versions(const char *a, const char *b)
{
	while (*a || *b) {
		while (*a && !isdigit((unsigned char)*a))
			a++;
		while (*b && !isdigit((unsigned char)*b))
			b++;
		while (*a == '0' && isdigit((unsigned char)a[1]))
			a++;
		while (*b == '0' && isdigit((unsigned char)b[1]))
			b++;
		size_t n = strspn(a, "0123456789"), m = strspn(b, "0123456789");
		int d = n != m ? (n < m ? -1 : 1) : strncmp(a, b, n);
		if (d)
			return d;
		a += n;
		b += m;
	}
	return 0;
}

static const struct hpl_entry *choose(const struct hpl_node *map, const char *spec)
{
	const struct hpl_entry *best = NULL;
	bool newest = strcmp(spec, "newest") == 0;
	for (size_t i = 0; i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];
		if (newest ? !best || compare_versions(e->key, best->key) > 0 :
			strcmp(e->key, spec) == 0)
			best = e;
	}
	return best;
}

static int select_one(struct hpl_source *s, const char *spec)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	_cleanup_json_ struct hpl_json j = HPL_JSON_NULL;
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	const struct hpl_node *root;
	const struct hpl_entry *e;

	if (hpl_tool_read(&b, "-", HPL_TOOL_INPUT, &err) < 0 ||
		hpl_yaml_read(&doc, b.len ? b.data : "", b.len, &hpl_contract_limits,
		(struct hpl_pos){1, 1}, 0, &err) < 0)
		return hpl_source_fail(s, &err);
	root = hpl_doc_root(doc);
	if (root->kind != HPL_MAP || root->map.count == 0) {
		HPL_FAIL(&err, 0, 0, "standard input holds no object of versions and certificates");
		return hpl_source_fail(s, &err);
	}
	e = choose(root, spec);
	if (!e || e->value->kind != HPL_STRING) {
		HPL_FAIL(&err, 0, 0, "no certificate is there for version %.60s", spec);
		return hpl_source_fail(s, &err);
	}
	if (hpl_streq(hpl_source_value(s, "format"), "json")) {
		hpl_json_open(&j, NULL, '{');
		hpl_json_string_n(&j, "version", e->key, e->key_len);
		hpl_json_string_n(&j, "cert", e->value->str.text, e->value->str.len);
		hpl_json_close(&j, '}');
		return hpl_tool_write(s->call, &j.buf);
	}
	hpl_buf_clear(&b);
	hpl_buf_add(&b, e->value->str.text, e->value->str.len);
	if (b.len && b.data[b.len - 1] != '\n')
		hpl_buf_str(&b, "\n");
	return hpl_tool_write(s->call, &b);
}

int hpl_verb_certificate(const struct hpl_tool_call *c)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	_cleanup_x509s_ STACK_OF(X509) *issuers = NULL;
	_cleanup_crl_ X509_CRL *crl = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	const char *spec;
	int rc = hpl_source_open(&s, c, NULL);

	if (rc)
		return rc;
	spec = hpl_source_value(&s, "select");
	if (spec && c->arg_count)
		return hpl_tool_usage_error(c->verb, "--select reads standard input, no FILE");
	if (spec)
		return select_one(&s, spec);
	if (c->arg_count == 0)
		return hpl_tool_usage_error(c->verb, "the argument is missing");
	if (hpl_source_has(&s, "crl") && !hpl_source_has(&s, "issuer"))
		return hpl_tool_usage_error(c->verb,
			"--crl needs the certificate that signed it: --issuer");
	if (hpl_material_chain(&issuers, &s, "issuer", &err) < 0 ||
		hpl_material_crl(&crl, &s, "crl", &err) < 0)
		return hpl_source_fail(&s, &err);
	return look_all(&s, &(struct trust){issuers, crl, time(NULL)});
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/summary.h"

#include <time.h>

#include "runtime/archive/archive.h"
#include "runtime/base/b64.h"
#include "runtime/base/utf8.h"
#include "runtime/crypto/keys.h"
#include "runtime/tool/output.h"

enum { NAMES = 8, NAME_SHOWN = 60 }; /* of an archive: what a line holds */

void hpl_summary_date(struct hpl_buf *out, int64_t when)
{
	char text[32] = "?";
	time_t t = (time_t)when;
	struct tm tm;
	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	hpl_buf_str(out, text);
}

void hpl_summary_size(struct hpl_buf *out, size_t bytes)
{
	if (bytes < 1024)
		hpl_buf_fmt(out, "%zu bytes", bytes);
	else if (bytes < 1024 * 1024)
		hpl_buf_fmt(out, "%.1f KiB", (double)bytes / 1024);
	else
		hpl_buf_fmt(out, "%.1f MiB", (double)bytes / (1024 * 1024));
}

static void describe(struct hpl_buf *out, X509 *cert)
{
	struct hpl_cert_info info = {0};
	hpl_cert_describe(&info, cert);
	hpl_buf_str(out, "certificate of ");
	hpl_tool_escape(out, info.subject, strlen(info.subject));
	hpl_buf_fmt(out, ", %s of %d bits, valid until ", info.key_type, info.bits);
	hpl_summary_date(out, info.not_after);
}

void hpl_summary_key(struct hpl_buf *out, const char *text, size_t len)
{
	STACK_OF(X509) *all = NULL;
	EVP_PKEY *key = NULL;

	if (hpl_certs_parse(&all, text, len, NULL) == 0) {
		if (sk_X509_num(all) > 1)
			hpl_buf_fmt(out, "%d certificates, the first a ", sk_X509_num(all));
		describe(out, sk_X509_value(all, 0));
		sk_X509_pop_free(all, X509_free);
	} else if (hpl_public_key_read(&key, NULL, text, len, NULL) == 0) {
		hpl_buf_fmt(out, "%s public key of %d bits", EVP_PKEY_get0_type_name(key),
			EVP_PKEY_get_bits(key));
		EVP_PKEY_free(key);
	} else {
		hpl_buf_fmt(out, "%zu characters, no key or certificate", hpl_utf8_count(text, len));
	}
}

struct listing {
	struct hpl_buf names;
	size_t files;
};

static int list_entry(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	struct listing *l = ud;
	size_t len = strlen(e->path);
	if (e->is_dir)
		return 0;
	if (l->files++ < NAMES) {
		hpl_buf_str(&l->names, l->files > 1 ? ", " : "");
		hpl_tool_escape(&l->names, e->path, len < NAME_SHOWN ? len : NAME_SHOWN);
	}
	return 0;
}

void hpl_summary_archive(struct hpl_buf *out, const char *text, size_t len)
{
	_cleanup_buf_ struct hpl_buf raw = HPL_BUF_NULL;
	struct listing l = {0};
	if (hpl_b64_decode(&raw, text, len, HPL_B64_WHITESPACE, NULL) < 0)
		hpl_buf_fmt(out, "%zu characters, no base64", hpl_utf8_count(text, len));
	else if (hpl_archive_walk(raw.data, raw.len, &(struct hpl_archive_limits){0}, list_entry, &l,
		NULL) != 0)
		hpl_summary_size(out, raw.len), hpl_buf_str(out, ", no archive that a guest accepts");
	else
		hpl_buf_fmt(out, "archive of %zu file%s (%s%s)", l.files, l.files == 1 ? "" : "s",
			l.names.data ? l.names.data : "", l.files > NAMES ? ", ..." : "");
	hpl_buf_done(&l.names);
}

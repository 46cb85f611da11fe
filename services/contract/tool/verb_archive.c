/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/archive/archive.h"
#include "runtime/base/b64.h"
#include "runtime/base/file.h"
#include "runtime/tool/input.h"
#include "services/contract/tool/document.h"
#include "services/contract/tool/pack.h"
#include "services/contract/tool/result.h"
#include "services/contract/tool/verbs.h"

/* ---- making ---- */

static int parse_mtime(int64_t *ret, struct hpl_source *s, struct hpl_err *err)
{
	const char *text = hpl_source_value(s, "mtime");
	char *end = NULL;
	if (!text)
		return 0;
	*ret = strtoll(text, &end, 10);
	if (*end || !isdigit((unsigned char)text[0]) || *ret > INT32_MAX)
		return hpl_source_wrong(s, err, "--mtime takes seconds since 1970, up to %d", INT32_MAX);
	return 0;
}

static enum hpl_pack_kind kind_of(const struct hpl_source *s)
{
	const char *kind = hpl_source_value(s, "kind");
	return hpl_streq(kind, "compose") ? HPL_PACK_COMPOSE : hpl_streq(kind, "play") ?
		HPL_PACK_PLAY : HPL_PACK_ANY;
}

static int pack(struct hpl_source *s, struct hpl_buf *targz, struct hpl_pack *p,
	struct hpl_err *err)
{
	struct hpl_err warning = HPL_ERR_NULL;
	const char *path;
	int64_t mtime = 0;

	if (parse_mtime(&mtime, s, err) < 0)
		return -1;
	for (size_t n = 0; (path = hpl_source_argument(s, n)); n++) {
		if (hpl_pack_add(p, path, err) < 0) {
			if (err->sys == ENOENT && !s->query)
				s->failed = HPL_EXIT_CALL;
			return -1;
		}
	}
	if (hpl_pack_write(targz, p, mtime, err) < 0)
		return -1;
	if (hpl_source_flag(s, "no-validate"))
		return 0;
	if (hpl_pack_check(targz->data, targz->len, kind_of(s), &warning, err) < 0)
		return -1;
	if (*warning.text)
		hpl_source_warn(s, "%s%s%s", warning.text, *warning.cure ? "; " : "", warning.cure);
	return 0;
}

static int make(struct hpl_source *s)
{
	_cleanup_buf_ struct hpl_buf targz = {.wipe = 1}, text = {.wipe = 1};
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_pack *p = NULL;
	int rc = hpl_pack_new(&p, &err);

	if (rc == 0)
		rc = pack(s, &targz, p, &err);
	hpl_pack_free(p);
	if (rc < 0)
		return hpl_source_fail(s, &err);
	hpl_b64_encode(&text, targz.data, targz.len);
	if (text.len >= HPL_TOOL_INPUT)
		hpl_source_warn(s, "the archive has %zu bytes in base64, a contract at most %d",
			text.len, HPL_TOOL_INPUT);
	if (!s->query)
		hpl_buf_str(&text, "\n");
	return hpl_result_write(s, "archive", &text);
}

/* ---- looking into one ---- */

/* The archive in a contract's workload, or in a workload alone. */
static int find_archive(struct hpl_buf *ret, struct hpl_source *s, const char *text, size_t len,
	struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *root, *n;
	static const char *const kinds[] = {"compose", "play"};

	if (hpl_yaml_read(&doc, text, len, &hpl_contract_limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return -1;
	root = hpl_doc_root(doc);
	for (size_t i = 0; i < HPL_ARRAY_SIZE(kinds); i++) {
		n = hpl_node_get(hpl_node_get(root, kinds[i]), "archive");
		if (n && n->kind == HPL_STRING)
			return hpl_b64_decode(ret, n->str.text, n->str.len, HPL_B64_WHITESPACE, err);
	}
	return HPL_FAIL(err, 0, 0, "%s: no archive is in it", hpl_source_file(s, "path"));
}

static int archive_of_contract(struct hpl_buf *ret, struct hpl_source *s, const struct hpl_buf *text,
	struct hpl_err *err)
{
	_cleanup_document_ struct hpl_document d = HPL_DOCUMENT_NULL;
	_cleanup_keys_ struct hpl_keys keys = {.count = 0};
	_cleanup_buf_ struct hpl_buf plain = {.wipe = 1};
	const struct hpl_member *m;
	const struct hpl_buf *section;

	if (hpl_document_read(&d, text->data, text->len, err) < 0 ||
		hpl_keys_read(&keys, s, "key", err) < 0)
		return -1;
	m = hpl_document_find(&d, "workload");
	if (!m)
		return HPL_FAIL(err, 0, 0, "%s: has no workload", hpl_source_file(s, "path"));
	section = &m->text;
	if (m->is_token) {
		if (hpl_token_open(&plain, m->text.data, m->text.len, &keys, err) < 0)
			return HPL_WRAP(err, 0, "workload");
		section = &plain;
	}
	return find_archive(ret, s, section->len ? section->data : "", section->len, err);
}

/* FILE as tar.gz: it is one, or base64 of one, or a contract or section that holds one. */
static int read_archive(struct hpl_buf *ret, struct hpl_source *s, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	const char *text;

	if (hpl_source_text(s, "path", &b, err) < 0)
		return -1;
	text = b.len ? b.data : "";
	if (b.len > 2 && memcmp(text, "\x1f\x8b", 2) == 0) {
		hpl_buf_add(ret, b.data, b.len);
		return ret->failed ? HPL_OOM(err) : 0;
	}
	switch (hpl_form_of(text, b.len, NULL)) {
	case HPL_FORM_CONTRACT:
		return archive_of_contract(ret, s, &b, err);
	case HPL_FORM_SECTION:
		return find_archive(ret, s, text, b.len, err);
	default:
		if (hpl_b64_decode(ret, text, b.len, HPL_B64_WHITESPACE, err) < 0)
			return HPL_WRAP(err, 0, "%s", hpl_source_file(s, "path"));
		return 0;
	}
}

static int list_entry(void *ud, const struct hpl_archive_entry *e, struct hpl_err *err)
{
	struct hpl_buf *out = ud;
	hpl_buf_fmt(out, "%04o %10zu ", (unsigned)e->mode, e->len);
	hpl_tool_escape(out, e->path, strlen(e->path));
	hpl_buf_str(out, e->is_dir ? "/\n" : "\n");
	return 0;
}

static int extract(struct hpl_source *s, const struct hpl_buf *targz, const char *dir,
	struct hpl_err *err)
{
	_cleanup_close_ int fd = -1;
	if (hpl_mkdir_p(dir, 0755, err) < 0)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "%s", dir);
	return hpl_archive_extract(targz->data, targz->len, NULL, fd, err) ? -1 : 0;
}

static int look(struct hpl_source *s)
{
	_cleanup_buf_ struct hpl_buf targz = {.wipe = 1}, out = HPL_BUF_NULL;
	const char *dir = hpl_source_value(s, "extract");
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_source_argument(s, 1))
		return hpl_tool_usage_error(s->call->verb, "--list and --extract take one FILE");
	if (read_archive(&targz, s, &err) < 0)
		return hpl_source_fail(s, &err);
	if (dir && extract(s, &targz, dir, &err) < 0)
		return hpl_source_fail(s, &err);
	if (!dir && hpl_archive_walk(targz.data, targz.len, NULL, list_entry, &out, &err))
		return hpl_source_fail(s, &err);
	return hpl_tool_write(s->call, &out);
}

int hpl_verb_archive(const struct hpl_tool_call *c)
{
	_cleanup_source_ struct hpl_source s = HPL_SOURCE_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = hpl_source_open(&s, c, "path");
	bool list, extracts;

	if (rc)
		return rc;
	list = hpl_source_flag(&s, "list");
	extracts = hpl_source_value(&s, "extract") != NULL;
	if (s.query && (list || extracts)) {
		HPL_FAIL(&err, 0, 0, "a query can make archives only");
		return hpl_source_fail(&s, &err);
	}
	if (list && extracts)
		return hpl_tool_usage_error(c->verb, "--list and --extract do not go together");
	if (!hpl_source_argument(&s, 0))
		return hpl_source_missing(&s, "path");
	return list || extracts ? look(&s) : make(&s);
}

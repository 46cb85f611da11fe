/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Initdata of confidential containers (facts 1.6). Written: one fixed TOML frame. Read: what TOML
 * allows around it, as far as a line tells: comments, other keys, other tables; the contract itself
 * must be a literal string of several lines.
 */
#include <stdio.h>
#include <zlib.h>

#include "runtime/base/b64.h"
#include "runtime/base/utf8.h"
#include "runtime/crypto/sealed.h"

/* Of gzip: what the field's tool writes (no time, system "unknown"), so that equal contracts give equal
 * annotations. */
enum { GZIP_WINDOW = 16 + MAX_WBITS, GZIP_OS_UNKNOWN = 255, MEMORY_LEVEL = 8 };
enum { TEXT_MAX = 16 << 20, FRAME_MAX = 64 << 10 };

static const char quotes[] = "'''", contract_key[] = "\"contract.yaml\"";

/* ---- making ---- */

/* A literal string of TOML holds everything but its own end, control characters and no UTF-8. */
static int check_text(const char *text, size_t len, struct hpl_err *err)
{
	size_t line = 1, step;

	for (size_t i = 0; i < len; i += step) {
		unsigned char c = (unsigned char)text[i];

		step = hpl_utf8_step((const unsigned char *)text + i, len - i);
		if (!step)
			return HPL_FAIL(err, 0, 0, "line %zu: not UTF-8", line);
		if (c == '\r' && i + 1 < len && text[i + 1] == '\n')
			continue;
		if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
			return HPL_FAIL(err, 0, 0, "line %zu: a control character", line);
		if (c == '\'' && len - i >= 3 && memcmp(text + i, quotes, 3) == 0) {
			HPL_FAIL(err, 0, 0, "line %zu: ''' ends the string that the contract is put into", line);
			hpl_err_cure(err, "write that value with double quotes, or encrypt the section first");
			return -1;
		}
		line += c == '\n';
	}
	return 0;
}

static int gzip(struct hpl_buf *out, const struct hpl_buf *in, struct hpl_err *err)
{
	z_stream z = {0};
	gz_header header = {.os = GZIP_OS_UNKNOWN};
	_cleanup_free_ unsigned char *data = NULL;
	size_t bound;
	int rc;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		return HPL_OOM(err);
	bound = deflateBound(&z, in->len) + 32;
	data = malloc(bound);
	z.next_in = (unsigned char *)in->data;
	z.avail_in = (unsigned)in->len;
	z.next_out = data;
	z.avail_out = (unsigned)bound;
	rc = data && deflateSetHeader(&z, &header) == Z_OK ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	if (rc == Z_STREAM_END)
		hpl_b64_encode(out, data, bound - z.avail_out);
	deflateEnd(&z);
	return rc == Z_STREAM_END && !out->failed ? 0 : HPL_OOM(err);
}

int hpl_initdata_make(struct hpl_buf *out, const char *contract, size_t len, const char *sehdr,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf toml = HPL_BUF_NULL, header = HPL_BUF_NULL;

	if (!len || len > TEXT_MAX - FRAME_MAX)
		return HPL_FAIL(err, 0, 0, "a contract has 1 to %d bytes, this has %zu",
			TEXT_MAX - FRAME_MAX, len);
	if (check_text(contract, len, err) < 0)
		return HPL_WRAP(err, 0, "contract");
	if (sehdr && (hpl_b64_decode(&header, sehdr, strlen(sehdr), HPL_B64_STRICT, err) < 0 || !header.len))
		return HPL_FAIL(err, 0, 0, "sehdr is no line of base64");
	hpl_buf_str(&toml, "\nalgorithm = \"sha384\"\nversion = \"0.1.0\"\n\n[data]\n");
	hpl_buf_fmt(&toml, "%s = %s", contract_key, quotes);
	hpl_buf_add(&toml, contract, len);
	if (sehdr) {
		hpl_buf_str(&toml, "\nboot: |\n    sehdr: ");
		hpl_buf_str(&toml, sehdr);
	}
	hpl_buf_fmt(&toml, "%s\n", quotes);
	return toml.failed ? HPL_OOM(err) : gzip(out, &toml, err);
}

/* ---- opening ---- */

static int gunzip(struct hpl_buf *out, const struct hpl_buf *in, struct hpl_err *err)
{
	z_stream z = {.next_in = (unsigned char *)in->data, .avail_in = (unsigned)in->len};
	unsigned char block[16 << 10];
	int rc = Z_OK;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return HPL_OOM(err);
	while (rc == Z_OK && out->len <= TEXT_MAX && !out->failed) {
		z.next_out = block;
		z.avail_out = sizeof(block);
		rc = inflate(&z, Z_NO_FLUSH);
		if (rc == Z_OK || rc == Z_STREAM_END)
			hpl_buf_add(out, block, sizeof(block) - z.avail_out);
	}
	inflateEnd(&z);
	hpl_wipe(block, sizeof(block));
	if (out->failed)
		return HPL_OOM(err);
	if (out->len > TEXT_MAX)
		return HPL_FAIL(err, 0, 0, "initdata holds more than %d bytes", TEXT_MAX);
	if (rc != Z_STREAM_END || z.avail_in)
		return HPL_FAIL(err, 0, 0, "initdata: the gzip data is damaged or has something behind it");
	return 0;
}

struct toml {
	const char *p;                  /* rest of the text, which a NUL ends */
	unsigned line;
	bool in_data;                   /* below [data] */
	bool algorithm, version;        /* seen */
	const char *contract;
	size_t contract_len;
};

static void blanks(struct toml *t)
{
	t->p += strspn(t->p, " \t");
}

/* What may stand behind a value: nothing, or a comment. */
static int line_end(struct toml *t)
{
	blanks(t);
	if (*t->p == '#')
		t->p += strcspn(t->p, "\n");
	if (*t->p == '\r' && t->p[1] == '\n')
		t->p++;
	if (*t->p == 0)
		return 0;
	if (*t->p != '\n')
		return -1;
	t->p++;
	t->line++;
	return 0;
}

/* A string of several lines; t->p at its first quote. TOML 1.0: a line end right behind the quotes does not
 * count, and up to two quotes may stand before the three that end it. */
static int long_string(struct toml *t, const char **ret, size_t *ret_len)
{
	char quote = *t->p;
	const char *start = t->p + 3, *end = start;

	while (*end && !(end[0] == quote && end[1] == quote && end[2] == quote))
		end += *end == '\\' && quote == '"' && end[1] ? 2 : 1;
	if (!*end)
		return -1;
	for (int extra = 0; extra < 2 && end[3] == quote; extra++)
		end++;
	for (const char *c = t->p; c < end; c++)
		t->line += *c == '\n';
	t->p = end + 3;
	if (start[0] == '\r' && start[1] == '\n')
		start += 2;
	else if (start[0] == '\n')
		start++;
	*ret = start;
	*ret_len = end > start ? (size_t)(end - start) : 0;
	return 0;
}

static int short_value(struct toml *t, const char **ret, size_t *ret_len)
{
	char quote = *t->p;
	const char *end = quote == '"' || quote == '\'' ? t->p + 1 : NULL;

	if (!end) { /* a number, a list...: of no concern here */
		*ret = t->p;
		*ret_len = strcspn(t->p, "\r\n#");
		t->p += *ret_len;
		return 0;
	}
	while (*end && *end != quote && *end != '\n')
		end += *end == '\\' && quote == '"' && end[1] ? 2 : 1;
	if (*end != quote)
		return -1;
	*ret = t->p + 1;
	*ret_len = (size_t)(end - *ret);
	t->p = end + 1;
	return 0;
}

static int toml_fault(const struct toml *t, const char *what, struct hpl_err *err)
{
	return HPL_FAIL(err, 0, 0, "initdata line %u: %s", t->line, what);
}

static bool is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

static int take_top(struct toml *t, const char *key, size_t key_len, const char *v, size_t n,
	struct hpl_err *err)
{
	if (is(key, key_len, "algorithm")) {
		t->algorithm = true;
		if (!is(v, n, "sha256") && !is(v, n, "sha384") && !is(v, n, "sha512"))
			return toml_fault(t, "algorithm is none of sha256, sha384, sha512", err);
	} else if (is(key, key_len, "version")) {
		t->version = true;
		if (!is(v, n, "0.1.0"))
			return toml_fault(t, "version is not 0.1.0", err);
	}
	return 0;
}

static int key_value(struct toml *t, struct hpl_err *err)
{
	const char *key = t->p, *v = NULL;
	size_t key_len = *key == '"' || *key == '\'' ? strcspn(key + 1, "\"'\n") + 2 : strcspn(key, " \t=\n"), n = 0;
	bool literal, is_long;

	if (strnlen(key, key_len) < key_len)
		return toml_fault(t, "a key has no end", err);
	t->p += key_len;
	blanks(t);
	if (*t->p != '=')
		return toml_fault(t, "a key and = are expected", err);
	t->p++;
	blanks(t);
	is_long = !strncmp(t->p, quotes, 3) || !strncmp(t->p, "\"\"\"", 3);
	literal = *t->p == '\'';
	if ((is_long ? long_string(t, &v, &n) : short_value(t, &v, &n)) < 0)
		return toml_fault(t, "a string has no end", err);
	if (!t->in_data)
		return take_top(t, key, key_len, v, n, err);
	if (!is(key, key_len, contract_key) && !is(key, key_len, "'contract.yaml'"))
		return 0;
	if (!is_long || !literal)
		return toml_fault(t, "contract.yaml is read from a ''' string only", err);
	if (t->contract)
		return toml_fault(t, "contract.yaml is there twice", err);
	t->contract = v;
	t->contract_len = n;
	return 0;
}

static int read_line(struct toml *t, struct hpl_err *err)
{
	blanks(t);
	if (*t->p == '[') {
		size_t n = strcspn(t->p, "\r\n#");

		t->in_data = n >= 6 && !strncmp(t->p, "[data]", 6) && strspn(t->p + 6, " \t") == n - 6;
		t->p += n;
	} else if (!strchr("#\r\n", *t->p) && key_value(t, err) < 0) {
		return -1;
	}
	return line_end(t) < 0 ? toml_fault(t, "something stands behind a value", err) : 0;
}

int hpl_initdata_open(struct hpl_buf *out, const char *text, size_t len, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf packed = HPL_BUF_NULL, toml = {.wipe = 1};
	struct toml t = {.line = 1};

	if (len > 2 * TEXT_MAX ||
		hpl_b64_decode(&packed, text, len, HPL_B64_WHITESPACE, NULL) < 0 || !packed.len)
		return HPL_FAIL(err, 0, 0, "initdata is no base64");
	if (gunzip(&toml, &packed, err) < 0)
		return -1;
	if (!toml.len || memchr(toml.data, 0, toml.len))
		return HPL_FAIL(err, 0, 0, "initdata holds no text");
	for (t.p = toml.data; *t.p;)
		if (read_line(&t, err) < 0)
			return -1;
	if (!t.contract)
		return HPL_FAIL(err, 0, 0, "initdata holds no [data] contract.yaml");
	if (!t.algorithm || !t.version)
		return HPL_FAIL(err, 0, 0, "initdata names no algorithm or no version");
	hpl_buf_add(out, t.contract, t.contract_len);
	return out->failed ? HPL_OOM(err) : 0;
}

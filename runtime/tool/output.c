/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/tool/output.h"

#include "runtime/base/utf8.h"

const char *hpl_tool_colour(FILE *out, enum hpl_colour colour)
{
	static const char *const codes[] = {"\033[0m", "\033[31m", "\033[33m", "\033[32m", "\033[1m",
		"\033[2m"};
	const char *no = getenv("NO_COLOR");
	if ((no && *no) || !isatty(fileno(out)))
		return "";
	return codes[colour];
}

void hpl_tool_escape(struct hpl_buf *out, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	for (size_t i = 0; i < len;) {
		size_t n = hpl_utf8_step(s + i, len - i);
		/* C1 controls are two bytes in UTF-8: c2 80 to c2 9f */
		bool control = n == 0 || (n == 1 && (s[i] < 0x20 || s[i] == 0x7f)) ||
			(n == 2 && s[i] == 0xc2 && s[i + 1] < 0xa0);
		if (control) {
			hpl_buf_fmt(out, "\\x%02x", s[i]);
			n = 1;
		} else {
			hpl_buf_add(out, s + i, n);
		}
		i += n;
	}
}

int hpl_tool_fail(const struct hpl_tool_call *c, const struct hpl_err *err, int exit_code)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	hpl_tool_escape(&b, err->text, strlen(err->text));
	fprintf(stderr, "%s: %s%s%s\n", c->verb->command, err->place, *err->place ? ": " : "",
		b.data ? b.data : "");
	if (*err->cure)
		fprintf(stderr, "  cure: %s\n", err->cure);
	return exit_code;
}

int hpl_tool_write(const struct hpl_tool_call *c, const struct hpl_buf *b)
{
	if (b->failed) {
		fprintf(stderr, "%s: out of memory\n", c->verb->command);
		return HPL_EXIT_CALL;
	}
	if (b->len)
		fwrite(b->data, 1, b->len, stdout);
	return HPL_EXIT_GOOD; /* a failed write is seen when the verb ends */
}

static void quoted(struct hpl_buf *out, const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;
	hpl_buf_str(out, "\"");
	for (size_t i = 0; i < len;) {
		size_t n = hpl_utf8_step(s + i, len - i);
		if (n == 0) {
			hpl_buf_str(out, "\\ufffd");
			n = 1;
		} else if (s[i] == '"' || s[i] == '\\') {
			hpl_buf_fmt(out, "\\%c", s[i]);
		} else if (s[i] == '\n') {
			hpl_buf_str(out, "\\n");
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			hpl_buf_fmt(out, "\\u%04x", s[i]);
		} else {
			hpl_buf_add(out, s + i, n);
		}
		i += n;
	}
	hpl_buf_str(out, "\"");
}

static void new_line(struct hpl_json *j)
{
	if (j->compact || j->depth == 0)
		return;
	hpl_buf_fmt(&j->buf, "\n%*s", (int)(2 * j->depth), "");
}

static void begin(struct hpl_json *j, const char *key)
{
	if (j->filled)
		hpl_buf_str(&j->buf, ",");
	new_line(j);
	if (key) {
		quoted(&j->buf, key, strlen(key));
		hpl_buf_str(&j->buf, j->compact ? ":" : ": ");
	}
	j->filled = true;
}

void hpl_json_open(struct hpl_json *j, const char *key, char bracket)
{
	begin(j, key);
	hpl_buf_add(&j->buf, &bracket, 1);
	j->depth++;
	j->filled = false;
}

void hpl_json_close(struct hpl_json *j, char bracket)
{
	bool empty = !j->filled;
	j->depth--;
	if (!empty && !j->compact)
		hpl_buf_fmt(&j->buf, "\n%*s", (int)(2 * j->depth), "");
	hpl_buf_add(&j->buf, &bracket, 1);
	j->filled = true;
	if (j->depth == 0) {
		hpl_buf_str(&j->buf, "\n");
		j->filled = false; /* the next document, for one object per line */
	}
}

void hpl_json_string_n(struct hpl_json *j, const char *key, const char *value, size_t len)
{
	begin(j, key);
	quoted(&j->buf, value, len);
}

void hpl_json_string(struct hpl_json *j, const char *key, const char *value)
{
	if (value) {
		hpl_json_string_n(j, key, value, strlen(value));
		return;
	}
	begin(j, key);
	hpl_buf_str(&j->buf, "null");
}

void hpl_json_number(struct hpl_json *j, const char *key, long long value)
{
	begin(j, key);
	hpl_buf_fmt(&j->buf, "%lld", value);
}

void hpl_json_bool(struct hpl_json *j, const char *key, bool value)
{
	begin(j, key);
	hpl_buf_str(&j->buf, value ? "true" : "false");
}

void hpl_json_done(struct hpl_json *j)
{
	hpl_buf_done(&j->buf);
}

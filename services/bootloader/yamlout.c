// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/yamlout.h"

/* Length of the UTF-8 sequence at p with its code point, 0: none. */
static size_t decode(const char *p, size_t len, uint32_t *ret)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n = u[0] < 0x80 ? 1 : u[0] >= 0xc2 && u[0] < 0xe0 ? 2 : u[0] >= 0xe0 && u[0] < 0xf0 ? 3
		 : u[0] >= 0xf0 && u[0] < 0xf5 ? 4 : 0;
	uint32_t c = n == 1 ? u[0] : n == 2 ? u[0] & 0x1f : n == 3 ? u[0] & 0x0f : u[0] & 0x07;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (n == 4 && c < 0x10000) ||
		c > 0x10ffff)
		return 0;
	*ret = c;
	return n;
}

bool hpl_yaml_text_fits(const char *text, size_t len)
{
	uint32_t c;

	for (size_t i = 0, n; i < len; i += n) {
		n = decode(text + i, len - i, &c);
		if (n == 0 || c == 0)
			return false;
	}
	return true;
}

/* A block keeps printable characters, TAB and LF; every other break would become LF. */
static bool fits_block(const char *text, size_t len)
{
	bool only_breaks = true;
	uint32_t c;

	for (size_t i = 0, n; i < len; i += n) {
		n = decode(text + i, len - i, &c);
		if (n == 0)
			return false;
		bool printable = c == '\t' || c == '\n' || (c >= 0x20 && c < 0x7f) ||
				 (c >= 0xa0 && c < 0xfffe && c != 0x2028 && c != 0x2029 && c != 0xfeff) ||
				 c >= 0x10000;
		if (!printable)
			return false;
		if (c != '\n')
			only_breaks = false;
	}
	return len > 0 && !only_breaks;
}

static void write_quoted(struct hpl_buf *out, const char *text, size_t len)
{
	uint32_t c;

	hpl_buf_str(out, "\"");
	for (size_t i = 0, n; i < len; i += n) {
		n = decode(text + i, len - i, &c);
		if (n == 0) { /* callers checked hpl_yaml_text_fits */
			out->failed = 1;
			return;
		}
		if (c == '"' || c == '\\')
			hpl_buf_fmt(out, "\\%c", (int)c);
		else if (c >= 0x20 && c < 0x7f)
			hpl_buf_add(out, text + i, n);
		else if (c < 0x10000)
			hpl_buf_fmt(out, "\\u%04x", c);
		else
			hpl_buf_fmt(out, "\\U%08x", c);
	}
	hpl_buf_str(out, "\"");
}

static void write_key(struct hpl_buf *out, const char *key, size_t len)
{
	/* the sections' names stay as people write them; any other may mean something else unquoted */
	static const char *const plain[] = {"workload", "env", "attestationPublicKey"};
	bool quote = true;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(plain); i++)
		if (len == strlen(plain[i]) && memcmp(key, plain[i], len) == 0)
			quote = false;
	if (quote)
		write_quoted(out, key, len);
	else
		hpl_buf_add(out, key, len);
	hpl_buf_str(out, ": ");
}

static void write_block(struct hpl_buf *out, const char *text, size_t len)
{
	/* an indentation mark only where the first line would mislead the reader */
	bool mark = text[0] == ' ' || text[0] == '\n' || text[0] == '\t';
	bool lf = text[len - 1] == '\n', more = lf && len > 1 && text[len - 2] == '\n';

	hpl_buf_fmt(out, "|%s%s\n", mark ? "2" : "", !lf ? "-" : more ? "+" : "");
	for (size_t i = 0; i < len;) {
		const char *end = memchr(text + i, '\n', len - i);
		size_t n = end ? (size_t)(end - (text + i)) : len - i;
		if (n)
			hpl_buf_str(out, "  ");
		hpl_buf_add(out, text + i, n);
		hpl_buf_str(out, "\n");
		i += n + 1;
	}
}

void hpl_yaml_write_text(struct hpl_buf *out, const char *key, size_t key_len, const char *text,
	size_t len)
{
	write_key(out, key, key_len);
	if (fits_block(text, len)) {
		write_block(out, text, len);
	} else {
		write_quoted(out, len ? text : "", len);
		hpl_buf_str(out, "\n");
	}
}

void hpl_yaml_write_node(struct hpl_buf *out, const char *key, size_t key_len,
	const struct hpl_node *node)
{
	write_key(out, key, key_len);
	hpl_node_to_json(out, node);
	hpl_buf_str(out, "\n");
}

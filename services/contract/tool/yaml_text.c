/* SPDX-License-Identifier: Apache-2.0 */
#include "services/contract/tool/yaml_text.h"

#include <stdbool.h>

#include "schema/breaks.h"

static int read_yaml(struct hpl_doc **ret, const char *text, size_t len, struct hpl_err *err)
{
	return hpl_yaml_read(ret, text, len, &hpl_contract_limits, (struct hpl_pos){1, 1}, 0, err);
}

/* ---- values ---- */

/* Does "key: ..." in b read as exactly this string? */
static bool reads_as(const struct hpl_buf *b, const char *key, const char *text, size_t len)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	const struct hpl_node *n;

	if (b->failed || read_yaml(&doc, b->data, b->len, NULL) < 0)
		return false;
	n = hpl_node_get(hpl_doc_root(doc), key);
	return n && n->kind == HPL_STRING && n->str.len == len && memcmp(n->str.text, text, len) == 0;
}

/* Readers of YAML 1.1 take more words and numbers for something else than a string. */
static bool plain_is_safe(const char *text, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	enum { LONGEST_WORD = 5 }; /* "false" */
	if (len <= LONGEST_WORD || text[0] == '-' || text[0] == '.')
		return false;
	if (strspn(text, "0123456789+-._abcdefABCDEFxXoO") == len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!text[i] || (!strchr(letters, text[i]) && !strchr("0123456789+/=._-", text[i])))
			return false;
	}
	return true;
}

static void add_indented(struct hpl_buf *out, const char *text, size_t len)
{
	const char *end = text + len;
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((lf ? lf : end) - text);
		if (n)
			hpl_buf_str(out, "  ");
		hpl_buf_add(out, text, n);
		hpl_buf_str(out, "\n");
		text += n + (lf != NULL);
	}
}

static bool put_block(struct hpl_buf *out, const char *key, const char *text, size_t len)
{
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	const char *chomp = text[len - 1] != '\n' ? "-" : len > 1 && text[len - 2] == '\n' ? "+" : "";
	bool indicator = text[0] == ' ' || text[0] == '\n' || text[0] == '\t';

	if (memchr(text, '\r', len))
		return false; /* readers turn it into LF */
	hpl_buf_fmt(&b, "%s: |%s%s\n", key, indicator ? "2" : "", chomp);
	add_indented(&b, text, len);
	if (!reads_as(&b, key, text, len))
		return false;
	hpl_buf_add(out, b.data, b.len);
	return true;
}

/* What readers take for line ends, and the byte order mark, stand as escapes. */
static void put_quoted(struct hpl_buf *out, const char *key, const char *text, size_t len)
{
	static const struct {
		const char *bytes, *escape;
	} breaks[] = {{"\xc2\x85", "\\u0085"}, {"\xe2\x80\xa8", "\\u2028"},
		{"\xe2\x80\xa9", "\\u2029"}, {"\xef\xbb\xbf", "\\ufeff"}, {"\x7f", "\\u007f"}};
	struct hpl_node n = {.kind = HPL_STRING, .str = {text, len}};
	_cleanup_buf_ struct hpl_buf json = {.wipe = 1};

	hpl_node_to_json(&json, &n);
	hpl_buf_fmt(out, "%s: ", key);
	for (const char *p = json.data, *end = p + json.len; p < end;) {
		size_t i = 0, m = 0;
		for (; i < HPL_ARRAY_SIZE(breaks); i++) {
			m = strlen(breaks[i].bytes);
			if ((size_t)(end - p) >= m && memcmp(p, breaks[i].bytes, m) == 0)
				break;
		}
		if (i < HPL_ARRAY_SIZE(breaks)) {
			hpl_buf_str(out, breaks[i].escape);
			p += m;
		} else {
			hpl_buf_add(out, p++, 1);
		}
	}
	hpl_buf_str(out, "\n");
	out->failed |= json.failed;
}

/* The key as it may stand in front of a colon. */
static void key_text(struct hpl_buf *out, const char *key)
{
	struct hpl_node n = {.kind = HPL_STRING, .str = {key, strlen(key)}};
	if (plain_is_safe(key, strlen(key)) || hpl_streq(key, "env") || hpl_streq(key, "boot"))
		hpl_buf_str(out, key);
	else
		hpl_node_to_json(out, &n);
}

int hpl_yaml_put_text(struct hpl_buf *out, const char *key, const char *text, size_t len,
	struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf k = HPL_BUF_NULL, b = {.wipe = 1};
	key_text(&k, key);
	if (k.failed)
		return HPL_OOM(err);
	if (plain_is_safe(text, len)) {
		hpl_buf_fmt(&b, "%s: ", k.data);
		hpl_buf_add(&b, text, len);
		hpl_buf_str(&b, "\n");
	} else if (len && memchr(text, '\n', len) && strcmp(k.data, key) == 0 &&
		put_block(out, k.data, text, len)) {
		return out->failed ? HPL_OOM(err) : 0;
	} else {
		put_quoted(&b, k.data, text, len);
	}
	if (!reads_as(&b, key, text, len))
		return HPL_FAIL(err, 0, b.failed ? ENOMEM : 0,
			"%s: its text cannot be written in YAML", key);
	hpl_buf_add(out, b.data, b.len);
	return out->failed ? HPL_OOM(err) : 0;
}

void hpl_yaml_put_yaml(struct hpl_buf *out, const char *key, const char *yaml, size_t len)
{
	key_text(out, key);
	if (memchr(yaml, '\n', len)) {
		hpl_buf_str(out, ":\n");
		add_indented(out, yaml, len);
	} else {
		hpl_buf_str(out, ": ");
		hpl_buf_add(out, yaml, len);
		hpl_buf_str(out, "\n");
	}
}

/* ---- what the user wrote ---- */

/* Offset behind the last line of map's entry number index. */
static size_t entry_end(const char *text, size_t len, const struct hpl_node *map, size_t index)
{
	return index + 1 < map->map.count ?
		hpl_yaml_line_start(text, len, map->map.entries[index + 1].pos.line) : len;
}

static bool is_marker(const char *line, size_t n)
{
	return n >= 3 && (memcmp(line, "...", 3) == 0 || memcmp(line, "---", 3) == 0) &&
		(n == 3 || line[3] == ' ');
}

/* Takes indent blanks from each line. Comments further left that end it belong to what follows.
 * false: a line stands further left. */
static bool dedent(struct hpl_buf *out, const char *text, size_t len, size_t indent)
{
	const char *end = text + len;
	size_t keep = 0;
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((lf ? lf : end) - text), blanks;
		const char *next = text + n + (lf != NULL);
		if (n && text[n - 1] == '\r')
			n--;
		blanks = strspn(text, " ");
		if (is_marker(text, n))
			break;
		if (blanks >= indent)
			hpl_buf_add(out, text + indent, n > indent ? n - indent : 0);
		else if (blanks < n && text[blanks] == '#')
			hpl_buf_add(out, text + blanks, n - blanks);
		else if (blanks < n)
			return false;
		hpl_buf_str(out, "\n");
		if (blanks >= indent && n > indent)
			keep = out->len;
		text = next;
	}
	if (out->failed)
		return false;
	if (out->len > keep)
		out->data[out->len = keep] = '\0';
	return true;
}

static bool same_tree(const struct hpl_buf *yaml, const struct hpl_buf *json)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	_cleanup_buf_ struct hpl_buf b = {.wipe = 1};
	if (yaml->failed || read_yaml(&doc, yaml->data ? yaml->data : "", yaml->len, NULL) < 0)
		return false;
	hpl_node_to_json(&b, hpl_doc_root(doc));
	return !b.failed && b.len == json->len && memcmp(b.data, json->data, b.len) == 0;
}

int hpl_yaml_source(struct hpl_buf *out, const char *text, size_t len, const struct hpl_node *map,
	size_t index, struct hpl_err *err)
{
	const struct hpl_entry *e = &map->map.entries[index];
	_cleanup_buf_ struct hpl_buf json = {.wipe = 1}, b = {.wipe = 1};
	bool whole = false;

	hpl_node_to_json(&json, e->value);
	if (json.failed)
		return HPL_OOM(err);
	if (e->value->pos.line > e->pos.line) {
		size_t from = hpl_yaml_line_start(text, len, e->pos.line + 1); /* comments above belong to it */
		size_t to = entry_end(text, len, map, index);
		whole = from < to && dedent(&b, text + from, to - from, e->value->pos.col - 1) &&
			same_tree(&b, &json);
	}
	hpl_buf_add(out, whole ? b.data : json.data, whole ? b.len : json.len);
	return out->failed ? HPL_OOM(err) : 0;
}

/* ---- one key of a section ---- */

static int expected_json(struct hpl_buf *json, const struct hpl_node *map, const char *key,
	const char *value, bool first, struct hpl_err *err)
{
	struct hpl_node text = {.kind = HPL_STRING, .str = {value, strlen(value)}};
	struct hpl_node whole = {.kind = HPL_MAP};
	_cleanup_free_ struct hpl_entry *entries = calloc(map->map.count + 1, sizeof(*entries));
	struct hpl_entry mine = {.key = key, .key_len = strlen(key), .value = &text};
	size_t n = 0;

	if (!entries)
		return HPL_OOM(err);
	if (first)
		entries[n++] = mine;
	for (size_t i = 0; i < map->map.count; i++) {
		if (strcmp(map->map.entries[i].key, key) != 0)
			entries[n++] = map->map.entries[i];
	}
	if (!first)
		entries[n++] = mine;
	whole.map.entries = entries;
	whole.map.count = n;
	hpl_node_to_json(json, &whole);
	return json->failed ? HPL_OOM(err) : 0;
}

static void add_line(struct hpl_buf *b, const struct hpl_node *map, const char *key,
	const char *value)
{
	hpl_buf_fmt(b, "%*s%s: %s\n", (int)map->pos.col - 1, "", key, value);
}

/* Behind the last line, or in front of the first key where the last line has no end (its value
 * would change by one). */
static void set_in_text(struct hpl_buf *b, const char *text, size_t len, const struct hpl_node *map,
	const char *key, const char *value, bool first)
{
	size_t from = len, to = len, at = first ? hpl_yaml_line_start(text, len, map->pos.line) : len;
	for (size_t i = 0; i < map->map.count; i++) {
		if (strcmp(map->map.entries[i].key, key) == 0) {
			from = hpl_yaml_line_start(text, len, map->map.entries[i].pos.line);
			to = entry_end(text, len, map, i);
		}
	}
	if (at <= from) {
		hpl_buf_add(b, text, at);
		add_line(b, map, key, value);
		hpl_buf_add(b, text + at, from - at);
	} else {
		hpl_buf_add(b, text, from);
	}
	hpl_buf_add(b, text + to, len - to);
	if (at > from)
		add_line(b, map, key, value);
}

int hpl_yaml_set_key(struct hpl_buf *out, const char *text, size_t len, const char *key,
	const char *value, struct hpl_err *err)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	_cleanup_buf_ struct hpl_buf json = {.wipe = 1}, b = {.wipe = 1};
	const struct hpl_node *root;
	bool first, whole;

	if (read_yaml(&doc, text, len, err) < 0)
		return -1;
	root = hpl_doc_root(doc);
	if (root->kind != HPL_MAP)
		return HPL_FAIL(err, 0, 0, "holds no mapping of keys to values");
	first = len == 0 || text[len - 1] != '\n';
	if (expected_json(&json, root, key, value, first, err) < 0)
		return -1;
	set_in_text(&b, text, len, root, key, value, first);
	whole = same_tree(&b, &json);
	hpl_buf_add(out, whole ? b.data : json.data, whole ? b.len : json.len);
	return out->failed ? HPL_OOM(err) : 0;
}

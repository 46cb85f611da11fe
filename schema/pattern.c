/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns: the regular expressions of ECMA-262 (with its flag u, as JSON Schema has it), matched by
 * PCRE2. Where the two differ the expression is rewritten before it is compiled; what only PCRE2
 * knows (verbs, inline options, recursion, \A, \h, ...) is refused, so that a schema means the same to
 * every validator. Not done: lookbehind of varying length, which PCRE2 refuses too.
 */
#include "runtime/base/buf.h"
#include "schema/validator.h"

/* What ECMA-262 calls white space and line ends beyond PCRE2's \s, and all the rest. */
#define MORE_SPACE "\\u{a0}\\u{1680}\\u{2000}-\\u{200a}\\u{2028}\\u{2029}\\u{202f}\\u{205f}\\u{3000}\\u{feff}"
#define NOT_SPACE                                                                                  \
	"\\x00-\\x08\\x0e-\\x1f\\x21-\\u{9f}\\u{a1}-\\u{167f}\\u{1681}-\\u{1fff}\\u{200b}-\\u{2027}"       \
	"\\u{202a}-\\u{202e}\\u{2030}-\\u{205e}\\u{2060}-\\u{2fff}\\u{3001}-\\u{fefe}\\u{ff00}-\\u{10ffff}"
#define NOT_LINE_END "[^\\n\\r\\u{2028}\\u{2029}]"

struct rewriter {
	struct hpl_buf *out;
	const char *s, *end;
	bool in_class;
};

/* Long names of general categories (ECMA-262 table of Unicode property values). */
static const char *category(const char *name, size_t len)
{
	static const struct { const char *name, *pcre; } names[] = {
		{"Letter", "L"}, {"Cased_Letter", "L&"}, {"LC", "L&"}, {"Uppercase_Letter", "Lu"},
		{"Lowercase_Letter", "Ll"}, {"Titlecase_Letter", "Lt"}, {"Modifier_Letter", "Lm"},
		{"Other_Letter", "Lo"}, {"Mark", "M"}, {"Combining_Mark", "M"},
		{"Nonspacing_Mark", "Mn"}, {"Spacing_Mark", "Mc"}, {"Enclosing_Mark", "Me"},
		{"Number", "N"}, {"Decimal_Number", "Nd"}, {"digit", "Nd"}, {"Letter_Number", "Nl"},
		{"Other_Number", "No"}, {"Punctuation", "P"}, {"punct", "P"},
		{"Connector_Punctuation", "Pc"}, {"Dash_Punctuation", "Pd"},
		{"Open_Punctuation", "Ps"}, {"Close_Punctuation", "Pe"},
		{"Initial_Punctuation", "Pi"}, {"Final_Punctuation", "Pf"},
		{"Other_Punctuation", "Po"}, {"Symbol", "S"}, {"Math_Symbol", "Sm"},
		{"Currency_Symbol", "Sc"}, {"Modifier_Symbol", "Sk"}, {"Other_Symbol", "So"},
		{"Separator", "Z"}, {"Space_Separator", "Zs"}, {"Line_Separator", "Zl"},
		{"Paragraph_Separator", "Zp"}, {"Other", "C"}, {"Control", "Cc"}, {"cntrl", "Cc"},
		{"Format", "Cf"}, {"Surrogate", "Cs"}, {"Private_Use", "Co"}, {"Unassigned", "Cn"},
	};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
		if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0)
			return names[i].pcre;
	}
	return NULL;
}

/* \p{...} or \P{...}; s stands behind the letter. */
static int property(struct rewriter *w, char letter)
{
	const char *close = memchr(w->s, '}', (size_t)(w->end - w->s));
	if (w->s == w->end || *w->s != '{' || !close)
		return -1;
	const char *name = w->s + 1;
	size_t len = (size_t)(close - name);
	const char *equals = memchr(name, '=', len);
	if (equals && ((equals - name == 2 && memcmp(name, "gc", 2) == 0) ||
		(equals - name == 16 && memcmp(name, "General_Category", 16) == 0))) {
		len -= (size_t)(equals + 1 - name);
		name = equals + 1;
	}
	const char *pcre = category(name, len);
	hpl_buf_fmt(w->out, "\\%c{", letter);
	if (pcre)
		hpl_buf_str(w->out, pcre);
	else
		hpl_buf_add(w->out, name, len);
	hpl_buf_str(w->out, "}");
	w->s = close + 1;
	return 0;
}

/* Four hexadecimal digits at s, -1: they are not there. */
static int32_t hex4(const char *s, const char *end)
{
	int32_t v = 0;
	for (int i = 0; i < 4; i++, s++) {
		int d = s >= end ? -1 : *s >= '0' && *s <= '9' ? *s - '0' :
			*s >= 'a' && *s <= 'f' ? *s - 'a' + 10 :
			*s >= 'A' && *s <= 'F' ? *s - 'A' + 10 : -1;
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* A pair of surrogates is one character. s stands behind the u. */
static bool pair(struct rewriter *w)
{
	int32_t high = hex4(w->s, w->end);
	int32_t low = w->end - w->s >= 10 && w->s[4] == '\\' && w->s[5] == 'u' ?
		hex4(w->s + 6, w->end) : -1;
	if (high < 0xd800 || high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return false;
	hpl_buf_fmt(w->out, "\\u{%x}", 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
	w->s += 10;
	return true;
}

/* s stands behind the backslash. */
static int escape(struct rewriter *w)
{
	if (w->s == w->end)
		return -1;
	char c = *w->s++;
	switch (c) {
	case 'p':
	case 'P':
		return property(w, c);
	case 's':
		hpl_buf_str(w->out, w->in_class ? "\\s" MORE_SPACE : "[\\s" MORE_SPACE "]");
		return 0;
	case 'S':
		hpl_buf_str(w->out, w->in_class ? NOT_SPACE : "[^\\s" MORE_SPACE "]");
		return 0;
	case 'v':
		hpl_buf_str(w->out, "\\x0b");
		return 0;
	case 'u':
		if (!pair(w))
			hpl_buf_str(w->out, "\\u");
		return 0;
	default:
		/* of letters only those that ECMA-262 knows */
		if (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !strchr("bBcdDfknrtwWx", c))
			return -1;
		hpl_buf_fmt(w->out, "\\%c", c);
		return 0;
	}
}

/* Digits, or digits and a comma and perhaps digits, and the closing brace? */
static bool is_quantifier(const char *s, const char *end)
{
	const char *from = s;
	while (s < end && *s >= '0' && *s <= '9')
		s++;
	if (s == from)
		return false;
	if (s < end && *s == ',')
		s++;
	while (s < end && *s >= '0' && *s <= '9')
		s++;
	return s < end && *s == '}';
}

/* Of what begins with (* or (?, only the groups of ECMA-262. s stands behind the bracket. */
static bool is_group(const char *s, const char *end)
{
	size_t left = (size_t)(end - s);
	if (left && *s == '*')
		return false;
	if (left < 2 || *s != '?')
		return true;
	if (strchr(":=!", s[1]))
		return true;
	return s[1] == '<' && left > 2 && (strchr("=!$_", s[2]) || (unsigned char)s[2] >= 0x80 ||
		((s[2] | 0x20) >= 'a' && (s[2] | 0x20) <= 'z'));
}

static int rewrite(struct rewriter *w)
{
	while (w->s < w->end) {
		char c = *w->s++;
		if (c == '\\') {
			if (escape(w) < 0)
				return -1;
		} else if (w->in_class) {
			w->in_class = c != ']';
			hpl_buf_fmt(w->out, c == '[' ? "\\%c" : "%c", c);
		} else if (c == '[') {
			w->in_class = true;
			hpl_buf_str(w->out, "[");
			if (w->s < w->end && *w->s == '^') {
				hpl_buf_str(w->out, "^");
				w->s++;
			}
		} else if (c == '(' && !is_group(w->s, w->end)) {
			return -1;
		} else if (c == '{' && !is_quantifier(w->s, w->end)) {
			hpl_buf_str(w->out, "\\{");
		} else if (c == '.') {
			hpl_buf_str(w->out, NOT_LINE_END);
		} else {
			hpl_buf_add(w->out, &c, 1);
		}
	}
	return 0;
}

static pcre2_code *compile(const struct hpl_buf *text)
{
	pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
	int code;
	PCRE2_SIZE at;

	if (!ctx)
		return NULL;
	pcre2_set_compile_extra_options(ctx, PCRE2_EXTRA_ALT_BSUX);
	pcre2_set_newline(ctx, PCRE2_NEWLINE_ANYCRLF);
	pcre2_code *p = pcre2_compile((PCRE2_SPTR)(text->data ? text->data : ""), text->len,
		PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF |
		PCRE2_ALLOW_EMPTY_CLASS | PCRE2_NEVER_BACKSLASH_C, &code, &at, ctx);
	pcre2_compile_context_free(ctx);
	return p;
}

int hpl_compile_pattern(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, struct pattern **ret)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;

	if (arg->kind != HPL_STRING)
		return hpl_compile_fail(k, s, keyword, arg, "a pattern is a string");
	struct rewriter w = {&text, arg->str.text, arg->str.text + arg->str.len, false};
	struct pattern *p = hpl_compile_alloc(k, 1, sizeof(*p));
	if (!p)
		return -1;
	p->is_plain = hpl_plain_compile(&p->plain, arg->str.text, arg->str.len);
	if (p->is_plain) {
		*ret = p;
		return 0;
	}
	if (rewrite(&w) < 0)
		return hpl_compile_fail(k, s, keyword, arg, "not a regular expression of ECMA-262");
	p->code = text.failed ? NULL : compile(&text);
	if (!p->code)
		return hpl_compile_fail(k, s, keyword, arg, "not a regular expression");
	hpl_compile_keep(k, p);
	*ret = p;
	return 0;
}

bool hpl_pattern_matches(struct run *r, const struct pattern *p, const char *text, size_t len)
{
	if (p->is_plain)
		return hpl_plain_matches(&p->plain, text, len);
	int rc = pcre2_match(p->code, (PCRE2_SPTR)text, len, 0, PCRE2_NO_UTF_CHECK,
		r->schema->match, r->schema->limits);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		HPL_BREAK(r, "a pattern could not be matched within its limits (string of %zu bytes)",
			len);
	return rc >= 0;
}

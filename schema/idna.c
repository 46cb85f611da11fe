/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded labels of host names ("xn--..."): is the text behind one a label of IDNA2008? The characters are
 * those that RFC 5892 derives from the properties of Unicode 14, with its contextual rules; categories
 * and scripts come from PCRE2. Not checked, for want of tables: normal form C, the rule for mixed
 * directions (RFC 5893), and of the zero width non-joiner's neighbours whether they join on that
 * side (they have to be of a script that joins).
 */
#include "schema/idna.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "runtime/base/util.h"

enum { LABEL_MAX = 63 };

/* ---- punycode, RFC 3492 section 6.2 ---- */

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 128 };

static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / count;
	for (; delta > ((BASE - T_MIN) * T_MAX) / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static int digit(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' : c >= '0' && c <= '9' ? c - '0' + 26 : -1;
}

/* One variable-length integer added to *i. Returns the bytes it took, 0: none is there. */
static size_t read_delta(uint32_t *i, const char *s, size_t len, uint32_t bias)
{
	uint32_t weight = 1;

	for (size_t n = 0; n < len; n++) {
		uint32_t k = BASE * (uint32_t)(n + 1);
		uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
		int d = digit(s[n]);
		if (d < 0 || (uint32_t)d > (INT32_MAX - *i) / weight)
			return 0;
		*i += (uint32_t)d * weight;
		if ((uint32_t)d < t)
			return n + 1;
		if (weight > INT32_MAX / (BASE - t))
			return 0;
		weight *= BASE - t;
	}
	return 0;
}

/* s: what follows "xn--", lower case. Returns the number of characters, 0: it is no punycode. */
static size_t punycode_decode(uint32_t *out, const char *s, size_t len)
{
	const char *dash = memrchr(s, '-', len);
	size_t count = dash ? (size_t)(dash - s) : 0, at = dash ? count + 1 : 0;
	uint32_t c = FIRST, bias = BIAS, i = 0;

	for (size_t k = 0; k < count; k++)
		out[k] = (unsigned char)s[k];
	if (at == len)
		return 0; /* plain ASCII is not encoded */
	for (bool first = true; at < len; first = false, i++) {
		uint32_t from = i;
		size_t n = read_delta(&i, s + at, len - at, bias);
		if (n == 0 || count == LABEL_MAX)
			return 0;
		at += n;
		count++;
		bias = adapt(i - from, (uint32_t)count, first);
		c += i / (uint32_t)count;
		i %= (uint32_t)count;
		if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return 0;
		memmove(out + i + 1, out + i, (count - 1 - i) * sizeof(*out));
		out[i] = c;
	}
	return count;
}

/* ---- characters ---- */

/* Letters, digits and marks that are disallowed all the same: unstable under normalisation, old Hangul,
 * ignorable, of blocks of symbols, or exceptions (RFC 5892 section 2). */
#define DISALLOWED \
	"\\x{aa}-\\x{ba}\\x{133}\\x{140}\\x{149}\\x{17f}\\x{1c6}-\\x{1cc}\\x{1f3}" \
	"\\x{2b0}-\\x{2b8}\\x{2e0}-\\x{2e4}\\x{340}-\\x{341}\\x{343}-\\x{345}\\x{34f}\\x{374}" \
	"\\x{37a}\\x{3d0}-\\x{3d6}\\x{3f0}-\\x{3f2}\\x{3f5}\\x{587}\\x{640}\\x{675}-\\x{678}" \
	"\\x{7fa}\\x{958}-\\x{95f}\\x{9dc}-\\x{9df}\\x{a33}\\x{a36}\\x{a59}-\\x{a5b}\\x{a5e}" \
	"\\x{b5c}-\\x{b5d}\\x{e33}\\x{eb3}\\x{edc}-\\x{edd}\\x{f43}\\x{f4d}\\x{f52}\\x{f57}" \
	"\\x{f5c}\\x{f69}\\x{f73}\\x{f75}-\\x{f79}\\x{f81}\\x{f93}\\x{f9d}\\x{fa2}\\x{fa7}" \
	"\\x{fac}\\x{fb9}\\x{10fc}\\x{1100}-\\x{11ff}\\x{13f8}-\\x{13fd}\\x{17b4}-\\x{17b5}" \
	"\\x{180b}-\\x{180f}\\x{1c80}-\\x{1c88}\\x{1d2c}-\\x{1d2e}\\x{1d30}-\\x{1d3a}" \
	"\\x{1d3c}-\\x{1d4d}\\x{1d4f}-\\x{1d6a}\\x{1d78}\\x{1d9b}-\\x{1dbf}" \
	"\\x{1e9a}-\\x{1e9b}\\x{1f71}\\x{1f73}\\x{1f75}\\x{1f77}\\x{1f79}\\x{1f7b}" \
	"\\x{1f7d}-\\x{1fa7}\\x{1fb2}-\\x{1fb4}\\x{1fb7}-\\x{1fc4}\\x{1fc7}\\x{1fd3}\\x{1fe3}" \
	"\\x{1ff2}-\\x{1ff4}\\x{1ff7}-\\x{2149}\\x{2c7c}-\\x{2c7d}\\x{2d6f}" \
	"\\x{302e}-\\x{303b}\\x{309f}\\x{30ff}\\x{3131}-\\x{318e}\\x{a69c}-\\x{a69d}\\x{a770}" \
	"\\x{a7f2}-\\x{a7f4}\\x{a7f8}-\\x{a7f9}\\x{a960}-\\x{a97c}\\x{ab5c}-\\x{ab5f}" \
	"\\x{ab69}-\\x{abbf}\\x{d7b0}-\\x{fa0d}\\x{fa10}\\x{fa12}\\x{fa15}-\\x{fa1e}\\x{fa20}" \
	"\\x{fa22}\\x{fa25}-\\x{fa26}\\x{fa2a}-\\x{fb1d}\\x{fb1f}-\\x{fe0f}" \
	"\\x{fe70}-\\x{fe72}\\x{fe74}-\\x{ffdc}\\x{10781}-\\x{107ba}\\x{1d165}-\\x{1d7ff}" \
	"\\x{1ee00}-\\x{1fbf9}\\x{2f800}-\\x{2fa1d}\\x{e0100}-\\x{e01ef}"
/* Canonical combining class 9 */
#define VIRAMA \
	"\\x{94d}\\x{9cd}\\x{a4d}\\x{acd}\\x{b4d}\\x{bcd}\\x{c4d}\\x{ccd}\\x{d3b}-\\x{d3c}" \
	"\\x{d4d}\\x{dca}\\x{e3a}\\x{eba}\\x{f84}\\x{1039}-\\x{103a}\\x{1714}-\\x{1715}" \
	"\\x{1734}\\x{17d2}\\x{1a60}\\x{1b44}\\x{1baa}-\\x{1bab}\\x{1bf2}-\\x{1bf3}\\x{2d7f}" \
	"\\x{a806}\\x{a82c}\\x{a8c4}\\x{a953}\\x{a9c0}\\x{aaf6}\\x{abed}\\x{10a3f}\\x{11046}" \
	"\\x{11070}\\x{1107f}\\x{110b9}\\x{11133}-\\x{11134}\\x{111c0}\\x{11235}\\x{112ea}" \
	"\\x{1134d}\\x{11442}\\x{114c2}\\x{115bf}\\x{1163f}\\x{116b6}\\x{1172b}\\x{11839}" \
	"\\x{1193d}-\\x{1193e}\\x{119e0}\\x{11a34}\\x{11a47}\\x{11a99}\\x{11c3f}" \
	"\\x{11d44}-\\x{11d45}\\x{11d97}"
#define JOINING                                                                                    \
	"\\p{sc:Arabic}\\p{sc:Syriac}\\p{sc:Mongolian}\\p{sc:Nko}\\p{sc:Phags_Pa}\\p{sc:Mandaic}"       \
	"\\p{sc:Adlam}\\p{sc:Sogdian}\\p{sc:Manichaean}\\p{sc:Hanifi_Rohingya}"

static size_t utf8_put(unsigned char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (unsigned char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (unsigned char)(0x80 | (c & 0x3f));
	out[0] = (unsigned char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
	return n;
}

/* RFC 5891 section 4.2.3 and RFC 5892 appendix A */
static const char label_pattern[] =
	"^(?!\\p{M}|-|..--|.*-$)"
	/* no Arabic-Indic digits of two kinds; no Katakana dot without what it belongs to */
	"(?!.*[\\x{660}-\\x{669}].*[\\x{6f0}-\\x{6f9}]|.*[\\x{6f0}-\\x{6f9}].*[\\x{660}-\\x{669}])"
	"(?:(?!.*\\x{30fb})|(?=.*[\\p{sc:Hiragana}\\p{sc:Katakana}\\p{sc:Han}]))"
	"(?:(?![" DISALLOWED "])[a-z0-9\\p{Ll}\\p{Lo}\\p{Lm}\\p{Mn}\\p{Mc}\\p{Nd}]|-"
	"|[\\x{df}\\x{3c2}\\x{6fd}\\x{6fe}\\x{f0b}\\x{3007}\\x{30fb}]"
	"|(?<=l)\\x{b7}(?=l)|\\x{375}(?=\\p{sc:Greek})|(?<=\\p{sc:Hebrew})[\\x{5f3}\\x{5f4}]"
	"|(?<=[" VIRAMA "])[\\x{200c}\\x{200d}]"
	"|(?<=[" JOINING "\\p{Mn}])\\x{200c}(?=[" JOINING "\\p{Mn}]))+$";

static bool is_label(const uint32_t *text, size_t count)
{
	static pcre2_code *code; /* kept for the life of the process */
	PCRE2_SIZE at;
	int error;

	if (!code)
		code = pcre2_compile((PCRE2_SPTR)label_pattern, PCRE2_ZERO_TERMINATED,
			PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL, &error, &at, NULL);
	pcre2_match_data *match = code ? pcre2_match_data_create(1, NULL) : NULL;
	unsigned char utf8[4 * LABEL_MAX];
	size_t len = 0;
	for (size_t i = 0; i < count; i++)
		len += utf8_put(utf8 + len, text[i]);
	bool ok = match && pcre2_match(code, utf8, len, 0, 0, match, NULL) >= 0;
	pcre2_match_data_free(match);
	return ok;
}

bool hpl_idna_label(const char *s, size_t len)
{
	uint32_t text[LABEL_MAX];
	char lower[LABEL_MAX];

	if (len > LABEL_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		lower[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 'a' - 'A') : s[i];
	size_t count = punycode_decode(text, lower, len);
	return count && is_label(text, count);
}

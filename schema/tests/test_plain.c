/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken as plain says the same as PCRE2 of every text; what is not so simple is not taken. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <criterion/criterion.h>
#include <pcre2.h>
#include <string.h>

#include "runtime/base/util.h"
#include "schema/plain.h"

static const char *const plain[] = {"^[A-Za-z_][A-Za-z0-9_]*$", "^[a-z_][a-z0-9_-]*$", "^[a-zA-Z0-9_-]+$",
	"^[a]$", "^[ab]{3}$", "^[ab]{2,4}$", "^[a-c.]{0,2}$", "^[a-]{1,}$", "^[a][b][c]$", "^[A][_][0-9][a-]+$",
	"^[a$.*+?(){}|/]*$", "^[a]{0}$", "^[0-9]{1,5}$", "^[a^A]*$"};
static const char *const other[] = {"", "^$", "[a]", "^[a]", "[a]$", "^[^a]$", "^[a\\]]$", "^[\\w]+$", "^a$", "^[a]?$",
	"^[a]+?$", "^[a]+[b]$", "^[a]{,2}$", "^[a]{2", "^[a]|[b]$", "^[b-a]$", "^[]$", "^[a-\\d]$", "^[[:alpha:]]$",
	"^[\xc3\xa9]$", "^[-a]$", "^[a", "^[a]{3,2}$", "^[a][b][c][d][e]$", "^[a]$$", "^[a b]$", "^[a]{1}{2}$",
	"^[a-b-c]$"};

static bool by_pcre2(pcre2_code *code, const char *text, size_t len)
{
	pcre2_match_data *m = pcre2_match_data_create(1, NULL);
	int rc = pcre2_match(code, (PCRE2_SPTR)text, len, 0, 0, m, NULL);

	pcre2_match_data_free(m);
	return rc >= 0;
}

/* All texts of up to four characters of those that the patterns tell apart, and some longer ones. */
static void compare(const char *pattern, const struct hpl_plain *p)
{
	static const char chars[] = "aAbz_-09.$\n\x7f{";
	enum { N = sizeof(chars) };
	int code;
	PCRE2_SIZE at;
	pcre2_code *c = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &code, &at, NULL);

	cr_assert(c, "%s", pattern);
	for (size_t len = 0; len <= 4; len++) {
		size_t total = 1;
		for (size_t i = 0; i < len; i++)
			total *= N;
		for (size_t n = 0; n < total; n++) {
			char text[4];
			for (size_t i = 0, v = n; i < len; i++, v /= N)
				text[i] = chars[v % N]; /* its NUL too */
			cr_assert_eq(hpl_plain_matches(p, text, len), by_pcre2(c, text, len),
				"%s: %.*s", pattern, (int)len, text);
		}
	}
	static const char *const texts[] = {"aaaaaaaaa", "A_9aaaaaa", "12345", "123456", "a\xc3\xa9",
		"\xc3\xa9", "abcabcabc", "NAME_OF_VARIABLE"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(texts); i++)
		cr_assert_eq(hpl_plain_matches(p, texts[i], strlen(texts[i])),
			by_pcre2(c, texts[i], strlen(texts[i])), "%s: %s", pattern, texts[i]);
	pcre2_code_free(c);
}

Test(plain, every_text_is_judged_as_by_pcre2)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(plain); i++) {
		struct hpl_plain p;

		cr_assert(hpl_plain_compile(&p, plain[i], strlen(plain[i])), "%s", plain[i]);
		compare(plain[i], &p);
	}
}

Test(plain, all_else_is_left_to_pcre2)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(other); i++) {
		struct hpl_plain p;

		cr_assert_not(hpl_plain_compile(&p, other[i], strlen(other[i])), "%s", other[i]);
	}
}

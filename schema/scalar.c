/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/scalar.h"

#include <errno.h>
#include <math.h>

static bool one_of(const char *text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, names[i]) == 0)
			return true;
	}
	return false;
}

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

static bool is_decimal(const char *s)
{
	if (*s == '+' || *s == '-')
		s++;
	return *s && s[digits(s)] == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *s)
{
	if (*s == '+' || *s == '-')
		s++;
	size_t whole = digits(s);
	s += whole;
	if (*s == '.') {
		size_t frac = digits(++s);
		s += frac;
		if (!whole && !frac)
			return false;
	} else if (!whole) {
		return false;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '+' || *s == '-')
			s++;
		if (!digits(s))
			return false;
		s += digits(s);
	}
	return *s == '\0';
}

static void set_real(struct hpl_node *n, double v)
{
	n->kind = HPL_REAL;
	n->real = v;
}

static void set_int(struct hpl_node *n, const char *digits_text, int base, const char *text)
{
	errno = 0;
	long long v = strtoll(digits_text, NULL, base);
	if (errno == ERANGE && base == 10) {
		set_real(n, strtod(text, NULL));
		return;
	}
	if (errno == ERANGE) {
		set_real(n, (double)strtoull(digits_text, NULL, base));
		return;
	}
	n->kind = HPL_INT;
	n->integer = v;
}

static bool resolve_number(struct hpl_node *n, const char *text)
{
	static const char *const inf[] = {".inf", ".Inf", ".INF"};
	static const char *const nan_[] = {".nan", ".NaN", ".NAN"};
	const char *unsigned_text = text + (*text == '+' || *text == '-');
	if (is_decimal(text)) {
		set_int(n, text, 10, text);
	} else if (text[0] == '0' && text[1] == 'x' && text[2] &&
		text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0') {
		set_int(n, text + 2, 16, text);
	} else if (text[0] == '0' && text[1] == 'o' && text[2] &&
		text[2 + strspn(text + 2, "01234567")] == '\0') {
		set_int(n, text + 2, 8, text);
	} else if (is_real(text)) {
		set_real(n, strtod(text, NULL));
	} else if (one_of(unsigned_text, inf, HPL_ARRAY_SIZE(inf))) {
		set_real(n, *text == '-' ? -INFINITY : INFINITY);
	} else if (one_of(text, nan_, HPL_ARRAY_SIZE(nan_))) {
		set_real(n, NAN);
	} else {
		return false;
	}
	return true;
}

void hpl_scalar_resolve(struct hpl_node *n, const char *text, size_t len)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	static const char *const trues[] = {"true", "True", "TRUE"};
	static const char *const falses[] = {"false", "False", "FALSE"};
	n->kind = HPL_STRING;
	if (memchr(text, '\0', len))
		return;
	if (one_of(text, nulls, HPL_ARRAY_SIZE(nulls))) {
		n->kind = HPL_NULL;
	} else if (one_of(text, trues, HPL_ARRAY_SIZE(trues))) {
		n->kind = HPL_BOOL;
		n->boolean = true;
	} else if (one_of(text, falses, HPL_ARRAY_SIZE(falses))) {
		n->kind = HPL_BOOL;
		n->boolean = false;
	} else {
		/* a number starts so; saves the checks for nearly every string */
		if (strchr("+-.0123456789", *text) && resolve_number(n, text))
			n->scalar = text;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of "format". Those beyond JSON Schema are our own: PEM and base64 as contracts hold them are
 * scanned in one pass (pem.c) instead of by patterns that backtrack over kilobytes.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "schema/idna.h"
#include "schema/pem.h"
#include "schema/validator.h"

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* RFC 1123 section 2.1 and RFC 952: labels of letters, digits and inner hyphens */
static bool is_hostname(const char *s, size_t len)
{
	size_t label = 0;
	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i == len || s[i] == '.') {
			if (label == 0 || label > 63 || s[i - 1] == '-')
				return false;
			/* "--" in third and fourth place is kept for encoded names (RFC 5891) */
			const char *l = s + i - label;
			if (label >= 4 && l[2] == '-' && l[3] == '-' && ((l[0] | 0x20) != 'x' ||
				(l[1] | 0x20) != 'n' || !hpl_idna_label(l + 4, label - 4)))
				return false;
			label = 0;
			continue;
		}
		if (!is_alnum((unsigned char)s[i]) && (s[i] != '-' || label == 0))
			return false;
		label++;
	}
	return true;
}

static bool is_address(int family, const char *s, size_t len)
{
	char text[INET6_ADDRSTRLEN + 1];
	unsigned char addr[sizeof(struct in6_addr)];
	if (len == 0 || len >= sizeof(text) || memchr(s, '\0', len))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	return inet_pton(family, text, addr) == 1;
}

static bool is_ipv4(const char *s, size_t len)
{
	return is_address(AF_INET, s, len);
}

static bool is_ipv6(const char *s, size_t len)
{
	return is_address(AF_INET6, s, len);
}

static bool is_ip(const char *s, size_t len)
{
	return is_ipv4(s, len) || is_ipv6(s, len);
}

/* "10.0.0.5/24", "2001:db8::5/64" */
static bool is_ip_prefix(const char *s, size_t len)
{
	const char *slash = memchr(s, '/', len);
	size_t head = slash ? (size_t)(slash - s) : 0, digits = slash ? len - head - 1 : 0;
	unsigned bits = 0;

	if (digits == 0 || digits > 3)
		return false;
	for (size_t i = head + 1; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		bits = bits * 10 + (unsigned)(s[i] - '0');
	}
	return (is_ipv4(s, head) && bits <= 32) || (is_ipv6(s, head) && bits <= 128);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Six bytes of Ethernet (IEEE 802) in hexadecimal, separated by colons. */
static bool is_mac(const char *s, size_t len)
{
	if (len != 17)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (i % 3 == 2 ? s[i] != ':' : !is_hex(s[i]))
			return false;
	}
	return true;
}

/* Are all of s among unreserved, extra and percent escapes? */
static bool uri_characters(const char *s, size_t len, const char *extra)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%') {
			if (len - i < 3 || !is_hex(s[i + 1]) || !is_hex(s[i + 2]))
				return false;
			i += 2;
		} else if (!is_alnum((unsigned char)s[i]) && (!s[i] || !strchr(extra, s[i]))) {
			return false;
		}
	}
	return true;
}

#define SUB_DELIMS "!$&'()*+,;="
#define UNRESERVED "-._~"

static bool uri_authority(const char *s, size_t len)
{
	const char *at = memrchr(s, '@', len);
	if (at) {
		if (!uri_characters(s, (size_t)(at - s), UNRESERVED SUB_DELIMS ":"))
			return false;
		len -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	const char *host_end = s + len;
	if (len && *s == '[') {
		const char *close = memchr(s, ']', len);
		if (!close || !(is_ipv6(s + 1, (size_t)(close - s - 1)) ||
			(s[1] == 'v' && uri_characters(s + 1, (size_t)(close - s - 1),
				UNRESERVED SUB_DELIMS ":"))))
			return false;
		host_end = close + 1;
	} else {
		const char *colon = memchr(s, ':', len);
		if (colon)
			host_end = colon;
		if (!uri_characters(s, (size_t)(host_end - s), UNRESERVED SUB_DELIMS))
			return false;
	}
	if (host_end == s + len)
		return true;
	size_t port = (size_t)(s + len - host_end - 1);
	return *host_end == ':' && strspn(host_end + 1, "0123456789") >= port;
}

/* RFC 3986 section 3: an absolute URI with its scheme */
static bool is_uri(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && (is_alnum((unsigned char)s[n]) || (s[n] && strchr("+-.", s[n]))))
		n++;
	if (n == 0 || n == len || s[n] != ':' || !((s[0] | 0x20) >= 'a' && (s[0] | 0x20) <= 'z'))
		return false;
	s += n + 1;
	len -= n + 1;
	const char *hash = memchr(s, '#', len);
	if (hash) {
		if (!uri_characters(hash + 1, (size_t)(s + len - hash - 1), UNRESERVED SUB_DELIMS ":@/?"))
			return false;
		len = (size_t)(hash - s);
	}
	if (len >= 2 && s[0] == '/' && s[1] == '/') {
		size_t end = 2;
		while (end < len && s[end] != '/' && s[end] != '?')
			end++;
		if (!uri_authority(s + 2, end - 2))
			return false;
		s += end;
		len -= end;
	}
	return uri_characters(s, len, UNRESERVED SUB_DELIMS ":@/?");
}

/* ---- base64 and PEM ---- */

static bool is_base64_text(const char *s, size_t len)
{
	struct hpl_base64_found f;

	hpl_base64_scan(&f, s, len);
	return f.what == HPL_BASE64_GOOD;
}

/* PEM of a kind, or base64 of whatever it is: what is in it is not opened here. */
static bool pem_or_base64(const char *format, const char *s, size_t len)
{
	struct hpl_pem_found f;

	hpl_pem_scan(&f, s, len, hpl_pem_form(format));
	return f.what == HPL_PEM_GOOD || (f.what == HPL_PEM_NONE && is_base64_text(s, len));
}

static bool is_certificate(const char *s, size_t len)
{
	return pem_or_base64("pem-certificate", s, len);
}

static bool is_certificates(const char *s, size_t len)
{
	return pem_or_base64("pem-certificates", s, len);
}

static bool is_public_key(const char *s, size_t len)
{
	return pem_or_base64("pem-public-key", s, len);
}

static bool is_public_key_or_certificate(const char *s, size_t len)
{
	return pem_or_base64("pem-public-key-or-certificate", s, len);
}

static bool is_private_key(const char *s, size_t len)
{
	return pem_or_base64("pem-private-key", s, len);
}

format_fn *hpl_format_find(const char *name)
{
	static const struct { const char *name; format_fn *fn; } formats[] = {
		{"hostname", is_hostname}, {"ipv4", is_ipv4}, {"ipv6", is_ipv6}, {"uri", is_uri},
		{"ip", is_ip}, {"ip-prefix", is_ip_prefix}, {"mac", is_mac},
		{"base64-text", is_base64_text}, {"pem-certificate", is_certificate},
		{"pem-certificates", is_certificates}, {"pem-public-key", is_public_key},
		{"pem-public-key-or-certificate", is_public_key_or_certificate},
		{"pem-private-key", is_private_key},
	};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(formats); i++) {
		if (strcmp(name, formats[i].name) == 0)
			return formats[i].fn;
	}
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Why a string is not of its form ("format"), and what makes it so. */
#include <stdio.h>

#include "runtime/base/utf8.h"
#include "schema/pem.h"
#include "schema/validator.h"

#define SAY(w, ...) snprintf((w)->text, sizeof((w)->text), __VA_ARGS__)
#define CURE(w, ...) snprintf((w)->cure, sizeof((w)->cure), __VA_ARGS__)

/* "line 14", where the text's lines are those of the file; "line 3 of the value" elsewhere. */
static const char *line_name(char *out, size_t size, const struct hpl_node *n, size_t line)
{
	if (n->block)
		snprintf(out, size, "line %zu", n->content_pos.line + line - 1);
	else
		snprintf(out, size, "line %zu of the value", line);
	return out;
}

/* ---- base64 ---- */

static bool starts_with(const struct hpl_node *n, const char *text)
{
	return n->str.len >= strlen(text) && memcmp(n->str.text, text, strlen(text)) == 0;
}

static void base64_char(struct hpl_words *w, const struct hpl_node *n, size_t at)
{
	const char *s = n->str.text + at;
	size_t nth = hpl_utf8_count(n->str.text, at) + 1;

	if (*s == '\\' && s[1] == 'n') {
		SAY(w, "holds the two characters \\n (a line end in other formats) as character %zu", nth);
		CURE(w, "write the base64 text in one line, without \\n");
	} else if (starts_with(n, "data:")) {
		SAY(w, "is a data URL, must be base64 alone");
		CURE(w, "keep what stands behind \"base64,\"");
	} else if (starts_with(n, "@") || starts_with(n, "./") || starts_with(n, "file:")) {
		SAY(w, "looks like the name of a file, must be its content in base64");
		CURE(w, "write the output of: base64 -w0 FILE");
	} else if ((*s == '<' || *s == '$' || *s == '{') && at == 0) {
		SAY(w, "looks like a placeholder that nothing has filled in");
		CURE(w, "write the base64 text in its place");
	} else {
		SAY(w, "is no base64: it has %s as character %zu", hpl_char_class((unsigned char)*s), nth);
		CURE(w, "encode the whole file again: base64 -w0 FILE");
	}
}

static void base64_length(struct hpl_words *w, const struct hpl_base64_found *f)
{
	size_t lacks = (4 - f->chars % 4) % 4;

	SAY(w, "has %zu characters of base64 and %zu of =, together no multiple of four", f->chars,
		f->pad);
	if (lacks == 3)
		CURE(w, "it was cut: encode the whole file again: base64 -w0 FILE");
	else if (lacks == 0)
		CURE(w, "remove the = at its end");
	else
		CURE(w, "end it with \"%s\", or encode the whole file again: base64 -w0 FILE",
			lacks == 2 ? "==" : "=");
}

static void explain_base64(struct hpl_words *w, const struct hpl_node *n)
{
	struct hpl_base64_found f;

	hpl_base64_scan(&f, n->str.text, n->str.len);
	if (memmem(n->str.text, n->str.len, "-----BEGIN ", 11)) {
		SAY(w, "is the text (PEM) itself, must be base64 of it");
		CURE(w, "write the output of: base64 -w0 FILE");
		return;
	}
	switch (f.what) {
	case HPL_BASE64_URL:
		SAY(w, "is in the URL-safe alphabet of base64 (- and _), must be in the standard one "
			"(+ and /)");
		CURE(w, "encode it with: base64 -w0 FILE");
		break;
	case HPL_BASE64_CHAR:
		base64_char(w, n, f.at);
		break;
	case HPL_BASE64_INSIDE:
		SAY(w, "has = before its end, in front of character %zu",
			hpl_utf8_count(n->str.text, f.at) + 1);
		CURE(w, "it is put together of two pieces: encode the whole at once");
		break;
	case HPL_BASE64_LENGTH:
		base64_length(w, &f);
		break;
	default:
		SAY(w, "is empty");
	}
}

/* ---- PEM ---- */

/* What turns a block with one label into one with another. */
static bool convert(struct hpl_words *w, const char *label, const char *want)
{
	static const struct { const char *from, *to, *cure; } ways[] = {
		{"CERTIFICATE", "PUBLIC KEY", "take the public key out of it: openssl x509 -pubkey -noout"},
		{"RSA PUBLIC KEY", "PUBLIC KEY", "convert it: openssl rsa -RSAPublicKey_in -pubout"},
		{"PRIVATE KEY", "PUBLIC KEY", "never give a private key here; write the output of: "
			"openssl pkey -pubout"},
		{"RSA PRIVATE KEY", "PUBLIC KEY", "never give a private key here; write the output of: "
			"openssl pkey -pubout"},
		{"CERTIFICATE REQUEST", "CERTIFICATE", "a request is not signed yet: give the certificate "
			"that was made of it"},
		{"TRUSTED CERTIFICATE", "CERTIFICATE", "convert it: openssl x509"},
		{"X509 CERTIFICATE", "CERTIFICATE", "convert it: openssl x509"},
		{"PUBLIC KEY", "CERTIFICATE", "give the certificate, not its public key alone"},
		{"PRIVATE KEY", "CERTIFICATE", "a private key belongs to \"key\" only; give the certificate"},
		{"CERTIFICATE", "*PRIVATE KEY", "give the private key that belongs to the certificate"},
		{"PUBLIC KEY", "*PRIVATE KEY", "give the private key, not the public one"},
	};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(ways); i++) {
		if (strcmp(ways[i].from, label) == 0 && strcmp(ways[i].to, want) == 0) {
			CURE(w, "%s", ways[i].cure);
			return true;
		}
	}
	return false;
}

static void wrong_label(struct hpl_words *w, const struct hpl_pem_form *form, const char *label)
{
	const char *want = form->labels[0];

	SAY(w, "is a PEM block of type \"%s\", must be \"%s\"%s%s%s", label, want + (*want == '*'),
		form->labels[1] ? " or \"" : "", form->labels[1] ? form->labels[1] : "",
		form->labels[1] ? "\"" : "");
	if (!convert(w, label, want))
		CURE(w, "give a block that begins with \"-----BEGIN %s-----\"", want + (*want == '*'));
}

static void end_words(struct hpl_words *w, const struct hpl_pem_found *f, const char *line)
{
	switch (f->what) {
	case HPL_PEM_NO_END:
		SAY(w, "has no END line");
		break;
	case HPL_PEM_END_DASHES:
		SAY(w, "has an END line (%s) with %zu dashes at its end, must be 5", line, f->count);
		break;
	case HPL_PEM_END_FRONT:
		SAY(w, "has an END line (%s) with %zu dashes at its beginning, must be 5", line, f->count);
		break;
	case HPL_PEM_END_JOINED:
		SAY(w, "has an END line that does not begin in a line of its own (%s)", line);
		break;
	default:
		SAY(w, "has an END line (%s) of another type than its BEGIN line", line);
	}
	CURE(w, "end it with \"-----END %s-----\"", f->label);
}

static void begin_words(struct hpl_words *w, const struct hpl_pem_found *f, const char *want,
	const char *line)
{
	if (f->what == HPL_PEM_NO_BEGIN)
		SAY(w, "has no BEGIN line");
	else if (f->what == HPL_PEM_BEGIN_DASHES)
		SAY(w, "has a BEGIN line (%s) with %zu dashes, must be 5 at each end", line, f->count);
	else
		SAY(w, "has a BEGIN line (%s) that does not end behind its dashes", line);
	CURE(w, "begin it with \"-----BEGIN %s-----\" in a line of its own",
		*f->label ? f->label : want + (*want == '*'));
}

static void body_words(struct hpl_words *w, const struct hpl_pem_found *f, const char *line)
{
	if (f->what == HPL_PEM_EMPTY)
		SAY(w, "has nothing between its BEGIN and END lines");
	else if (f->what == HPL_PEM_PADDING)
		SAY(w, "is cut: its base64 up to %s does not come out in groups of four", line);
	else if (f->c == ':')
		SAY(w, "has a header or other text in %s", line);
	else if (f->c == '.')
		SAY(w, "is abridged with dots in %s", line);
	else
		SAY(w, "has %s in %s, which is no base64", hpl_char_class(f->c), line);
	CURE(w, "paste the whole file again, from its BEGIN to its END line");
}

static void neither(struct hpl_words *w, const struct hpl_node *n, const struct hpl_pem_form *form)
{
	const char *want = form->labels[0] + (*form->labels[0] == '*');

	if (starts_with(n, "ssh-") || starts_with(n, "ecdsa-sha2-")) {
		SAY(w, "is a key in the format of OpenSSH, must be PEM");
		CURE(w, "convert it: ssh-keygen -e -m PKCS8 -f FILE");
		return;
	}
	explain_base64(w, n);
	if (strncmp(w->text, "is no base64", 12) == 0) {
		char why[sizeof(w->text)];
		snprintf(why, sizeof(why), "%s", w->text + 12);
		SAY(w, "is neither PEM nor base64%.200s", why);
	}
	CURE(w, "begin it with \"-----BEGIN %s-----\", or give base64 of the file: base64 -w0", want);
}

static void explain_pem(struct hpl_words *w, const struct hpl_node *n,
	const struct hpl_pem_form *form)
{
	struct hpl_pem_found f;
	char line[48];

	hpl_pem_scan(&f, n->str.text, n->str.len, form);
	line_name(line, sizeof(line), n, f.line);
	switch (f.what) {
	case HPL_PEM_NONE:
	case HPL_PEM_GOOD:
		neither(w, n, form);
		break;
	case HPL_PEM_NO_BEGIN:
	case HPL_PEM_BEGIN_DASHES:
	case HPL_PEM_BEGIN_TAIL:
		begin_words(w, &f, form->labels[0], line);
		break;
	case HPL_PEM_LABEL:
		wrong_label(w, form, f.label);
		break;
	case HPL_PEM_TEXT:
		SAY(w, "has text outside of its PEM block%s (%s)", form->many ? "s" : "", line);
		CURE(w, "keep the lines from BEGIN to END only");
		break;
	case HPL_PEM_SECOND:
		SAY(w, "has a second PEM block (%s), must have one", line);
		CURE(w, "keep one block");
		break;
	case HPL_PEM_BODY:
	case HPL_PEM_PADDING:
	case HPL_PEM_EMPTY:
		body_words(w, &f, line);
		break;
	default:
		end_words(w, &f, line);
	}
}

/* ---- names of hosts, addresses ---- */

/* The host name within a URL, host:port or name with a dot or blanks around it; false: none. */
static bool host_within(char *out, size_t size, const struct hpl_node *n, char *port)
{
	const char *s = n->str.text, *scheme = strstr(s, "://");
	size_t len;

	port[0] = '\0';
	if (scheme)
		s = scheme + 3;
	s += strspn(s, " \t\n");
	len = strcspn(s, ":/?# \t\n");
	if (s[len] == ':') {
		size_t digits = strspn(s + len + 1, "0123456789");
		if (!digits || digits > 5 || (s[len + 1 + digits] && !strchr("/?# \t\n", s[len + 1 + digits])))
			return false;
		memcpy(port, s + len + 1, digits);
		port[digits] = '\0';
	}
	if (len && s[len - 1] == '.')
		len--;
	if (len >= size || !(scheme || *port || s[len] == '.' || s != n->str.text || s[len]))
		return false;
	if (!scheme && !*port && s[len + (s[len] == '.') + strspn(s + len, ". \t\n/")])
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return strchr(out, '.') && hpl_format_find("hostname")(out, len);
}

static void explain_hostname(struct hpl_words *w, const struct hpl_node *n)
{
	char host[254], port[6];
	bool scheme = strstr(n->str.text, "://");
	size_t len = n->str.len, i = 0;

	if (host_within(host, sizeof(host), n, port)) {
		SAY(w, "is no host name alone: it has %s", scheme ? *port ? "a scheme (https://) and a port" :
			"a scheme (such as https://)" : *port ? "a port behind it" :
			"characters around it");
		if (*port) {
			CURE(w, "write \"%.120s\" here and \"port: %s\" in a line of its own", host, port);
			return;
		}
		CURE(w, "write %.120s", host);
		w->fix = HPL_FIX_REPLACE;
		snprintf(w->fix_text, sizeof(w->fix_text), "%.150s", host);
		return;
	}
	if (hpl_format_find("ipv6")(n->str.text, len)) {
		SAY(w, "is an IPv6 address, must be a host name or an IPv4 address");
		CURE(w, "write a host name that stands for the address");
		return;
	}
	while (i < len && hpl_in_charset("a-zA-Z0-9.-", (unsigned char)n->str.text[i]))
		i++;
	if (len == 0)
		SAY(w, "is empty, must be a host name");
	else if (i < len)
		SAY(w, "is no host name: it has %s as character %zu",
			hpl_char_class((unsigned char)n->str.text[i]), i + 1);
	else if (strcasestr(n->str.text, "xn--"))
		SAY(w, "is no host name: a part that begins with xn-- stands for no name that is allowed");
	else
		SAY(w, "is no host name: it or one of its parts is too long, empty, or begins or ends "
			"with -");
	CURE(w, "write a name such as log.example.com, without scheme and port");
}

static void explain_uri(struct hpl_words *w, const struct hpl_node *n)
{
	bool scheme = memmem(n->str.text, n->str.len, "://", 3);

	SAY(w, scheme ? "is a URL with a character or a part that no URL has" : "is no URL: it has no scheme");
	CURE(w, scheme ? "write characters other than letters, digits and -._~ as %%XX" :
		"write it with its scheme, such as https://notary.example.com");
}

bool hpl_fault_form(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at)
{
	static const struct { const char *format, *name; } names[] = {
		{"ipv4", "IPv4 address"}, {"ipv6", "IPv6 address"}, {"ip", "IP address"},
		{"ip-prefix", "address with a prefix length"}, {"mac", "MAC address"},
	};
	struct hpl_words w = HPL_WORDS_NULL;
	const char *format = hpl_node_str(c->arg), *name = format;
	const struct hpl_pem_form *form = hpl_pem_form(format);
	char found[64];

	if (!r->faults)
		return false;
	if (form) {
		explain_pem(&w, n, form);
	} else if (strcmp(format, "base64-text") == 0) {
		explain_base64(&w, n);
	} else if (strcmp(format, "hostname") == 0) {
		explain_hostname(&w, n);
	} else if (strcmp(format, "uri") == 0) {
		explain_uri(&w, n);
	} else {
		for (size_t i = 0; i < HPL_ARRAY_SIZE(names); i++) {
			if (strcmp(names[i].format, format) == 0)
				name = names[i].name;
		}
		hpl_describe(found, sizeof(found), n);
		snprintf(w.text, sizeof(w.text), "is %s that is no %.40s", found, name);
	}
	return hpl_fault_say(r, c, n, at, NULL, &w);
}

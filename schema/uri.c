/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References between schema documents (RFC 3986 section 5.2). Nothing is normalised but dot segments:
 * identifiers of schemas are names, compared byte by byte.
 */
#include <stdbool.h>

#include "schema/compiler.h"

struct part {
	const char *text;
	size_t len;
	bool there;
};

struct uri {
	struct part scheme, authority, path, query;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t scheme_len(const char *s)
{
	size_t n = 0;
	if (!is_letter(*s))
		return 0;
	while (is_letter(s[n]) || (s[n] >= '0' && s[n] <= '9') || (s[n] && strchr("+-.", s[n])))
		n++;
	return s[n] == ':' ? n : 0;
}

static struct uri split(const char *s)
{
	struct uri u = {0};
	size_t n = scheme_len(s);
	if (n) {
		u.scheme = (struct part){s, n, true};
		s += n + 1;
	}
	if (s[0] == '/' && s[1] == '/') {
		s += 2;
		u.authority = (struct part){s, strcspn(s, "/?"), true};
		s += u.authority.len;
	}
	u.path = (struct part){s, strcspn(s, "?"), true};
	s += u.path.len;
	if (*s == '?')
		u.query = (struct part){s + 1, strlen(s + 1), true};
	return u;
}

/* Section 5.2.4, in place: what is written never gets ahead of what is read. */
static void remove_dots(char *path)
{
	const char *in = path;
	char *out = path;
	while (*in) {
		size_t n;
		if (strncmp(in, "../", 3) == 0) {
			in += 3;
		} else if (strncmp(in, "./", 2) == 0) {
			in += 2;
		} else if (strncmp(in, "/./", 3) == 0) {
			in += 2;
		} else if (strncmp(in, "/../", 4) == 0 || strcmp(in, "/..") == 0) {
			bool last = !in[3];
			in += 3;
			while (out > path && *--out != '/')
				;
			if (last)
				*out++ = '/';
		} else if (strcmp(in, "/.") == 0) {
			*out++ = '/';
			in += 2;
		} else if (strcmp(in, ".") == 0 || strcmp(in, "..") == 0) {
			in += strlen(in);
		} else {
			n = *in == '/';
			n += strcspn(in + n, "/");
			memmove(out, in, n);
			out += n;
			in += n;
		}
	}
	*out = '\0';
}

static char *append(char *to, const char *before, const struct part *p, const char *behind)
{
	if (!p->there)
		return to;
	to = stpcpy(to, before);
	to = mempcpy(to, p->text, p->len);
	return stpcpy(to, behind);
}

char *hpl_uri_resolve(struct hpl_arena *arena, const char *base_text, const char *text)
{
	const struct uri base = split(base_text), ref = split(text);
	char *out = hpl_arena_alloc(arena, strlen(base_text) + strlen(text) + 8);
	bool own_root = ref.scheme.there || ref.authority.there;
	char *to = out, *path;

	if (!out)
		return NULL;
	*to = '\0';
	to = append(to, "", ref.scheme.there ? &ref.scheme : &base.scheme, ":");
	to = append(to, "//", own_root ? &ref.authority : &base.authority, "");
	path = to;
	if (own_root || *ref.path.text == '/') {
		to = append(to, "", &ref.path, "");
	} else if (ref.path.len == 0) {
		to = append(to, "", &base.path, "");
		return append(to, "?", ref.query.there ? &ref.query : &base.query, "") ? out : NULL;
	} else {
		struct part folder = base.path;
		while (folder.len && folder.text[folder.len - 1] != '/')
			folder.len--;
		if (base.authority.there && base.path.len == 0)
			folder = (struct part){"/", 1, true};
		to = append(to, "", &folder, "");
		to = append(to, "", &ref.path, "");
	}
	remove_dots(path);
	append(path + strlen(path), "?", &ref.query, "");
	return out;
}

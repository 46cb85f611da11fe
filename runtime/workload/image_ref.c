/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/workload/image_ref.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

enum { REFERENCE_LIMIT = 1024, DIGEST_HEX = 64 };

void hpl_image_ref_done(struct hpl_image_ref *r)
{
	free(r->name);
	free(r->tag);
	free(r->digest);
	*r = HPL_IMAGE_REF_NULL;
}

static bool is_hex(const char *p)
{
	size_t n = strspn(p, "0123456789abcdef");

	return n == DIGEST_HEX && !p[n];
}

static bool is_host(const char *part, size_t len)
{
	return memchr(part, '.', len) || memchr(part, ':', len) ||
		(len == 9 && strncmp(part, "localhost", 9) == 0);
}

/* Of the host: labels of letters, digits and inner dashes, or an IPv6 address in brackets; a port. */
static bool valid_host(const char *p, size_t len)
{
	const char *colon = memrchr(p, ':', len), *bracket = memrchr(p, ']', len), *end = p + len;

	if (colon && (!bracket || colon > bracket)) {
		size_t digits = (size_t)(end - colon - 1);

		if (!digits || digits > 5 || strspn(colon + 1, "0123456789") < digits)
			return false;
		end = colon;
	}
	if (*p == '[')
		return bracket == end - 1 && end - p > 2 &&
			strspn(p + 1, "0123456789abcdefABCDEF:.") == (size_t)(end - p - 2);
	for (const char *c = p; c < end; c++) {
		bool edge = c == p || c == end - 1 || c[-1] == '.' || c[1] == '.';

		if (!isalnum((unsigned char)*c) && (edge || (*c != '-' && *c != '.')))
			return false;
	}
	return end > p;
}

/* Of the path: lower case and digits, between them one of "." "_" "__" or any number of "-". */
static bool valid_component(const char *p, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = 1;
		if (islower((unsigned char)p[i]) || isdigit((unsigned char)p[i]))
			continue;
		if (p[i] == '-')
			n = strspn(p + i, "-");
		else if (p[i] == '_')
			n = p[i + 1] == '_' ? 2 : 1;
		else if (p[i] != '.')
			return false;
		if (i == 0 || i + n >= len || strchr("._-", p[i + n]))
			return false;
	}
	return len > 0;
}

/* As the engine's own grammar has it; so a name never looks like an option or leads out of a folder. */
static bool valid_name(const char *name)
{
	const char *part = strchr(name, '/');

	if (!part || !valid_host(name, (size_t)(part - name)))
		return false;
	while (part) {
		const char *begin = part + 1;

		part = strchr(begin, '/');
		if (!valid_component(begin, part ? (size_t)(part - begin) : strlen(begin)))
			return false;
	}
	return true;
}

static bool valid_tag(const char *tag)
{
	size_t n = strlen(tag);

	if (!n || n > 128 || *tag == '.' || *tag == '-')
		return false;
	for (; *tag; tag++)
		if (!isalnum((unsigned char)*tag) && !strchr("._-", *tag))
			return false;
	return true;
}

/* Puts docker.io and library/ in front where the short form leaves them out. */
static char *full_name(const char *short_name)
{
	const char *slash = strchr(short_name, '/');
	char *name = NULL;
	int r;

	if (slash && is_host(short_name, (size_t)(slash - short_name)))
		return strdup(short_name);
	r = asprintf(&name, "docker.io/%s%s", slash ? "" : "library/", short_name);
	return r < 0 ? NULL : name;
}

int hpl_image_ref_parse(struct hpl_image_ref *ret, const char *text, struct hpl_err *err)
{
	_cleanup_image_ref_ struct hpl_image_ref ref = HPL_IMAGE_REF_NULL;
	_cleanup_free_ char *copy = NULL;
	char *at, *colon, *slash;

	if (strlen(text) > REFERENCE_LIMIT)
		return HPL_FAIL(err, 0, 0, "an image name of more than %d characters", REFERENCE_LIMIT);
	copy = strdup(text);
	if (!copy)
		return HPL_OOM(err);
	at = strchr(copy, '@');
	if (at) {
		*at++ = 0;
		if (strncmp(at, "sha256:", 7) != 0 || !is_hex(at + 7)) {
			HPL_FAIL(err, 0, 0, "'%s': the digest is not sha256: and 64 lower-case hex "
				"digits", text);
			hpl_err_cure(err, "copy the digest that the registry tells for the image");
			return -1;
		}
		ref.digest = strdup(at);
	}
	slash = strrchr(copy, '/');
	colon = strrchr(slash ? slash : copy, ':');
	if (colon) {
		*colon++ = 0;
		if (!valid_tag(colon)) {
			HPL_FAIL(err, 0, 0, "'%s' has no valid tag", text);
			hpl_err_cure(err, "write NAME:TAG or NAME@sha256:<digest>");
			return -1;
		}
		ref.tag = strdup(colon);
	}
	ref.name = full_name(copy);
	if (!ref.name || (at && !ref.digest) || (colon && !ref.tag))
		return HPL_OOM(err);
	if (!*copy || !valid_name(ref.name)) {
		HPL_FAIL(err, 0, 0, "'%s' is no image name", text);
		hpl_err_cure(err, "write HOST/NAME@sha256:<digest>, in lower case");
		return -1;
	}
	*ret = ref;
	ref = HPL_IMAGE_REF_NULL;
	return 0;
}

bool hpl_image_ref_matches(const struct hpl_image_ref *entry, const struct hpl_image_ref *image)
{
	if (!hpl_streq(entry->name, image->name))
		return false;
	if (entry->tag && !hpl_streq(entry->tag, image->tag ? image->tag : "latest"))
		return false;
	return !entry->digest || hpl_streq(entry->digest, image->digest);
}

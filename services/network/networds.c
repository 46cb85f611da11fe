/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of the schema part, told by the value that was found: what people write instead of it. */
#include <errno.h>
#include <stdio.h>

#include "runtime/base/log.h"
#include "services/network/reading.h"

/* The scalar at a place of the file. */
static const struct hpl_node *scalar_at(const struct hpl_node *n, struct hpl_pos pos)
{
	const struct hpl_node *found = NULL;

	if (n->kind == HPL_MAP)
		for (size_t i = 0; i < n->map.count && !found; i++)
			found = scalar_at(n->map.entries[i].value, pos);
	else if (n->kind == HPL_LIST)
		for (size_t i = 0; i < n->list.count && !found; i++)
			found = scalar_at(n->list.items[i], pos);
	else if (n->pos.line == pos.line && n->pos.col == pos.col)
		return n;
	return found;
}

static void say(struct hpl_fault *f, const char *value, const char *what)
{
	char raw[sizeof(f->text)];

	snprintf(raw, sizeof(raw), "\"%.64s\" %s", value, what);
	hpl_escape_line(f->text, sizeof(f->text), raw, strlen(raw));
}

/* yes and no are no booleans any more; networks of old files are full of them. */
static void flag(struct hpl_fault *f, const char *value)
{
	static const char *const words[][2] = {{"yes", "true"}, {"on", "true"}, {"y", "true"},
		{"no", "false"}, {"off", "false"}, {"n", "false"}, {"true", "true"}, {"false", "false"}};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(words); i++) {
		if (strcasecmp(value, words[i][0]))
			continue;
		say(f, value, "is text, must be true or false");
		hpl_net_cure(f, "write %s", words[i][1]);
		hpl_net_fix(f, HPL_FIX_REPLACE, "%s", words[i][1]);
	}
}

static void prefix(struct hpl_fault *f, const char *value)
{
	const char *slash = strchr(value, '/');
	char address[INET6_ADDRSTRLEN] = "";
	struct hpl_net_ip ip;
	unsigned length;

	if (!slash || (size_t)(slash - value) < sizeof(address))
		snprintf(address, sizeof(address), "%.*s", slash ? (int)(slash - value) : 45, value);
	if (!hpl_net_ip_parse(&ip, address)) {
		say(f, value, "is no IPv4 or IPv6 address with prefix length");
		hpl_net_cure(f, "write it as 10.0.0.5/24 or 2001:db8::5/64");
		return;
	}
	length = ip.family == AF_INET ? 24 : 64; /* what is usual; the user knows better */
	if (!slash)
		say(f, value, "has no prefix length");
	else if (ip.family == AF_INET)
		say(f, value, "has no prefix length of 0 to 32");
	else
		say(f, value, "has no prefix length of 0 to 128");
	hpl_net_cure(f, "write it with the length of its network's prefix, as %s/%u", address, length);
	hpl_net_fix(f, HPL_FIX_REPLACE, "%s/%u", address, length);
}

static void address(struct hpl_fault *f, const char *value, int family)
{
	struct hpl_net_prefix p;
	struct hpl_net_ip ip;
	char text[INET6_ADDRSTRLEN];

	if (hpl_net_prefix_parse(&p, value)) {
		say(f, value, "has a prefix length, must be an address alone");
		hpl_net_ip_text(text, &p.ip);
		hpl_net_cure(f, "write %s", text);
		hpl_net_fix(f, HPL_FIX_REPLACE, "%s", text);
		return;
	}
	if (family && hpl_net_ip_parse(&ip, value)) {
		say(f, value, family == AF_INET ? "is an IPv6 address" : "is an IPv4 address");
		hpl_net_cure(f, "use %s for it", family == AF_INET ? "gateway6" : "gateway4");
		return;
	}
	say(f, value, family == AF_INET ? "is no IPv4 address" : family == AF_INET6
			? "is no IPv6 address" : "is no IPv4 or IPv6 address");
	hpl_net_cure(f, "write it as %s", family == AF_INET6 ? "2001:db8::1" : "10.0.0.1");
}

/* The one constant of the schema is the version. */
static void version(struct hpl_fault *f, const struct hpl_node *n)
{
	const char *text = !n ? NULL : n->scalar ? n->scalar : hpl_node_str(n);

	if (text)
		say(f, text, "is no version of this form, must be 2");
	else
		snprintf(f->text, sizeof(f->text), "must be 2");
	hpl_net_fix(f, HPL_FIX_REPLACE, "2");
}

void hpl_net_words(struct hpl_fault *f, const struct hpl_node *root)
{
	const struct hpl_node *n = scalar_at(root, f->pos);
	const char *value = n ? hpl_node_str(n) : NULL;

	/* the runtime that is replaced takes keys that it does not know */
	f->msg = hpl_streq(f->keyword, "additionalProperties") ? HPL_MSG_NETWORK_CONFIG_IGNORED
								: HPL_MSG_NETWORK_CONFIG_INVALID;
	if (hpl_streq(f->keyword, "const"))
		version(f, n);
	else if (!value || hpl_streq(f->keyword, "additionalProperties"))
		return;
	else if (strstr(f->rule, "/flag/type"))
		flag(f, value);
	else if (strstr(f->rule, "/addresses/items/format"))
		prefix(f, value);
	else if (strstr(f->rule, "/gateway4/format"))
		address(f, value, AF_INET);
	else if (strstr(f->rule, "/gateway6/format"))
		address(f, value, AF_INET6);
	else if (strstr(f->rule, "/ip/format"))
		address(f, value, 0);
	else if (hpl_streq(f->keyword, "enum") || hpl_streq(f->keyword, "format")) {
		char must[256];

		snprintf(must, sizeof(must), "%.255s", f->text);
		say(f, value, must);
	}
}

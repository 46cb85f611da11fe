/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/netconfig.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "proto/messages.h"
#include "schema/node.h"

#define ID HPL_MSG_NETWORK_CONFIG_INVALID

struct ctx {
	struct hpl_err *err;
	char path[160]; /* of the interface */
};

static int fault(const struct ctx *c, const struct hpl_pos *pos, const char *key, const char *text,
	const char *cure)
{
	HPL_FAIL(c->err, ID, 0, "%s", text);
	hpl_err_place(c->err, "network-config:%u:%u %s%s%s", pos->line, pos->col, c->path,
		key[0] && c->path[0] ? "." : "", key);
	hpl_err_cure(c->err, "%s", cure);
	return -1;
}

bool hpl_net_prefix_parse(struct hpl_net_prefix *ret, const char *text)
{
	const char *slash = strchr(text, '/');
	char address[INET_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - text) : 0;

	if (!slash || len >= sizeof(address) || !isdigit((unsigned char)slash[1]) ||
		strlen(slash + 1) > 2 || (slash[2] && !isdigit((unsigned char)slash[2])))
		return false;
	memcpy(address, text, len);
	address[len] = 0;
	ret->length = (unsigned)atoi(slash + 1);
	return ret->length <= 32 && inet_pton(AF_INET, address, &ret->address) == 1;
}

bool hpl_net_domain_valid(const char *text)
{
	size_t len = strlen(text);

	if (!len || len >= HPL_NET_NAME)
		return false;
	for (const char *p = text; *p; p++)
		if (!isascii(*p) || (!isalnum((unsigned char)*p) && !strchr("-_.", *p)))
			return false;
	return true;
}

/* What Linux takes as name, without the characters that tools and netplan give a meaning. */
static bool name_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= IFNAMSIZ || hpl_streq(name, ".") || hpl_streq(name, "..") || hpl_streq(name, "lo"))
		return false;
	for (const char *p = name; *p; p++)
		if (!isgraph((unsigned char)*p) || strchr("/:*%\"'\\", *p))
			return false;
	return true;
}

/* ---- the keys of an interface ---- */

static int take_addresses(const struct ctx *c, struct hpl_net_if *i, const struct hpl_node *n)
{
	if (n->kind != HPL_LIST || !n->list.count || n->list.count > HPL_NET_ADDRESSES)
		return fault(c, &n->pos, "addresses", "is no list of 1 to 8 addresses",
			"write addresses: [10.0.0.5/24]");
	for (size_t k = 0; k < n->list.count; k++) {
		const struct hpl_node *a = n->list.items[k];
		const char *text = hpl_node_str(a);

		if (!text || !hpl_net_prefix_parse(&i->addresses[k], text) || !i->addresses[k].length)
			return fault(c, &a->pos, "addresses", "is no IPv4 address with prefix length",
				"write it as 10.0.0.5/24");
	}
	i->address_count = n->list.count;
	return 0;
}

static int take_gateway(const struct ctx *c, struct hpl_net_if *i, const struct hpl_node *n)
{
	const char *text = hpl_node_str(n);

	if (!text || inet_pton(AF_INET, text, &i->gateway4) != 1 || !i->gateway4.s_addr)
		return fault(c, &n->pos, "gateway4", "is no IPv4 address", "write it as 10.0.0.1");
	return 0;
}

static int take_mtu(const struct ctx *c, struct hpl_net_if *i, const struct hpl_node *n)
{
	/* 68: least MTU of IPv4 (RFC 791); 65535: greatest packet */
	if (n->kind != HPL_INT || n->integer < 68 || n->integer > 65535)
		return fault(c, &n->pos, "mtu", "is no number from 68 to 65535", "write mtu: 1500");
	i->mtu = (unsigned)n->integer;
	return 0;
}

static int take_dhcp(const struct ctx *c, struct hpl_net_if *i, const struct hpl_node *n)
{
	if (n->kind != HPL_BOOL)
		return fault(c, &n->pos, "dhcp4", "is neither true nor false", "write dhcp4: true or dhcp4: false");
	i->dhcp4 = n->boolean;
	return 0;
}

static int take_route(const struct ctx *c, struct hpl_net_route *r, const struct hpl_node *n)
{
	const char *to = hpl_node_get_str(n, "to"), *via = hpl_node_get_str(n, "via");
	bool ok = to && via && inet_pton(AF_INET, via, &r->via) == 1;

	if (ok && hpl_streq(to, "default"))
		r->to = (struct hpl_net_prefix){0};
	else if (ok)
		ok = hpl_net_prefix_parse(&r->to, to);
	if (!ok)
		return fault(c, &n->pos, "routes", "is no route",
			"write {to: 10.1.0.0/16, via: 10.0.0.1}, or to: default");
	return 0;
}

static int take_routes(const struct ctx *c, struct hpl_net_if *i, const struct hpl_node *n)
{
	if (n->kind != HPL_LIST || n->list.count > HPL_NET_ROUTES)
		return fault(c, &n->pos, "routes", "is no list of at most 16 routes",
			"write routes: [{to: 10.1.0.0/16, via: 10.0.0.1}]");
	for (size_t k = 0; k < n->list.count; k++)
		if (take_route(c, &i->routes[k], n->list.items[k]) < 0)
			return -1;
	i->route_count = n->list.count;
	return 0;
}

static int take_search(const struct ctx *c, struct hpl_net_if *i, const struct hpl_node *n)
{
	if (n->kind != HPL_LIST || n->list.count > HPL_NET_SEARCH)
		return fault(c, &n->pos, "nameservers.search", "is no list of at most 6 domains",
			"write search: [example.com]");
	for (size_t k = 0; k < n->list.count; k++) {
		const char *text = hpl_node_str(n->list.items[k]);

		if (!text || !hpl_net_domain_valid(text))
			return fault(c, &n->list.items[k]->pos, "nameservers.search", "is no domain name",
				"write search: [example.com]");
		snprintf(i->search[k], sizeof(i->search[k]), "%s", text);
	}
	i->search_count = n->list.count;
	return 0;
}

static int take_nameservers(const struct ctx *c, struct hpl_net_if *i, const struct hpl_node *n)
{
	const struct hpl_node *list = n->kind == HPL_MAP ? hpl_node_get(n, "addresses") : NULL;
	const struct hpl_node *search = n->kind == HPL_MAP ? hpl_node_get(n, "search") : NULL;

	if (!list || list->kind != HPL_LIST)
		return fault(c, &n->pos, "nameservers", "has no list of addresses",
			"write nameservers: {addresses: [10.0.0.53]}");
	for (size_t k = 0; k < list->list.count; k++) {
		const char *text = hpl_node_str(list->list.items[k]);
		struct in_addr a;

		if (!text || inet_pton(AF_INET, text, &a) != 1)
			return fault(c, &list->list.items[k]->pos, "nameservers.addresses",
				"is no IPv4 address", "write it as 10.0.0.53");
		if (i->server_count < HPL_NET_SERVERS)
			i->servers[i->server_count++] = a;
	}
	return search ? take_search(c, i, search) : 0;
}

static const struct {
	const char *name;
	bool fixed_only; /* must be absent with dhcp4: true */
	int (*take)(const struct ctx *c, struct hpl_net_if *i, const struct hpl_node *n);
} keys[] = {
	{"dhcp4", false, take_dhcp},
	{"mtu", false, take_mtu},
	{"addresses", true, take_addresses},
	{"gateway4", true, take_gateway},
	{"routes", true, take_routes},
	{"nameservers", true, take_nameservers},
};

static int take_interface(struct ctx *c, struct hpl_net_if *i, const struct hpl_entry *e)
{
	const struct hpl_node *map = e->value;

	snprintf(c->path, sizeof(c->path), "network.ethernets.%.40s", e->key);
	if (!name_valid(e->key))
		return fault(c, &e->pos, "", "is no name of an interface",
			"use the name that the guest's kernel gives it, as enc8 or eth0");
	snprintf(i->name, sizeof(i->name), "%s", e->key);
	if (map->kind != HPL_MAP)
		return fault(c, &map->pos, "", "is no mapping", "write dhcp4: true beneath it");
	if (!hpl_node_get(map, "dhcp4"))
		return fault(c, &e->pos, "dhcp4", "is required", "write dhcp4: true or dhcp4: false");
	for (size_t k = 0; k < HPL_ARRAY_SIZE(keys); k++) {
		const struct hpl_node *n = hpl_node_get(map, keys[k].name);

		if (!n)
			continue;
		if (keys[k].fixed_only && i->dhcp4)
			return fault(c, &n->pos, keys[k].name, "is not allowed together with dhcp4: true",
				"take it out, or set dhcp4: false");
		if (keys[k].take(c, i, n) < 0)
			return -1;
	}
	if (!i->dhcp4 && !i->address_count)
		return fault(c, &e->pos, "addresses", "is required with dhcp4: false",
			"write addresses: [10.0.0.5/24]");
	return 0;
}

static int take_network(struct ctx *c, struct hpl_net_config *ret, const struct hpl_node *root)
{
	const struct hpl_node *network = root->kind == HPL_MAP ? hpl_node_get(root, "network") : NULL;
	const struct hpl_node *version, *ethernets;

	if (!network || network->kind != HPL_MAP)
		return fault(c, &root->pos, "network", "is missing or no mapping", "write network: {ethernets: ...}");
	version = hpl_node_get(network, "version");
	if (version && version->kind != HPL_INT)
		return fault(c, &version->pos, "network.version", "is no number", "write version: 2");
	ethernets = hpl_node_get(network, "ethernets");
	if (!ethernets || ethernets->kind != HPL_MAP || !ethernets->map.count ||
		ethernets->map.count > HPL_NET_IFS)
		return fault(c, ethernets ? &ethernets->pos : &network->pos, "network.ethernets",
			"does not hold 1 to 8 interfaces", "write ethernets: {enc8: {dhcp4: true}}");
	for (size_t k = 0; k < ethernets->map.count; k++)
		if (take_interface(c, &ret->ifs[k], &ethernets->map.entries[k]) < 0)
			return -1;
	ret->count = ethernets->map.count;
	return 0;
}

int hpl_net_config_parse(struct hpl_net_config *ret, const char *text, size_t len, struct hpl_err *err)
{
	const struct hpl_reader_limits limits = {.bytes = HPL_NET_CONFIG_BYTES, .depth = 16, .nodes = 4096};
	struct hpl_doc *doc = NULL;
	struct hpl_net_config *config = calloc(1, sizeof(*config));
	struct ctx c = {.err = err};
	int rc;

	if (!config)
		return HPL_OOM(err);
	rc = hpl_yaml_read(&doc, text, len, &limits, (struct hpl_pos){1, 1}, 0, err);
	if (rc < 0) {
		HPL_WRAP(err, ID, "network-config");
	} else {
		rc = take_network(&c, config, hpl_doc_root(doc));
		if (rc == 0)
			*ret = *config;
		hpl_doc_free(doc);
	}
	free(config);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings: what the runtime that is replaced would refuse or not understand (an extension: the file
 * is good here and not there), and what is read and has no effect.
 */
#include <errno.h>
#include <stdio.h>

#include "services/network/reading.h"

static void extension(struct hpl_net_reading *r, size_t index, const char *key, struct hpl_pos pos,
	const char *what)
{
	hpl_net_fault(r, HPL_MSG_NETWORK_CONFIG_EXTENSION, index, key, pos, "%s", what);
}

/* ^enc[0-9]+$: names of CCW devices on s390x */
static bool classic_name(const char *name)
{
	return !strncmp(name, "enc", 3) && name[3] && strspn(name + 3, "0123456789") == strlen(name + 3);
}

static void keys(struct hpl_net_reading *r, size_t index)
{
	static const char *const beyond[] = {"dhcp6", "accept-ra", "gateway6", "match", "set-name"};
	const struct hpl_node *map = r->entries[index]->value;

	for (size_t k = 0; k < HPL_ARRAY_SIZE(beyond); k++) {
		const struct hpl_entry *e = hpl_net_member(map, beyond[k]);

		if (e)
			extension(r, index, beyond[k], e->pos, "is read by this runtime only");
	}
	if (r->config->ifs[index].kind == HPL_NET_ETHERNET && map->kind == HPL_MAP &&
		!hpl_net_member(map, "dhcp4"))
		extension(r, index, "", r->entries[index]->pos,
			"has no dhcp4, which is taken as false here and required elsewhere");
}

static void values(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_net_if *i = &r->config->ifs[index];
	const struct hpl_node *map = r->entries[index]->value;
	char key[48];

	for (size_t k = 0; k < i->address_count; k++) {
		snprintf(key, sizeof(key), "addresses[%zu]", k);
		if (i->addresses[k].ip.family == AF_INET6)
			extension(r, index, key, hpl_net_member(map, "addresses")->value->list.items[k]->pos,
				"is an IPv6 address, which this runtime only takes");
	}
	for (size_t k = 0; k < i->route_count; k++) {
		const struct hpl_node *n = hpl_net_member(map, "routes")->value->list.items[k];

		snprintf(key, sizeof(key), "routes[%zu]", k);
		if (i->routes[k].via.family == AF_INET6)
			extension(r, index, key, n->pos, "is an IPv6 route, which this runtime only takes");
	}
	for (size_t k = 0; k < i->server_count; k++)
		if (i->servers[k].family == AF_INET6) {
			const struct hpl_node *list = hpl_node_get(hpl_node_get(map, "nameservers"), "addresses");

			snprintf(key, sizeof(key), "nameservers.addresses[%zu]", k);
			extension(r, index, key, list->list.items[k]->pos,
				"is an IPv6 address, which this runtime only takes");
		}
}

static void beyond_limit(struct hpl_net_reading *r, size_t index, const char *key, size_t limit)
{
	const struct hpl_node *list = hpl_node_get(hpl_node_get(r->entries[index]->value, "nameservers"), key);
	struct hpl_fault *f;
	char path[48];

	if (!list || list->kind != HPL_LIST || list->list.count <= limit)
		return;
	snprintf(path, sizeof(path), "nameservers.%s[%zu]", key, limit);
	f = hpl_net_fault(r, HPL_MSG_NETWORK_CONFIG_IGNORED, index, path, list->list.items[limit]->pos,
		"and what follows is not used: %zu are", limit);
	hpl_net_cure(f, "keep the %zu that matter", limit);
}

static struct hpl_net_route gateway(const struct hpl_net_ip *ip)
{
	return (struct hpl_net_route){.to = {.ip = {.family = ip->family}}, .via = *ip};
}

/* The routes that an interface asks for, its gateways first. */
static size_t all_routes(const struct hpl_net_if *i, struct hpl_net_route *ret)
{
	size_t n = 0;

	if (i->gateway4.family)
		ret[n++] = gateway(&i->gateway4);
	if (i->gateway6.family)
		ret[n++] = gateway(&i->gateway6);
	for (size_t k = 0; k < i->route_count; k++)
		if (i->routes[k].via.family && i->routes[k].to.ip.family)
			ret[n++] = i->routes[k];
	return n;
}

static bool same_route(const struct hpl_net_route *a, const struct hpl_net_route *b)
{
	struct hpl_net_ip x = hpl_net_prefix_network(&a->to), y = hpl_net_prefix_network(&b->to);

	return a->to.length == b->to.length && a->metric == b->metric && hpl_net_ip_equal(&x, &y);
}

/* The kernel keeps one route to a network and metric: the one that is set last. */
static void replaced(struct hpl_net_reading *r)
{
	struct hpl_net_route mine[HPL_NET_ROUTES + 2], others[HPL_NET_ROUTES + 2];

	for (size_t i = 0; i < r->config->count; i++) {
		size_t count = all_routes(&r->config->ifs[i], mine);
		bool said = false;

		for (size_t k = 0; k <= i && !said; k++) {
			size_t n = all_routes(&r->config->ifs[k], others);

			for (size_t a = 0; a < count && !said; a++)
				for (size_t b = 0; b < (k == i ? a : n) && !said; b++)
					said = same_route(&mine[a], &others[b]);
			if (said)
				hpl_net_cure(hpl_net_fault(r, HPL_MSG_NETWORK_CONFIG_IGNORED, i, "",
					r->entries[i]->pos, "has a route to a network to which %s has one: the "
					"later one counts", k == i ? "it" : r->config->ifs[k].id),
					"keep one of them, or give them different metrics");
		}
	}
}

void hpl_net_notes(struct hpl_net_reading *r, const struct hpl_node *network)
{
	for (size_t i = 0; i < r->config->count; i++) {
		const struct hpl_net_if *p = &r->config->ifs[i];

		if (p->kind == HPL_NET_VLAN)
			extension(r, i, "", r->entries[i]->pos, "is a VLAN, which this runtime only makes");
		else if (p->kind == HPL_NET_BOND)
			extension(r, i, "", r->entries[i]->pos, "is a bond, which this runtime only makes");
		else if (!p->match && !classic_name(r->entries[i]->key))
			extension(r, i, "", r->entries[i]->pos, "is no name of the form enc8, others are taken "
				"by this runtime only");
		keys(r, i);
		values(r, i);
		beyond_limit(r, i, "addresses", HPL_NET_SERVERS);
		beyond_limit(r, i, "search", HPL_NET_SEARCH);
	}
	replaced(r);
}

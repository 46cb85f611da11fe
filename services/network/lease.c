/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/lease.h"

#include <ctype.h>
#include <stdio.h>

enum { LINE_MAX_LEN = 2000 };

static void take_list(struct hpl_net_if *i, const char *key, char *list)
{
	char *save, *part;
	struct hpl_net_ip a;

	for (part = strtok_r(list, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		if (!strcmp(key, "domain")) {
			if (hpl_net_domain_valid(part) && i->search_count < HPL_NET_SEARCH)
				snprintf(i->search[i->search_count++], HPL_NET_NAME, "%s", part);
			continue;
		}
		if (!hpl_net_ip_parse(&a, part) || a.family != AF_INET)
			continue;
		if (!strcmp(key, "router") && !i->gateway4.family)
			i->gateway4 = a;
		else if (!strcmp(key, "dns") && i->server_count < HPL_NET_SERVERS)
			i->servers[i->server_count++] = a;
	}
}

static unsigned number(const char *text, unsigned max)
{
	unsigned long v = 0;

	for (const char *p = text; *p; p++) {
		if (!isdigit((unsigned char)*p) || p - text > 5)
			return 0;
		v = v * 10 + (unsigned long)(*p - '0');
	}
	return v <= max ? (unsigned)v : 0;
}

static void take_pair(struct hpl_net_if *i, const char *key, char *value)
{
	struct hpl_net_ip *ip = &i->addresses[0].ip;

	if (!strcmp(key, "ip"))
		i->address_count = hpl_net_ip_parse(ip, value) && ip->family == AF_INET;
	else if (!strcmp(key, "mask"))
		i->addresses[0].length = number(value, 32);
	else if (!strcmp(key, "mtu"))
		i->mtu = number(value, 65535) >= 68 ? number(value, 65535) : 0;
	else
		take_list(i, key, value);
}

enum hpl_lease_event hpl_lease_parse(struct hpl_net_if *ret, const char *line, size_t len)
{
	char copy[LINE_MAX_LEN + 1], *save, *word, *eq;
	struct hpl_net_if i = *ret;

	if (len > LINE_MAX_LEN || memchr(line, 0, len))
		return HPL_LEASE_NONE;
	memcpy(copy, line, len);
	copy[len] = 0;
	word = strtok_r(copy, " ", &save);
	if (!word || strcmp(word, "lease"))
		return HPL_LEASE_NONE;
	word = strtok_r(NULL, " ", &save);
	if (word && (!strcmp(word, "deconfig") || !strcmp(word, "nak")))
		return HPL_LEASE_LOST;
	if (!word || (strcmp(word, "bound") && strcmp(word, "renew")))
		return HPL_LEASE_NONE;
	i.address_count = i.server_count = i.search_count = i.route_count = i.mtu = 0;
	i.gateway4 = (struct hpl_net_ip){0};
	i.addresses[0].length = 24; /* no mask given: what clients take */
	while ((word = strtok_r(NULL, " ", &save)))
		if ((eq = strchr(word, '='))) {
			*eq = 0;
			take_pair(&i, word, eq + 1);
		}
	if (!i.address_count || !i.addresses[0].length || !hpl_net_ip_unicast(&i.addresses[0].ip))
		return HPL_LEASE_NONE;
	*ret = i;
	return HPL_LEASE_BOUND;
}

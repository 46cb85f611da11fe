/* SPDX-License-Identifier: Apache-2.0 */
/* What a network-config would set, in words: the value, not the file, is what is told. */
#include "runtime/base/buf.h"
#include "services/network/netconfig.h"

static void route(struct hpl_buf *out, const struct hpl_net_route *r)
{
	struct hpl_net_ip to = hpl_net_prefix_network(&r->to);
	char text[INET6_ADDRSTRLEN];

	hpl_net_ip_text(text, &to);
	if (r->to.length)
		hpl_buf_fmt(out, "  route to %s/%u", text, r->to.length);
	else
		hpl_buf_str(out, "  default route");
	hpl_net_ip_text(text, &r->via);
	hpl_buf_fmt(out, " by %s%s", text, r->on_link ? ", which is on the link" : "");
	if (r->metric)
		hpl_buf_fmt(out, ", metric %u", r->metric);
	hpl_buf_str(out, "\n");
}

static void addresses(struct hpl_buf *out, const struct hpl_net_if *i)
{
	const struct hpl_net_ip *gateways[] = {&i->gateway4, &i->gateway6};
	char text[INET6_ADDRSTRLEN];

	if (i->dhcp4)
		hpl_buf_str(out, "  IPv4 address, router and name servers by DHCP\n");
	for (size_t k = 0; k < i->address_count; k++) {
		hpl_net_ip_text(text, &i->addresses[k].ip);
		hpl_buf_fmt(out, "  address %s/%u\n", text, i->addresses[k].length);
	}
	if (i->accept_ra != HPL_NET_UNSET)
		hpl_buf_fmt(out, "  IPv6 router advertisements are %s\n",
			i->accept_ra == HPL_NET_YES ? "taken" : "ignored");
	for (size_t k = 0; k < HPL_ARRAY_SIZE(gateways); k++)
		if (gateways[k]->family)
			route(out, &(struct hpl_net_route){.to.ip.family = gateways[k]->family, .via = *gateways[k]});
	for (size_t k = 0; k < i->route_count; k++)
		route(out, &i->routes[k]);
	for (size_t k = 0; k < i->server_count; k++) {
		hpl_net_ip_text(text, &i->servers[k]);
		hpl_buf_fmt(out, "  name server %s\n", text);
	}
	for (size_t k = 0; k < i->search_count; k++)
		hpl_buf_fmt(out, "  search domain %s\n", i->search[k]);
}

static void bond(struct hpl_buf *out, const struct hpl_net_config *c, size_t index)
{
	static const char *const modes[] = {"balance-rr", "active-backup", "balance-xor", "broadcast",
		"802.3ad", "balance-tlb", "balance-alb"};
	const struct hpl_net_bond *b = &c->ifs[index].bond;

	hpl_buf_fmt(out, "bond, mode %s, of", modes[b->mode]);
	for (size_t i = 0; i < c->count; i++)
		if (c->ifs[i].kind == HPL_NET_ETHERNET && c->ifs[i].parent == (int)index)
			hpl_buf_fmt(out, " %s%s", c->ifs[i].id, b->primary == (int)i ? " (primary)" : "");
	hpl_buf_fmt(out, "; links looked at each %u ms\n", b->miimon_ms);
}

static void interface(struct hpl_buf *out, const struct hpl_net_config *c, size_t index)
{
	const struct hpl_net_if *i = &c->ifs[index];

	hpl_buf_fmt(out, "%s: ", *i->name ? i->name : i->id);
	if (i->kind == HPL_NET_BOND)
		bond(out, c, index);
	else if (i->kind == HPL_NET_VLAN)
		hpl_buf_fmt(out, "VLAN %u on %s\n", i->vlan, c->ifs[i->parent].id);
	else if (i->match)
		hpl_buf_fmt(out, "Ethernet, the one with the MAC address %02x:%02x:%02x:%02x:%02x:%02x\n",
			i->mac[0], i->mac[1], i->mac[2], i->mac[3], i->mac[4], i->mac[5]);
	else
		hpl_buf_str(out, "Ethernet\n");
	if (i->mtu)
		hpl_buf_fmt(out, "  MTU %u\n", i->mtu);
	if (i->kind == HPL_NET_ETHERNET && i->parent >= 0)
		hpl_buf_fmt(out, "  belongs to %s\n", c->ifs[i->parent].id);
	else
		addresses(out, i);
}

void hpl_net_config_show(struct hpl_buf *out, const struct hpl_net_config *c)
{
	for (size_t i = 0; i < c->count; i++)
		interface(out, c, i);
}

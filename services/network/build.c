/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces that are made: bonds of Ethernet interfaces, VLANs on either. */
#include <errno.h>
#include <stdio.h>

#include "services/network/network.h"

static struct hpl_net_port *port_of(struct hpl_network *n, int index)
{
	return index < 0 ? NULL : &n->ports[index];
}

/* The index that the kernel gave to an interface that was just made. */
static int learn_index(struct hpl_net_port *p, struct hpl_err *err)
{
	p->index = (int)if_nametoindex(p->want.name);
	return p->index ? 0 : HPL_FAIL(err, 0, errno, "interface %s", p->want.name);
}

static int failed(const struct hpl_net_port *p, const char *what, struct hpl_err *err)
{
	if (err && err->sys == EOPNOTSUPP) {
		HPL_FAIL(err, 0, 0, "the guest's kernel has no support for %s", what);
		hpl_err_cure(err, "use an image whose kernel modules hold it, or do without %s", what);
	}
	hpl_err_place(err, "network-config network.%s.%s", what, p->want.id);
	return -1;
}

static int make_bond(struct hpl_network *n, struct hpl_net_port *p, struct hpl_err *err)
{
	const struct hpl_net_port *primary = port_of(n, p->want.bond.primary);

	if (hpl_link_bond_add(n->netlink, p->want.name, &p->want.bond, err) < 0 || learn_index(p, err) < 0)
		return failed(p, "bonds", err);
	for (size_t i = 0; i < n->port_count; i++) {
		const struct hpl_net_port *m = &n->ports[i];

		if (m->want.kind == HPL_NET_ETHERNET && port_of(n, m->want.parent) == p &&
			hpl_link_bond_join(n->netlink, m->index, p->index, err) < 0)
			return HPL_WRAP(err, 0, "%s", m->want.id);
	}
	return primary ? hpl_link_bond_primary(n->netlink, p->index, primary->index, err) : 0;
}

static int make_vlan(struct hpl_network *n, struct hpl_net_port *p, struct hpl_err *err)
{
	const struct hpl_net_port *link = port_of(n, p->want.parent);

	/* the link first: its MTU is the upper limit of that of the VLAN */
	if (hpl_link_up(n->netlink, link->index, link->want.mtu, err) < 0)
		return -1;
	if (hpl_link_vlan_add(n->netlink, p->want.name, link->index, p->want.vlan, err) < 0 ||
		learn_index(p, err) < 0)
		return failed(p, "vlans", err);
	return 0;
}

/* ports are in the order Ethernet, bonds, VLANs. */
int hpl_ports_build(struct hpl_network *n, struct hpl_err *err)
{
	for (size_t i = 0; i < n->port_count; i++) {
		struct hpl_net_port *p = &n->ports[i];

		if (p->want.kind == HPL_NET_BOND && make_bond(n, p, err) < 0)
			return HPL_WRAP(err, 0, "bond %s", p->want.name);
		if (p->want.kind == HPL_NET_VLAN && make_vlan(n, p, err) < 0)
			return HPL_WRAP(err, 0, "VLAN %s", p->want.name);
	}
	return 0;
}

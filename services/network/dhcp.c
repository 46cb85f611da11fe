/* SPDX-License-Identifier: Apache-2.0 */
/* The DHCP clients: busybox udhcpc, one an interface, each kept as long as the guest lives. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "services/network/lease.h"
#include "services/network/network.h"

#define TAG "hpcr-network"

enum { DHCP_AGAIN_MS = 5000 };

static void forget_address(struct hpl_net_port *p)
{
	if (p->lease.address_count)
		(void)hpl_link_address_remove(p->network->netlink, p->index, &p->lease.addresses[0], NULL);
	p->lease.address_count = 0;
	p->bound = false;
}

static void on_lease(struct hpl_net_port *p, const struct hpl_net_if *lease)
{
	struct hpl_err err = HPL_ERR_NULL;
	unsigned mtu = 0;

	if (p->lease.address_count && (p->lease.addresses[0].length != lease->addresses[0].length ||
		!hpl_net_ip_equal(&p->lease.addresses[0].ip, &lease->addresses[0].ip)))
		forget_address(p);
	p->lease = *lease;
	if (!p->want.mtu)
		mtu = lease->mtu;
	if (hpl_link_up(p->network->netlink, p->index, mtu, &err) < 0 ||
		hpl_port_set_addresses(p, &p->lease, &err) < 0) {
		HPL_WRAP(&err, 0, "lease of %s", p->want.name);
		hpl_ports_fail(p->network, &err);
		return;
	}
	p->bound = true;
	hpl_ports_changed(p->network);
}

static void on_client_line(void *ud, const char *text, size_t len, int is_err)
{
	struct hpl_net_port *p = ud;
	struct hpl_net_if lease = {0};

	switch (hpl_lease_parse(&lease, text, len)) {
	case HPL_LEASE_BOUND:
		on_lease(p, &lease);
		break;
	case HPL_LEASE_LOST:
		forget_address(p);
		break;
	case HPL_LEASE_NONE:
		snprintf(p->last_line, sizeof(p->last_line), "%.*s", (int)len, text);
		break;
	}
}

static void on_client_again(uv_timer_t *t)
{
	struct hpl_network *n = t->data;

	for (size_t i = 0; i < n->port_count; i++)
		if (n->ports[i].want.dhcp4 && !n->ports[i].dhcp)
			hpl_dhcp_start(&n->ports[i]);
}

static void on_client_end(void *ud, int status, struct hpl_err *cause)
{
	struct hpl_net_port *p = ud;
	struct hpl_err err = HPL_ERR_NULL;

	p->dhcp = NULL;
	if (p->network->configured) {
		hpl_log_tag(HPL_SEV_WARNING, TAG, "DHCP client of %s ended (status %d), restarting it",
			p->want.name, status);
		uv_timer_start(&p->network->dhcp_timer, on_client_again, DHCP_AGAIN_MS, 0);
		return;
	}
	if (status < 0)
		err = *cause;
	else
		HPL_FAIL(&err, 0, 0, "DHCP client of %s ended with status %d: %s", p->want.name, status,
			p->last_line);
	hpl_ports_fail(p->network, &err);
}

/* -t 4 -T 1 -A 1: a packet each second until there is an answer; no ARP probe of the address. */
void hpl_dhcp_start(struct hpl_net_port *p)
{
	struct hpl_network *n = p->network;
	const char *const argv[] = {n->client, "udhcpc", "-f", "-i", p->want.name, "-s", n->hook, "-t", "4",
		"-T", "1", "-A", "1", "-O", "mtu", NULL};
	const struct hpl_proc spec = {.argv = argv, .timeout_ms = INT_MAX};
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_link_up(n->netlink, p->index, p->want.mtu, &err) < 0 ||
		hpl_child_run(n->service, &spec, on_client_line, on_client_end, p, &p->dhcp, &err) < 0) {
		HPL_WRAP(&err, 0, "DHCP on %s", p->want.name);
		hpl_ports_fail(n, &err);
	}
}

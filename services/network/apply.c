/* SPDX-License-Identifier: Apache-2.0 */
/* Setting what is wanted of one interface, and the files that name the servers of all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "runtime/base/file.h"
#include "services/network/files.h"
#include "services/network/network.h"

int hpl_port_set_addresses(const struct hpl_net_port *p, const struct hpl_net_if *from,
	struct hpl_err *err)
{
	const struct hpl_net_ip *gateways[] = {&from->gateway4, &from->gateway6};
	int fd = p->network->netlink;

	for (size_t i = 0; i < from->address_count; i++)
		if (hpl_link_address_add(fd, p->index, &from->addresses[i], err) < 0)
			return -1;
	for (size_t i = 0; i < HPL_ARRAY_SIZE(gateways); i++) {
		struct hpl_net_route route = {.via = *gateways[i], .to.ip.family = gateways[i]->family};

		if (route.via.family && hpl_link_route_add(fd, p->index, &route, err) < 0) {
			hpl_err_cure(err, "the gateway must be in the network of one of the addresses");
			return -1;
		}
	}
	for (size_t i = 0; i < from->route_count; i++)
		if (hpl_link_route_add(fd, p->index, &from->routes[i], err) < 0)
			return -1;
	return 0;
}

/* Before the interface is up: a router may answer at once. 2: also when the guest forwards, which a
 * container engine may ask for. */
static int set_accept_ra(const struct hpl_net_port *p, struct hpl_err *err)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	if (p->want.accept_ra == HPL_NET_UNSET)
		return 0;
	snprintf(path, sizeof(path), "%s/%s/accept_ra", p->network->ipv6_conf, p->want.name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "accept-ra: cannot open %s", path);
	return hpl_write_all(fd, p->want.accept_ra == HPL_NET_YES ? "2" : "0", 1, err);
}

int hpl_port_apply(struct hpl_net_port *p, struct hpl_err *err)
{
	if (set_accept_ra(p, err) < 0 || hpl_link_up(p->network->netlink, p->index, p->want.mtu, err) < 0 ||
		hpl_port_set_addresses(p, &p->want, err) < 0)
		return -1;
	p->bound = !p->want.dhcp4; /* else the lease is still to come */
	return 0;
}

int hpl_ports_write_files(const struct hpl_network *n, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf resolv = HPL_BUF_NULL, hosts = HPL_BUF_NULL;
	_cleanup_free_ struct hpl_net_if *ifs = calloc(2 * n->port_count + 1, sizeof(*ifs));
	char hostname[256] = "";

	if (!ifs)
		return HPL_OOM(err);
	for (size_t i = 0; i < n->port_count; i++) {
		ifs[2 * i] = n->ports[i].want;
		ifs[2 * i + 1] = n->ports[i].lease;
	}
	hpl_net_resolv_conf(&resolv, ifs, 2 * n->port_count);
	gethostname(hostname, sizeof(hostname) - 1);
	hpl_net_hosts(&hosts, hostname);
	if (resolv.failed || hosts.failed)
		return HPL_OOM(err);
	if (hpl_file_write(n->resolv_conf, resolv.data, resolv.len, 0644, err) < 0)
		return -1;
	return hpl_file_write(n->hosts, hosts.data, hosts.len, 0644, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces: which ones, their fixed addresses or their DHCP client.
 *
 * There is no udev in a guest, so an interface may not have the name that network-config uses on
 * s390x: "enc8" is the CCW device 0.0.0008. It is found by its device; a single interface under
 * another name is taken for the single one that is configured.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "services/network/files.h"
#include "services/network/lease.h"
#include "services/network/network.h"

#define TAG "hpcr-network"
#define TAG_VALIDATOR "hpse-network-config-validator"

enum { LINK_LOOK_MS = 100, DHCP_AGAIN_MS = 5000 };

static void start_client(struct hpl_net_port *p);

static void fail(struct hpl_network *n, struct hpl_err *err)
{
	HPL_WRAP(err, HPL_MSG_NETWORK_CONFIGURE_FAILED, "network");
	uv_timer_stop(&n->timer);
	uv_timer_stop(&n->dhcp_timer);
	hpl_service_fail(n->service, TAG, err);
}

static int write_files(struct hpl_network *n, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf resolv = HPL_BUF_NULL, hosts = HPL_BUF_NULL;
	struct hpl_net_if *ifs = calloc(n->port_count + 1, sizeof(*ifs));
	char hostname[256] = "";

	if (!ifs)
		return HPL_OOM(err);
	for (size_t i = 0; i < n->port_count; i++)
		ifs[i] = n->ports[i].want;
	hpl_net_resolv_conf(&resolv, ifs, n->port_count);
	free(ifs);
	gethostname(hostname, sizeof(hostname) - 1);
	hpl_net_hosts(&hosts, hostname);
	if (resolv.failed || hosts.failed)
		return HPL_OOM(err);
	if (hpl_file_write(n->resolv_conf, resolv.data, resolv.len, 0644, err) < 0)
		return -1;
	return hpl_file_write(n->hosts, hosts.data, hosts.len, 0644, err);
}

/* Addresses and routes of one interface. */
static int apply(struct hpl_net_port *p, struct hpl_err *err)
{
	int fd = p->network->netlink;
	const struct hpl_net_if *w = &p->want;
	struct hpl_net_route gateway = {.via = w->gateway4};

	if (hpl_link_up(fd, p->index, w->mtu, err) < 0)
		return -1;
	for (size_t i = 0; i < w->address_count; i++)
		if (hpl_link_address_add(fd, p->index, &w->addresses[i], err) < 0)
			return -1;
	if (w->gateway4.s_addr && hpl_link_route_add(fd, p->index, &gateway, err) < 0) {
		hpl_err_cure(err, "the gateway must be in the network of one of the addresses");
		return -1;
	}
	for (size_t i = 0; i < w->route_count; i++)
		if (hpl_link_route_add(fd, p->index, &w->routes[i], err) < 0)
			return -1;
	p->bound = true;
	return 0;
}

static void list_names(const struct hpl_network *n, bool bound_only, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < n->port_count && at < size; i++)
		if (!bound_only || n->ports[i].bound)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? " " : "",
				n->ports[i].want.name);
}

/* After every change: files, and once the word that the network is there. */
static int update(struct hpl_network *n, struct hpl_err *err)
{
	size_t bound = 0;
	char names[HPL_NET_IFS * IFNAMSIZ];

	if (write_files(n, err) < 0)
		return -1;
	for (size_t i = 0; i < n->port_count; i++)
		bound += n->ports[i].bound;
	if (n->configured || !bound || (n->from_config && bound < n->port_count))
		return 0;
	n->configured = true;
	uv_timer_stop(&n->timer);
	list_names(n, true, names, sizeof(names));
	if (n->from_config)
		hpl_service_say(n->service, TAG, HPL_MSG_NETWORK_NETPLAN_WRITTEN,
			"configured IP parameters - [%s]", names);
	else
		hpl_log_tag(HPL_SEV_INFO, TAG, "Interface(s) configured by DHCP -> [%s]", names);
	hpl_network_configured(n);
	return 0;
}

/* ---- DHCP ---- */

static void forget_address(struct hpl_net_port *p)
{
	if (p->want.address_count)
		(void)hpl_link_address_remove(p->network->netlink, p->index, &p->want.addresses[0], NULL);
	p->want.address_count = 0;
	p->bound = false;
}

static void on_lease(struct hpl_net_port *p, const struct hpl_net_if *lease)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (p->want.address_count &&
		memcmp(&p->want.addresses[0], &lease->addresses[0], sizeof(lease->addresses[0])))
		forget_address(p);
	p->want = *lease;
	if (apply(p, &err) < 0 || update(p->network, &err) < 0) {
		HPL_WRAP(&err, 0, "lease of %s", p->want.name);
		fail(p->network, &err);
	}
}

static void on_client_line(void *ud, const char *text, size_t len, int is_err)
{
	struct hpl_net_port *p = ud;
	struct hpl_net_if lease = p->want;

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
			start_client(&n->ports[i]);
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
	fail(p->network, &err);
}

/* -t 4 -T 1 -A 1: a packet each second until there is an answer; no ARP probe of the address. */
static void start_client(struct hpl_net_port *p)
{
	struct hpl_network *n = p->network;
	const char *const argv[] = {n->client, "udhcpc", "-f", "-i", p->want.name, "-s", n->hook, "-t", "4",
		"-T", "1", "-A", "1", "-O", "mtu", NULL};
	const struct hpl_proc spec = {.argv = argv, .timeout_ms = INT_MAX};
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_link_up(n->netlink, p->index, p->want.mtu, &err) < 0 ||
		hpl_child_run(n->service, &spec, on_client_line, on_client_end, p, &p->dhcp, &err) < 0) {
		HPL_WRAP(&err, 0, "DHCP on %s", p->want.name);
		fail(n, &err);
	}
}

static void on_lease_limit(uv_timer_t *t)
{
	struct hpl_network *n = t->data;
	struct hpl_err err = HPL_ERR_NULL;
	char names[HPL_NET_IFS * IFNAMSIZ];

	list_names(n, false, names, sizeof(names));
	HPL_FAIL(&err, 0, 0, "no DHCP server gave an address within %u s (interfaces: %s)",
		(unsigned)n->lease_s, names);
	hpl_err_cure(&err, "start a DHCP server in the guest's network, or give a network-config with "
			   "fixed addresses");
	fail(n, &err);
}

/* ---- which interfaces ---- */

/* "enc<hex>" is the interface whose path in sysfs goes through the CCW device 0.0.<hex>. */
static bool is_ccw(const struct hpl_network *n, const char *wanted, const char *name)
{
	char path[PATH_MAX], real[PATH_MAX], *rest;
	unsigned long number;

	if (strncmp(wanted, "enc", 3))
		return false;
	number = strtoul(wanted + 3, &rest, 16);
	if (rest == wanted + 3 || *rest)
		return false;
	snprintf(path, sizeof(path), "%s/class/net/%s/device", n->sysfs, name);
	if (!realpath(path, real))
		return false;
	for (char *at = strstr(real, "/0.0."); at; at = strstr(at + 1, "/0.0."))
		if (strtoul(at + 5, &rest, 16) == number && rest == at + 9)
			return true;
	return false;
}

static const struct hpl_link *find_link(const struct hpl_network *n, const char *wanted,
	const struct hpl_link *links, size_t count)
{
	const struct hpl_link *only = NULL;
	size_t usable = 0;

	for (size_t i = 0; i < count; i++)
		if (hpl_streq(links[i].name, wanted))
			return &links[i];
	for (size_t i = 0; i < count; i++)
		if (is_ccw(n, wanted, links[i].name))
			return &links[i];
	for (size_t i = 0; i < count; i++)
		if (links[i].ethernet && !links[i].loopback) {
			only = &links[i];
			usable++;
		}
	return usable == 1 && n->port_count == 1 ? only : NULL;
}

static int bind_port(struct hpl_net_port *p, const struct hpl_link *l, struct hpl_err *err)
{
	p->index = l->index;
	if (hpl_streq(p->want.name, l->name))
		return 0;
	hpl_log_tag(HPL_SEV_NOTICE, TAG, "interface %s of network-config is %s here", p->want.name, l->name);
	return hpl_link_rename(p->network->netlink, l->index, p->want.name, err);
}

/* 0: every wanted interface is there. 1: not yet. */
static int find_links(struct hpl_network *n, struct hpl_err *err)
{
	static struct hpl_link links[HPL_LINKS];
	size_t count;

	if (hpl_link_list(n->netlink, links, &count, err) < 0)
		return -1;
	for (size_t i = 0; n->from_config && i < n->port_count; i++) {
		const struct hpl_link *l = find_link(n, n->ports[i].want.name, links, count);

		if (!l) {
			HPL_FAIL(err, 0, 0, "the guest has no interface '%s'", n->ports[i].want.name);
			hpl_err_place(err, "network-config network.ethernets.%s", n->ports[i].want.name);
			hpl_err_cure(err, "use the names of the guest's interfaces");
			return 1;
		}
		if (bind_port(&n->ports[i], l, err) < 0)
			return -1;
	}
	for (size_t i = 0; !n->from_config && i < count && n->port_count < HPL_NET_IFS; i++)
		if (links[i].ethernet && !links[i].loopback) {
			struct hpl_net_port *p = &n->ports[n->port_count++];

			memcpy(p->want.name, links[i].name, IFNAMSIZ);
			p->want.dhcp4 = true;
			p->index = links[i].index;
		}
	if (n->port_count)
		return 0;
	HPL_FAIL(err, 0, 0, "the guest has no Ethernet interface");
	hpl_err_cure(err, "give the virtual machine a network device");
	return 1;
}

static int configure(struct hpl_network *n, struct hpl_err *err)
{
	bool dhcp = false;

	for (size_t i = 0; i < n->port_count; i++) {
		struct hpl_net_port *p = &n->ports[i];

		p->network = n;
		dhcp |= p->want.dhcp4;
		if (!p->want.dhcp4 && apply(p, err) < 0)
			return HPL_WRAP(err, 0, "interface %s", p->want.name);
	}
	if (dhcp)
		uv_timer_start(&n->timer, on_lease_limit, n->lease_s * 1000, 0);
	for (size_t i = 0; i < n->port_count; i++)
		if (n->ports[i].want.dhcp4)
			start_client(&n->ports[i]);
	return update(n, err);
}

static void on_look(uv_timer_t *t)
{
	struct hpl_network *n = t->data;
	struct hpl_err err = HPL_ERR_NULL;
	int rc = find_links(n, &err);

	if (rc == 1 && hpl_mono_us() < n->deadline_us)
		return;
	uv_timer_stop(t);
	if (rc != 0 || configure(n, &err) < 0)
		fail(n, &err);
}

static int read_config(struct hpl_network *n, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct hpl_net_config *c;
	char names[HPL_NET_IFS * IFNAMSIZ];
	int rc;

	if (access(n->config_file, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (hpl_file_read(&text, n->config_file, HPL_NET_CONFIG_BYTES, err) < 0)
		return HPL_WRAP(err, HPL_MSG_NETWORK_CONFIG_INVALID, "network-config");
	c = calloc(1, sizeof(*c));
	if (!c)
		return HPL_OOM(err);
	rc = hpl_net_config_parse(c, text.data ? text.data : "", text.len, err);
	for (size_t i = 0; rc == 0 && i < c->count; i++)
		n->ports[n->port_count++].want = c->ifs[i];
	free(c);
	if (rc < 0)
		return rc;
	n->from_config = true;
	hpl_service_say(n->service, TAG_VALIDATOR, HPL_MSG_NETWORK_CONFIG_VALID,
		"Validation of Schema is Successful");
	list_names(n, false, names, sizeof(names));
	hpl_log_tag(HPL_SEV_INFO, TAG, "Interface(s) defined in network config -> [%s]", names);
	return 0;
}

int hpl_ports_begin(struct hpl_network *n, struct hpl_err *err)
{
	const int loopback = 1; /* the kernel makes it first, in every network namespace */

	n->netlink = hpl_link_open(err);
	if (n->netlink < 0 || hpl_link_up(n->netlink, loopback, 0, err) < 0)
		return HPL_WRAP(err, HPL_MSG_NETWORK_CONFIGURE_FAILED, "loopback");
	if (read_config(n, err) < 0)
		return -1;
	for (size_t i = 0; i < n->port_count; i++)
		n->ports[i].network = n;
	n->deadline_us = hpl_mono_us() + n->link_s * 1000000;
	uv_timer_start(&n->timer, on_look, 0, LINK_LOOK_MS);
	return 0;
}

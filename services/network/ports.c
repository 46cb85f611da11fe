/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces: which ones, and in what order they are set.
 *
 * There is no udev in a guest, so an interface may not have the name that network-config uses on
 * s390x: "enc8" is the CCW device 0.0.0008. It is found by its MAC address where the file says one, by
 * its name, by its device; a single interface under another name is taken for the single one that is
 * configured.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "schema/contract.h"
#include "services/network/network.h"

#define TAG "hpcr-network"
#define TAG_VALIDATOR "hpse-network-config-validator"

enum { LINK_LOOK_MS = 100, FAULTS_SAID = 20 };

void hpl_ports_fail(struct hpl_network *n, struct hpl_err *err)
{
	HPL_WRAP(err, HPL_MSG_NETWORK_CONFIGURE_FAILED, "network");
	uv_timer_stop(&n->timer);
	uv_timer_stop(&n->dhcp_timer);
	hpl_service_fail(n->service, TAG, err);
}

static void list_names(const struct hpl_network *n, bool bound_only, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < n->port_count && at < size; i++) {
		const struct hpl_net_if *w = &n->ports[i].want;

		if (!bound_only || n->ports[i].bound)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? " " : "",
				*w->name ? w->name : w->id);
	}
}

static int update(struct hpl_network *n, struct hpl_err *err)
{
	size_t bound = 0;
	char names[HPL_NET_IFS * HPL_NET_ID];

	if (hpl_ports_write_files(n, err) < 0)
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

void hpl_ports_changed(struct hpl_network *n)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (update(n, &err) < 0)
		hpl_ports_fail(n, &err);
}

static void on_lease_limit(uv_timer_t *t)
{
	struct hpl_network *n = t->data;
	struct hpl_err err = HPL_ERR_NULL;
	char names[HPL_NET_IFS * HPL_NET_ID];

	list_names(n, false, names, sizeof(names));
	HPL_FAIL(&err, 0, 0, "no DHCP server gave an address within %u s (interfaces: %s)",
		(unsigned)n->lease_s, names);
	hpl_err_cure(&err, "start a DHCP server in the guest's network, or give a network-config with "
			   "fixed addresses");
	hpl_ports_fail(n, &err);
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

/* Not what modules make when they are loaded (dummy0, bond0); veth is the link of a guest in a
 * namespace. */
static bool is_device(const struct hpl_link *l)
{
	return l->ethernet && !l->loopback && (!*l->kind || hpl_streq(l->kind, "veth"));
}

static size_t ethernet_count(const struct hpl_network *n)
{
	size_t count = 0;

	for (size_t i = 0; i < n->port_count; i++)
		count += n->ports[i].want.kind == HPL_NET_ETHERNET;
	return count;
}

static const struct hpl_link *find_link(const struct hpl_network *n, const struct hpl_net_if *wanted,
	const struct hpl_link *links, size_t count)
{
	const struct hpl_link *only = NULL;
	size_t usable = 0;

	if (wanted->match) {
		for (size_t i = 0; i < count; i++)
			if (is_device(&links[i]) && !memcmp(links[i].mac, wanted->mac, sizeof(wanted->mac)))
				return &links[i];
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		if (hpl_streq(links[i].name, wanted->name))
			return &links[i];
	for (size_t i = 0; i < count; i++)
		if (is_ccw(n, wanted->name, links[i].name))
			return &links[i];
	for (size_t i = 0; i < count; i++)
		if (is_device(&links[i])) {
			only = &links[i];
			usable++;
		}
	return usable == 1 && ethernet_count(n) == 1 ? only : NULL;
}

static int not_there(const struct hpl_net_if *w, struct hpl_err *err)
{
	if (w->match)
		HPL_FAIL(err, 0, 0, "the guest has no interface with the MAC address "
			"%02x:%02x:%02x:%02x:%02x:%02x", w->mac[0], w->mac[1], w->mac[2], w->mac[3],
			w->mac[4], w->mac[5]);
	else
		HPL_FAIL(err, 0, 0, "the guest has no interface '%s'", w->name);
	hpl_err_place(err, "network-config network.ethernets.%s", w->id);
	hpl_err_cure(err, "use the names or MAC addresses of the guest's interfaces");
	return 1;
}

/* Names may be exchanged (eth0 becomes eth1 and eth1 eth0): those whose new name is taken step aside
 * first. */
static int rename_ports(struct hpl_network *n, const struct hpl_link *links, size_t count,
	struct hpl_err *err)
{
	char aside[IFNAMSIZ];

	for (size_t i = 0; i < n->port_count; i++) {
		struct hpl_net_port *p = &n->ports[i];
		bool taken = false;

		for (size_t k = 0; p->renamed && k < count; k++)
			taken |= hpl_streq(links[k].name, p->want.name);
		snprintf(aside, sizeof(aside), "hpl-aside%u", (unsigned)i % HPL_NET_IFS);
		if (taken && hpl_link_rename(n->netlink, p->index, aside, err) < 0)
			return HPL_WRAP(err, 0, "interface %s", p->want.name);
	}
	for (size_t i = 0; i < n->port_count; i++) {
		struct hpl_net_port *p = &n->ports[i];

		if (p->renamed && hpl_link_rename(n->netlink, p->index, p->want.name, err) < 0)
			return HPL_WRAP(err, 0, "interface %s", p->want.name);
	}
	return 0;
}

static void bind_port(struct hpl_net_port *p, const struct hpl_link *l)
{
	p->index = l->index;
	if (!*p->want.name)
		memcpy(p->want.name, l->name, IFNAMSIZ);
	p->renamed = !hpl_streq(p->want.name, l->name);
	if (p->renamed)
		hpl_log_tag(HPL_SEV_NOTICE, TAG, "interface %s of network-config is %s here", p->want.id, l->name);
}

static int find_configured(struct hpl_network *n, const struct hpl_link *links, size_t count,
	struct hpl_err *err)
{
	const struct hpl_link *found[HPL_NET_IFS] = {0};

	for (size_t i = 0; i < n->port_count; i++) {
		if (n->ports[i].want.kind != HPL_NET_ETHERNET)
			continue;
		found[i] = find_link(n, &n->ports[i].want, links, count);
		if (!found[i])
			return not_there(&n->ports[i].want, err);
		for (size_t k = 0; k < i; k++)
			if (found[k] == found[i])
				return HPL_FAIL(err, 0, 0, "%s and %s of network-config are both the interface %s",
					n->ports[k].want.id, n->ports[i].want.id, found[i]->name);
	}
	for (size_t i = 0; i < n->port_count; i++)
		if (found[i])
			bind_port(&n->ports[i], found[i]);
	return rename_ports(n, links, count, err);
}

/* 0: every wanted interface is there. 1: not yet. */
static int find_links(struct hpl_network *n, struct hpl_err *err)
{
	static struct hpl_link links[HPL_LINKS];
	size_t count;

	if (hpl_link_list(n->netlink, links, &count, err) < 0)
		return -1;
	if (n->from_config)
		return find_configured(n, links, count, err);
	for (size_t i = 0; i < count && n->port_count < HPL_NET_IFS; i++)
		if (is_device(&links[i])) {
			struct hpl_net_port *p = &n->ports[n->port_count++];

			memcpy(p->want.name, links[i].name, IFNAMSIZ);
			p->network = n;
			p->want.dhcp4 = true;
			p->want.accept_ra = HPL_NET_UNSET;
			p->want.parent = -1;
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

	if (hpl_ports_build(n, err) < 0)
		return -1;
	for (size_t i = 0; i < n->port_count; i++) {
		dhcp |= n->ports[i].want.dhcp4;
		if (hpl_port_apply(&n->ports[i], err) < 0)
			return HPL_WRAP(err, 0, "interface %s", n->ports[i].want.name);
	}
	if (dhcp)
		uv_timer_start(&n->timer, on_lease_limit, n->lease_s * 1000, 0);
	for (size_t i = 0; i < n->port_count; i++)
		if (n->ports[i].want.dhcp4)
			hpl_dhcp_start(&n->ports[i]);
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
		hpl_ports_fail(n, &err);
}

/* ---- network-config ---- */

/* Of extensions the first is said, with their number: the console is small, and who wrote the file
 * can ask the command line for all. */
static void say_extensions(struct hpl_network *n, const struct hpl_faults *faults)
{
	const struct hpl_fault *first = NULL;
	struct hpl_err e = HPL_ERR_NULL;
	size_t more = 0, at;

	for (size_t i = 0; i < faults->count; i++) {
		if (faults->items[i].msg != HPL_MSG_NETWORK_CONFIG_EXTENSION)
			continue;
		more += first != NULL;
		first = first ? first : &faults->items[i];
	}
	if (!first)
		return;
	hpl_fault_to_err(&e, "network-config", first);
	at = strlen(e.text);
	if (more)
		snprintf(e.text + at, sizeof(e.text) - at, " (and %zu more places)", more);
	hpl_service_warn(n->service, TAG_VALIDATOR, &e);
}

/* The first error is the failure, said by the caller; all others are said here. */
static void say_faults(struct hpl_network *n, const struct hpl_faults *faults)
{
	size_t said = 0;

	for (size_t i = 0; i < faults->count; i++) {
		struct hpl_err e = HPL_ERR_NULL;
		const struct hpl_msg_info *info = hpl_msg_info(faults->items[i].msg);

		hpl_fault_to_err(&e, "network-config", &faults->items[i]);
		if (faults->items[i].msg == HPL_MSG_NETWORK_CONFIG_IGNORED)
			hpl_service_warn(n->service, TAG_VALIDATOR, &e);
		else if (hpl_fault_is_error(&faults->items[i]) && i > 0 && said++ < FAULTS_SAID)
			hpl_log_tag(HPL_SEV_NOTICE, TAG_VALIDATOR, "%s: %s -> %s: %s%s%s", info->id, info->text,
				e.place, e.text, *e.cure ? "; " : "", e.cure);
	}
	if (said > FAULTS_SAID)
		hpl_log_tag(HPL_SEV_NOTICE, TAG_VALIDATOR, "%zu more faults in network-config",
			said - FAULTS_SAID);
	say_extensions(n, faults);
}

static int judge_config(struct hpl_network *n, const struct hpl_buf *text, struct hpl_err *err)
{
	_cleanup_free_ struct hpl_net_config *c = calloc(1, sizeof(*c));
	struct hpl_faults faults = {0};
	int rc;

	if (!c)
		return HPL_OOM(err);
	rc = hpl_net_config_read(c, text->data ? text->data : "", text->len, &faults, err);
	if (rc >= 0)
		say_faults(n, &faults);
	if (rc > 0)
		hpl_fault_to_err(err, "network-config", &faults.items[0]);
	hpl_faults_done(&faults);
	for (size_t i = 0; rc == 0 && i < c->count; i++) {
		n->ports[n->port_count].network = n;
		n->ports[n->port_count++].want = c->ifs[i];
	}
	return rc ? -1 : 0;
}

static int read_config(struct hpl_network *n, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	char names[HPL_NET_IFS * HPL_NET_ID];

	if (access(n->config_file, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (hpl_file_read(&text, n->config_file, HPL_NET_CONFIG_BYTES, err) < 0)
		return HPL_WRAP(err, HPL_MSG_NETWORK_CONFIG_INVALID, "network-config");
	if (judge_config(n, &text, err) < 0)
		return -1;
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
	n->deadline_us = hpl_mono_us() + n->link_s * 1000000;
	uv_timer_start(&n->timer, on_look, 0, LINK_LOOK_MS);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The network service; the table of states is in README.md. */
#include "runtime/harness/service.h"
#include "services/network/link.h"
#include "services/network/netconfig.h"
#include "services/network/reach.h"

struct hpl_network;

/* One interface that is being configured. */
struct hpl_net_port {
	struct hpl_network *network;
	struct hpl_net_if want;     /* from network-config */
	struct hpl_net_if lease;    /* what DHCP brought */
	int index;
	bool renamed;               /* had another name */
	bool bound;                 /* has its address */
	struct hpl_child *dhcp;
	char last_line[256];        /* of the DHCP client */
};

struct hpl_network {
	struct hpl_service *service;
	int netlink;
	uv_timer_t timer;           /* interface wait, lease deadline, then pause between checks */
	uv_timer_t dhcp_timer;      /* start of a client that ended */
	struct hpl_net_port ports[HPL_NET_IFS];
	size_t port_count;
	bool from_config;           /* every port must be bound, not only the first */
	bool configured;
	bool have_target, checking, ready;
	char host[256];             /* empty: no remote logging */
	unsigned host_port;
	uint64_t deadline_us;
	char last_cause[HPL_ERR_TEXT];
	uint64_t last_said_us;
	enum hpl_reach reach;       /* written by the pool thread */
	/* settings */
	const char *config_file, *resolv_conf, *hosts, *client, *hook, *sysfs, *ipv6_conf;
	uint64_t link_s, lease_s, reach_s, attempt_s;
};

extern const struct hpl_service_def hpl_network_def;

/* ports.c: network-config read, interfaces found, set in their order */
int hpl_ports_begin(struct hpl_network *n, struct hpl_err *err);
/* After every change: files, and once the word that the network is there. */
void hpl_ports_changed(struct hpl_network *n);
void hpl_ports_fail(struct hpl_network *n, struct hpl_err *err);
/* build.c: bonds and VLANs made; the Ethernet interfaces are known. */
int hpl_ports_build(struct hpl_network *n, struct hpl_err *err);
/* apply.c: up, with what network-config says of it. */
int hpl_port_apply(struct hpl_net_port *p, struct hpl_err *err);
/* Addresses, gateways, routes. */
int hpl_port_set_addresses(const struct hpl_net_port *p, const struct hpl_net_if *from,
	struct hpl_err *err);
int hpl_ports_write_files(const struct hpl_network *n, struct hpl_err *err);
/* dhcp.c: starts the client of an interface that is up. */
void hpl_dhcp_start(struct hpl_net_port *p);

/* Called by ports.c when the addresses are set. */
void hpl_network_configured(struct hpl_network *n);

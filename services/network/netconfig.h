/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * network-config of the contract's medium as a value: the part of netplan's form that the field
 * uses (facts 4.3), checked key by key, faults with place and cure.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "runtime/base/err.h"

enum { HPL_NET_IFS = 8, HPL_NET_ADDRESSES = 8, HPL_NET_ROUTES = 16, HPL_NET_SERVERS = 3,
	HPL_NET_SEARCH = 6, HPL_NET_NAME = 254 };

struct hpl_net_prefix {
	struct in_addr address;
	unsigned length;
};
struct hpl_net_route {
	struct hpl_net_prefix to; /* length 0: the default route */
	struct in_addr via;
};
struct hpl_net_if {
	char name[IFNAMSIZ];
	bool dhcp4;
	unsigned mtu;             /* 0: as it is */
	struct hpl_net_prefix addresses[HPL_NET_ADDRESSES];
	size_t address_count;
	struct in_addr gateway4;  /* 0.0.0.0: none */
	struct hpl_net_route routes[HPL_NET_ROUTES];
	size_t route_count;
	struct in_addr servers[HPL_NET_SERVERS]; /* resolv.conf takes three */
	size_t server_count;
	char search[HPL_NET_SEARCH][HPL_NET_NAME];
	size_t search_count;
};
struct hpl_net_config {
	struct hpl_net_if ifs[HPL_NET_IFS];
	size_t count;
};

enum { HPL_NET_CONFIG_BYTES = 64 << 10 };

/* -1: *err names HPL13007E, the place (network-config:line:col key), what is allowed. */
int hpl_net_config_parse(struct hpl_net_config *ret, const char *text, size_t len,
	struct hpl_err *err);
/* "10.0.2.15/24" */
bool hpl_net_prefix_parse(struct hpl_net_prefix *ret, const char *text);
/* Letters, digits, '-', '_', '.', no longer than a DNS name. */
bool hpl_net_domain_valid(const char *text);

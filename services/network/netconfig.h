/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * network-config of the contract's medium as a value: the part of netplan's form that the field
 * uses (facts 4.3), and what goes beyond it (IPv6, VLANs, bonds, matching by MAC), which is said as a
 * warning. One reader for the guest and for the command line.
 */
#include <net/if.h>

#include "schema/schema.h"
#include "services/network/address.h"

enum {
	HPL_NET_IFS = 16,         /* of all kinds together; a guest has one or two */
	HPL_NET_ADDRESSES = 16,   /* maxItems of the schema part */
	HPL_NET_ROUTES = 64,      /* maxItems of the schema part */
	HPL_NET_SERVERS = 3,      /* resolv.conf takes three (MAXNS of resolv.h) */
	HPL_NET_SEARCH = 6,       /* MAXDNSRCH of resolv.h */
	HPL_NET_NAME = 254,       /* a domain name and its end */
	HPL_NET_ID = 64,          /* the key of an interface; a name unless there is a match */
	HPL_NET_MIN_MTU6 = 1280,  /* RFC 8200 section 5 */
	HPL_NET_CONFIG_BYTES = 64 << 10,
};

enum hpl_net_kind { HPL_NET_ETHERNET, HPL_NET_BOND, HPL_NET_VLAN };
enum hpl_net_choice { HPL_NET_UNSET = -1, HPL_NET_NO = 0, HPL_NET_YES = 1 };

struct hpl_net_route {
	struct hpl_net_prefix to; /* length 0: the default route */
	struct hpl_net_ip via;
	unsigned metric;          /* 0: none */
	bool on_link;             /* via is on the link although no address says so */
};
/* Numbers of mode, lacp_rate and hash_policy are the kernel's (linux/if_bonding.h). */
struct hpl_net_bond {
	unsigned char mode;
	unsigned miimon_ms;       /* how often the links of the members are looked at */
	int lacp_rate;            /* -1: the kernel's default, as the next two */
	int hash_policy;
	int primary;              /* index of a member */
};
struct hpl_net_if {
	enum hpl_net_kind kind;
	char id[HPL_NET_ID];      /* its key */
	char name[IFNAMSIZ];      /* that it gets; empty: it keeps its own (match without set-name) */
	bool match;               /* found by mac, not by name */
	unsigned char mac[6];
	bool dhcp4;
	enum hpl_net_choice accept_ra;
	unsigned mtu;             /* 0: as it is */
	struct hpl_net_prefix addresses[HPL_NET_ADDRESSES];
	size_t address_count;
	struct hpl_net_ip gateway4, gateway6;
	struct hpl_net_route routes[HPL_NET_ROUTES];
	size_t route_count;
	struct hpl_net_ip servers[HPL_NET_SERVERS];
	size_t server_count;
	char search[HPL_NET_SEARCH][HPL_NET_NAME];
	size_t search_count;
	int parent;               /* index: the bond of a member, the link of a VLAN; -1: none */
	unsigned vlan;            /* its number */
	struct hpl_net_bond bond;
};
struct hpl_net_config {
	struct hpl_net_if ifs[HPL_NET_IFS]; /* ethernets, then bonds, then VLANs */
	size_t count;
};

/* 0: valid, *ret is set; faults holds warnings at most. 1: faults holds errors (HPL13007E), in the
 * order of the file, warnings behind them. -1: could not be done. */
int hpl_net_config_read(struct hpl_net_config *ret, const char *text, size_t len,
	struct hpl_faults *faults, struct hpl_err *err);
/* Letters, digits, '-', '_', '.', no longer than a DNS name. */
bool hpl_net_domain_valid(const char *text);
/* What Linux takes as name of an interface, without the characters that tools give a meaning. */
bool hpl_net_name_valid(const char *name);
/* Appends what would be set, in words, a line each. */
struct hpl_buf;
void hpl_net_config_show(struct hpl_buf *out, const struct hpl_net_config *c);

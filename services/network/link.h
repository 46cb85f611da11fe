/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Interfaces, addresses and routes by rtnetlink: no child process, no other program. */
#include "services/network/netconfig.h"

struct hpl_link {
	char name[IFNAMSIZ];
	char kind[16];           /* "bond", "dummy", ...; empty: a device has made it */
	int index;
	bool loopback;
	bool ethernet;           /* ARPHRD_ETHER */
	unsigned char mac[6];
};
enum { HPL_LINKS = 64 };

/* Returns the netlink socket or -1. */
int hpl_link_open(struct hpl_err *err);
/* Interfaces of the guest in the kernel's order; -1 on failure. */
int hpl_link_list(int fd, struct hpl_link *ret, size_t *ret_count, struct hpl_err *err);
/* Up, with this MTU when it is not 0. */
int hpl_link_up(int fd, int index, unsigned mtu, struct hpl_err *err);
int hpl_link_rename(int fd, int index, const char *name, struct hpl_err *err);
/* A bond without members; one of this name that is there already is changed. EOPNOTSUPP in err->sys:
 * the kernel has no bonds. */
int hpl_link_bond_add(int fd, const char *name, const struct hpl_net_bond *b, struct hpl_err *err);
/* Makes the interface, which goes down for it, a member of the bond. */
int hpl_link_bond_join(int fd, int index, int bond_index, struct hpl_err *err);
int hpl_link_bond_primary(int fd, int bond_index, int member_index, struct hpl_err *err);
/* EOPNOTSUPP in err->sys: the kernel has no VLANs. */
int hpl_link_vlan_add(int fd, const char *name, int link_index, unsigned id, struct hpl_err *err);
/* Adding what is there already is no failure. */
int hpl_link_address_add(int fd, int index, const struct hpl_net_prefix *p, struct hpl_err *err);
int hpl_link_address_remove(int fd, int index, const struct hpl_net_prefix *p, struct hpl_err *err);
int hpl_link_route_add(int fd, int index, const struct hpl_net_route *r, struct hpl_err *err);

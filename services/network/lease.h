/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A DHCP lease as the hook program prints it, one line to standard output:
 * "lease bound ip=10.0.2.15 mask=24 router=10.0.2.2 dns=10.0.2.3 domain=example.com mtu=1500".
 * Lists are separated by commas. The line comes from the network: every value is checked.
 */
#include "services/network/netconfig.h"

enum hpl_lease_event { HPL_LEASE_NONE, HPL_LEASE_LOST, HPL_LEASE_BOUND };

/* HPL_LEASE_BOUND: ret has address, gateway (first router), name servers, search, mtu; its name is
 * not touched. HPL_LEASE_LOST: the address is to be taken away. HPL_LEASE_NONE: nothing to do. */
enum hpl_lease_event hpl_lease_parse(struct hpl_net_if *ret, const char *line, size_t len);

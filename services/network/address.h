/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Internet addresses of both families, and networks, as values. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct hpl_net_ip {
	int family;              /* AF_INET, AF_INET6; 0: none */
	unsigned char bytes[16]; /* network order, as long as the family's address */
};
struct hpl_net_prefix {
	struct hpl_net_ip ip;
	unsigned length;         /* bits */
};

/* "10.0.2.15", "2001:db8::1" */
bool hpl_net_ip_parse(struct hpl_net_ip *ret, const char *text);
/* "10.0.2.15/24", "2001:db8::1/64" */
bool hpl_net_prefix_parse(struct hpl_net_prefix *ret, const char *text);
void hpl_net_ip_text(char out[INET6_ADDRSTRLEN], const struct hpl_net_ip *ip);

/* Length of the address in bytes: 4, 16, or 0 for none. */
size_t hpl_net_ip_size(const struct hpl_net_ip *ip);
bool hpl_net_ip_equal(const struct hpl_net_ip *a, const struct hpl_net_ip *b);
/* 0.0.0.0, :: or none */
bool hpl_net_ip_any(const struct hpl_net_ip *ip);
/* May a host have it: not 0.0.0.0 or ::, not multicast, not loopback. */
bool hpl_net_ip_unicast(const struct hpl_net_ip *ip);
/* Link-local: fe80::/10, 169.254.0.0/16 */
bool hpl_net_ip_link_local(const struct hpl_net_ip *ip);
/* Is ip in the network of p? */
bool hpl_net_prefix_holds(const struct hpl_net_prefix *p, const struct hpl_net_ip *ip);
/* The network of p: bits behind the length are zero. */
struct hpl_net_ip hpl_net_prefix_network(const struct hpl_net_prefix *p);

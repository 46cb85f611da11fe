/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/address.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool hpl_net_ip_parse(struct hpl_net_ip *ret, const char *text)
{
	struct hpl_net_ip ip = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	if (inet_pton(ip.family, text, ip.bytes) != 1)
		return false;
	*ret = ip;
	return true;
}

bool hpl_net_prefix_parse(struct hpl_net_prefix *ret, const char *text)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - text) : 0;
	struct hpl_net_prefix p = {0};

	if (!slash || len >= sizeof(address) || strlen(slash + 1) > 3)
		return false;
	for (const char *c = slash + 1; *c || c == slash + 1; c++)
		if (!isdigit((unsigned char)*c))
			return false;
	memcpy(address, text, len);
	address[len] = 0;
	p.length = (unsigned)atoi(slash + 1);
	if (!hpl_net_ip_parse(&p.ip, address) || p.length > 8 * hpl_net_ip_size(&p.ip))
		return false;
	*ret = p;
	return true;
}

void hpl_net_ip_text(char out[INET6_ADDRSTRLEN], const struct hpl_net_ip *ip)
{
	if (!ip->family || !inet_ntop(ip->family, ip->bytes, out, INET6_ADDRSTRLEN))
		*out = 0;
}

size_t hpl_net_ip_size(const struct hpl_net_ip *ip)
{
	return ip->family == AF_INET ? 4 : ip->family == AF_INET6 ? 16 : 0;
}

bool hpl_net_ip_equal(const struct hpl_net_ip *a, const struct hpl_net_ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, hpl_net_ip_size(a)) == 0;
}

bool hpl_net_ip_any(const struct hpl_net_ip *ip)
{
	for (size_t i = 0; i < hpl_net_ip_size(ip); i++)
		if (ip->bytes[i])
			return false;
	return true;
}

bool hpl_net_ip_unicast(const struct hpl_net_ip *ip)
{
	struct in6_addr six;

	if (hpl_net_ip_any(ip))
		return false;
	if (ip->family == AF_INET) /* 127/8; 224/4 and what is above it (RFC 5735) */
		return ip->bytes[0] != 127 && ip->bytes[0] != 0 && ip->bytes[0] < 224;
	memcpy(&six, ip->bytes, sizeof(six));
	return !IN6_IS_ADDR_MULTICAST(&six) && !IN6_IS_ADDR_LOOPBACK(&six);
}

bool hpl_net_ip_link_local(const struct hpl_net_ip *ip)
{
	return ip->family == AF_INET6 ? ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80
				      : ip->bytes[0] == 169 && ip->bytes[1] == 254;
}

struct hpl_net_ip hpl_net_prefix_network(const struct hpl_net_prefix *p)
{
	struct hpl_net_ip ip = p->ip;

	for (size_t i = 0; i < hpl_net_ip_size(&ip); i++) {
		unsigned bits = p->length > 8 * i ? p->length - 8 * (unsigned)i : 0;

		ip.bytes[i] &= bits >= 8 ? 0xff : (unsigned char)(0xff00u >> bits);
	}
	return ip;
}

bool hpl_net_prefix_holds(const struct hpl_net_prefix *p, const struct hpl_net_ip *ip)
{
	struct hpl_net_prefix other = {*ip, p->length};
	struct hpl_net_ip a = hpl_net_prefix_network(p), b = hpl_net_prefix_network(&other);

	return hpl_net_ip_equal(&a, &b);
}

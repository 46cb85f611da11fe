/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/link.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>

enum { REQUEST_ROOM = 512, REPLY_ROOM = 32768 };

struct request {
	struct nlmsghdr h;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		struct rtmsg route;
	};
	char attributes[REQUEST_ROOM];
};

int hpl_link_open(struct hpl_err *err)
{
	struct timeval limit = {.tv_sec = 10}; /* the kernel answers at once; never hang a boot */
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return HPL_FAIL(err, 0, errno, "no netlink socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static void begin(struct request *r, int type, int flags, size_t header)
{
	*r = (struct request){0};
	r->h.nlmsg_len = NLMSG_LENGTH(header);
	r->h.nlmsg_type = (uint16_t)type;
	r->h.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
}

static void add(struct request *r, int type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

/* Attributes that are added until end() are inside this one. */
static struct rtattr *nest(struct request *r, int type)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	add(r, type, "", 0);
	return a;
}

static void end(struct request *r, struct rtattr *a)
{
	a->rta_len = (uint16_t)((char *)r + r->h.nlmsg_len - (char *)a);
}

/* Sends and waits for the kernel's word. ignore: an errno that is no failure, 0 for none. */
static int talk(int fd, struct request *r, int ignore, struct hpl_err *err, const char *what)
{
	char reply[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h = (struct nlmsghdr *)reply;
	ssize_t n;

	r->h.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, r, r->h.nlmsg_len, 0) < 0)
		return HPL_FAIL(err, 0, errno, "%s", what);
	n = recv(fd, reply, sizeof(reply), 0);
	if (n < 0)
		return HPL_FAIL(err, 0, errno, "%s", what);
	if (NLMSG_OK(h, (size_t)n) && h->nlmsg_type == NLMSG_ERROR) {
		int sys = -((struct nlmsgerr *)NLMSG_DATA(h))->error;

		return sys && sys != ignore ? HPL_FAIL(err, 0, sys, "%s", what) : 0;
	}
	return HPL_FAIL(err, 0, EPROTO, "%s", what);
}

static void take_kind(struct rtattr *info, struct hpl_link *ret)
{
	int left = (int)RTA_PAYLOAD(info);

	for (struct rtattr *a = RTA_DATA(info); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == IFLA_INFO_KIND)
			snprintf(ret->kind, sizeof(ret->kind), "%.*s", (int)RTA_PAYLOAD(a), (char *)RTA_DATA(a));
}

static void take_link(struct nlmsghdr *h, struct hpl_link *ret, size_t *count)
{
	struct ifinfomsg *info = NLMSG_DATA(h);
	int left = (int)IFLA_PAYLOAD(h);
	struct hpl_link l = {.index = info->ifi_index, .loopback = info->ifi_flags & IFF_LOOPBACK,
		.ethernet = info->ifi_type == ARPHRD_ETHER};

	if (h->nlmsg_type != RTM_NEWLINK || *count == HPL_LINKS)
		return;
	for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_IFNAME)
			snprintf(l.name, IFNAMSIZ, "%s", (char *)RTA_DATA(a));
		else if (a->rta_type == IFLA_LINKINFO)
			take_kind(a, &l);
		else if (a->rta_type == IFLA_ADDRESS && RTA_PAYLOAD(a) == sizeof(l.mac))
			memcpy(l.mac, RTA_DATA(a), sizeof(l.mac));
	}
	if (l.name[0])
		ret[(*count)++] = l;
}

int hpl_link_list(int fd, struct hpl_link *ret, size_t *ret_count, struct hpl_err *err)
{
	static char reply[REPLY_ROOM] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct request r;
	size_t count = 0;

	begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(r.link));
	if (send(fd, &r, r.h.nlmsg_len, 0) < 0)
		return HPL_FAIL(err, 0, errno, "cannot list interfaces");
	for (;;) {
		ssize_t n = recv(fd, reply, sizeof(reply), 0);
		struct nlmsghdr *h = (struct nlmsghdr *)reply;

		if (n < 0)
			return HPL_FAIL(err, 0, errno, "cannot list interfaces");
		for (; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_ERROR)
				return HPL_FAIL(err, 0, EPROTO, "cannot list interfaces");
			if (h->nlmsg_type == NLMSG_DONE) {
				*ret_count = count;
				return 0;
			}
			take_link(h, ret, &count);
		}
	}
}

int hpl_link_up(int fd, int index, unsigned mtu, struct hpl_err *err)
{
	struct request r;

	begin(&r, RTM_NEWLINK, 0, sizeof(r.link));
	r.link.ifi_index = index;
	r.link.ifi_flags = IFF_UP;
	r.link.ifi_change = IFF_UP;
	if (mtu)
		add(&r, IFLA_MTU, &mtu, sizeof(mtu));
	return talk(fd, &r, 0, err, "cannot bring the interface up");
}

int hpl_link_rename(int fd, int index, const char *name, struct hpl_err *err)
{
	struct request r;

	begin(&r, RTM_NEWLINK, 0, sizeof(r.link));
	r.link.ifi_index = index;
	add(&r, IFLA_IFNAME, name, strlen(name) + 1);
	return talk(fd, &r, 0, err, "cannot rename the interface");
}

/* ---- bonds and VLANs ---- */

static void begin_kind(struct request *r, const char *name, const char *kind, struct rtattr **info,
	struct rtattr **data)
{
	begin(r, RTM_NEWLINK, NLM_F_CREATE, sizeof(r->link));
	add(r, IFLA_IFNAME, name, strlen(name) + 1);
	*info = nest(r, IFLA_LINKINFO);
	add(r, IFLA_INFO_KIND, kind, strlen(kind));
	*data = nest(r, IFLA_INFO_DATA);
}

int hpl_link_bond_add(int fd, const char *name, const struct hpl_net_bond *b, struct hpl_err *err)
{
	struct request r;
	struct rtattr *info, *data;
	uint32_t miimon = b->miimon_ms;

	begin_kind(&r, name, "bond", &info, &data);
	add(&r, IFLA_BOND_MODE, &b->mode, sizeof(b->mode));
	add(&r, IFLA_BOND_MIIMON, &miimon, sizeof(miimon));
	if (b->lacp_rate >= 0)
		add(&r, IFLA_BOND_AD_LACP_RATE, &(uint8_t){(uint8_t)b->lacp_rate}, 1);
	if (b->hash_policy >= 0)
		add(&r, IFLA_BOND_XMIT_HASH_POLICY, &(uint8_t){(uint8_t)b->hash_policy}, 1);
	end(&r, data);
	end(&r, info);
	return talk(fd, &r, 0, err, "cannot make the bond");
}

int hpl_link_bond_join(int fd, int index, int bond_index, struct hpl_err *err)
{
	struct request r;

	begin(&r, RTM_NEWLINK, 0, sizeof(r.link));
	r.link.ifi_index = index;
	r.link.ifi_change = IFF_UP;
	if (talk(fd, &r, 0, err, "cannot take the interface down") < 0)
		return -1;
	begin(&r, RTM_NEWLINK, 0, sizeof(r.link));
	r.link.ifi_index = index;
	add(&r, IFLA_MASTER, &bond_index, sizeof(bond_index));
	return talk(fd, &r, 0, err, "cannot add the interface to the bond");
}

int hpl_link_bond_primary(int fd, int bond_index, int member_index, struct hpl_err *err)
{
	struct request r;
	struct rtattr *info, *data;

	begin(&r, RTM_NEWLINK, 0, sizeof(r.link));
	r.link.ifi_index = bond_index;
	info = nest(&r, IFLA_LINKINFO);
	add(&r, IFLA_INFO_KIND, "bond", 4);
	data = nest(&r, IFLA_INFO_DATA);
	add(&r, IFLA_BOND_PRIMARY, &member_index, sizeof(member_index));
	end(&r, data);
	end(&r, info);
	return talk(fd, &r, 0, err, "cannot set the primary interface of the bond");
}

int hpl_link_vlan_add(int fd, const char *name, int link_index, unsigned id, struct hpl_err *err)
{
	struct request r;
	struct rtattr *info, *data;
	uint16_t number = (uint16_t)id;

	begin_kind(&r, name, "vlan", &info, &data);
	add(&r, IFLA_VLAN_ID, &number, sizeof(number));
	end(&r, data);
	end(&r, info);
	add(&r, IFLA_LINK, &link_index, sizeof(link_index));
	return talk(fd, &r, EEXIST, err, "cannot make the VLAN");
}

/* ---- addresses and routes ---- */

static void fill_address(struct request *r, int index, const struct hpl_net_prefix *p)
{
	r->address.ifa_family = (uint8_t)p->ip.family;
	r->address.ifa_prefixlen = (uint8_t)p->length;
	r->address.ifa_index = (uint32_t)index;
	add(r, IFA_LOCAL, p->ip.bytes, hpl_net_ip_size(&p->ip));
	add(r, IFA_ADDRESS, p->ip.bytes, hpl_net_ip_size(&p->ip));
}

/* IPv4 only: all bits of the host are one. */
static void add_broadcast(struct request *r, const struct hpl_net_prefix *p)
{
	struct hpl_net_prefix all = *p;

	if (p->ip.family != AF_INET || p->length >= 31)
		return;
	for (unsigned bit = p->length; bit < 32; bit++)
		all.ip.bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
	add(r, IFA_BROADCAST, all.ip.bytes, 4);
}

int hpl_link_address_add(int fd, int index, const struct hpl_net_prefix *p, struct hpl_err *err)
{
	struct request r;

	begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(r.address));
	fill_address(&r, index, p);
	add_broadcast(&r, p);
	return talk(fd, &r, EEXIST, err, "cannot set the address");
}

int hpl_link_address_remove(int fd, int index, const struct hpl_net_prefix *p, struct hpl_err *err)
{
	struct request r;

	begin(&r, RTM_DELADDR, 0, sizeof(r.address));
	fill_address(&r, index, p);
	return talk(fd, &r, EADDRNOTAVAIL, err, "cannot take the address away");
}

int hpl_link_route_add(int fd, int index, const struct hpl_net_route *route, struct hpl_err *err)
{
	struct request r;
	struct hpl_net_ip to = hpl_net_prefix_network(&route->to);
	size_t size = hpl_net_ip_size(&route->via);

	begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(r.route));
	r.route.rtm_family = (uint8_t)route->via.family;
	r.route.rtm_table = RT_TABLE_MAIN;
	r.route.rtm_protocol = RTPROT_STATIC;
	r.route.rtm_scope = RT_SCOPE_UNIVERSE;
	r.route.rtm_type = RTN_UNICAST;
	r.route.rtm_dst_len = (uint8_t)route->to.length;
	if (route->on_link)
		r.route.rtm_flags = RTNH_F_ONLINK;
	if (route->to.length)
		add(&r, RTA_DST, to.bytes, size);
	add(&r, RTA_GATEWAY, route->via.bytes, size);
	add(&r, RTA_OIF, &index, sizeof(index));
	if (route->metric)
		add(&r, RTA_PRIORITY, &route->metric, sizeof(route->metric));
	return talk(fd, &r, EEXIST, err, "cannot set the route");
}

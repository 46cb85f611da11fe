/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/link.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>

enum { REQUEST_ROOM = 256, REPLY_ROOM = 32768 };

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

static void take_link(struct nlmsghdr *h, struct hpl_link *ret, size_t *count)
{
	struct ifinfomsg *info = NLMSG_DATA(h);
	int left = (int)IFLA_PAYLOAD(h);

	if (h->nlmsg_type != RTM_NEWLINK || *count == HPL_LINKS)
		return;
	for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type != IFLA_IFNAME)
			continue;
		snprintf(ret[*count].name, IFNAMSIZ, "%s", (char *)RTA_DATA(a));
		ret[*count].index = info->ifi_index;
		ret[*count].loopback = info->ifi_flags & IFF_LOOPBACK;
		ret[*count].ethernet = info->ifi_type == ARPHRD_ETHER;
		(*count)++;
		return;
	}
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

static void fill_address(struct request *r, int index, const struct hpl_net_prefix *p)
{
	r->address.ifa_family = AF_INET;
	r->address.ifa_prefixlen = (uint8_t)p->length;
	r->address.ifa_index = (uint32_t)index;
	add(r, IFA_LOCAL, &p->address, sizeof(p->address));
	add(r, IFA_ADDRESS, &p->address, sizeof(p->address));
}

int hpl_link_address_add(int fd, int index, const struct hpl_net_prefix *p, struct hpl_err *err)
{
	struct request r;

	begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(r.address));
	fill_address(&r, index, p);
	if (p->length < 31) {
		struct in_addr broadcast = {p->address.s_addr | htonl(0xffffffffu >> p->length)};

		add(&r, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	}
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
	struct in_addr to = {route->to.length
			? route->to.address.s_addr & htonl(0xffffffffu << (32 - route->to.length))
			: 0};

	begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(r.route));
	r.route.rtm_family = AF_INET;
	r.route.rtm_table = RT_TABLE_MAIN;
	r.route.rtm_protocol = RTPROT_STATIC;
	r.route.rtm_scope = RT_SCOPE_UNIVERSE;
	r.route.rtm_type = RTN_UNICAST;
	r.route.rtm_dst_len = (uint8_t)route->to.length;
	if (route->to.length)
		add(&r, RTA_DST, &to, sizeof(to));
	add(&r, RTA_GATEWAY, &route->via, sizeof(route->via));
	add(&r, RTA_OIF, &index, sizeof(index));
	return talk(fd, &r, EEXIST, err, "cannot set the route");
}

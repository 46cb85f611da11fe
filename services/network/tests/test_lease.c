/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "services/network/files.h"
#include "services/network/lease.h"

static enum hpl_lease_event parse(struct hpl_net_if *i, const char *line)
{
	return hpl_lease_parse(i, line, strlen(line));
}

static const char *ip(struct hpl_net_ip a)
{
	static char text[INET6_ADDRSTRLEN];

	hpl_net_ip_text(text, &a);
	return text;
}

Test(lease, a_bound_line_gives_address_router_and_servers)
{
	struct hpl_net_if i = {.name = "eth0", .dhcp4 = true};

	cr_assert_eq(parse(&i, "lease bound ip=10.0.2.15 mask=24 router=10.0.2.2,10.0.2.9"
			       " dns=10.0.2.3,10.0.2.4 domain=example.com mtu=1400"), HPL_LEASE_BOUND);
	cr_expect_str_eq(ip(i.addresses[0].ip), "10.0.2.15");
	cr_expect_eq(i.addresses[0].length, 24);
	cr_expect_str_eq(ip(i.gateway4), "10.0.2.2");
	cr_expect_eq(i.server_count, 2);
	cr_expect_str_eq(i.search[0], "example.com");
	cr_expect_eq(i.mtu, 1400);
	cr_expect_str_eq(i.name, "eth0");
}

Test(lease, lines_that_are_no_lease_change_nothing)
{
	const char *lines[] = {"", "udhcpc: started", "lease", "lease leasefail", "lease bound",
		"lease bound ip=300.1.1.1 mask=24", "lease bound ip=10.0.0.1 mask=33", "lease bound ip=0.0.0.0 mask=8"};
	struct hpl_net_if i = {.name = "eth0", .mtu = 7}, before = i;

	for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
		cr_expect_eq(parse(&i, lines[k]), HPL_LEASE_NONE, "%s", lines[k]);
		cr_expect_eq(memcmp(&i, &before, sizeof(i)), 0, "%s", lines[k]);
	}
	cr_expect_eq(parse(&i, "lease deconfig"), HPL_LEASE_LOST);
	cr_expect_eq(parse(&i, "lease nak"), HPL_LEASE_LOST);
}

Test(lease, hostile_values_do_not_reach_resolv_conf)
{
	struct hpl_net_if i = {.name = "eth0"};
	struct hpl_buf b = HPL_BUF_NULL;

	cr_assert_eq(parse(&i, "lease bound ip=10.0.2.15 mask=24 dns=1.1.1.1;x,10.0.2.3 domain=a\nnameserver"),
		HPL_LEASE_BOUND);
	cr_assert_eq(parse(&i, "lease bound ip=10.0.2.15 mask=24 dns=$(id),10.0.2.3 domain=a;b,good.example"),
		HPL_LEASE_BOUND);
	hpl_net_resolv_conf(&b, &i, 1);
	cr_expect_str_eq(b.data, "# written by the network service\nsearch good.example\n"
				 "nameserver 10.0.2.3\noptions timeout:2 attempts:3\n");
	hpl_buf_done(&b);
}

Test(lease, a_very_long_line_is_ignored)
{
	char line[4000];
	struct hpl_net_if i = {0};

	memset(line, 'a', sizeof(line));
	memcpy(line, "lease bound ip=10.0.0.1 ", 24);
	cr_expect_eq(hpl_lease_parse(&i, line, sizeof(line)), HPL_LEASE_NONE);
}

Test(files, name_servers_are_written_once_and_host_names_checked)
{
	struct hpl_net_if two[2] = {{.server_count = 1}, {.server_count = 1}};
	struct hpl_buf b = HPL_BUF_NULL;

	inet_pton(AF_INET, "9.9.9.9", &two[0].servers[0]);
	two[1].servers[0] = two[0].servers[0];
	hpl_net_resolv_conf(&b, two, 2);
	cr_expect_null(strstr(strstr(b.data, "nameserver") + 1, "nameserver"));
	hpl_buf_clear(&b);
	hpl_net_hosts(&b, "guest-1");
	cr_expect(strstr(b.data, "127.0.1.1 guest-1\n"));
	hpl_buf_clear(&b);
	hpl_net_hosts(&b, "x\n6.6.6.6 y");
	cr_expect_null(strstr(b.data, "6.6.6.6"));
	hpl_buf_done(&b);
}

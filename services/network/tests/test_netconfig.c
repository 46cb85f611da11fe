/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "proto/messages.h"
#include "services/network/netconfig.h"

static int parse(struct hpl_net_config *c, const char *text, struct hpl_err *err)
{
	*c = (struct hpl_net_config){0};
	*err = HPL_ERR_NULL;
	return hpl_net_config_parse(c, text, strlen(text), err);
}

Test(netconfig, a_full_static_configuration_is_read)
{
	static struct hpl_net_config c;
	struct hpl_err err;

	cr_assert_eq(parse(&c, "network:\n"
			       "  version: 2\n"
			       "  ethernets:\n"
			       "    enc8:\n"
			       "      dhcp4: false\n"
			       "      mtu: 1400\n"
			       "      addresses: [192.168.1.5/24, 10.0.0.1/8]\n"
			       "      gateway4: 192.168.1.1\n"
			       "      routes:\n"
			       "        - {to: 10.1.0.0/16, via: 192.168.1.2}\n"
			       "        - {to: default, via: 192.168.1.3}\n"
			       "      nameservers:\n"
			       "        addresses: [192.168.1.53]\n"
			       "        search: [example.com]\n"
			       "    eth1: {dhcp4: true}\n", &err), 0, "%s %s", err.place, err.text);
	cr_expect_eq(c.count, 2);
	cr_expect_str_eq(c.ifs[0].name, "enc8");
	cr_expect_eq(c.ifs[0].address_count, 2);
	cr_expect_eq(c.ifs[0].addresses[1].length, 8);
	cr_expect_eq(c.ifs[0].gateway4.s_addr, inet_addr("192.168.1.1"));
	cr_expect_eq(c.ifs[0].route_count, 2);
	cr_expect_eq(c.ifs[0].routes[0].to.length, 16);
	cr_expect_eq(c.ifs[0].routes[1].to.length, 0);
	cr_expect_eq(c.ifs[0].server_count, 1);
	cr_expect_str_eq(c.ifs[0].search[0], "example.com");
	cr_expect_eq(c.ifs[0].mtu, 1400);
	cr_expect(c.ifs[1].dhcp4);
}

#define ETH "network:\n  ethernets:\n    enc8:\n"

static const struct {
	const char *text, *place, *cause;
} faults[] = {
	{"", "network", "missing"},
	{"network: 3\n", "network-config:1:1", "missing"},
	{"network: {}\n", "ethernets", "1 to 8"},
	{"network: {version: two, ethernets: {e: {dhcp4: true}}}\n", "network.version", "number"},
	{"network: {ethernets: {}}\n", "network.ethernets", "1 to 8"},
	{"network: {ethernets: {enc8: {}}}\n", "enc8.dhcp4", "required"},
	{"network: {ethernets: {enc8: {dhcp4: maybe}}}\n", "enc8.dhcp4", "true nor false"},
	{"network: {ethernets: {enc8: {dhcp4: false}}}\n", "enc8.addresses", "required"},
	{ETH "      dhcp4: true\n      addresses: [10.0.0.1/8]\n", "network-config:5:", "not allowed"},
	{ETH "      dhcp4: true\n      gateway4: 10.0.0.1\n", "gateway4", "not allowed"},
	{ETH "      dhcp4: true\n      nameservers: {addresses: [10.0.0.1]}\n", "nameservers", "not allowed"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1]\n", "network-config:5:19", "prefix"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/33]\n", "addresses", "prefix"},
	{ETH "      dhcp4: false\n      addresses: ['10.0.0.1/2a']\n", "addresses", "prefix"},
	{ETH "      dhcp4: false\n      addresses: ['10.0.0.1/-1']\n", "addresses", "prefix"},
	{ETH "      dhcp4: false\n      addresses: [300.0.0.1/24]\n", "addresses", "prefix"},
	{ETH "      dhcp4: false\n      addresses: []\n", "addresses", "list"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/8]\n      gateway4: gw\n", "gateway4", "IPv4"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/8]\n      mtu: 10\n", "mtu", "68"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/8]\n      routes: [{to: x, via: 10.0.0.2}]\n", "routes", "no route"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/8]\n      nameservers: {search: [a]}\n", "nameservers", "addresses"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/8]\n      nameservers: {addresses: [10.0.0.2], search: ['a b']}\n", "search", "domain"},
	{"network: {ethernets: {averyverylongname1: {dhcp4: true}}}\n", "ethernets", "no name"},
	{"network: {ethernets: {'a/b': {dhcp4: true}}}\n", "ethernets", "no name"},
	{"network: {ethernets: {lo: {dhcp4: true}}}\n", "ethernets", "no name"},
};

Test(netconfig, every_fault_has_its_place_cause_and_cure)
{
	static struct hpl_net_config c;
	struct hpl_err err;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(faults); i++) {
		cr_assert_eq(parse(&c, faults[i].text, &err), -1, "%s", faults[i].text);
		cr_expect_eq(err.msg, HPL_MSG_NETWORK_CONFIG_INVALID, "%s", faults[i].text);
		cr_expect(strstr(err.place, faults[i].place), "%s: %s", faults[i].text, err.place);
		cr_expect(strstr(err.text, faults[i].cause), "%s: %s", faults[i].text, err.text);
		cr_expect(err.cure[0], "%s", faults[i].text);
		cr_expect_eq(c.count, 0);
	}
}

Test(netconfig, what_is_no_yaml_is_refused)
{
	static struct hpl_net_config c;
	struct hpl_err err;

	cr_assert_eq(parse(&c, "network: [unclosed\n", &err), -1);
	cr_expect_eq(err.msg, HPL_MSG_NETWORK_CONFIG_INVALID);
	cr_assert_eq(parse(&c, "a: &x [*x, *x]\n", &err), -1);
}

Test(netconfig, unknown_keys_are_left_alone)
{
	static struct hpl_net_config c;
	struct hpl_err err;

	cr_assert_eq(parse(&c, "network: {renderer: networkd, ethernets: {enc8: {dhcp4: true, optional: true}}}\n",
		&err), 0, "%s", err.text);
}

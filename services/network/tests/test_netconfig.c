/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "proto/messages.h"
#include "runtime/base/buf.h"
#include "services/network/netconfig.h"

static struct hpl_net_config c;
static struct hpl_faults faults;

static int judge(const char *text)
{
	struct hpl_err err = HPL_ERR_NULL;
	int rc;

	hpl_faults_done(&faults);
	c = (struct hpl_net_config){0};
	rc = hpl_net_config_read(&c, text, strlen(text), &faults, &err);
	cr_assert_geq(rc, 0, "%s", err.text);
	return rc;
}

static void finish(void)
{
	hpl_faults_done(&faults);
}

TestSuite(netconfig, .fini = finish);

/* All faults, a line each, for the reports of this test. */
static const char *all(void)
{
	static char out[16384];
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < faults.count && at < sizeof(out) - 1200; i++) {
		const struct hpl_fault *f = &faults.items[i];

		at += (size_t)snprintf(out + at, sizeof(out) - at, "%u:%u %s %s: %s; %s\n", f->pos.line,
			f->pos.col, hpl_msg_info(f->msg)->id, f->path, f->text, f->cure);
	}
	return out;
}

static size_t errors(void)
{
	size_t n = 0;

	for (size_t i = 0; i < faults.count; i++)
		n += hpl_fault_is_error(&faults.items[i]);
	return n;
}

#define STATIC                                                                                     \
	"network:\n  version: 2\n  ethernets:\n    enc8:\n      dhcp4: false\n"                        \
	"      addresses: [10.0.0.5/24]\n"

Test(netconfig, a_full_static_configuration_is_read)
{
	struct hpl_net_ip ip;

	cr_assert_eq(judge("network:\n"
			   "  version: 2\n"
			   "  ethernets:\n"
			   "    enc8:\n"
			   "      dhcp4: false\n"
			   "      mtu: 1400\n"
			   "      addresses: [192.168.1.5/24, 10.0.0.1/8]\n"
			   "      gateway4: 192.168.1.1\n"
			   "      routes:\n"
			   "        - {to: 172.16.0.0/16, via: 192.168.1.2}\n"
			   "      nameservers:\n"
			   "        addresses: [192.168.1.53]\n"
			   "        search: [example.com]\n"
			   "    enc9: {dhcp4: true}\n"), 0, "%s", all());
	cr_expect_eq(faults.count, 0, "%s", all());
	cr_expect_eq(c.count, 2);
	cr_expect_str_eq(c.ifs[0].name, "enc8");
	cr_expect_eq(c.ifs[0].address_count, 2);
	cr_expect_eq(c.ifs[0].addresses[1].length, 8);
	hpl_net_ip_parse(&ip, "192.168.1.1");
	cr_expect(hpl_net_ip_equal(&c.ifs[0].gateway4, &ip));
	cr_expect_eq(c.ifs[0].route_count, 1);
	cr_expect_eq(c.ifs[0].routes[0].to.length, 16);
	cr_expect_eq(c.ifs[0].server_count, 1);
	cr_expect_str_eq(c.ifs[0].search[0], "example.com");
	cr_expect_eq(c.ifs[0].mtu, 1400);
	cr_expect(c.ifs[1].dhcp4);
	cr_expect_eq(c.ifs[1].accept_ra, HPL_NET_UNSET);
}

Test(netconfig, ipv6_vlans_and_bonds_are_read_and_said_to_be_extensions)
{
	cr_assert_eq(judge("network:\n"
			   "  version: 2\n"
			   "  renderer: networkd\n"
			   "  ethernets:\n"
			   "    port0: {match: {macaddress: '52:54:00:12:34:56'}, set-name: up0}\n"
			   "    port1: {match: {macaddress: '52:54:00:12:34:57'}}\n"
			   "    eth9: {dhcp4: true, addresses: ['2001:db8:9::5/64'], "
			   "routes: [{to: '2001:db8:9:9::/64', via: 'fe80::1'}]}\n"
			   "    eth8: {accept-ra: true}\n"
			   "  bonds:\n"
			   "    bond0:\n"
			   "      interfaces: [port0, port1]\n"
			   "      parameters: {mode: active-backup, primary: port1, mii-monitor-interval: 1s}\n"
			   "      addresses: [10.0.0.5/24, '2001:db8::5/64']\n"
			   "      gateway6: 2001:db8::1\n"
			   "      routes: [{to: default, via: 10.0.0.1, metric: 50}, {to: '2001:db8:7::/48', "
			   "via: '2001:db8::9'}]\n"
			   "  vlans:\n"
			   "    vlan5: {id: 5, link: bond0, dhcp4: true}\n"), 0, "%s", all());
	cr_expect_eq(c.count, 6);
	cr_expect_str_eq(c.ifs[0].name, "up0");
	cr_expect_str_eq(c.ifs[1].name, "");
	cr_expect_eq(c.ifs[0].mac[5], 0x56);
	cr_expect(c.ifs[2].routes[0].via.family == AF_INET6 && c.ifs[2].dhcp4);
	cr_expect_eq(c.ifs[3].accept_ra, HPL_NET_YES);
	cr_expect_eq(c.ifs[4].kind, HPL_NET_BOND);
	cr_expect_eq(c.ifs[0].parent, 4);
	cr_expect_eq(c.ifs[1].parent, 4);
	cr_expect_eq(c.ifs[4].bond.primary, 1);
	cr_expect_eq(c.ifs[4].bond.mode, 1);
	cr_expect_eq(c.ifs[4].bond.miimon_ms, 1000);
	cr_expect_eq(c.ifs[4].routes[0].to.length, 0);
	cr_expect_eq(c.ifs[4].routes[0].metric, 50);
	cr_expect_eq(c.ifs[4].routes[1].via.family, AF_INET6);
	cr_expect_eq(c.ifs[5].kind, HPL_NET_VLAN);
	cr_expect_eq(c.ifs[5].vlan, 5);
	cr_expect_eq(c.ifs[5].parent, 4);
	cr_expect_gt(faults.count, 10);
	for (size_t i = 0; i < faults.count; i++)
		cr_expect_eq(faults.items[i].msg, HPL_MSG_NETWORK_CONFIG_EXTENSION, "%s", all());
}

#define ETH "network:\n  ethernets:\n    enc8:\n"
#define FIX ETH "      dhcp4: false\n      addresses: [10.0.0.5/24]\n"
#define BOND "network:\n  ethernets:\n    enc8: {dhcp4: false}\n    enc9: {dhcp4: false}\n  bonds:\n"
#define VLAN "network:\n  ethernets:\n    enc8: {dhcp4: false}\n  vlans:\n"

static const struct {
	const char *text;
	unsigned line, col;
	const char *path, *cause, *cure;
} wrong[] = {
	{"", 1, 1, "", "must be a mapping", "network"},
	{"network: 3\n", 1, 10, "network", "an integer", "below"},
	{"networks: {}\n", 1, 1, "networks", "\"network\" is missing", "did you mean \"network\""},
	{"network: {}\n", 1, 1, "network", "lacks \"ethernets\"", "enc8"},
	{"network: {version: two, ethernets: {enc8: {dhcp4: true}}}\n", 1, 20, "network.version", "must be 2", "version: 2"},
	{"network: {version: 1, ethernets: {enc8: {dhcp4: true}}}\n", 1, 20, "network.version", "must be 2", "version: 2"},
	{"network: {renderer: x, ethernets: {enc8: {dhcp4: true}}}\n", 1, 21, "network.renderer", "networkd", ""},
	{"network: {ethernets: {}}\n", 1, 11, "network.ethernets", "at least 1", "enc8"},
	{"network: {ethernets: {enc8: }}\n", 1, 29, "network.ethernets.enc8", "null", "enc8"},
	{"network: {ethernets: {enc8: {}}}\n", 1, 23, "network.ethernets.enc8", "lacks dhcp4: true", "dhcp4: true"},
	{ETH "      dhcp4: maybe\n", 4, 14, "network.ethernets.enc8.dhcp4", "true or false", "true or false"},
	{ETH "      dhcp4: yes\n", 4, 14, "network.ethernets.enc8.dhcp4", "\"yes\" is text", "write true"},
	{ETH "      dhcp4: false\n", 3, 5, "network.ethernets.enc8", "lacks \"addresses\"", "10.0.0.5/24"},
	{ETH "      dhcp4: false\n      addresses: []\n", 5, 18, "network.ethernets.enc8.addresses", "empty", "10.0.0.5/24"},
	{ETH "      dhcp4: true\n      addresses: [10.0.0.1/8]\n", 5, 7, "network.ethernets.enc8.addresses", "together with dhcp4", "take it out"},
	{ETH "      dhcp4: true\n      gateway4: 10.0.0.1\n", 5, 7, "network.ethernets.enc8.gateway4", "together", "take it out"},
	{ETH "      dhcp4: true\n      nameservers: {addresses: [10.0.0.1]}\n", 5, 7, "network.ethernets.enc8.nameservers", "together", "take it out"},
	{ETH "      dhcp4: true\n      routes: [{to: default, via: 10.0.0.1}]\n", 5, 7, "network.ethernets.enc8.routes", "together", "take it out"},
	{ETH "      dhcp4: true\n      dhcp6: true\n", 5, 14, "network.ethernets.enc8.dhcp6", "no DHCPv6", "accept-ra"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1]\n", 5, 19, "network.ethernets.enc8.addresses[0]", "\"10.0.0.1\" has no prefix length", "10.0.0.1/24"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/33]\n", 5, 19, "network.ethernets.enc8.addresses[0]", "0 to 32", "10.0.0.1/24"},
	{ETH "      dhcp4: false\n      addresses: ['2001:db8::1/129']\n", 5, 19, "network.ethernets.enc8.addresses[0]", "0 to 128", "2001:db8::1/64"},
	{ETH "      dhcp4: false\n      addresses: ['10.0.0.1/2a']\n", 5, 19, "network.ethernets.enc8.addresses[0]", "prefix", "/24"},
	{ETH "      dhcp4: false\n      addresses: ['10.0.0.1/-1']\n", 5, 19, "network.ethernets.enc8.addresses[0]", "prefix", "/24"},
	{ETH "      dhcp4: false\n      addresses: [300.0.0.1/24]\n", 5, 19, "network.ethernets.enc8.addresses[0]", "\"300.0.0.1/24\" is no IPv4", "10.0.0.5/24"},
	{ETH "      dhcp4: false\n      addresses: 10.0.0.1/24\n", 5, 18, "network.ethernets.enc8.addresses", "must be a list", "addresses: ["},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/0]\n", 5, 19, "network.ethernets.enc8.addresses[0]", "neighbour", "10.0.0.5/24"},
	{ETH "      dhcp4: false\n      addresses: [224.0.0.1/8]\n", 5, 19, "network.ethernets.enc8.addresses[0]", "no address that", "10.0.0.5/24"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.1/8, 10.0.0.1/24]\n", 5, 31, "network.ethernets.enc8.addresses[1]", "already", "take it out"},
	{FIX "      gateway4: gw\n", 6, 17, "network.ethernets.enc8.gateway4", "\"gw\" is no IPv4 address", "10.0.0.1"},
	{FIX "      gateway4: 10.0.0.1/24\n", 6, 17, "network.ethernets.enc8.gateway4", "address alone", "write 10.0.0.1"},
	{FIX "      gateway4: 2001:db8::1\n", 6, 17, "network.ethernets.enc8.gateway4", "IPv6", "gateway6"},
	{FIX "      gateway4: 10.0.1.1\n", 6, 17, "network.ethernets.enc8.gateway4", "in no network", "prefix"},
	{FIX "      gateway4: 10.0.0.5\n", 6, 17, "network.ethernets.enc8.gateway4", "own address", "router"},
	{ETH "      dhcp4: false\n      addresses: [10.0.0.5]\n      gateway4: 10.0.0.1\n", 5, 19, "network.ethernets.enc8.addresses[0]", "no prefix length", "10.0.0.5/24"},
	{ETH "      accept-ra: true\n      gateway4: 10.0.0.1\n", 5, 17, "network.ethernets.enc8.gateway4", "in no network", "router"},
	{"network:\n  ethernets: {enc8: {gateway4: 10.0.0.1}}\n  bonds: {b0: {interfaces: [enc8], dhcp4: true}}\n", 2, 22, "network.ethernets.enc8.gateway4", "belongs to b0", "bonds.b0"},
	{"network:\n  ethernets: {enc8: {routes: [{to: default, via: 10.0.0.1}]}}\n  vlans: {v5: {id: 5, link: enc8, dhcp4: true}}\n", 2, 50, "network.ethernets.enc8.routes[0].via", "in no network", "router"},
	{FIX "      gateway4: 0.0.0.0\n", 6, 17, "network.ethernets.enc8.gateway4", "no address of a router", "router"},
	{FIX "      gateway6: 2001:db8::1\n", 6, 17, "network.ethernets.enc8.gateway6", "in no network", "router"},
	{FIX "      mtu: 10\n", 6, 12, "network.ethernets.enc8.mtu", "at least 68", "1500"},
	{FIX "      mtu: 65536\n", 6, 12, "network.ethernets.enc8.mtu", "at most 65535", "1500"},
	{ETH "      dhcp4: false\n      addresses: ['2001:db8::1/64']\n      mtu: 1000\n", 6, 12, "network.ethernets.enc8.mtu", "1280", "1280"},
	{FIX "      routes: [{to: x, via: 10.0.0.2}]\n", 6, 21, "network.ethernets.enc8.routes[0].to", "a network as", "default"},
	{FIX "      routes: [{to: 10.1.0.0/16}]\n", 6, 16, "network.ethernets.enc8.routes[0]", "lacks \"via\"", "via:"},
	{FIX "      routes: [{to: 10.1.0.0/16, via: 10.9.0.1}]\n", 6, 39, "network.ethernets.enc8.routes[0].via", "in no network", "router"},
	{FIX "      routes: [{to: '2001:db8::/32', via: 10.0.0.1}]\n", 6, 43, "network.ethernets.enc8.routes[0].via", "IPv4 address", "both"},
	{FIX "      nameservers: {search: [a]}\n", 6, 7, "network.ethernets.enc8.nameservers", "lacks \"addresses\"", "nameservers:"},
	{FIX "      nameservers: {addresses: [10.0.0.2], search: ['a b']}\n", 6, 53, "network.ethernets.enc8.nameservers.search[0]", "a blank", "example.com"},
	{FIX "      nameservers: {addresses: [dns.example]}\n", 6, 33, "network.ethernets.enc8.nameservers.addresses[0]", "no IPv4 or IPv6", "10.0.0.1"},
	{"network: {ethernets: {averyverylongname1: {dhcp4: true}}}\n", 1, 23, "network.ethernets.averyverylongname1", "15 characters", "Linux"},
	{"network: {ethernets: {'a/b': {dhcp4: true}}}\n", 1, 23, "network.ethernets[\"a/b\"]", "cannot have", "Linux"},
	{"network: {ethernets: {lo: {dhcp4: true}}}\n", 1, 23, "network.ethernets.lo", "loopback", "Linux"},
	{ETH "      dhcp4: true\n      set-name: eth0\n", 5, 7, "network.ethernets.enc8.set-name", "needs match", "match"},
	{ETH "      dhcp4: true\n      match: {macaddress: 52:54:00}\n", 5, 27, "network.ethernets.enc8.match.macaddress", "\"52:54:00\"", "52:54"},
	{ETH "      dhcp4: true\n      match: {}\n", 5, 7, "network.ethernets.enc8.match", "lacks \"macaddress\"", "52:54"},
	{"network:\n  ethernets:\n    a: {dhcp4: true, match: {macaddress: '52:54:00:12:34:56'}}\n    b: {dhcp4: true, match: {macaddress: '52:54:00:12:34:56'}}\n", 4, 22, "network.ethernets.b.match", "same MAC", "once"},
	{"network:\n  ethernets:\n    a: {dhcp4: true, match: {macaddress: '52:54:00:12:34:56'}, set-name: enc9}\n    enc9: {dhcp4: true}\n", 4, 5, "network.ethernets.enc9", "the name of ethernets.a too", "own"},
	{VLAN "    v5: {id: 5, link: enc9, dhcp4: true}\n", 5, 23, "network.vlans.v5.link", "no \"enc9\" beneath ethernets or bonds", "did you mean \"enc8\""},
	{VLAN "    v5: {id: 4095, link: enc8, dhcp4: true}\n", 5, 14, "network.vlans.v5.id", "at most 4094", "1 to 4094"},
	{VLAN "    v5: {link: enc8, dhcp4: true}\n", 5, 5, "network.vlans.v5", "lacks \"id\"", "id: 5"},
	{VLAN "    v5: {id: 5, link: enc8, dhcp4: true}\n    v6: {id: 5, link: enc8, dhcp4: true}\n", 6, 14, "network.vlans.v6.id", "VLAN 5 on enc8 already", "own id"},
	{VLAN "    v5: {id: 5, link: enc8, dhcp4: true}\n    v6: {id: 6, link: v5, dhcp4: true}\n", 6, 23, "network.vlans.v6.link", "no \"v5\" beneath", ""},
	{"network:\n  ethernets: {enc8: {dhcp4: true, mtu: 1400}}\n  vlans:\n    v5: {id: 5, link: enc8, dhcp4: true, mtu: 1500}\n", 4, 47, "network.vlans.v5.mtu", "more than the 1400", "link"},
	{BOND "    b0: {interfaces: [], dhcp4: true}\n", 6, 22, "network.bonds.b0.interfaces", "at least 1", "enc8"},
	{BOND "    b0: {interfaces: [enc8, enc9], parameters: {mode: active-backupp}, dhcp4: true}\n", 6, 55, "network.bonds.b0.parameters.mode", "active-backup", ""},
	{BOND "    b0: {interfaces: [enc8, enc9], parameters: {lacp-rate: fast}, dhcp4: true}\n", 6, 49, "network.bonds.b0.parameters.lacp-rate", "802.3ad", "802.3ad"},
	{BOND "    b0: {interfaces: [enc8, enc9], parameters: {mode: active-backup, primary: enc7}, dhcp4: true}\n", 6, 79, "network.bonds.b0.parameters.primary", "none of the bond's", "one of them"},
	{BOND "    b0: {interfaces: [enc8, enc9], parameters: {mii-monitor-interval: soon}, dhcp4: true}\n", 6, 71, "network.bonds.b0.parameters.mii-monitor-interval", "milliseconds", "100"},
	{BOND "    b0: {interfaces: [enc8, enc9], dhcp4: true}\n    b1: {interfaces: [enc9], dhcp4: true}\n", 7, 23, "network.bonds.b1.interfaces[0]", "belongs to b0 already", "one bond only"},
	{"network:\n  ethernets: {enc8: {dhcp4: true}}\n  bonds: {b0: {interfaces: [enc8], dhcp4: true}}\n", 2, 22, "network.ethernets.enc8.dhcp4", "belongs to b0", "bonds.b0"},
};

Test(netconfig, every_fault_has_its_place_cause_and_cure)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(wrong); i++) {
		const struct hpl_fault *f;

		cr_assert_eq(judge(wrong[i].text), 1, "accepted: %s", wrong[i].text);
		f = &faults.items[0];
		cr_expect_eq(f->msg, HPL_MSG_NETWORK_CONFIG_INVALID, "%s", wrong[i].text);
		cr_expect(f->pos.line == wrong[i].line && f->pos.col == wrong[i].col, "%u:%u\n%s%s", wrong[i].line,
			wrong[i].col, wrong[i].text, all());
		cr_expect_str_eq(f->path, wrong[i].path, "%s%s", wrong[i].text, all());
		cr_expect(strstr(f->text, wrong[i].cause), "%s: %s%s", wrong[i].cause, wrong[i].text, all());
		cr_expect(strstr(f->cure, wrong[i].cure), "%s: %s%s", wrong[i].cure, wrong[i].text, all());
		cr_expect_eq(c.count, 0);
	}
}

Test(netconfig, one_fault_of_the_user_is_one_error)
{
	for (size_t i = 0; i < HPL_ARRAY_SIZE(wrong); i++) {
		judge(wrong[i].text);
		cr_expect_eq(errors(), 1, "%s%s", wrong[i].text, all());
	}
}

Test(netconfig, all_faults_are_said_at_once_in_the_order_of_the_file)
{
	cr_assert_eq(judge("network:\n"
			   "  version: 1\n"
			   "  ethernets:\n"
			   "    enc8:\n"
			   "      dhcp4: no\n"
			   "      adresses: [10.0.0.5/24]\n"
			   "      gateway4: 10.0.0.300\n"
			   "    enc9:\n"
			   "      dhcp4: false\n"
			   "      addresses: [10.0.0.6]\n"
			   "      mtu: 9\n"), 1);
	cr_assert_eq(errors(), 5, "%s", all());
	for (size_t i = 1; i < 5; i++)
		cr_expect_lt(faults.items[i - 1].pos.line, faults.items[i].pos.line, "%s", all());
	cr_expect_eq(faults.items[5].msg, HPL_MSG_NETWORK_CONFIG_IGNORED, "%s", all());
	cr_expect(strstr(faults.items[5].cure, "did you mean \"addresses\""), "%s", all());
}

/* Replaces the text of a value at the fault's place by the fix, as an editor would. */
static void mend(char *out, size_t size, const char *text, const struct hpl_fault *f)
{
	const char *at = text;
	size_t old;

	for (unsigned line = 1; line < f->pos.line; line++)
		at = strchr(at, '\n') + 1;
	at += f->pos.col - 1;
	old = strcspn(at, "],}\n");
	snprintf(out, size, "%.*s%s%s", (int)(at - text), text, f->fix_text, at + old);
}

Test(netconfig, a_replaced_value_is_good)
{
	char mended[2048];
	size_t tried = 0;

	for (size_t i = 0; i < HPL_ARRAY_SIZE(wrong); i++) {
		struct hpl_fault f;

		judge(wrong[i].text);
		f = faults.items[0];
		if (f.fix != HPL_FIX_REPLACE || errors() != 1)
			continue;
		tried++;
		mend(mended, sizeof(mended), wrong[i].text, &f);
		cr_expect_eq(judge(mended), 0, "%s%s", mended, all());
	}
	cr_expect_geq(tried, 8);
}

Test(netconfig, what_is_no_yaml_is_one_fault_with_its_place)
{
	cr_assert_eq(judge("network:\n  ethernets: [unclosed\n"), 1);
	cr_expect_eq(faults.count, 1);
	cr_expect_eq(faults.items[0].msg, HPL_MSG_NETWORK_CONFIG_INVALID);
	cr_expect_eq(faults.items[0].pos.line, 2, "%s", all());
	cr_assert_eq(judge("a: &x [*x, *x]\n"), 1);
	cr_expect_eq(faults.count, 1);
}

Test(netconfig, unknown_keys_are_warnings)
{
	cr_assert_eq(judge("extra: 1\nnetwork: {tunnels: {}, ethernets: {enc8: {dhcp4: true, optional: true}}}\n"),
		0, "%s", all());
	cr_assert_eq(faults.count, 3, "%s", all());
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(faults.items[i].msg, HPL_MSG_NETWORK_CONFIG_IGNORED, "%s", all());
}

Test(netconfig, what_cannot_be_used_is_a_warning)
{
	cr_assert_eq(judge(STATIC "      gateway4: 10.0.0.1\n      routes: [{to: default, via: 10.0.0.2}]\n"
			   "      nameservers: {addresses: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4]}\n"), 0,
		"%s", all());
	cr_assert_eq(faults.count, 2, "%s", all());
	cr_expect(strstr(faults.items[0].text, "later one counts"), "%s", all());
	cr_expect(strstr(faults.items[1].path, "nameservers.addresses[3]"), "%s", all());
	cr_expect_eq(c.ifs[0].server_count, 3);
}

Test(netconfig, more_interfaces_than_fit_are_refused)
{
	char text[4096] = "network:\n  ethernets:\n";

	for (int i = 0; i < HPL_NET_IFS + 1; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "    enc%d: {dhcp4: true}\n", i);
	cr_assert_eq(judge(text), 1);
	cr_expect_eq(faults.items[0].pos.line, 3 + HPL_NET_IFS);
}

Test(netconfig, networks_and_addresses_of_both_families_are_compared)
{
	static const struct { const char *network, *ip; bool in; } cases[] = {
		{"10.0.0.5/24", "10.0.0.255", true}, {"10.0.0.5/24", "10.0.1.0", false},
		{"10.0.0.5/31", "10.0.0.4", true}, {"10.0.0.5/31", "10.0.0.6", false},
		{"10.0.0.5/32", "10.0.0.5", true}, {"10.0.0.5/0", "1.2.3.4", true},
		{"2001:db8::5/64", "2001:db8::ffff", true}, {"2001:db8::5/64", "2001:db8:0:1::1", false},
		{"2001:db8::5/63", "2001:db8:0:1::1", true}, {"2001:db8::5/64", "10.0.0.1", false},
	};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(cases); i++) {
		struct hpl_net_prefix p;
		struct hpl_net_ip ip;

		cr_assert(hpl_net_prefix_parse(&p, cases[i].network) && hpl_net_ip_parse(&ip, cases[i].ip));
		cr_expect_eq(hpl_net_prefix_holds(&p, &ip), cases[i].in, "%s %s", cases[i].network, cases[i].ip);
	}
}

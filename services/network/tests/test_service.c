/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service in a network namespace of its own, with real interfaces: a veth pair whose other end
 * is in a second namespace, where udhcpd gives addresses and a listener plays the log host.
 * Needs root; without it the tests say that they were skipped.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/icmp6.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bus/fake/fake.h"
#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "services/network/network.h"

static struct hpl_fake *fake;
static struct hpl_service *service;
static struct hpl_network state;
static char dir[64];
static pid_t peer; /* holds the other namespace, and what runs in it */
static bool started;

static const char *path(const char *name)
{
	static char p[8][128];
	static unsigned at;

	snprintf(p[at % 8], sizeof(p[0]), "%s/%s", dir, name);
	return p[at++ % 8];
}

static void put(const char *name, const char *text)
{
	struct hpl_err err = HPL_ERR_NULL;

	cr_assert_eq(hpl_file_write(path(name), text, strlen(text), 0600, &err), 0, "%s", err.text);
}

/* Words separated by blanks. Returns the exit status. */
static int run(struct hpl_buf *out, const char *fmt, ...) HPL_PRINTF(2, 3);
static int run(struct hpl_buf *out, const char *fmt, ...)
{
	char text[512], *save;
	const char *argv[32];
	struct hpl_err err = HPL_ERR_NULL;
	size_t n = 0;
	int status = -1;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *t = strtok_r(text, " ", &save); t; t = strtok_r(NULL, " ", &save))
		argv[n++] = t;
	argv[n] = NULL;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 20000, .out = out};
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	return status;
}

static void must(const char *command)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	cr_assert_eq(run(&out, "%s", command), 0, "%s: %s", command, out.data ? out.data : "");
}

/* A router advertisement (RFC 4861 section 4.2) with one prefix, 2001:db8:88::/64, each 200 ms. */
static void advertise(void)
{
	struct {
		struct nd_router_advert ra;
		struct nd_opt_prefix_info prefix;
	} m = {.ra = {.nd_ra_type = ND_ROUTER_ADVERT, .nd_ra_router_lifetime = htons(600)},
		.prefix = {.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION, .nd_opt_pi_len = 4,
			.nd_opt_pi_prefix_len = 64, .nd_opt_pi_valid_time = htonl(600),
			.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_AUTO | ND_OPT_PI_FLAG_ONLINK,
			.nd_opt_pi_preferred_time = htonl(600)}};
	struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_scope_id = if_nametoindex("peer0")};
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), hops = 255;

	inet_pton(AF_INET6, "2001:db8:88::", &m.prefix.nd_opt_pi_prefix);
	inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
	for (;;) {
		sendto(fd, &m, sizeof(m), 0, (struct sockaddr *)&all, sizeof(all));
		usleep(200000);
	}
}

enum peer_does { WAITS = 0, DHCP = 1, LISTENS = 2, ADVERTISES = 4 };

/* The other side: own namespace, up to what it is told; go is closed when both ends are ready. */
static void peer_main(int ready, int go, unsigned does)
{
	char byte = 'r', conf[128];
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(6514)}; /* of both families */
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) < 0 || write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	if (system("/sbin/ip link set lo up; /sbin/ip link set peer0 up; /sbin/ip addr add 10.77.0.1/24 dev peer0; "
		   "/sbin/ip addr add 2001:db8:77::1/64 dev peer0 nodad"))
		_exit(2);
	if (does & LISTENS) {
		fd = socket(AF_INET6, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0)
			_exit(3);
	}
	if (write(ready, &byte, 1) != 1)
		_exit(4);
	snprintf(conf, sizeof(conf), "%s/udhcpd.conf", dir);
	if (does & DHCP)
		execl("/usr/bin/busybox", "busybox", "udhcpd", "-f", conf, NULL);
	else if (does & ADVERTISES)
		advertise();
	else
		for (;;)
			pause();
	_exit(5);
}

static void make_network(const char *name, unsigned does)
{
	int ready[2], go[2];
	char byte, text[128];

	put("udhcpd.conf", "interface peer0\nstart 10.77.0.50\nend 10.77.0.59\nmax_leases 5\n"
			   "lease_file /dev/null\npidfile /dev/null\n"
			   "option subnet 255.255.255.0\noption router 10.77.0.1\noption dns 10.77.0.53\n"
			   "option domain lab.example\noption lease 600\n");
	cr_assert(pipe(ready) == 0 && pipe(go) == 0);
	peer = fork();
	if (peer == 0)
		peer_main(ready[1], go[0], does);
	close(ready[1]); /* a peer that dies ends the reads below */
	close(go[0]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	snprintf(text, sizeof(text), "/sbin/ip link add %s type veth peer name peer0 netns %d", name, (int)peer);
	must(text);
	cr_assert_eq(write(go[1], "g", 1), 1);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
}

static void begin(void)
{
	strcpy(dir, "/tmp/hpl-net-XXXXXX");
	cr_assert(mkdtemp(dir));
	started = false;
	peer = -1;
	state = (struct hpl_network){0};
	fake = hpl_fake_new("network");
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0)
		cr_skip_test("needs root for a network namespace");
	hpl_fake_setting(fake, "config", path("network-config"));
	hpl_fake_setting(fake, "resolv_conf", path("etc/resolv.conf"));
	hpl_fake_setting(fake, "hosts", path("etc/hosts"));
	hpl_fake_setting(fake, "hook", HPL_TEST_HOOK);
	hpl_fake_setting(fake, "sysfs", path("sys"));
	hpl_fake_setting(fake, "attempt_s", "1");
}

static void launch(const char *setting, const char *value)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (setting)
		hpl_fake_setting(fake, setting, value);
	cr_assert_eq(hpl_service_new(&service, &hpl_network_def, &state, hpl_fake_loop(fake),
		hpl_fake_bootstrap(fake), &err), 0, "%s", err.text);
	started = true;
}

static int remove_one(const char *p, const struct stat *st, int type, struct FTW *f)
{
	return remove(p);
}

/* The DHCP client was killed with the service; the loop has to see its end. */
static void run_until_no_child(void)
{
	siginfo_t info;

	for (int i = 0; i < 10000; i++) {
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
			return;
		uv_run(hpl_fake_loop(fake), UV_RUN_NOWAIT);
		usleep(1000);
	}
	cr_assert(false, "a child of the service is still there");
}

static void finish(void)
{
	if (peer > 0) {
		kill(peer, SIGKILL);
		waitpid(peer, NULL, 0);
	}
	if (started) {
		uv_close((uv_handle_t *)&state.timer, NULL);
		uv_close((uv_handle_t *)&state.dhcp_timer, NULL);
		hpl_service_free(service);
		run_until_no_child();
	}
	hpl_fake_free(fake);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(network_service, .init = begin, .fini = finish);

static void send_target(const char *host, unsigned port)
{
	Hpl__LogTarget t = HPL__LOG_TARGET__INIT;

	t.hostname = (char *)host;
	t.port = port;
	hpl_fake_send(fake, "contract", HPL_TOPIC_CONTRACT_LOGHOST, &t.base);
}

static void expect_failed(const char *id, const char *cause)
{
	Hpl__Event *ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);

	cr_expect_str_eq(ev->message_id, id, "%s: %s", ev->message_id, ev->failure->cause);
	cr_expect(strstr(ev->failure->cause, cause), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_NETWORK_READY), 0);
}

static void expect_interfaces(const char *topic, bool reached, size_t count)
{
	Hpl__Event *ev = hpl_fake_expect(fake, topic);

	cr_expect_eq(ev->network_state->log_target_reached, reached);
	cr_expect_eq(ev->network_state->n_interfaces, count);
	hpl__event__free_unpacked(ev, NULL);
}

static void expect_event(const char *topic, bool reached)
{
	expect_interfaces(topic, reached, 1);
}

static void expect_output(const char *command, const char *text)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	cr_assert_eq(run(&out, "%s", command), 0);
	cr_expect(out.data && strstr(out.data, text), "%s: %s", command, out.data ? out.data : "");
}

static void expect_file(const char *name, const char *text)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

	cr_assert_eq(hpl_file_read(&b, path(name), 10000, NULL), 0);
	cr_expect(strstr(b.data, text), "%s", b.data);
}

#define STATIC_CONFIG                                                                              \
	"network:\n  ethernets:\n    enc8:\n      dhcp4: false\n      addresses: [10.77.0.5/24]\n"     \
	"      gateway4: 10.77.0.1\n      mtu: 1400\n      routes: [{to: 10.88.1.2/16, via: 10.77.0.9}]\n" \
	"      nameservers: {addresses: [10.77.0.53], search: [lab.example]}\n"

static void expect_static(void)
{
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
	expect_output("/sbin/ip addr show dev enc8", "inet 10.77.0.5/24 brd 10.77.0.255");
	expect_output("/sbin/ip link show dev enc8", "mtu 1400");
	expect_output("/sbin/ip route", "default via 10.77.0.1 dev enc8");
	expect_output("/sbin/ip route", "10.88.0.0/16 via 10.77.0.9 dev enc8");
	expect_output("/sbin/ip addr show dev lo", "127.0.0.1/8");
	expect_file("etc/resolv.conf", "search lab.example\nnameserver 10.77.0.53\n");
	expect_file("etc/hosts", "127.0.0.1 localhost\n");
}

Test(network_service, a_static_configuration_is_set_and_the_log_host_reached)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", LISTENS);
	launch(NULL, NULL);
	expect_static();
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_NETWORK_READY), 0);
	send_target("10.77.0.1", 6514);
	expect_event(HPL_TOPIC_NETWORK_READY, true);
}

Test(network_service, the_single_interface_is_taken_under_another_name)
{
	put("network-config", STATIC_CONFIG);
	make_network("eth0", LISTENS);
	launch(NULL, NULL);
	expect_static();
}

Test(network_service, an_enc_name_is_found_by_its_ccw_device)
{
	put("network-config", STATIC_CONFIG);
	make_network("eth0", LISTENS);
	must("/sbin/ip link add eth1 type veth peer name eth2");
	/* what sysfs shows on s390x; the device of eth0 is 0.0.0008 */
	cr_assert_eq(hpl_mkdir_p(path("sys/devices/css0/0.0.0000/0.0.0008/virtio0"), 0700, NULL), 0);
	cr_assert_eq(hpl_mkdir_p(path("sys/class/net/eth0"), 0700, NULL), 0);
	cr_assert_eq(symlink("../../../devices/css0/0.0.0000/0.0.0008/virtio0", path("sys/class/net/eth0/device")), 0);
	launch(NULL, NULL);
	expect_static();
}

Test(network_service, dhcp_gives_address_route_and_name_server)
{
	make_network("eth0", DHCP | LISTENS);
	launch(NULL, NULL);
	send_target("10.77.0.1", 6514);
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
	expect_output("/sbin/ip addr show dev eth0", "inet 10.77.0.5");
	expect_output("/sbin/ip route", "default via 10.77.0.1 dev eth0");
	expect_file("etc/resolv.conf", "search lab.example\nnameserver 10.77.0.53\n");
	expect_event(HPL_TOPIC_NETWORK_READY, true);
}

/* ---- beyond IPv4 and one interface ---- */

Test(network_service, ipv6_addresses_and_routes_are_set_and_the_log_host_reached)
{
	put("network-config", "network:\n  ethernets:\n    eth0:\n      addresses: ['2001:db8:77::5/64']\n"
			      "      gateway6: 2001:db8:77::1\n      accept-ra: false\n"
			      "      routes: [{to: '2001:db8:99::/48', via: 'fe80::1', metric: 7}]\n"
			      "      nameservers: {addresses: ['2001:db8:77::53']}\n");
	make_network("eth0", LISTENS);
	launch(NULL, NULL);
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
	expect_output("/sbin/ip -6 addr show dev eth0", "inet6 2001:db8:77::5/64");
	expect_output("/sbin/ip -6 route", "default via 2001:db8:77::1 dev eth0");
	expect_output("/sbin/ip -6 route", "2001:db8:99::/48 via fe80::1 dev eth0 proto static metric 7");
	expect_output("/bin/cat /proc/sys/net/ipv6/conf/eth0/accept_ra", "0\n");
	expect_file("etc/resolv.conf", "nameserver 2001:db8:77::53\n");
	send_target("2001:db8:77::1", 6514);
	expect_event(HPL_TOPIC_NETWORK_READY, true);
}

Test(network_service, an_address_comes_from_router_advertisements)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;

	put("network-config", "network: {ethernets: {eth0: {accept-ra: true}}}\n");
	make_network("eth0", ADVERTISES);
	launch(NULL, NULL);
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
	expect_output("/bin/cat /proc/sys/net/ipv6/conf/eth0/accept_ra", "2\n");
	for (int i = 0; i < 200 && !(out.data && strstr(out.data, "2001:db8:88:")); i++) {
		hpl_buf_clear(&out);
		cr_assert_eq(run(&out, "/sbin/ip -6 addr show dev eth0"), 0);
		usleep(50000);
	}
	cr_expect(strstr(out.data, "2001:db8:88:"), "%s", out.data);
	expect_output("/sbin/ip -6 route", "default via fe80::");
}

Test(network_service, dhcp_and_a_fixed_ipv6_address_go_together)
{
	put("network-config", "network: {ethernets: {enc8: {dhcp4: true, addresses: ['2001:db8:77::5/64']}}}\n");
	make_network("enc8", DHCP);
	launch(NULL, NULL);
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
	expect_output("/sbin/ip addr show dev enc8", "inet 10.77.0.5");
	expect_output("/sbin/ip addr show dev enc8", "inet6 2001:db8:77::5/64");
}

Test(network_service, interfaces_are_found_by_mac_and_may_exchange_their_names)
{
	put("network-config", "network:\n  ethernets:\n"
			      "    up: {match: {macaddress: '52:54:00:00:00:01'}, set-name: eth1, dhcp4: false,"
			      " addresses: [10.77.0.5/24]}\n"
			      "    side: {match: {macaddress: '52:54:00:00:00:02'}, set-name: eth0, dhcp4: false,"
			      " addresses: [10.78.0.5/24]}\n"
			      "    keeps: {match: {macaddress: '52:54:00:00:00:03'}, dhcp4: false,"
			      " addresses: [10.79.0.5/24]}\n");
	make_network("eth0", WAITS);
	must("/sbin/ip link set eth0 address 52:54:00:00:00:01");
	must("/sbin/ip link add eth1 address 52:54:00:00:00:02 type veth peer name far1");
	must("/sbin/ip link add eth5 address 52:54:00:00:00:03 type veth peer name far5");
	launch(NULL, NULL);
	expect_interfaces(HPL_TOPIC_NETWORK_CONFIGURED, false, 3);
	expect_output("/sbin/ip addr show dev eth1", "inet 10.77.0.5/24");
	expect_output("/sbin/ip addr show dev eth1", "52:54:00:00:00:01");
	expect_output("/sbin/ip addr show dev eth0", "inet 10.78.0.5/24");
	expect_output("/sbin/ip addr show dev eth5", "inet 10.79.0.5/24");
}

Test(network_service, an_absent_mac_address_is_named)
{
	put("network-config", "network: {ethernets: {a: {match: {macaddress: '52:54:00:00:00:99'}, dhcp4: true}}}\n");
	make_network("enc8", WAITS);
	launch("link_s", "1");
	expect_failed("HPL13008E", "52:54:00:00:00:99");
}

/* 8021q and bonding are modules that this machine's kernel may lack. */
static bool kernel_makes(const char *kind)
{
	_cleanup_buf_ struct hpl_buf out = HPL_BUF_NULL;
	bool vlan = hpl_streq(kind, "vlan");

	must("/sbin/ip link add probe0 type veth peer name probe1");
	bool makes = run(&out, vlan ? "/sbin/ip link add link probe0 name probe2 type vlan id 2" :
		"/sbin/ip link add probe2 type bond") == 0;
	must("/sbin/ip link del probe0");
	if (makes && !vlan)
		must("/sbin/ip link del probe2");
	return makes;
}

Test(network_service, a_vlan_is_made_on_its_link)
{
	if (!kernel_makes("vlan"))
		cr_skip_test("this kernel has no VLANs (8021q)");
	put("network-config", "network:\n  ethernets: {enc8: {dhcp4: false, mtu: 1450}}\n  vlans:\n"
			      "    lan5: {id: 5, link: enc8, addresses: [10.75.0.5/24], mtu: 1400}\n");
	make_network("enc8", WAITS);
	launch(NULL, NULL);
	expect_interfaces(HPL_TOPIC_NETWORK_CONFIGURED, false, 2);
	expect_output("/sbin/ip -d link show dev lan5", "vlan protocol 802.1Q id 5");
	expect_output("/sbin/ip link show dev lan5", "mtu 1400");
	expect_output("/sbin/ip addr show dev lan5", "inet 10.75.0.5/24");
}

Test(network_service, a_bond_is_made_of_its_interfaces)
{
	if (!kernel_makes("bond"))
		cr_skip_test("this kernel has no bonds (bonding)");
	put("network-config", "network:\n  ethernets: {enc8: {dhcp4: false}, enc9: {dhcp4: false}}\n  bonds:\n"
			      "    bond0: {interfaces: [enc8, enc9], addresses: [10.77.0.5/24],"
			      " parameters: {mode: active-backup, primary: enc9, mii-monitor-interval: 50}}\n");
	make_network("enc8", WAITS);
	must("/sbin/ip link add enc9 type veth peer name far9");
	launch(NULL, NULL);
	expect_interfaces(HPL_TOPIC_NETWORK_CONFIGURED, false, 3);
	expect_output("/sbin/ip -d link show dev bond0", "mode active-backup ");
	expect_output("/sbin/ip -d link show dev bond0", " miimon 50 ");
	expect_output("/sbin/ip -d link show dev bond0", "primary enc9");
	expect_output("/sbin/ip link show dev enc8", "master bond0");
	expect_output("/sbin/ip addr show dev bond0", "inet 10.77.0.5/24");
}

Test(network_service, a_kernel_without_vlans_is_a_fault_with_its_cure)
{
	if (kernel_makes("vlan"))
		cr_skip_test("this kernel has VLANs");
	put("network-config", "network: {ethernets: {enc8: {dhcp4: false}},"
			      " vlans: {lan5: {id: 5, link: enc8, addresses: [10.75.0.5/24]}}}\n");
	make_network("enc8", WAITS);
	launch(NULL, NULL);
	expect_failed("HPL13008E", "no support for vlans");
}

Test(network_service, no_dhcp_server_fails_after_the_time)
{
	make_network("eth0", WAITS);
	launch("lease_s", "2");
	expect_failed("HPL13008E", "no DHCP server");
}

Test(network_service, no_interface_fails_after_the_time)
{
	launch("link_s", "1");
	expect_failed("HPL13008E", "no Ethernet interface");
}

Test(network_service, an_absent_configured_interface_is_named)
{
	put("network-config", "network: {ethernets: {enc8: {dhcp4: true}, enc9: {dhcp4: true}}}\n");
	make_network("enc8", WAITS);
	launch("link_s", "1");
	expect_failed("HPL13008E", "no interface 'enc9'");
}

Test(network_service, a_gateway_outside_the_network_is_refused)
{
	put("network-config", "network: {ethernets: {enc8: {dhcp4: false, addresses: [10.77.0.5/24],"
			      " gateway4: 192.168.9.9}}}\n");
	make_network("enc8", WAITS);
	launch(NULL, NULL);
	expect_failed("HPL13007E", "192.168.9.9 is in no network");
}

Test(network_service, a_faulty_network_config_fails_with_its_place)
{
	Hpl__Event *ev;

	put("network-config", "network:\n  ethernets:\n    enc8: {dhcp4: false}\n");
	launch(NULL, NULL);
	ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_FAILED);
	cr_expect_str_eq(ev->message_id, "HPL13007E");
	cr_expect(strstr(ev->failure->place, "network-config:3:5"), "%s", ev->failure->place);
	hpl__event__free_unpacked(ev, NULL);
}

Test(network_service, warnings_are_said_and_the_boot_goes_on)
{
	Hpl__Event *ev;

	put("network-config", "network: {ethernets: {eth0: {dhcp4: false, accept-ra: false,"
			      " addresses: [10.77.0.5/24, '2001:db8::5/64'], adresses: []}}}\n");
	make_network("eth0", WAITS);
	launch(NULL, NULL);
	ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_WARNING);
	cr_expect_str_eq(ev->message_id, "HPL13010W");
	cr_expect(strstr(ev->failure->cure, "addresses"), "%s", ev->failure->cure);
	hpl__event__free_unpacked(ev, NULL);
	ev = hpl_fake_expect(fake, HPL_TOPIC_SERVICE_WARNING);
	cr_expect_str_eq(ev->message_id, "HPL13009W");
	cr_expect(strstr(ev->failure->cause, "(and 2 more places)"), "%s", ev->failure->cause);
	hpl__event__free_unpacked(ev, NULL);
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
}

Test(network_service, without_log_host_it_is_ready_at_once)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", WAITS);
	send_target("", 0);
	launch(NULL, NULL);
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
	expect_event(HPL_TOPIC_NETWORK_READY, false);
}

Test(network_service, a_refusing_log_host_fails_after_the_time)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", WAITS);
	launch("reach_s", "2");
	send_target("10.77.0.1", 6514);
	expect_failed("HPL14002E", "Connection refused");
}

Test(network_service, a_silent_log_host_fails_after_the_time)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", WAITS);
	launch("reach_s", "1");
	send_target("10.77.0.99", 6514);
	expect_failed("HPL14002E", "10.77.0.99 port 6514");
}

Test(network_service, a_name_that_does_not_resolve_fails_after_the_time)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", WAITS);
	launch("reach_s", "0");
	send_target("no-such-host.invalid", 6514);
	expect_failed("HPL14001E", "cannot be resolved");
}

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

/* The other side: own namespace, up to what it is told; go is closed when both ends are ready. */
static void peer_main(int ready, int go, bool dhcp, bool listener)
{
	char byte = 'r', conf[128];
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(6514)};
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) < 0 || write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	if (system("ip link set lo up; ip link set peer0 up; ip addr add 10.77.0.1/24 dev peer0"))
		_exit(2);
	if (listener) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0)
			_exit(3);
	}
	if (write(ready, &byte, 1) != 1)
		_exit(4);
	snprintf(conf, sizeof(conf), "%s/udhcpd.conf", dir);
	if (dhcp)
		execl("/usr/bin/busybox", "busybox", "udhcpd", "-f", conf, NULL);
	else
		for (;;)
			pause();
	_exit(5);
}

static void make_network(const char *name, bool dhcp, bool listener)
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
		peer_main(ready[1], go[0], dhcp, listener);
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

static void expect_event(const char *topic, bool reached)
{
	Hpl__Event *ev = hpl_fake_expect(fake, topic);

	cr_expect_eq(ev->network_state->log_target_reached, reached);
	cr_expect_eq(ev->network_state->n_interfaces, 1);
	hpl__event__free_unpacked(ev, NULL);
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
	make_network("enc8", false, true);
	launch(NULL, NULL);
	expect_static();
	cr_expect_eq(hpl_fake_count(fake, HPL_TOPIC_NETWORK_READY), 0);
	send_target("10.77.0.1", 6514);
	expect_event(HPL_TOPIC_NETWORK_READY, true);
}

Test(network_service, the_single_interface_is_taken_under_another_name)
{
	put("network-config", STATIC_CONFIG);
	make_network("eth0", false, true);
	launch(NULL, NULL);
	expect_static();
}

Test(network_service, an_enc_name_is_found_by_its_ccw_device)
{
	put("network-config", STATIC_CONFIG);
	make_network("eth0", false, true);
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
	make_network("eth0", true, true);
	launch(NULL, NULL);
	send_target("10.77.0.1", 6514);
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
	expect_output("/sbin/ip addr show dev eth0", "inet 10.77.0.5");
	expect_output("/sbin/ip route", "default via 10.77.0.1 dev eth0");
	expect_file("etc/resolv.conf", "search lab.example\nnameserver 10.77.0.53\n");
	expect_event(HPL_TOPIC_NETWORK_READY, true);
}

Test(network_service, no_dhcp_server_fails_after_the_time)
{
	make_network("eth0", false, false);
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
	make_network("enc8", false, false);
	launch("link_s", "1");
	expect_failed("HPL13008E", "no interface 'enc9'");
}

Test(network_service, a_gateway_outside_the_network_is_refused)
{
	put("network-config", "network: {ethernets: {enc8: {dhcp4: false, addresses: [10.77.0.5/24],"
			      " gateway4: 192.168.9.9}}}\n");
	make_network("enc8", false, false);
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

Test(network_service, without_log_host_it_is_ready_at_once)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", false, false);
	send_target("", 0);
	launch(NULL, NULL);
	expect_event(HPL_TOPIC_NETWORK_CONFIGURED, false);
	expect_event(HPL_TOPIC_NETWORK_READY, false);
}

Test(network_service, a_refusing_log_host_fails_after_the_time)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", false, false);
	launch("reach_s", "2");
	send_target("10.77.0.1", 6514);
	expect_failed("HPL14002E", "Connection refused");
}

Test(network_service, a_silent_log_host_fails_after_the_time)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", false, false);
	launch("reach_s", "1");
	send_target("10.77.0.99", 6514);
	expect_failed("HPL14002E", "10.77.0.99 port 6514");
}

Test(network_service, a_name_that_does_not_resolve_fails_after_the_time)
{
	put("network-config", STATIC_CONFIG);
	make_network("enc8", false, false);
	launch("reach_s", "0");
	send_target("no-such-host.invalid", 6514);
	expect_failed("HPL14001E", "cannot be resolved");
}

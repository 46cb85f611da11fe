/* SPDX-License-Identifier: Apache-2.0 */
#include "services/network/network.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"

#define TAG "hpcr-network"
#define TAG_CHECK "hpcr-networkcheck"

enum { CHECK_PAUSE_MS = 1000, SAY_AGAIN_S = 30 };

static void check(struct hpl_network *n);

/* ---- the log host ---- */

static void publish_state(struct hpl_network *n, const char *topic, bool reached, enum hpl_msg msg)
{
	Hpl__NetworkState state = HPL__NETWORK_STATE__INIT;
	char *names[HPL_NET_IFS];
	struct hpl_err err = HPL_ERR_NULL;

	for (size_t i = 0; i < n->port_count; i++)
		if (n->ports[i].bound)
			names[state.n_interfaces++] = n->ports[i].want.name;
	state.interfaces = names;
	state.log_target_reached = reached;
	if (hpl_service_publish(n->service, topic, &state.base, msg, &err) < 0)
		hpl_service_fail(n->service, TAG, &err);
}

static void say_ready(struct hpl_network *n, bool reached)
{
	n->ready = true;
	n->checking = false;
	if (reached)
		hpl_service_say(n->service, TAG_CHECK, HPL_MSG_NETWORK_DNS_LOOKUP_READY, NULL);
	publish_state(n, HPL_TOPIC_NETWORK_READY, reached,
		reached ? HPL_MSG_NETWORK_DNS_LOOKUP_READY : HPL_MSG_NONE);
}

static int check_work(void *ud, struct hpl_err *err)
{
	struct hpl_network *n = ud;

	n->reach = hpl_reach_try(n->host, n->host_port, (int)n->attempt_s * 1000, err);
	return 0;
}

static void on_pause(uv_timer_t *t)
{
	check(t->data);
}

/* The same cause is said again only now and then: the console is small. */
static void say_failed_try(struct hpl_network *n, const struct hpl_err *err)
{
	uint64_t now = hpl_mono_us();

	if (hpl_streq(n->last_cause, err->text) && now - n->last_said_us < SAY_AGAIN_S * 1000000ULL)
		return;
	snprintf(n->last_cause, sizeof(n->last_cause), "%s", err->text);
	n->last_said_us = now;
	hpl_log_tag(HPL_SEV_INFO, TAG_CHECK, "Performing connectivity check for given hostname");
	hpl_log_tag(HPL_SEV_WARNING, TAG_CHECK,
		"Unable to reach the specified hostname; please verify the address -> %s", err->text);
}

static void check_done(void *ud, int result, struct hpl_err *err)
{
	struct hpl_network *n = ud;

	if (result == 0 && n->reach == HPL_REACHED) {
		say_ready(n, true);
		return;
	}
	if (hpl_mono_us() < n->deadline_us) {
		say_failed_try(n, err);
		uv_timer_start(&n->timer, on_pause, CHECK_PAUSE_MS, 0);
		return;
	}
	err->msg = n->reach == HPL_REACH_NO_NAME ? HPL_MSG_NETWORK_DNS_LOOKUP_FAILED
						  : HPL_MSG_NETWORK_DNS_LOOKUP_TIMEOUT;
	hpl_err_place(err, "contract: env.logging");
	hpl_err_cure(err, n->reach == HPL_REACH_NO_NAME
			? "check the host name and the name servers of the guest's network"
			: "check address and port of the log host, that it listens, routes and firewalls");
	hpl_service_fail(n->service, TAG_CHECK, err);
}

static void check(struct hpl_network *n)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (hpl_work_run(n->service, check_work, check_done, n, &err) < 0) {
		HPL_WRAP(&err, HPL_MSG_NETWORK_DNS_LOOKUP_FAILED, "the log host cannot be tried");
		hpl_service_fail(n->service, TAG_CHECK, &err);
	}
}

static void begin_when_complete(struct hpl_network *n)
{
	if (!n->configured || !n->have_target || n->checking || n->ready)
		return;
	if (!n->host[0]) {
		say_ready(n, false);
		return;
	}
	n->checking = true;
	n->deadline_us = hpl_mono_us() + n->reach_s * 1000000;
	hpl_service_say(n->service, TAG_CHECK, HPL_MSG_NETWORK_CHECK_IN_PROGRESS, NULL);
	check(n);
}

void hpl_network_configured(struct hpl_network *n)
{
	publish_state(n, HPL_TOPIC_NETWORK_CONFIGURED, false, HPL_MSG_NONE);
	begin_when_complete(n);
}

static int on_target(struct hpl_service *s, void *state, const Hpl__Event *ev, struct hpl_err *err)
{
	struct hpl_network *n = state;

	if (n->have_target)
		return 0;
	if (strlen(ev->log_target->hostname) >= sizeof(n->host) || ev->log_target->port > 65535)
		return HPL_FAIL(err, HPL_MSG_NETWORK_DNS_LOOKUP_FAILED, 0,
			"the log host's name is too long or its port no port");
	snprintf(n->host, sizeof(n->host), "%s", ev->log_target->hostname);
	n->host_port = ev->log_target->port;
	n->have_target = true;
	begin_when_complete(n);
	return 0;
}

static const struct hpl_handler handlers[] = {
	{HPL_TOPIC_CONTRACT_LOGHOST, on_target},
	{NULL, NULL},
};

/* ---- birth ---- */

/* The directory of resolv.conf belongs to this service; all others read in it. */
static int prepare_directory(const char *file, struct hpl_err *err)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", file);
	if (hpl_mkdir_p(dirname(dir), 0755, err) < 0)
		return -1;
	return chmod(dir, 0755) < 0 ? HPL_FAIL(err, 0, errno, "chmod %s", dir) : 0;
}

static int start(struct hpl_service *s, void *state, struct hpl_err *err)
{
	struct hpl_network *n = state;

	n->service = s;
	n->netlink = -1;
	uv_timer_init(hpl_service_loop(s), &n->timer);
	uv_timer_init(hpl_service_loop(s), &n->dhcp_timer);
	n->timer.data = n->dhcp_timer.data = n;
	n->config_file = hpl_service_setting(s, "config", "/var/lib/hpl/boot/network-config");
	n->resolv_conf = hpl_service_setting(s, "resolv_conf", "/etc/hpl/net/resolv.conf");
	n->hosts = hpl_service_setting(s, "hosts", "/etc/hpl/net/hosts");
	n->client = hpl_service_setting(s, "busybox", "/usr/bin/busybox");
	n->hook = hpl_service_setting(s, "hook", "/usr/libexec/hpl/hpl-dhcp-hook");
	n->sysfs = hpl_service_setting(s, "sysfs", "/sys");
	n->ipv6_conf = hpl_service_setting(s, "ipv6_conf", "/proc/sys/net/ipv6/conf");
	if (hpl_service_setting_u64(s, "link_s", 10, 0, 3600, &n->link_s, err) < 0 ||
		hpl_service_setting_u64(s, "lease_s", 90, 1, 86400, &n->lease_s, err) < 0 ||
		hpl_service_setting_u64(s, "reach_s", 300, 0, 86400, &n->reach_s, err) < 0 ||
		hpl_service_setting_u64(s, "attempt_s", 5, 1, 600, &n->attempt_s, err) < 0)
		return -1;
	if (prepare_directory(n->resolv_conf, err) < 0)
		return HPL_WRAP(err, HPL_MSG_NETWORK_CONFIGURE_FAILED, "network");
	return hpl_ports_begin(n, err);
}

const struct hpl_service_def hpl_network_def = {
	.name = "network",
	.handlers = handlers,
	.start = start,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/orchestrator/hpld.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "proto/topics.h"
#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/secret.h"
#include "runtime/orchestrator/launch.h"

enum {
	CATCH_GRACE_S = 300,      /* what catch takes when the image does not say (facts 09) */
	CATCH_SPARE_S = 30,       /* so much later than it should have, catch counts as lost */
	REFUSED_SAY_US = 1000000, /* connections with wrong keys are said once a second */
};

struct hpl_unit *hpld_unit(struct hpld *h, const char *name)
{
	for (size_t i = 0; i < h->unit_count; i++)
		if (hpl_streq(h->units[i].m->name, name))
			return &h->units[i];
	return NULL;
}

struct hpl_unit *hpld_unit_of_pid(struct hpld *h, pid_t pid)
{
	for (size_t i = 0; i < h->unit_count; i++)
		if (pid > 0 && h->units[i].pid == pid)
			return &h->units[i];
	return NULL;
}

static struct hpl_unit *unit_of_peer(struct hpld *h, uint32_t peer)
{
	for (size_t i = 0; i < h->unit_count; i++)
		if (peer && h->units[i].peer == peer)
			return &h->units[i];
	return NULL;
}

/* ---- what happens when catch does not do its work */

static void on_catch_deadline(uv_timer_t *timer)
{
	hpld_end(timer->data, true, "a service failed and catch has not asked for the shutdown");
}

static uint64_t grace_ms(struct hpld *h, const struct hpl_unit *catch)
{
	const char *text = catch ? hpl_manifest_setting(catch->m, "grace_s", "") : "";
	char *end;
	unsigned long s = strtoul(text, &end, 10);

	return (*text && !*end ? s : CATCH_GRACE_S) * 1000ULL;
}

static void on_catch_overdue(uv_timer_t *timer)
{
	struct hpld *h = timer->data;

	hpld_report_failure(h, NULL, HPL_MSG_ORCHESTRATOR_CATCH_LOST, 0, 0,
		"catch has not asked for the shutdown in the time that its settings give");
	hpld_end(h, true, "a service failed and catch has not asked for the shutdown");
}

/* A service has failed: catch has its grace period, and a little more. */
static void expect_shutdown(struct hpld *h)
{
	struct hpl_unit *catch = hpld_unit(h, "catch");

	if (h->ending || !catch || uv_is_active((uv_handle_t *)&h->catch_deadline))
		return;
	uv_timer_start(&h->catch_deadline, on_catch_overdue,
		grace_ms(h, catch) + CATCH_SPARE_S * 1000ULL, 0);
}

void hpld_unit_failed(struct hpl_unit *u)
{
	struct hpld *h = u->h;

	if (h->ending)
		return;
	if (!hpl_streq(u->m->name, "catch")) {
		expect_shutdown(h);
		return;
	}
	hpld_report_failure(h, NULL, HPL_MSG_ORCHESTRATOR_CATCH_LOST, 0, 0,
		"the guest is shut down in %llu s", (unsigned long long)grace_ms(h, u) / 1000);
	uv_timer_stop(&h->catch_deadline);
	uv_timer_start(&h->catch_deadline, on_catch_deadline, grace_ms(h, u), 0);
}

/* ---- events of the bus */

/* The first time that a topic is seen is a point in the table of steps. */
static void mark_step(struct hpld *h, const Hpl__Event *ev)
{
	const struct hpl_topic *t = hpl_topic_find(ev->topic);
	size_t n = t ? (size_t)(t - hpl_topics) : 64;

	if (n >= 64 || (h->topics_seen & (1ULL << n)) || !strncmp(ev->topic, "service.", 8))
		return;
	h->topics_seen |= 1ULL << n;
	hpld_step(h, "event", ev->topic, h->started_us, hpl_mono_us());
}

static void on_shutdown(struct hpld *h, const Hpl__Event *ev)
{
	const Hpl__Shutdown *s = ev->payload_case == HPL__EVENT__PAYLOAD_SHUTDOWN ? ev->shutdown : NULL;

	if (hpl_streq(ev->source, "catch"))
		hpld_end(h, !s || s->failure, s && s->reason[0] ? s->reason : "asked for by catch");
}

static void on_outcome(struct hpld *h, enum hpld_phase phase)
{
	if (h->phase != HPLD_BOOTING)
		return;
	h->phase = phase;
	uv_timer_stop(&h->boot_deadline);
	hpld_say_tables(h);
}

static void on_event(void *ud, const Hpl__Event *ev)
{
	struct hpld *h = ud;
	struct hpl_unit *u;

	hpld_journal_event(h, ev);
	mark_step(h, ev);
	if (hpl_streq(ev->topic, HPL_TOPIC_SERVICE_FAILED)) {
		u = hpld_unit(h, ev->source);
		if (u)
			u->said_failed = true;
		expect_shutdown(h);
	} else if (hpl_streq(ev->topic, HPL_TOPIC_SYSTEM_SHUTDOWN)) {
		on_shutdown(h, ev);
	} else if (hpl_streq(ev->topic, HPL_TOPIC_LOGGING_READY)) {
		hpl_sink_enable(&h->sink);
	} else if (hpl_streq(ev->topic, HPL_TOPIC_CATCH_SUCCESS)) {
		on_outcome(h, HPLD_SUCCESS);
	} else if (hpl_streq(ev->topic, HPL_TOPIC_CATCH_FAILURE)) {
		on_outcome(h, HPLD_FAILURE);
	}
}

static void on_ready(void *ud, uint32_t peer)
{
	struct hpl_unit *u = unit_of_peer(ud, peer);

	if (u)
		hpl_unit_on_ready(u);
}

static void on_refused(void *ud, uint32_t peer, uint32_t msg, const char *text)
{
	struct hpld *h = ud;
	struct hpl_unit *u = unit_of_peer(h, peer);
	uint64_t now = hpl_mono_us();

	if (u && hpl_msg_info(msg)->severity == HPL_SEV_ERR) {
		hpl_unit_kill(u, msg, "was ended: %s", text);
		return;
	}
	if (h->refused_said_us && now - h->refused_said_us < REFUSED_SAY_US)
		return;
	h->refused_said_us = now;
	hpld_log(h, HPL_SEV_WARNING, msg, "%s", text);
}

static void on_stuck(void *ud, uint32_t peer)
{
	struct hpl_unit *u = unit_of_peer(ud, peer);

	if (u)
		hpl_unit_kill(u, HPL_MSG_BUS_SUBSCRIBER_STUCK, "does not take its events");
}

static const struct hpl_broker_callbacks broker_callbacks = {
	.event = on_event, .ready = on_ready, .refused = on_refused, .stuck = on_stuck,
};

/* ---- signals and deadlines */

static void on_sigchld(uv_signal_t *signal, int number)
{
	hpld_reap(signal->data);
}

static void on_end_signal(uv_signal_t *signal, int number)
{
	hpld_end(signal->data, false, number == SIGINT ? "asked for by the machine (SIGINT)" :
		"asked for from outside (SIGTERM)");
}

/* Names the services that are not done, because one of them is what all wait for. */
static void on_boot_deadline(uv_timer_t *timer)
{
	struct hpld *h = timer->data;
	char list[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < h->unit_count && n < sizeof(list); i++)
		if (h->units[i].m->lifetime == HPL_ONESHOT && h->units[i].state != HPL_UNIT_DONE)
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s (%s)", n ? ", " : "",
				h->units[i].m->name, hpl_unit_state_name(h->units[i].state));
	hpld_report_failure(h, NULL, HPL_MSG_ORCHESTRATOR_BOOT_DEADLINE, 0, 0,
		"%u s are over; not done: %s", h->profile.boot_deadline_s, n ? list : "none");
	if (!hpld_unit(h, "catch"))
		hpld_end(h, true, "the boot did not come to an end in time");
}

static void init_handles(struct hpld *h)
{
	uv_signal_init(h->loop, &h->sigchld);
	uv_signal_init(h->loop, &h->sigterm);
	uv_signal_init(h->loop, &h->sigint);
	h->sigchld.data = h->sigterm.data = h->sigint.data = h;
	uv_signal_start(&h->sigchld, on_sigchld, SIGCHLD);
	uv_signal_start(&h->sigterm, on_end_signal, SIGTERM);
	uv_signal_start(&h->sigint, on_end_signal, SIGINT);
	uv_timer_init(h->loop, &h->boot_deadline);
	uv_timer_init(h->loop, &h->catch_deadline);
	uv_timer_init(h->loop, &h->end_timer);
	h->boot_deadline.data = h->catch_deadline.data = h->end_timer.data = h;
}

/* ---- start */

static int load(struct hpld *h, struct hpl_err *err)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;

	h->own.name = strdup("hpld");
	if (hpl_profile_load(&h->profile, h->opt.profile, h->opt.manifests, err) < 0)
		return -1;
	/* an image without settings of its own is fine */
	if (access(h->opt.settings, F_OK) == 0) {
		if (hpl_file_read(&text, h->opt.settings, HPL_MANIFEST_BYTES, err) < 0)
			return HPL_WRAP(err, HPL_MSG_ORCHESTRATOR_PROFILE, "settings");
		hpl_buf_str(&text, "");
		if (text.len && hpl_settings_parse(&h->profile, &h->own, h->opt.settings, text.data,
			text.len, err) < 0)
			return -1;
	}
	for (const char *const *s = h->opt.sets; s && *s; s++)
		if (hpl_settings_argument(&h->profile, &h->own, *s, err) < 0)
			return -1;
	return 0;
}

static int make_dirs(struct hpld *h, struct hpl_err *err)
{
	struct stat st;

	snprintf(h->bus_dir, sizeof(h->bus_dir), "%s/bus", h->opt.run);
	snprintf(h->root_dir, sizeof(h->root_dir), "%s/root", h->opt.run);
	snprintf(h->steps_path, sizeof(h->steps_path), "%s/steps.tsv", h->opt.run);
	if (hpl_mkdir_p(h->opt.run, 0755, err) < 0 || hpl_mkdir_p(h->bus_dir, 0700, err) < 0 ||
		hpl_mkdir_p(h->root_dir, 0700, err) < 0)
		return HPL_WRAP(err, HPL_MSG_ORCHESTRATOR_PROFILE, "state directory");
	/* one that was there before must be ours and private, or somebody else could be the bus */
	if (lstat(h->bus_dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, errno, "%s is not a directory of this user",
			h->bus_dir);
	if (chmod(h->bus_dir, 0700) < 0)
		return HPL_FAIL(err, HPL_MSG_ORCHESTRATOR_PROFILE, errno, "cannot close %s", h->bus_dir);
	return 0;
}

/* Services are not root: their group may pass the directory and write to the socket, no one else. */
static int open_bus(struct hpld *h, struct hpl_err *err)
{
	char socket[300];

	if (hpl_broker_new(&h->broker, h->loop, h->bus_dir, &broker_callbacks, h, err) < 0)
		return HPL_WRAP(err, HPL_MSG_BUS_FAILED, "bus");
	if (!h->root)
		return 0;
	snprintf(socket, sizeof(socket), "%s/socket", h->bus_dir);
	if (chown(socket, 0, HPL_BUS_GID) < 0 || chmod(socket, 0660) < 0 ||
		chown(h->bus_dir, 0, HPL_BUS_GID) < 0 || chmod(h->bus_dir, 0710) < 0)
		return HPL_FAIL(err, HPL_MSG_BUS_FAILED, errno, "cannot open the bus to its group");
	return 0;
}

/* "build: 26.11.0" of the image; empty when the image does not say */
static void read_build(char *ret, size_t size)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	const char *at;

	ret[0] = '\0';
	if (hpl_file_read(&text, "/etc/hpl/image.yaml", 65536, NULL) < 0 || !text.data)
		return;
	at = !strncmp(text.data, "build:", 6) ? text.data : strstr(text.data, "\nbuild:");
	if (!at)
		return;
	at = strchr(at, ':') + 1;
	at += strspn(at, " \"'");
	snprintf(ret, size, "%.*s", (int)strcspn(at, "\"'\r\n #"), at);
}

static int publish_boot(struct hpld *h, struct hpl_err *err)
{
	Hpl__Event ev = HPL__EVENT__INIT;
	Hpl__BootInfo boot = HPL__BOOT_INFO__INIT;
	char host[256] = "", build[64];

	gethostname(host, sizeof(host) - 1);
	read_build(build, sizeof(build));
	boot.build = build;
	boot.product = h->profile.name;
	boot.hostname = host;
	boot.started_us = h->started_us;
	ev.topic = (char *)HPL_TOPIC_SYSTEM_BOOT;
	ev.severity = HPL__SEVERITY__SEVERITY_INFO;
	ev.payload_case = HPL__EVENT__PAYLOAD_BOOT;
	ev.boot = &boot;
	return hpl_broker_publish(h->broker, &ev, err);
}

static void start_units(struct hpld *h)
{
	for (size_t i = 0; i < h->profile.services.count; i++) {
		hpl_unit_init(&h->units[i], h, &h->profile.manifests[i]);
		h->unit_count = i + 1;
	}
	for (size_t i = 0; i < h->unit_count; i++)
		hpl_unit_start(&h->units[i]);
}

int hpld_start(struct hpld *h, struct hpl_err *err)
{
	uint64_t at;

	h->started_us = hpl_mono_us();
	init_handles(h);
	hpl_sink_init(&h->sink, h->loop, h->opt.log_socket);
	if (hpl_console_open(&h->console, h->loop, h->opt.console, err) < 0)
		return HPL_WRAP(err, HPL_MSG_ORCHESTRATOR_PROFILE, "console");
	if (load(h, err) < 0 || make_dirs(h, err) < 0 || hpld_journal_open(h, err) < 0)
		return -1;
	if (!h->root)
		hpld_log(h, HPL_SEV_WARNING, HPL_MSG_NONE, "not started by root: users, groups, "
			"capabilities, mount and network namespaces and cgroups of the manifests are not "
			"applied; system call filters, limits and no_new_privs are");
	hpld_step(h, "hpld", "manifests", h->started_us, hpl_mono_us());
	at = hpl_mono_us();
	if (h->root && hpld_make_empty_network(h, err) < 0)
		return -1;
	hpld_step(h, "hpld", "network namespace", at, hpl_mono_us());
	at = hpl_mono_us();
	if (open_bus(h, err) < 0 || publish_boot(h, err) < 0)
		return -1;
	hpld_step(h, "hpld", "bus", at, hpl_mono_us());
	if (h->profile.boot_deadline_s)
		uv_timer_start(&h->boot_deadline, on_boot_deadline,
			(uint64_t)h->profile.boot_deadline_s * 1000, 0);
	at = hpl_mono_us();
	start_units(h);
	hpld_step(h, "hpld", "spawn", at, hpl_mono_us());
	return 0;
}

static void count_closed(void *ud)
{
	*(bool *)ud = true;
}

void hpld_done(struct hpld *h)
{
	bool closed = false;

	for (size_t i = 0; i < h->unit_count; i++)
		hpl_unit_close(&h->units[i]);
	uv_close((uv_handle_t *)&h->sigchld, NULL);
	uv_close((uv_handle_t *)&h->sigterm, NULL);
	uv_close((uv_handle_t *)&h->sigint, NULL);
	uv_close((uv_handle_t *)&h->boot_deadline, NULL);
	uv_close((uv_handle_t *)&h->catch_deadline, NULL);
	uv_close((uv_handle_t *)&h->end_timer, NULL);
	hpl_sink_close(&h->sink);
	hpl_console_close(&h->console);
	if (h->broker)
		hpl_broker_free(h->broker, count_closed, &closed);
	while (uv_run(h->loop, UV_RUN_NOWAIT) && (h->broker ? !closed : false))
		uv_run(h->loop, UV_RUN_ONCE);
	uv_run(h->loop, UV_RUN_NOWAIT);
	if (h->journal)
		fclose(h->journal);
	for (size_t i = 0; i < h->filter_count; i++)
		hpl_buf_done(&h->filters[i].program);
	hpl_profile_done(&h->profile);
	hpl_manifest_done(&h->own);
	if (h->netns_fd >= 0)
		close(h->netns_fd);
}

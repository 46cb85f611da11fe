/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: started by its argument vector, its lines logged as they come, its result judged. */
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "services/container/container.h"

enum { LIST_TIMEOUT_MS = 120000, FOLLOW_MS = 250, DRAIN_MS = 3000 };

#define PODMAN "/usr/bin/podman"

static const char *setting(struct hpl_container *c, const char *name, const char *fallback)
{
	return hpl_service_setting(c->s, name, fallback);
}

static void fail(struct hpl_container *c, const struct hpl_err *err)
{
	hpl_service_fail(c->s, hpl_container_tag_of(c), err);
}

static int add_env(char **envp, size_t *n, const char *name, const char *value)
{
	if (asprintf(&envp[*n], "%s%s%s", name, value ? "=" : "", value ? value : "") < 0) {
		envp[*n] = NULL;
		return -1;
	}
	++*n;
	return 0;
}

/* The engine's whole environment; nothing of the workload's is in it. */
static int make_environment(struct hpl_container *c, struct hpl_err *err)
{
	size_t n = 0;

	if (c->envp)
		return 0;
	c->envp = calloc(16, sizeof(*c->envp));
	if (!c->envp)
		return HPL_OOM(err);
	for (const char *const *e = hpl_engine_environment; *e; e++)
		if (add_env(c->envp, &n, *e, NULL) < 0)
			return HPL_OOM(err);
	if (add_env(c->envp, &n, "HPL_PODMAN", setting(c, "podman", PODMAN)) < 0 ||
		add_env(c->envp, &n, "REGISTRY_AUTH_FILE",
			setting(c, "auth_file", "/root/.docker/config.json")) < 0)
		return HPL_OOM(err);
	return 0;
}

static int spawn(struct hpl_container *c, const char *const *argv, const char *cwd, uint64_t timeout_ms,
	void (*line)(void *ud, const char *text, size_t len, int is_err),
	void (*done)(void *ud, int status, struct hpl_err *err), struct hpl_err *err)
{
	struct hpl_proc p = {.argv = argv, .envp = (const char *const *)c->envp, .cwd = cwd,
		.timeout_ms = (int)timeout_ms};

	return hpl_child_run(c->s, &p, line, done, c, &c->child, err);
}

static enum hpl_msg failed_msg(const struct hpl_container *c)
{
	return c->is_compose ? HPL_MSG_COMPOSE_DOCKER_COMMAND : HPL_MSG_PLAY_POD_STARTUP_FAILED;
}

/* --- the list of containers -------------------------------------------------------------- */

int hpl_container_list_add(struct hpl_container_list *l, const char *line, size_t len, bool compose)
{
	char text[512], state[32], name[128], tag[160];
	char **more;
	size_t n;

	snprintf(text, sizeof(text), "%.*s", (int)len, line); /* the line ends at len, not with NUL */
	/* podman shows a state as "Up 2 seconds ago", "Exited (0) 1 second ago" or "Created" */
	if (sscanf(text, "%127s %*s %31s", name, state) != 2)
		return 0;
	n = strlen(name);
	if (n > 6 && hpl_streq(name + n - 6, "-infra"))
		return 0;
	hpl_container_tag(tag, sizeof(tag), name, compose);
	if (strcasecmp(state, "created") == 0 || strcasecmp(state, "initialized") == 0) {
		if (!l->not_started[0])
			snprintf(l->not_started, sizeof(l->not_started), "%s", tag);
		return 0;
	}
	more = reallocarray(l->tags, l->count + 1, sizeof(*more));
	if (!more)
		return -1;
	l->tags = more;
	l->tags[l->count] = strdup(tag);
	if (!l->tags[l->count])
		return -1;
	l->count++;
	return 0;
}

void hpl_container_list_done(struct hpl_container_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->tags[i]);
	free(l->tags);
	*l = (struct hpl_container_list){0};
}

static void list_line(void *ud, const char *text, size_t len, int is_err)
{
	struct hpl_container *c = ud;

	if (is_err) {
		hpl_engine_tail_add(&c->tail, text, len);
		return;
	}
	hpl_log_tag(HPL_SEV_INFO, hpl_container_tag_of(c), "%.*s", (int)len, text);
	if (hpl_container_list_add(&c->list, text, len, c->is_compose) < 0)
		hpl_engine_tail_add(&c->tail, "out of memory", 13);
}

static int report_started(struct hpl_container *c, struct hpl_err *err)
{
	Hpl__WorkloadState state = HPL__WORKLOAD_STATE__INIT;
	enum hpl_msg msg = HPL_MSG_NONE;

	state.containers = c->list.tags;
	state.n_containers = c->list.count;
	if (c->is_compose) {
		hpl_log_tag(HPL_SEV_INFO, hpl_container_tag_of(c),
			"Container service completed successfully");
	} else {
		msg = HPL_MSG_PLAY_POD_STARTUP_SUCCESSFUL;
		hpl_service_say(c->s, hpl_container_tag_of(c), msg, NULL);
	}
	c->step = HPL_STEP_RUNNING;
	return hpl_service_publish(c->s, HPL_TOPIC_WORKLOAD_STARTED, &state.base, msg, err);
}

static void list_done(void *ud, int status, struct hpl_err *err)
{
	struct hpl_container *c = ud;
	struct hpl_err own = HPL_ERR_NULL;

	c->child = NULL;
	if (c->step != HPL_STEP_LISTING)
		return;
	if (status < 0) {
		HPL_WRAP(err, failed_msg(c), "podman ps");
		fail(c, err);
	} else if (status) {
		hpl_engine_tail_to_err(&c->tail, failed_msg(c), "podman ps", &own);
		fail(c, &own);
	} else if (c->list.not_started[0] || !c->list.count) {
		hpl_engine_tail_to_err(&c->tail, failed_msg(c),
			c->list.count ? c->list.not_started : "no container runs", &own);
		fail(c, &own);
	} else if (report_started(c, &own) < 0) {
		fail(c, &own);
	}
}

static int list_containers(struct hpl_container *c, struct hpl_err *err)
{
	const char *argv[] = {setting(c, "podman", PODMAN), "ps", "--all", "--no-trunc", "--format",
		"{{.Names}} {{.Image}} {{.State}}", NULL};

	c->step = HPL_STEP_LISTING;
	if (c->is_compose)
		hpl_log_tag(HPL_SEV_INFO, hpl_container_tag_of(c), "Docker compose result:");
	return spawn(c, argv, "/", LIST_TIMEOUT_MS, list_line, list_done, err);
}

/* --- the engine ----------------------------------------------------------------------------- */

static const char *shim(struct hpl_container *c)
{
	return setting(c, "shim", "/usr/libexec/hpl/hpl-podman");
}

static void engine_line(void *ud, const char *text, size_t len, int is_err)
{
	struct hpl_container *c = ud;
	_cleanup_buf_ struct hpl_buf log = HPL_BUF_NULL;

	if (is_err)
		hpl_engine_tail_add(&c->tail, text, len);
	if (is_err || !c->is_compose)
		hpl_buf_add(&log, text, len);
	else
		hpl_chatter_line(&c->chatter, shim(c), text, len, &log);
	if (log.len)
		hpl_log_tag(HPL_SEV_INFO, hpl_container_tag_of(c), "%s", log.data);
}

static void engine_done(void *ud, int status, struct hpl_err *err)
{
	struct hpl_container *c = ud;
	struct hpl_err own = HPL_ERR_NULL;
	char what[200];

	c->child = NULL;
	if (c->step != HPL_STEP_STARTING)
		return;
	if (status < 0) {
		HPL_WRAP(err, failed_msg(c), "the container engine");
		fail(c, err);
	} else if (status || c->chatter.failed[0]) {
		if (c->chatter.failed[0])
			snprintf(what, sizeof(what), "%s was not started", c->chatter.failed);
		else
			snprintf(what, sizeof(what), "%s ended with status %d",
				c->is_compose ? "compose" : "podman play kube", status);
		hpl_engine_tail_to_err(&c->tail, failed_msg(c), what, &own);
		fail(c, &own);
	} else if (list_containers(c, &own) < 0) {
		HPL_WRAP(&own, failed_msg(c), "podman ps");
		fail(c, &own);
	}
}

static int start_follow(struct hpl_container *c, struct hpl_err *err)
{
	struct hpl_follow_config config = {
		.dir = setting(c, "store", "/var/lib/containers/storage/overlay-containers"),
		.socket = setting(c, "log_socket", "/run/hpl/log/socket"),
		.compose = c->is_compose,
		.interval_ms = FOLLOW_MS,
	};

	return hpl_follow_new(&c->follow, hpl_service_loop(c->s), &config, err);
}

int hpl_container_run(struct hpl_container *c, struct hpl_err *err)
{
	const char *compose[] = {setting(c, "podman_compose", "/usr/bin/podman-compose"),
		"--podman-path", shim(c), "-p", "compose", "-f", c->compose_name, "up", "-d", "--no-build",
		NULL};
	const char *play[] = {setting(c, "podman", PODMAN), "play", "kube", "--replace", c->play_file,
		NULL};

	c->step = HPL_STEP_STARTING;
	if (make_environment(c, err) < 0 || start_follow(c, err) < 0 ||
		spawn(c, c->is_compose ? compose : play, c->is_compose ? c->compose_dir : c->play_dir,
			c->engine_timeout_ms, engine_line, engine_done, err) < 0)
		return HPL_WRAP(err, failed_msg(c), "cannot start the engine");
	return 0;
}

/* --- the end --------------------------------------------------------------------------------- */

static void drained(void *ud)
{
	struct hpl_container *c = ud;

	hpl_service_done(c->s);
}

static void stop_line(void *ud, const char *text, size_t len, int is_err)
{
	struct hpl_container *c = ud;

	hpl_log_tag(HPL_SEV_INFO, hpl_container_tag_of(c), "%.*s", (int)len, text);
}

static void stop_done(void *ud, int status, struct hpl_err *err)
{
	struct hpl_container *c = ud;

	c->child = NULL;
	if (status)
		hpl_log_tag(HPL_SEV_WARNING, hpl_container_tag_of(c),
			"stopping the containers ended with status %d; going on", status);
	if (c->follow)
		hpl_follow_drain(c->follow, DRAIN_MS, drained, c);
	else
		hpl_service_done(c->s);
}

void hpl_container_stop(struct hpl_container *c)
{
	struct hpl_err err = HPL_ERR_NULL;
	char seconds[24];
	const char *argv[] = {setting(c, "podman", PODMAN), "stop", "--all", "--time", seconds, NULL};
	bool started = c->step >= HPL_STEP_STARTING;

	c->step = HPL_STEP_STOPPING;
	if (!started) {
		hpl_service_done(c->s);
		return;
	}
	if (c->child)
		hpl_child_kill(c->child, SIGKILL);
	snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)c->stop_s);
	hpl_log_tag(HPL_SEV_INFO, hpl_container_tag_of(c), "Stopping workload containers...");
	if (make_environment(c, &err) < 0 ||
		spawn(c, argv, "/", c->stop_s * 1000 + 15000, stop_line, stop_done, &err) < 0)
		stop_done(c, -1, &err);
}
